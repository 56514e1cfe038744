// Clog: the commit log of one log stream. docs/spec/clog-and-archive.md §3-§8.
//
// A directory of block files `<block_id>`, 64 MiB each, with the bytes that a server's local clog
// files have: what is appended goes into group entries (format/group_entry_builder.h), one disk
// write per group and one write at a time. So whatever a crash tears is the last group of the log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "engine/env.h"
#include "format/ids.h"
#include "format/lsn.h"
#include "io/task.h"

namespace obbak::format {
struct LogGroup;
struct PalfBaseInfo;
}  // namespace obbak::format

namespace obbak::engine {

class ClogFiles;
class ClogWriter;

struct ClogOptions {
  // The leader's epoch, in each group's header.
  std::int64_t proposal_id = 1;
  // How far ahead of the log its file is written with zeros, so that commits neither grow the file
  // nor convert unwritten extents. A multiple of 4096; 0: not at all.
  std::size_t zero_ahead = std::size_t{4} << 20;
  // AwaitRoom() waits while more bytes than this are appended and not yet durable.
  std::size_t max_backlog = std::size_t{16} << 20;
  // Recycled files that are kept for new blocks; more are removed.
  std::size_t max_spare_files = 2;
  // Where no valid group follows, recovery looks so far for signs that the log goes on, that is:
  // that bytes in its middle are damaged. At least kMaxGroupEntrySize: then any damage inside one
  // group is noticed; more notices larger holes, and costs that much reading whenever a log is
  // opened.
  std::size_t tail_search = std::size_t{16} << 20;
};

// Called for each group of the log in order, padding groups excepted. The group's bytes live until
// the task is done. A failure ends the recovery with that error.
using ClogReplay = std::function<io::Task<Status>(const format::LogGroup& group)>;

// All calls from the loop's thread.
class Clog {
 public:
  struct Appended {
    format::Lsn lsn;      // of the entry: what transaction logs refer to
    format::Lsn end_lsn;  // behind the entry: what to wait for
    format::Scn scn;
  };

  // A new log that continues behind `base`, whose curr_lsn is the start of a block: PalfBaseInfo()
  // with the log stream's create SCN for an empty log stream. The directory must exist, durably,
  // and hold no block file (kEntryExist).
  static io::Task<Result<std::unique_ptr<Clog>>> Create(Env env, std::string dir,
                                                        format::LsId ls_id,
                                                        const format::PalfBaseInfo& base,
                                                        ClogOptions options);

  // Reads the log from `start` on, hands it to `replay`, and makes it ready to be continued.
  // `start` is what BaseInfo() said of the block where replay begins, kept with the checkpoint; so
  // the chain of checksums, log ids and SCNs is checked from the first group on.
  //
  // What a write that never completed left behind the log's end is erased durably. Damage anywhere
  // before the end - or in a file that others follow - fails, with file and offset in the error and
  // no byte changed: kInvalidData, kChecksumError, kFileNotExist. The log may end with groups whose
  // writers were never told that they are durable.
  //
  // `torn_from`: a log that AppendRaw has filled may have lost any of what was written behind
  // there, where WaitDurable had said nothing yet; what does not read as a log is erased like a
  // torn tail. One that ends before is damaged.
  //
  // Needs up to 64 MiB of memory while it runs.
  static io::Task<Result<std::unique_ptr<Clog>>> Open(Env env, std::string dir, format::LsId ls_id,
                                                      const format::PalfBaseInfo& start,
                                                      ClogOptions options, ClogReplay replay,
                                                      format::Lsn torn_from = format::kInvalidLsn);

  Clog(const Clog&) = delete;
  Clog& operator=(const Clog&) = delete;
  // Precondition: Close() is done, and no task waits in one of the calls below.
  ~Clog();

  // Writes what is appended and ends the background work. Append nothing afterwards. Fails like
  // WaitDurable.
  io::Task<Status> Close();

  // Adds an entry to the log; it is written soon, together with whatever else is appended before
  // the writer's turn comes. Its SCN is `lower_bound` or, if that is not above max_scn(), the next
  // one after it. Fails with kSizeOverflow as GroupEntryBuilder does, and with the first write
  // error once the log is broken. Does not wait; who appends much calls AwaitRoom() first.
  Result<Appended> Append(format::Scn lower_bound, ByteView payload);
  // Until the backlog is below its limit, or the log is broken.
  io::Task<Status> AwaitRoom();
  // Until every byte below `end_lsn` is on stable storage. Precondition: end_lsn <=
  // this->end_lsn(). Fails with the first write error, after which nothing becomes durable any
  // more.
  io::Task<Status> WaitDurable(format::Lsn end_lsn);
  // Until durable_end_lsn() is above `lsn`, for who follows the log. Fails as WaitDurable does, and
  // with kCanceled on Close().
  io::Task<Status> WaitBeyond(format::Lsn lsn);

  // Appends a whole group entry as it is, for a log stream that is restored or follows another; the
  // caller has applied format::MarkRawWrite. It is checked first as LogReader does: its chain must
  // continue this log's. Fails with kStateNotMatch when its LSN is not end_lsn(), with kInvalidData
  // or kChecksumError when it is not valid here, and like Append. Afterwards Append continues
  // behind it. `lsn` is the group's. Groups that come while others are being written go to the disk
  // together (see Open, `torn_from`).
  Result<Appended> AppendRaw(const format::LogGroup& group);

  // Behind the last appended entry.
  format::Lsn end_lsn() const;
  // Of the last appended entry.
  format::Scn max_scn() const;
  // Every byte below is on stable storage.
  format::Lsn durable_end_lsn() const;
  // Of the last durable entry.
  format::Scn durable_end_scn() const;
  // Start of the first block that is still there.
  format::Lsn base_lsn() const;

  // Start of the last block whose first entry's SCN is at most `scn`: where a replay from `scn` on
  // begins to read. The first block when none is.
  format::Lsn LocateCoarsely(format::Scn scn) const;
  // The log's state at `block_start`, the start of a block that was begun or read since this log
  // was opened. kEntryNotExist otherwise.
  Result<format::PalfBaseInfo> BaseInfo(format::Lsn block_start) const;

  // Removes the blocks that lie wholly below `keep_from`, or keeps their files for new blocks. The
  // caller's checkpoint at or above `keep_from` must be durable before.
  io::Task<Status> Recycle(format::Lsn keep_from);

 private:
  friend class ClogReader;
  Clog(std::unique_ptr<ClogFiles> files, std::unique_ptr<ClogWriter> writer);

  std::unique_ptr<ClogFiles> files_;
  std::unique_ptr<ClogWriter> writer_;
};

}  // namespace obbak::engine
