// Index rows: what the index says about one child block. docs/spec/macro-block.md §6.1.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "format/compressor.h"
#include "format/macro_block_ids.h"
#include "format/record_layout.h"
#include "format/row_store_type.h"

namespace obbak::format {

// ObIndexBlockRowHeader.
struct IndexRowHeader {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedLittleEndian;
  static constexpr std::size_t kSize = 104;
  static constexpr std::uint64_t kVersion = 1;
  // Bits of `pack`; below them version, row store and compressor, a byte each.
  static constexpr std::uint64_t kIsDataIndex = std::uint64_t{1} << 24;
  static constexpr std::uint64_t kIsDataBlock = std::uint64_t{1} << 25;
  static constexpr std::uint64_t kIsLeafBlock = std::uint64_t{1} << 26;
  static constexpr std::uint64_t kIsMajorNode = std::uint64_t{1} << 27;
  static constexpr std::uint64_t kIsPreAggregated = std::uint64_t{1} << 28;
  static constexpr std::uint64_t kIsDeleted = std::uint64_t{1} << 29;
  static constexpr std::uint64_t kContainUncommittedRow = std::uint64_t{1} << 30;
  static constexpr std::uint64_t kIsMacroNode = std::uint64_t{1} << 31;
  static constexpr std::uint64_t kHasStringOutRow = std::uint64_t{1} << 32;
  static constexpr std::uint64_t kAllLobInRow = std::uint64_t{1} << 33;

  std::uint64_t pack = kVersion;
  MacroBlockId macro_id;
  std::int32_t block_offset = 0;  // of the child micro block, in its macro block
  std::int32_t block_size = 0;
  std::int64_t master_key_id = 0;
  std::int64_t encrypt_id = 0;
  std::array<std::byte, 16> encrypt_key{};
  std::uint64_t row_count = 0;  // of the whole subtree, like the next counts
  std::uint64_t schema_version = 0;
  std::uint64_t macro_block_count = 0;
  std::uint64_t micro_block_count = 0;

  bool Has(std::uint64_t bit) const { return (pack & bit) != 0; }
  RowStoreType row_store_type() const { return static_cast<RowStoreType>((pack >> 8) & 0xFF); }
  CompressorType compressor_type() const {
    return static_cast<CompressorType>((pack >> 16) & 0xFF);
  }
  static constexpr std::uint64_t Pack(RowStoreType store, CompressorType compressor,
                                      std::uint64_t bits) {
    return kVersion | static_cast<std::uint64_t>(store) << 8 |
           static_cast<std::uint64_t>(compressor) << 16 | bits;
  }
  bool operator==(const IndexRowHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(IndexRowHeader, (),
                      (pack, macro_id, block_offset, block_size, master_key_id, encrypt_id,
                       encrypt_key, row_count, schema_version, macro_block_count,
                       micro_block_count))

// ObIndexBlockRowMinorMetaInfo.
struct IndexRowMinorMeta {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedLittleEndian;
  static constexpr std::size_t kSize = 24;

  std::int64_t snapshot_version = 0;
  std::int64_t max_merged_trans_version = 0;
  std::int64_t row_count_delta = 0;
  bool operator==(const IndexRowMinorMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(IndexRowMinorMeta, (),
                      (snapshot_version, max_merged_trans_version, row_count_delta))

// The last column of an index row.
struct IndexRowValue {
  IndexRowHeader header;
  // Mini and minor SSTables, in the data tree.
  std::optional<IndexRowMinorMeta> minor;
  // Major and meta major: ordinal of the child's last row, in the macro block for leaf rows, in the
  // SSTable (or the meta tree) above.
  std::optional<std::int64_t> row_offset;

  static constexpr std::size_t kMaxSize = IndexRowHeader::kSize + IndexRowMinorMeta::kSize;
  bool operator==(const IndexRowValue&) const = default;
};

Result<Bytes> EncodeIndexRowValue(const IndexRowValue& value);
// kNotSupported for a row with pre-aggregated columns.
Result<IndexRowValue> DecodeIndexRowValue(ByteView bytes);

}  // namespace obbak::format
