// LogReader: checks and splits the log of a log stream, group entry by group entry.
// docs/spec/clog-and-archive.md §4-§8.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "base/result.h"
#include "format/ids.h"
#include "format/log_group.h"
#include "format/log_headers.h"
#include "format/ls_meta_records.h"

namespace obbak::format {

// What the end of the bytes means.
enum class LogMedium {
  // The file's size says how much was written: archive files. Every byte in it was put there by an
  // append.
  kAppended,
  // A file of fixed size that the log grows into: local block files. Behind the log come zeros or,
  // in a file that was used before, the bytes of an older log.
  kPreallocated,
};

// Reads a log stream's log in LSN order, zero-copy. Holds no bytes itself: the caller shows it the
// bytes from lsn() on, as many as it has, and drops those of each group it got.
//
//   LogReader reader(start, LogMedium::kAppended);
//   for (ByteView rest = log; reader.Next(rest, true) == LogReader::Outcome::kGroup;
//        rest = rest.subspan(reader.group().bytes.size())) {
//     for (const LogEntry& entry : reader.group().entries()) ...
//   }
//
// A group is delivered only if every check holds: header (magic, version, parity, ranges, no block
// crossed), each entry's header (magic, version, parity, sizes add up) and payload checksum, the
// accumulated checksum, log_id one higher than before, SCNs strictly increasing across the whole
// log, max_scn equal to the last entry's, committed_end_lsn not above the group's LSN. Not
// protected by the format, so not noticed: the bytes of a padding entry behind its base header.
// When the log before the first group is unknown, that group's log_id and accumulated checksum are
// taken as they are.
//
// What is a tail, where the bytes at lsn() are no valid group:
//
// * The log *goes on* if behind lsn() lies a header that can only belong to a later group of this
//   log: a valid group header whose group stays in this block, whose log_id is higher than that of
//   the group missing at lsn(), by no more than groups fit in between, and whose SCN is higher than
//   the last one read. Then the bytes at lsn() are damage, on every medium: kDamaged.
// * kAppended: it is a torn tail if the bytes end inside the group, that is: what there is of
//   the group's header is right and the group is longer than what is left. Everything else is
//   damage.
// * kPreallocated: it is the end if all further bytes of the block are zero, and otherwise a
//   torn tail.
// * A header of a later format version is never a tail: kDamaged with kNotSupported.
//
// Only the newest file of a log may have a tail. That files are followed by others only the caller
// can know: kEnd before the end of the block, or kTornTail, in a local file with a successor is
// damage.
class LogReader {
 public:
  enum class Outcome {
    kGroup,     // group() is the next one
    kNeedMore,  // nothing can be said before `needed()` bytes are there
    kEnd,       // no byte of a further group
    kTornTail,  // a group that was never completed; error() says what is wrong with it
    kDamaged,   // error() says what is wrong
  };

  // Begins at a group boundary of which nothing is known but the LSN.
  LogReader(Lsn start, LogMedium medium);
  // Continues behind `position`: of another reader or builder, or of a backup's palf_meta.
  LogReader(const PalfBaseInfo& position, LogMedium medium);

  // Reads the group at the front of `data`, whose first byte is at lsn(). `is_all` says that no
  // more bytes exist; bytes behind the end of the block need not be there even so. Only kGroup
  // changes the reader's position, so after kNeedMore, kEnd or kTornTail the caller may come back
  // with more bytes.
  Outcome Next(ByteView data, bool is_all);

  // After kGroup; its bytes are those of `data`.
  const LogGroup& group() const { return group_; }
  // After kNeedMore: how many bytes `data` should have at least. Up to the group's size; on
  // kPreallocated, where a tail is looked for, up to the end of the block.
  std::size_t needed() const { return needed_; }
  // After kTornTail and kDamaged; offset is that in `data`.
  const Error& error() const { return error_; }

  // Where the next group begins.
  Lsn lsn() const { return position_.curr_lsn; }
  // Behind the last group. Without any group and without a known start, all but curr_lsn is
  // meaningless.
  const PalfBaseInfo& position() const { return position_; }

 private:
  Status CheckHeader(const LogGroupEntryHeader& header, GroupHeaderView bytes) const;
  // Checks the entries of a complete group and that it follows the group before it.
  Status CheckBody(const LogGroupEntryHeader& header, ByteView body) const;
  Outcome NeedMore(std::size_t size);
  Outcome Damaged(Error error);
  // The bytes at the front of `data` are no group, because of `error`.
  Outcome NoGroup(ByteView data, bool is_all, bool data_ends_inside, Error error);
  bool GoesOn(ByteView data) const;

  PalfBaseInfo position_;
  // False before the first group of a log whose earlier part is unknown.
  bool chained_;
  LogMedium medium_;
  LogGroup group_;
  std::size_t needed_ = 0;
  Error error_;
};

}  // namespace obbak::format
