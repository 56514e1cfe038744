#include "format/log_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "format/crc32c.h"
#include "format/lsn.h"

namespace obbak::format {
namespace {

constexpr std::size_t kGroupHeader = LogGroupEntryHeader::kSize;
constexpr std::size_t kEntryHeader = LogEntryHeader::kSize;
// Log ids from here up are refused, so that sums below cannot overflow.
constexpr std::int64_t kLogIdLimit = std::int64_t{1} << 62;
constexpr std::int64_t kKnownGroupFlags = kLogFlagParity | kLogFlagPadding | kLogFlagRawWrite;
constexpr std::int64_t kKnownEntryFlags = kLogFlagParity | kLogFlagPadding;

// Errors are built out of line, so that the checks stay small.
[[gnu::cold, gnu::noinline]] std::unexpected<Error> Bad(std::string_view field, std::size_t offset,
                                                        std::string message,
                                                        ErrorCode code = ErrorCode::kInvalidData) {
  return Fail(Error(code, std::move(message)).WithField(std::string(field)).WithOffset(offset));
}

[[gnu::cold, gnu::noinline]] std::unexpected<Error> BadNumber(
    std::string_view field, std::size_t offset, std::int64_t found, std::string_view requirement,
    ErrorCode code = ErrorCode::kInvalidData) {
  return Bad(field, offset, fmt::format("is {}, {}", found, requirement), code);
}

[[gnu::cold, gnu::noinline]] std::unexpected<Error> BadChecksum(std::string_view field,
                                                                std::size_t offset,
                                                                std::int64_t found,
                                                                std::int64_t expected) {
  return Bad(field, offset,
             fmt::format("is {:#x}, the bytes give {:#x}", static_cast<std::uint64_t>(found),
                         static_cast<std::uint64_t>(expected)),
             ErrorCode::kChecksumError);
}

// What holds for a group header on its own (§4), wherever it was found.
bool IsGroupHeader(const LogGroupEntryHeader& header, GroupHeaderView bytes) {
  return header.magic == LogGroupEntryHeader::kMagic &&
         header.version == LogGroupEntryHeader::kHeaderVersion && HasEvenParity(bytes) &&
         header.group_size >= 0 && header.proposal_id != LogGroupEntryHeader::kInvalidProposalId &&
         header.committed_end_lsn != kInvalidLsn && header.max_scn.IsValid() && header.log_id > 0 &&
         header.log_id < kLogIdLimit && (header.flag & ~kKnownGroupFlags) == 0;
}

// Which part of IsGroupHeader does not hold.
[[gnu::cold]] std::unexpected<Error> ExplainGroupHeader(const LogGroupEntryHeader& header,
                                                        GroupHeaderView bytes) {
  if (header.magic != LogGroupEntryHeader::kMagic)
    return Bad("group_header.magic", 0,
               fmt::format("no group entry begins here: {}", ToHex(bytes.first(2))));
  if (header.version != LogGroupEntryHeader::kHeaderVersion) {
    return BadNumber("group_header.version", 2, header.version,
                     "only version 1, that of 4.3.0, can be read",
                     header.version == 2 ? ErrorCode::kNotSupported : ErrorCode::kInvalidData);
  }
  if (!HasEvenParity(bytes))
    return Bad("group_header.flag", 48, "the header has an odd number of one bits",
               ErrorCode::kChecksumError);
  if (header.group_size < 0)
    return BadNumber("group_header.group_size", 4, header.group_size, "must not be negative");
  if (header.proposal_id == LogGroupEntryHeader::kInvalidProposalId)
    return BadNumber("group_header.proposal_id", 8, header.proposal_id, "is the invalid id");
  if (header.committed_end_lsn == kInvalidLsn)
    return Bad("group_header.committed_end_lsn", 16, "is the invalid LSN");
  if (!header.max_scn.IsValid()) return Bad("group_header.max_scn", 24, "is no valid SCN");
  if (header.log_id <= 0)
    return BadNumber("group_header.log_id", 40, header.log_id, "must be above 0");
  if (header.log_id >= kLogIdLimit)
    return BadNumber("group_header.log_id", 40, header.log_id, "no log has so many groups");
  return BadNumber("group_header.flag", 48, header.flag, "has bits that version 1 does not define");
}

// True if what there is of a header can be the beginning of one.
bool IsHeaderStart(ByteView bytes) {
  constexpr std::array kStart = {std::byte{0x47}, std::byte{0x52}, std::byte{0}, std::byte{1}};
  const std::size_t size = std::min(bytes.size(), kStart.size());
  return std::ranges::equal(bytes.first(size), std::span(kStart).first(size));
}

// Entries of one group: what their headers and payloads say about themselves and each other.
class EntryChecker {
 public:
  EntryChecker(bool padding, std::uint64_t least_scn) : padding_(padding), least_scn_(least_scn) {}

  // `body` begins `offset` bytes behind the group's first byte.
  Status Check(ByteView body, std::size_t offset) {
    while (!body.empty()) {
      if (body.size() < kEntryHeader) [[unlikely]] {
        return Bad("entry_header", offset,
                   fmt::format("{} bytes are left in the group, a header has {}", body.size(),
                               kEntryHeader));
      }
      const auto header_bytes = body.first<kEntryHeader>();
      const LogEntryHeader header = LoadEntryHeader(header_bytes);
      if (Status status = CheckHeader(header, header_bytes, body.size(), offset); !status)
          [[unlikely]]
        return status;
      const auto size = static_cast<std::size_t>(header.log_size);
      const std::int64_t checksum =
          EntryDataChecksum(body.subspan(kEntryHeader, size), header.IsPadding());
      if (checksum != header.data_checksum) [[unlikely]]
        return BadChecksum("entry_header.data_checksum", offset + 16, header.data_checksum,
                           checksum);
      data_checksum_ = ChainChecksum(data_checksum_, checksum);
      least_scn_ = header.scn.value + 1;
      ++count_;
      body = body.subspan(kEntryHeader + size);
      offset += kEntryHeader + size;
    }
    return {};
  }

  std::size_t count() const { return count_; }
  // Of the last entry.
  Scn scn() const { return Scn{least_scn_ - 1}; }
  std::int64_t data_checksum() const { return padding_ ? 0 : data_checksum_; }

 private:
  Status CheckHeader(const LogEntryHeader& header, EntryHeaderView bytes, std::size_t available,
                     std::size_t offset) const {
    if (header.magic != LogEntryHeader::kMagic) [[unlikely]]
      return BadNumber("entry_header.magic", offset, header.magic, "no log entry begins here");
    if (header.version != LogEntryHeader::kHeaderVersion) [[unlikely]]
      return BadNumber("entry_header.version", offset + 2, header.version, "must be 1");
    if (!HasEvenParity(bytes)) [[unlikely]]
      return Bad("entry_header.flag", offset + 24, "the header has an odd number of one bits",
                 ErrorCode::kChecksumError);
    if (header.log_size <= 0 ||
        static_cast<std::size_t>(header.log_size) > available - kEntryHeader) [[unlikely]]
      return BadNumber("entry_header.log_size", offset + 4, header.log_size,
                       fmt::format("the group has {} bytes left", available - kEntryHeader));
    if (!header.scn.IsValid() || header.scn.value < least_scn_) [[unlikely]]
      return BadNumber("entry_header.scn", offset + 8, static_cast<std::int64_t>(header.scn.value),
                       "must be a valid SCN above all before it");
    if ((header.flag & ~kKnownEntryFlags) != 0 || header.IsPadding() != padding_) [[unlikely]]
      return BadNumber("entry_header.flag", offset + 24, header.flag,
                       "does not fit the group's flag");
    return {};
  }

  bool padding_;
  std::uint64_t least_scn_;
  std::size_t count_ = 0;
  std::int64_t data_checksum_ = 0;
};

}  // namespace

LogReader::LogReader(Lsn start, LogMedium medium)
    : chained_(false), medium_(medium), error_(ErrorCode::kErrUnexpected, {}) {
  position_.curr_lsn = start;
}

LogReader::LogReader(const PalfBaseInfo& position, LogMedium medium)
    : position_(position), chained_(true), medium_(medium), error_(ErrorCode::kErrUnexpected, {}) {}

LogReader::Outcome LogReader::Next(ByteView data, bool is_all) {
  if (lsn() >= kLsnLimit) {
    return Damaged(Error(ErrorCode::kInvalidData, fmt::format("no log reaches LSN {}", lsn().value))
                       .WithOffset(0));
  }
  const std::uint64_t block_rest = BytesLeftInBlock(lsn());
  if (data.size() >= block_rest) {
    data = data.first(block_rest);
    is_all = true;
  }
  if (data.size() < kGroupHeader) {
    if (!is_all) return NeedMore(std::min<std::uint64_t>(kGroupHeader, block_rest));
    if (data.empty()) return Outcome::kEnd;
    Error error = Bad("group_header", 0,
                      fmt::format("{} bytes are left, a header has {}", data.size(), kGroupHeader))
                      .error();
    return NoGroup(data, is_all, IsHeaderStart(data) && data.size() < block_rest, std::move(error));
  }
  const auto header_bytes = data.first<kGroupHeader>();
  const LogGroupEntryHeader header = LoadGroupHeader(header_bytes);
  if (Status status = CheckHeader(header, header_bytes); !status) [[unlikely]]
    return NoGroup(data, is_all, false, std::move(status).error());
  const std::size_t size = kGroupHeader + static_cast<std::size_t>(header.group_size);
  if (data.size() < size) {
    if (!is_all) return NeedMore(size);
    Error error = BadNumber("group_header.group_size", 4, header.group_size,
                            fmt::format("{} bytes are left", data.size() - kGroupHeader))
                      .error();
    return NoGroup(data, is_all, true, std::move(error));
  }
  if (Status status = CheckBody(header, data.subspan(kGroupHeader, size - kGroupHeader)); !status)
      [[unlikely]]
    return NoGroup(data, is_all, false, std::move(status).error());

  group_ = {.lsn = lsn(), .header = header, .bytes = data.first(size)};
  position_.prev_log_info = {.log_id = header.log_id,
                             .scn = header.max_scn,
                             .lsn = lsn(),
                             .log_proposal_id = header.proposal_id,
                             .accum_checksum = header.accumulated_checksum};
  position_.curr_lsn = group_.end_lsn();
  chained_ = true;
  return Outcome::kGroup;
}

Status LogReader::CheckHeader(const LogGroupEntryHeader& header, GroupHeaderView bytes) const {
  if (!IsGroupHeader(header, bytes)) [[unlikely]]
    return ExplainGroupHeader(header, bytes);
  const std::size_t size = kGroupHeader + static_cast<std::size_t>(header.group_size);
  if (size > kMaxGroupEntrySize || size > BytesLeftInBlock(lsn())) [[unlikely]] {
    return BadNumber(
        "group_header.group_size", 4, header.group_size,
        fmt::format("a group has at most {} bytes and ends with its block, in {} bytes",
                    kMaxGroupEntrySize, BytesLeftInBlock(lsn())));
  }
  if (header.committed_end_lsn > lsn()) [[unlikely]]
    return BadNumber("group_header.committed_end_lsn", 16,
                     static_cast<std::int64_t>(header.committed_end_lsn.value),
                     "must not be above the group's own LSN");
  const std::int64_t expected = position_.prev_log_info.log_id + 1;
  if (chained_ && header.log_id != expected) [[unlikely]]
    return BadNumber("group_header.log_id", 40, header.log_id,
                     fmt::format("the next group is {}", expected));
  return {};
}

Status LogReader::CheckBody(const LogGroupEntryHeader& header, ByteView body) const {
  const LogInfo& before = position_.prev_log_info;
  EntryChecker entries(header.IsPadding(), chained_ ? before.scn.value + 1 : 0);
  if (Status status = entries.Check(body, kGroupHeader); !status) [[unlikely]]
    return status;
  if (header.IsPadding() && entries.count() != 1) [[unlikely]]
    return BadNumber("group_header.flag", 48, header.flag,
                     fmt::format("a padding group has one entry, not {}", entries.count()));
  if (entries.count() > 0 && header.max_scn != entries.scn()) [[unlikely]]
    return BadNumber("group_header.max_scn", 24, static_cast<std::int64_t>(header.max_scn.value),
                     fmt::format("the last entry has {}", entries.scn().value));
  if (!chained_) return {};
  const std::int64_t accumulated = ChainChecksum(before.accum_checksum, entries.data_checksum());
  if (header.accumulated_checksum != accumulated) [[unlikely]]
    return BadChecksum("group_header.accumulated_checksum", 32, header.accumulated_checksum,
                       accumulated);
  return {};
}

LogReader::Outcome LogReader::NeedMore(std::size_t size) {
  needed_ = size;
  return Outcome::kNeedMore;
}

LogReader::Outcome LogReader::Damaged(Error error) {
  error_ = std::move(error);
  return Outcome::kDamaged;
}

LogReader::Outcome LogReader::NoGroup(ByteView data, bool is_all, bool data_ends_inside,
                                      Error error) {
  if (error.code() == ErrorCode::kNotSupported) return Damaged(std::move(error));
  if (medium_ == LogMedium::kAppended) {
    if (!data_ends_inside || GoesOn(data)) return Damaged(std::move(error));
  } else {
    if (!is_all) return NeedMore(BytesLeftInBlock(lsn()));
    const auto used =
        std::ranges::find_if(data, [](std::byte byte) { return byte != std::byte{}; });
    if (used == data.end()) return Outcome::kEnd;
    if (GoesOn(data)) return Damaged(std::move(error));
  }
  error_ = std::move(error);
  return Outcome::kTornTail;
}

bool LogReader::GoesOn(ByteView data) const {
  const LogInfo& last = position_.prev_log_info;
  const std::string_view text = AsText(data);
  for (std::size_t offset = text.find("GR", 1); offset != std::string_view::npos;
       offset = text.find("GR", offset + 1)) {
    if (data.size() - offset < kGroupHeader) return false;
    const auto bytes = data.subspan(offset).first<kGroupHeader>();
    const LogGroupEntryHeader header = LoadGroupHeader(bytes);
    if (!IsGroupHeader(header, bytes)) continue;
    const std::uint64_t end = offset + kGroupHeader + static_cast<std::size_t>(header.group_size);
    if (end > BytesLeftInBlock(lsn())) continue;
    if (!chained_) return true;
    // The group at the front is the one behind `last`, and each further one takes a header at
    // least.
    const std::int64_t first_later = last.log_id + 2;
    const auto most_between = static_cast<std::int64_t>(offset / kGroupHeader);
    if (header.log_id >= first_later && header.log_id < first_later + most_between &&
        header.max_scn > last.scn)
      return true;
  }
  return false;
}

}  // namespace obbak::format
