// Archiver: copies the tenant's logs into an archive destination, round after round, piece after
// piece. docs/spec/procedures.md §2, docs/spec/clog-and-archive.md §15-§18.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backup/archive_round.h"
#include "base/result.h"
#include "engine/tenant.h"
#include "format/archive_records.h"
#include "format/ids.h"
#include "io/log_archive_dest.h"
#include "io/medium.h"
#include "io/task.h"

namespace obbak::backup {

struct ArchiveOptions {
  // archive_lag_target: the longest time that logs wait to be sent. 0: none.
  std::chrono::milliseconds lag_target{std::chrono::seconds(120)};
  // How often the scheduler looks at the round (§2.3).
  std::chrono::milliseconds checkpoint_interval{std::chrono::seconds(2)};
  // How often the data dictionary is dumped and its dump recorded (§18).
  std::chrono::milliseconds dictionary_interval{std::chrono::minutes(30)};
  // Which intervals SetDest accepts.
  io::PieceSwitchIntervalRange piece_interval;
  // Nothing happens by itself: CatchUp() and the commands do it all. For tests.
  bool background = true;
};

struct LsArchiveStatus {
  format::LsId ls;
  format::PieceId piece;
  ArchiveLsState state = ArchiveLsState::kDoing;
  format::Lsn archived_lsn;  // everything below is in the archive
  format::Scn checkpoint_scn;
};
struct ArchiveStatus {
  bool archive_log_mode = false;
  std::optional<io::LogArchiveDest> dest;
  bool deferred = false;
  std::optional<RoundStatus> round;  // the current one; also when it has stopped
  std::vector<RoundStatus> history;  // ended rounds, oldest first
  std::vector<format::TenantArchivePieceAttr> pieces;
  std::vector<LsArchiveStatus> log_streams;
  // Of the round: what every log stream has in its pieces that are not frozen yet, when it has not
  // stopped.
  std::vector<LsProgress> progress;
};

// One per open tenant. Its state is in the tenant's manifest (backup/catalogue.h), so that it goes
// on where it was, whatever happened: what was written but not recorded is written again, the same
// bytes at the same place.
//
// Lives beside the tenant's own work on the same loop and never holds up a commit; with
// BINDING=MANDATORY log blocks stay until they are archived, otherwise a block that is recycled
// before interrupts the round. A destination that fails is tried again and again; the round is
// interrupted only by what no retry can mend.
class Archiver {
 public:
  // The tenant must outlive it, `media` is kept. Fails when the catalogue cannot be read; a
  // destination that cannot be reached is no reason to fail.
  static io::Task<Result<std::unique_ptr<Archiver>>> Open(engine::Tenant& tenant,
                                                          io::MediumFactory media,
                                                          ArchiveOptions options = {});
  // Close() is done.
  ~Archiver();
  Archiver(const Archiver&) = delete;
  Archiver& operator=(const Archiver&) = delete;
  // Ends the background work, wherever it is. No other call may be under way, nor come later.
  io::Task<Status> Close();

  // ---- The statements of docs/spec/user-surface.md §1.1, with their errors.
  io::Task<Status> SetDest(io::LogArchiveDest dest);  // SET LOG_ARCHIVE_DEST
  io::Task<Status> ClearDest();                       // SET LOG_ARCHIVE_DEST=''
  io::Task<Status> SetDestState(bool enable);         // ENABLE, DEFER
  io::Task<Status> ArchiveLog();                      // ARCHIVELOG
  io::Task<Status> NoArchiveLog();                    // NOARCHIVELOG

  // Does scheduler passes until the round is what the statements above ask for: DOING, SUSPEND or
  // STOP. kLogArchiveInterrupted with the comment; the destination's error when it cannot be
  // reached; kStateNotMatch when a standby would have to receive more before.
  io::Task<Status> AwaitState();
  // Until the round's checkpoint has reached what was committed when this was called; returns at
  // once when no round is DOING. On a standby: what it has received and applied. Fails as
  // AwaitState does.
  io::Task<Status> CatchUp();
  // The same up to `scn`; kStateNotMatch when a standby has not got so far.
  io::Task<Status> CatchUpTo(format::Scn scn);

  ArchiveStatus status() const;
  // For backups: the current round, if it is DOING.
  Result<RoundStatus> DoingRound() const;

 private:
  struct Impl;
  explicit Archiver(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace obbak::backup
