// LsArchiver: copies the log of one log stream into the pieces of a round.
// docs/spec/procedures.md §2.6, docs/spec/clog-and-archive.md §15.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "backup/archive_rows.h"
#include "backup/catalogue.h"
#include "backup/destination.h"
#include "base/result.h"
#include "dest/dest_store.h"
#include "engine/clog_reader.h"
#include "engine/tenant_core.h"
#include "format/log_group.h"
#include "io/medium.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::backup {

// Where a log stream's part of a round begins: in the first piece, at the start of the log block
// that holds the round's start SCN.
LsProgress FirstProgress(const RoundStatus& round, const engine::LogStream& stream);

// Which logs are to be sent.
enum class SendExtent : std::uint8_t {
  kDue,         // of complete blocks, and those that have waited for the lag target
  kEverything,  // that is durable now
};

// Its state is the log stream's last row of progress. Whole groups are sent, first to the
// destination, durably; then the row is moved on, durably; only then comes anything of the next
// piece. So whatever happens in between, the next attempt sends the same bytes to the same place.
//
// A block that is complete, and of which this piece has nothing yet, is written as a whole object;
// all else is appended. The destination sees either a few MiB at a time; no more is held in memory.
//
//   the round is           this does
//   BEGINNING, DOING       DOING: sends. INTERRUPTED for good when logs were recycled before they
//                          were sent, or the destination holds something else than was sent.
//   SUSPENDING             SUSPEND
//   STOPPING               STOP; what was sent and never recorded is cut off first, and what was
//                          recorded and is not there any more is said to be lost
//   anything else          nothing
class LsArchiver {
 public:
  struct Options {
    std::chrono::milliseconds lag_target{0};
    // Work that takes long ends early, with kCanceled.
    std::stop_token stop;
  };

  // `owner` and what it refers to, the tenant and the log stream must outlive it.
  LsArchiver(engine::TenantCore& core, engine::LogStream& stream, DestinationOwner owner,
             Options options);
  LsArchiver(const LsArchiver&) = delete;
  LsArchiver& operator=(const LsArchiver&) = delete;

  format::LsId ls() const { return stream_.id(); }

  // Does what the round asks for now; one call at a time works, others wait. Fails with what trying
  // again may mend, mostly the destination's errors.
  io::Task<Status> Work(io::Medium& medium, SendExtent extent);

  // Until no Work runs; none begins while the guard lives. Whoever changes the round's state so
  // that sending must end holds it.
  io::Task<io::Mutex::Guard> Pause();

  // With BINDING=MANDATORY the log blocks that are not archived are kept from now on. To be called
  // before anybody can recycle any: when the tenant was opened or a round begins.
  void KeepLog();

 private:
  io::Task<Status> WorkAlone(io::Medium& medium, SendExtent extent);
  // Sees to it that progress_ is of this round.
  io::Task<Status> Follow(const RoundStatus& round);
  io::Task<Status> Record(LsProgress progress);
  io::Task<Status> SetState(ArchiveLsState state);
  io::Task<Status> Interrupt(std::string reason);
  io::Task<Status> Stop(const RoundStatus& round, io::Medium& medium);

  // Everything below is to be sent now.
  format::Lsn SendLimit(SendExtent extent);
  io::Task<Status> Send(const RoundStatus& round, io::Medium& medium, SendExtent extent);
  io::Task<Status> SendUpTo(format::Lsn limit, const RoundStatus& round, io::Medium& medium);
  // What an error of SendUpTo means for the round.
  io::Task<Status> Judge(Error error, const RoundStatus& round, io::Medium& medium);

  // Groups that lie behind each other, in one block and for one piece.
  struct Run {
    format::PieceId piece;
    ByteView bytes;  // none: nothing is there
    format::Lsn end_lsn;
    format::Scn max_scn;
    std::size_t groups = 0;
  };
  // The next run behind what has been taken. Its bytes live until a call after they were taken.
  io::Task<Result<Run>> NextRun(const RoundStatus& round);
  // Of a standby: groups above are there and not applied yet.
  format::Scn ReplayableScn() const;
  void Take(const Run& run) { batch_ = batch_.subspan(run.groups); }
  // Begin again at what is recorded.
  void ForgetReader();

  io::Task<Status> SwitchPiece(const RoundStatus& round, format::PieceId piece);
  io::Task<Status> AppendRun(const Run& run, io::Medium& medium);
  // From `first` on all that belongs to the same file.
  io::Task<Status> WriteWholeFile(Run first, const RoundStatus& round, io::Medium& medium);
  io::Task<Status> FillFile(io::MediumWriter& writer, Run first, const RoundStatus& round,
                            LsProgress& progress);
  // Whether all is there that is recorded.
  io::Task<Result<bool>> CutUnrecorded(const RoundStatus& round, io::Medium& medium);

  void KeepLogOf(const LsProgress& progress);
  bool ShouldYield() const { return waiting_to_pause_ > 0 || options_.stop.stop_requested(); }

  engine::TenantCore& core_;
  engine::LogStream& stream_;
  DestinationOwner owner_;
  ArchiveRows rows_;
  Options options_;

  bool is_mandatory_ = false;
  std::optional<LsProgress> progress_;
  std::optional<engine::ClogReader> reader_;
  // Read and not taken yet.
  std::span<const format::LogGroup> batch_;
  // When the oldest log that is not sent was seen first.
  std::optional<std::chrono::nanoseconds> unsent_since_;

  io::Mutex working_;
  int waiting_to_pause_ = 0;
};

}  // namespace obbak::backup
