#include "format/group_entry_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>

#include "format/log_base_header.h"

namespace obbak::format {
namespace {

// Entries of one group lie within one such unit of their block.
constexpr std::uint64_t kGroupUnit = std::uint64_t{2} << 20;

constexpr std::size_t kGroupHeader = LogGroupEntryHeader::kSize;
constexpr std::size_t kEntryHeader = LogEntryHeader::kSize;
// What the longest log needs; entries do not join to more. With up to kMinBlockRest bytes on top a
// padding group is still within kMaxGroupEntrySize.
constexpr std::size_t kMaxGroup = kGroupHeader + kEntryHeader + kMaxLogBodySize;
static_assert(kMaxGroup + kMinBlockRest <= kMaxGroupEntrySize);

}  // namespace

GroupEntryBuilder::GroupEntryBuilder(const PalfBaseInfo& position, std::int64_t proposal_id)
    : position_(position), proposal_id_(proposal_id), last_scn_(position.prev_log_info.scn) {}

Lsn GroupEntryBuilder::end_lsn() const {
  return position_.curr_lsn + (sealed_ ? 0 : buffer_.size());
}

GroupEntryBuilder::Room GroupEntryBuilder::RoomFor(std::size_t payload_size) const {
  if (payload_size > kMaxLogBodySize) return Room::kFits;
  const bool open = !sealed_;
  const Lsn begin = end_lsn();
  const std::uint64_t left = BytesLeftInBlock(begin);
  const std::uint64_t needed = (open ? 0 : kGroupHeader) + kEntryHeader + payload_size;
  const Room elsewhere = open ? Room::kSealFirst : Room::kPadFirst;
  if (needed > left) return elsewhere;
  if (needed != left && left - needed < kMinBlockRest) return elsewhere;
  if (!open) return Room::kFits;
  if (buffer_.size() + needed > kMaxGroup) return Room::kSealFirst;
  const std::uint64_t offset = OffsetInBlock(begin);
  const bool same_unit = offset / kGroupUnit == (offset + needed) / kGroupUnit;
  return same_unit ? Room::kFits : Room::kSealFirst;
}

Result<GroupEntryBuilder::Appended> GroupEntryBuilder::Append(Scn lower_bound, ByteView payload) {
  if (payload.empty() || payload.size() > kMaxLogBodySize) {
    return Fail(ErrorCode::kSizeOverflow, fmt::format("a log has 1 to {} bytes, this one {}",
                                                      kMaxLogBodySize, payload.size()));
  }
  if (RoomFor(payload.size()) != Room::kFits) {
    return Fail(ErrorCode::kStateNotMatch, "the log does not fit into the open group");
  }
  const Scn scn{std::max(lower_bound.IsValid() ? lower_bound.value : 0, last_scn_.value + 1)};
  if (!scn.IsValid()) return Fail(ErrorCode::kSizeOverflow, "no SCN is left behind the last one");
  OpenGroup();
  const Lsn lsn = end_lsn();
  AddEntry(scn, payload, 0, 0);
  return Appended{.lsn = lsn, .scn = scn};
}

ByteView GroupEntryBuilder::Seal(Lsn committed_end_lsn) {
  assert(!sealed_);
  return Close(committed_end_lsn, 0);
}

Result<ByteView> GroupEntryBuilder::Pad(Lsn committed_end_lsn) {
  assert(sealed_);
  const std::uint64_t left = BytesLeftInBlock(position_.curr_lsn);
  const std::array<std::byte, LogBaseHeader::kSize> base_header =
      StoreBaseHeader(LogBaseHeader{.log_type = LogBaseType::kPadding});
  const std::size_t frame = kGroupHeader + kEntryHeader + base_header.size();
  if (left < frame || left > kMaxGroupEntrySize) {
    return Fail(
        ErrorCode::kInvalidData,
        fmt::format("the {} bytes up to the end of the block at LSN {} are no padding group", left,
                    position_.curr_lsn.value));
  }
  OpenGroup();
  AddEntry(Scn{last_scn_.value + 1}, base_header, left - frame, kLogFlagPadding);
  data_checksum_ = 0;
  return Close(committed_end_lsn, kLogFlagPadding);
}

void GroupEntryBuilder::OpenGroup() {
  if (!sealed_) return;
  buffer_.resize(kGroupHeader);
  data_checksum_ = 0;
  sealed_ = false;
}

void GroupEntryBuilder::AddEntry(Scn scn, ByteView payload, std::size_t zeros, std::int64_t flag) {
  const LogEntryHeader header{
      .log_size = static_cast<std::int32_t>(payload.size() + zeros),
      .scn = scn,
      .data_checksum = EntryDataChecksum(payload, (flag & kLogFlagPadding) != 0),
      .flag = flag};
  std::array<std::byte, kEntryHeader> stored{};
  StoreHeader(header, stored);
  buffer_.insert(buffer_.end(), stored.begin(), stored.end());
  buffer_.insert(buffer_.end(), payload.begin(), payload.end());
  buffer_.resize(buffer_.size() + zeros);
  data_checksum_ = ChainChecksum(data_checksum_, header.data_checksum);
  last_scn_ = scn;
}

ByteView GroupEntryBuilder::Close(Lsn committed_end_lsn, std::int64_t flag) {
  LogInfo& last = position_.prev_log_info;
  last.log_id += 1;
  last.scn = last_scn_;
  last.lsn = position_.curr_lsn;
  last.log_proposal_id = proposal_id_;
  last.accum_checksum = ChainChecksum(last.accum_checksum, data_checksum_);
  position_.curr_lsn = end_lsn();
  const LogGroupEntryHeader header{
      .group_size = static_cast<std::int32_t>(buffer_.size() - kGroupHeader),
      .proposal_id = proposal_id_,
      .committed_end_lsn = committed_end_lsn,
      .max_scn = last_scn_,
      .accumulated_checksum = last.accum_checksum,
      .log_id = last.log_id,
      .flag = flag};
  StoreHeader(header, std::span(buffer_).first<kGroupHeader>());
  sealed_ = true;
  return buffer_;
}

}  // namespace obbak::format
