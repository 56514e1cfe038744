// ObMicroBlockHeader. docs/spec/macro-block.md §3.1, §3.2.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/datum.h"
#include "format/field_types.h"
#include "format/record_layout.h"
#include "format/row_store_type.h"

namespace obbak::format {

// The fixed 64 bytes.
struct MicroBlockHeader {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedLittleEndian;
  static constexpr std::size_t kSize = 64;
  static constexpr std::int16_t kMagic = 1005;
  static constexpr std::int16_t kVersion = 2;
  // Bits of `flags`. Only the first is covered by the header checksum.
  static constexpr std::uint16_t kHasColumnChecksum = 0x1;
  static constexpr std::uint16_t kHasStringOutRow = 0x2;
  static constexpr std::uint16_t kAllLobInRow = 0x4;
  static constexpr std::uint16_t kContainsHashIndex = 0x8;
  static constexpr int kHashIndexOffsetShift = 4;
  static constexpr std::uint16_t kHashIndexOffsetMask = 0x3FF;
  // Bits of `opt` of a flat block.
  static constexpr std::uint8_t kSingleVersionRows = 0x1;
  static constexpr std::uint8_t kContainUncommittedRows = 0x2;
  static constexpr std::uint8_t kIsLastRowLastFlag = 0x4;

  std::int16_t magic = kMagic;
  std::int16_t version = kVersion;
  std::uint32_t header_size = kSize;
  std::int16_t header_checksum = 0;
  std::uint16_t column_count = 0;
  std::uint16_t rowkey_column_count = 0;
  std::uint16_t flags = 0;
  std::uint32_t row_count = 0;
  RowStoreType row_store_type = RowStoreType::kFlat;
  std::uint8_t opt = 0;
  std::uint16_t opt2 = 0;
  std::uint32_t row_offset = 0;  // of the row index, from the begin of the micro block
  std::int32_t original_length = 0;
  std::int64_t max_merged_trans_version = 0;
  std::int32_t data_length = 0;    // of the payload, uncompressed
  std::int32_t data_zlength = 0;   // of the payload as stored
  std::int64_t data_checksum = 0;  // Crc64 of the payload as stored
  std::int64_t reserved = 0;       // a pointer in OceanBase's memory; 0 in files

  bool has_column_checksum() const { return (flags & kHasColumnChecksum) != 0; }
  bool is_compressed() const { return data_length != data_zlength; }
  std::size_t block_size() const { return header_size + static_cast<std::size_t>(data_zlength); }
  bool operator==(const MicroBlockHeader&) const = default;

  // The 16-bit XOR of §3.2 over these fields and the column checksums behind them.
  std::int16_t ComputeChecksum(std::span<const std::int64_t> column_checksums) const;
};
BOOST_DESCRIBE_STRUCT(MicroBlockHeader, (),
                      (magic, version, header_size, header_checksum, column_count,
                       rowkey_column_count, flags, row_count, row_store_type, opt, opt2, row_offset,
                       original_length, max_merged_trans_version, data_length, data_zlength,
                       data_checksum, reserved))

// Reads and checks the header at the begin of `bytes`, which may go on behind the micro block.
// Fails when the header is damaged or the micro block does not end within `bytes`.
Result<MicroBlockHeader> ReadMicroBlockHeader(ByteView bytes);

// The column checksums that follow a header; empty when it has none. Precondition: `bytes` begin
// with `header` as ReadMicroBlockHeader accepted it.
std::vector<std::int64_t> ReadColumnChecksums(const MicroBlockHeader& header, ByteView bytes);

// Checksum of one cell; a column checksum is the wrapping sum over its cells (§3.3).
std::uint64_t CellChecksum(const Datum& cell);

}  // namespace obbak::format
