// GroupEntryBuilder: turns logs into the bytes of a log stream's log.
// docs/spec/clog-and-archive.md §4-§7.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "format/ids.h"
#include "format/log_headers.h"
#include "format/ls_meta_records.h"
#include "format/lsn.h"

namespace obbak::format {

// Builds one group entry after the other, each where the one before ended. The caller writes the
// sealed bytes at their LSN.
//
//   switch (builder.RoomFor(payload.size())) {
//     case Room::kPadFirst:  write(builder.Pad(committed));   break;  // a new block begins
//     case Room::kSealFirst: write(builder.Seal(committed));  break;  // maybe then kPadFirst
//     case Room::kFits:      builder.Append(gts, payload);    break;
//   }
class GroupEntryBuilder {
 public:
  enum class Room {
    kFits,       // Append will take it
    kSealFirst,  // not into this group; ask again after Seal
    kPadFirst,   // not into this block; ask again after Pad
  };
  struct Appended {
    Lsn lsn;  // of the entry's header
    Scn scn;
  };

  // Continues the log behind `position`: a LogReader's position(), or PalfBaseInfo() with the
  // log stream's create SCN for a new one.
  GroupEntryBuilder(const PalfBaseInfo& position, std::int64_t proposal_id);

  // Where a log with a payload of this size can go, so that no group crosses a block's end or, with
  // several entries, a 2 MiB boundary inside the block, and that a block's rest is either nothing
  // or enough for a padding group. A payload that Append refuses anywhere fits everywhere.
  Room RoomFor(std::size_t payload_size) const;

  // Adds a log to the open group. Its SCN is `lower_bound` or, if that is not above the last
  // entry's SCN, the next one after it. Fails with kSizeOverflow when the payload is empty or
  // longer than kMaxLogBodySize or SCNs run out, and with kStateNotMatch when RoomFor does not say
  // kFits.
  Result<Appended> Append(Scn lower_bound, ByteView payload);

  // The open group, complete with header and checksums; valid until the next call of Append, Pad or
  // Seal. `committed_end_lsn` is at most the group's own LSN. Precondition: has_entries().
  ByteView Seal(Lsn committed_end_lsn);

  // A group that fills the rest of the block. Fails with kInvalidData when the rest is too small or
  // too large for a padding group, which it never is when RoomFor has said kPadFirst and this
  // builder has filled the block so far. Precondition: no open group.
  Result<ByteView> Pad(Lsn committed_end_lsn);

  bool has_entries() const { return !sealed_; }
  // Behind the last sealed group.
  const PalfBaseInfo& position() const { return position_; }
  // Behind the last appended entry.
  Lsn end_lsn() const;

 private:
  void OpenGroup();
  // Appends an entry to the buffer.
  void AddEntry(Scn scn, ByteView payload, std::size_t zeros, std::int64_t flag);
  ByteView Close(Lsn committed_end_lsn, std::int64_t flag);

  PalfBaseInfo position_;
  std::int64_t proposal_id_;
  Bytes buffer_;  // the open group with room for its header, or the sealed one
  bool sealed_ = true;
  Scn last_scn_;
  std::int64_t data_checksum_ = 0;
};

}  // namespace obbak::format
