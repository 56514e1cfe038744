// ClogWriter: puts a clog's entries into groups and the groups into block files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "engine/clog.h"
#include "engine/clog_files.h"
#include "engine/clog_recovery.h"
#include "engine/env.h"
#include "format/group_entry_builder.h"
#include "format/lsn.h"
#include "io/aligned_bytes.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::engine {

// Entries collect in the open group. The write loop takes one group at a time: the oldest sealed
// one, or the open one as soon as the write before is done. So a lone commit is written in the turn
// after its Append, with whatever else was appended until then, and under load each write carries
// what came during the one before.
//
// Beside it, and only ahead of it, the file is written with zeros and the next file is made ready.
//
// The public methods are Clog's.
class ClogWriter {
 public:
  // `files` must outlive the writer.
  ClogWriter(Env env, ClogFiles& files, const ClogOptions& options, ClogTail tail);
  ClogWriter(const ClogWriter&) = delete;
  ClogWriter& operator=(const ClogWriter&) = delete;

  io::Task<Status> Close();
  Result<Clog::Appended> Append(format::Scn lower_bound, ByteView payload);
  Result<Clog::Appended> AppendRaw(const format::LogGroup& group);
  io::Task<Status> AwaitRoom();
  io::Task<Status> WaitDurable(format::Lsn end_lsn);
  io::Task<Status> WaitBeyond(format::Lsn lsn);

  format::Lsn end_lsn() const { return builder_.end_lsn(); }
  format::Scn max_scn() const { return max_scn_; }
  format::Lsn durable_end_lsn() const { return durable_end_lsn_; }
  format::Scn durable_end_scn() const { return durable_end_scn_; }

 private:
  // A group that is not durable: open, sealed, or being written; or several raw ones.
  struct Pending {
    explicit Pending(io::Loop& loop) : durable(loop) {}

    io::WaitQueue durable;
    // The rest once it is sealed: the pages of the file that it lies in, and what follows from it.
    io::AlignedBytes pages;
    std::size_t size = 0;
    std::size_t used = 0;      // of size: up to the last group's end
    std::uint64_t offset = 0;  // in the file
    format::Lsn end_lsn;
    format::Scn end_scn;
    // Of the first group of a block.
    bool begins_block = false;
    format::Scn first_scn;
    format::PalfBaseInfo base;
    bool is_raw = false;
    bool is_being_written = false;
  };

  bool open() const { return builder_.has_entries(); }
  std::unique_ptr<Pending> NewPending();
  // Closes the open group.
  void Seal();
  // Lays a complete group out in pages. `before` is the log's state at its begin.
  void Lay(Pending& group, const format::PalfBaseInfo& before, ByteView bytes);
  // Whether the raw group at `begin` goes to disk together with the last one.
  bool Joins(format::Lsn begin, std::size_t size) const;
  void Join(ByteView bytes);
  // The group that `end_lsn` lies in or ends.
  Pending& PendingAt(format::Lsn end_lsn);

  io::Task<void> WriteLoop();
  io::Task<Status> Write(Pending& group);
  io::Task<Status> BeginBlock(const Pending& group);
  void Finish(Pending& group);
  // Nothing becomes durable any more.
  void Break(Error error);

  void StartBackgroundWork();
  io::Task<void> ZeroAhead(std::uint64_t target);
  io::Task<void> PrepareNext(std::uint64_t block_id);
  // Until no zeros are being written that reach below `end`; then they never will.
  io::Task<void> ClaimFile(std::uint64_t end);

  Env env_;
  ClogFiles& files_;
  ClogOptions options_;

  format::GroupEntryBuilder builder_;
  format::Scn max_scn_;
  format::Lsn durable_end_lsn_;
  format::Scn durable_end_scn_;
  // The log's bytes of the last page that it reaches into, which the next group's first page begins
  // with.
  Bytes page_;
  // Oldest first; the last is the open group when there is one.
  std::deque<std::unique_ptr<Pending>> pending_;
  // A finished one, for its memory.
  std::unique_ptr<Pending> spare_;

  // The block being written; null before its first group.
  std::unique_ptr<io::File> file_;
  std::uint64_t block_id_;
  std::uint64_t file_end_ = 0;     // of the log
  std::uint64_t written_end_ = 0;  // of what has been written once
  bool zeroing_ = false;           // from written_end_ on
  bool claiming_ = false;          // the write loop waits until zeroing_ is over
  std::optional<std::uint64_t> preparing_;

  std::optional<Error> failure_;
  bool closing_ = false;
  io::WaitQueue work_;
  io::WaitQueue room_;
  io::WaitQueue beyond_;
  io::WaitQueue zeroed_;
  io::TaskGroup tasks_;
};

}  // namespace obbak::engine
