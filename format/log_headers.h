// The headers inside the log: of a group entry and of a log entry. docs/spec/clog-and-archive.md
// §4-§6.
//
// Each is a packed record, described once, and also read and written by the fast Load and Store
// below; the test beside this file ties these to the description.
#pragma once

#include <boost/describe/class.hpp>
#include <boost/endian/conversion.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

#include "base/bytes.h"
#include "format/ids.h"
#include "format/record_layout.h"

namespace obbak::format {

// Bits of the `flag` of group and log entry headers.
inline constexpr std::int64_t kLogFlagParity = 0x1;    // makes the number of one bits even
inline constexpr std::int64_t kLogFlagPadding = 0x2;   // fills a block's rest, carries no log
inline constexpr std::int64_t kLogFlagRawWrite = 0x4;  // group only: written on a restored tenant

// LogGroupEntryHeader (§4): before the log entries of one group, the unit of writing.
struct LogGroupEntryHeader {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedBigEndian;
  static constexpr std::size_t kSize = 56;
  static constexpr std::int16_t kMagic = 0x4752;  // "GR"
  static constexpr std::int16_t kHeaderVersion = 1;
  static constexpr std::int64_t kInvalidProposalId = std::numeric_limits<std::int64_t>::max();

  std::int16_t magic = kMagic;
  std::int16_t version = kHeaderVersion;
  std::int32_t group_size = 0;   // bytes of the entries, without this header
  std::int64_t proposal_id = 0;  // the leader's epoch
  Lsn committed_end_lsn{0};      // what the leader knew to be committed
  Scn max_scn{kMinScn};          // of the last entry
  std::int64_t accumulated_checksum = 0;
  std::int64_t log_id = 0;  // 1, 2, 3, ... by group
  std::int64_t flag = 0;

  bool IsPadding() const { return (flag & kLogFlagPadding) != 0; }
  bool operator==(const LogGroupEntryHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(LogGroupEntryHeader, (),
                      (magic, version, group_size, proposal_id, committed_end_lsn, max_scn,
                       accumulated_checksum, log_id, flag))

// LogEntryHeader (§5): before the payload of one log entry.
struct LogEntryHeader {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedBigEndian;
  static constexpr std::size_t kSize = 32;
  static constexpr std::int16_t kMagic = 0x4C48;  // "LH"
  static constexpr std::int16_t kHeaderVersion = 1;

  std::int16_t magic = kMagic;
  std::int16_t version = kHeaderVersion;
  std::int32_t log_size = 0;  // bytes of the payload
  Scn scn{kMinScn};
  std::int64_t data_checksum = 0;  // Crc64 of the payload; of a padding entry, its first 16 bytes
  std::int64_t flag = 0;

  bool IsPadding() const { return (flag & kLogFlagPadding) != 0; }
  bool operator==(const LogEntryHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(LogEntryHeader, (), (magic, version, log_size, scn, data_checksum, flag))

// Of a padding entry's payload only its base header is covered by the entry's checksum (§6).
inline constexpr std::size_t kPaddingChecksumSize = 16;

using GroupHeaderView = std::span<const std::byte, LogGroupEntryHeader::kSize>;
using EntryHeaderView = std::span<const std::byte, LogEntryHeader::kSize>;

namespace log_headers_detail {

template <class T>
T Load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return boost::endian::big_to_native(value);
}

// One when the number of one bits in all words is odd.
template <std::size_t Size>
std::int64_t OddBits(std::span<const std::byte, Size> header) {
  static_assert(Size % 8 == 0);
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < Size; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, header.data() + at, sizeof(word));
    sum ^= word;
  }
  return __builtin_parityll(sum);
}

}  // namespace log_headers_detail

// The fields as stored, whatever they are; magic, parity and the rest are for the caller to check.
inline LogGroupEntryHeader LoadGroupHeader(GroupHeaderView bytes) {
  using log_headers_detail::Load;
  LogGroupEntryHeader header;
  header.magic = Load<std::int16_t>(bytes.data());
  header.version = Load<std::int16_t>(bytes.data() + 2);
  header.group_size = Load<std::int32_t>(bytes.data() + 4);
  header.proposal_id = Load<std::int64_t>(bytes.data() + 8);
  header.committed_end_lsn = Lsn{Load<std::uint64_t>(bytes.data() + 16)};
  header.max_scn = ScnFromStored(Load<std::uint64_t>(bytes.data() + 24));
  header.accumulated_checksum = Load<std::int64_t>(bytes.data() + 32);
  header.log_id = Load<std::int64_t>(bytes.data() + 40);
  header.flag = Load<std::int64_t>(bytes.data() + 48);
  return header;
}

inline LogEntryHeader LoadEntryHeader(EntryHeaderView bytes) {
  using log_headers_detail::Load;
  LogEntryHeader header;
  header.magic = Load<std::int16_t>(bytes.data());
  header.version = Load<std::int16_t>(bytes.data() + 2);
  header.log_size = Load<std::int32_t>(bytes.data() + 4);
  header.scn = ScnFromStored(Load<std::uint64_t>(bytes.data() + 8));
  header.data_checksum = Load<std::int64_t>(bytes.data() + 16);
  header.flag = Load<std::int64_t>(bytes.data() + 24);
  return header;
}

// `parity_check`: true when the stored header has an even number of one bits, as every header must.
// Notices any odd number of flipped bits.
inline bool HasEvenParity(GroupHeaderView bytes) { return log_headers_detail::OddBits(bytes) == 0; }
inline bool HasEvenParity(EntryHeaderView bytes) { return log_headers_detail::OddBits(bytes) == 0; }

// Write the header with the parity bit set right, whatever `header.flag` has there. Return the flag
// as written.
std::int64_t StoreHeader(LogGroupEntryHeader header,
                         std::span<std::byte, LogGroupEntryHeader::kSize> out);
std::int64_t StoreHeader(LogEntryHeader header, std::span<std::byte, LogEntryHeader::kSize> out);

// The checksum that an entry's header must have.
std::int64_t EntryDataChecksum(ByteView payload, bool padding);

// How checksums chain (§4.1): a group's data checksum starts at 0 and takes in each entry's data
// checksum; the accumulated checksum takes in the data checksum of each group. Both steps are
// Crc64 of the new value's eight little-endian bytes, seeded with the old value. The data checksum
// of a padding group is 0.
std::int64_t ChainChecksum(std::int64_t before, std::int64_t value);
// What accumulates before the first group of a log.
inline constexpr std::int64_t kInitialAccumulatedChecksum = -1;

}  // namespace obbak::format
