// The two headers at the begin of a macro block. docs/spec/macro-block.md §2.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/column.h"
#include "format/compressor.h"
#include "format/field_types.h"
#include "format/ids.h"
#include "format/record_layout.h"

namespace obbak::format {

inline constexpr std::size_t kMacroBlockSize = 2'097'152;
// Macro blocks are written in multiples of this, padded with zeros.
inline constexpr std::size_t kMacroBlockAlignment = 4096;

// ObMacroBlockCommonHeader::MacroBlockType.
enum class MacroBlockType : std::int32_t {
  kNone = 0,
  kSstableData = 1,
  kLinkedBlock = 2,
  kTmpFileData = 3,
  kSstableMacroId = 4,
  kBloomFilterData = 5,
  kSstableIndex = 6,
  kSstableMacroMeta = 7,
  kSharedSstableData = 8,
  kSharedMetaData = 9,
};
constexpr auto EnumNames(MacroBlockType) {
  return std::to_array<NamedValue<MacroBlockType>>(
      {{MacroBlockType::kNone, "NONE"},
       {MacroBlockType::kSstableData, "SSTABLE_DATA"},
       {MacroBlockType::kLinkedBlock, "LINKED_BLOCK"},
       {MacroBlockType::kTmpFileData, "TMP_FILE_DATA"},
       {MacroBlockType::kSstableMacroId, "SSTABLE_MACRO_ID"},
       {MacroBlockType::kBloomFilterData, "BLOOM_FILTER_DATA"},
       {MacroBlockType::kSstableIndex, "SSTABLE_INDEX"},
       {MacroBlockType::kSstableMacroMeta, "SSTABLE_MACRO_META"},
       {MacroBlockType::kSharedSstableData, "SHARED_SSTABLE_DATA"},
       {MacroBlockType::kSharedMetaData, "SHARED_META_DATA"}});
}

// ObMacroBlockCommonHeader.
struct MacroBlockCommonHeader {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedLittleEndian;
  static constexpr std::size_t kSize = 24;
  static constexpr std::int32_t kVersion = 1;
  static constexpr std::int32_t kMagic = 1001;

  std::int32_t header_size = kSize;
  std::int32_t version = kVersion;
  std::int32_t magic = kMagic;
  MacroBlockType attr = MacroBlockType::kNone;
  std::int32_t payload_size = 0;  // without padding
  std::int32_t payload_checksum = 0;

  bool operator==(const MacroBlockCommonHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(MacroBlockCommonHeader, (),
                      (header_size, version, magic, attr, payload_size, payload_checksum))

// Checks the header at the begin of `block` and the payload's checksum. Bytes behind the payload
// are ignored.
Result<MacroBlockCommonHeader> ReadMacroBlockCommonHeader(ByteView block);

// ObSSTableMacroBlockHeader::FixedHeader.
struct SstableMacroHeader {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedLittleEndian;
  static constexpr std::size_t kSize = 128;
  static constexpr std::uint16_t kMagic = 1007;
  // Version 1 lists all columns, version 2 those of the key.
  static constexpr std::uint16_t kVersion = 2;

  std::uint32_t header_size = kSize;  // with the arrays
  std::uint16_t version = kVersion;
  std::uint16_t magic = kMagic;
  TabletId tablet_id;
  std::int64_t logical_version = 0;
  std::int64_t data_seq = 0;
  std::int32_t column_count = 0;
  std::int32_t rowkey_column_count = 0;
  std::int32_t row_store_type = 0;
  std::int32_t row_count = 0;
  std::int32_t occupy_size = 0;
  std::int32_t micro_block_count = 0;
  std::int32_t micro_block_data_offset = 0;
  std::int32_t micro_block_data_size = 0;
  std::int32_t idx_block_offset = 0;
  std::int32_t idx_block_size = 0;
  std::int32_t meta_block_offset = 0;
  std::int32_t meta_block_size = 0;
  std::int64_t data_checksum = 0;
  std::int64_t encrypt_id = 0;
  std::int64_t master_key_id = 0;
  CompressorType compressor_type = CompressorType::kNone;
  std::array<std::byte, 16> encrypt_key{};
  std::array<std::byte, 7> padding{};

  // Columns that the type and order arrays list.
  std::size_t typed_columns() const {
    return static_cast<std::size_t>(version == 1 ? column_count : rowkey_column_count);
  }
  bool operator==(const SstableMacroHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(SstableMacroHeader, (),
                      (header_size, version, magic, tablet_id, logical_version, data_seq,
                       column_count, rowkey_column_count, row_store_type, row_count, occupy_size,
                       micro_block_count, micro_block_data_offset, micro_block_data_size,
                       idx_block_offset, idx_block_size, meta_block_offset, meta_block_size,
                       data_checksum, encrypt_id, master_key_id, compressor_type, encrypt_key,
                       padding))

// Both headers with the arrays behind the second.
struct MacroBlockHeaders {
  MacroBlockCommonHeader common;
  SstableMacroHeader sstable;
  std::vector<ObjMeta> column_types;
  std::vector<std::int32_t> column_orders;  // 0 ascending, -1 descending
  std::vector<std::int64_t> column_checksums;
  bool is_normal_cg = false;
  // Blocks from before 4.2 lack the byte.
  bool has_normal_cg = true;

  // Bytes up to the first micro block.
  static std::size_t SizeFor(std::size_t typed_columns, std::size_t columns) {
    return MacroBlockCommonHeader::kSize + SstableMacroHeader::kSize + 8 * typed_columns +
           8 * columns + 1;
  }
  bool operator==(const MacroBlockHeaders&) const = default;
};

// Reads and checks all headers of an SSTable's macro block (kSstableData, kSstableIndex or
// kSstableMacroMeta; kNotSupported for others), and that everything they point at lies within the
// payload.
Result<MacroBlockHeaders> ReadMacroBlockHeaders(ByteView block);

// The bytes of all headers as they are, checksums included.
Result<Bytes> EncodeMacroBlockHeaders(const MacroBlockHeaders& headers);

}  // namespace obbak::format
