// Macro meta: what is known about one data macro block without reading it.
// docs/spec/macro-block.md §7.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/compressor.h"
#include "format/field_types.h"
#include "format/macro_block_ids.h"
#include "format/record_layout.h"
#include "format/row_store_type.h"

namespace obbak::format {

// Bytes behind their number.
struct CountedBytes {
  Bytes value;
  bool operator==(const CountedBytes&) const = default;
};

// ObDataBlockMetaVal: the last column of a meta row.
struct MacroMeta {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;

  Fixed<std::int32_t> version{1};
  Fixed<std::int32_t> length;  // from `version` to the end; set by EncodeMacroMeta
  std::array<std::byte, 16> encrypt_key{};
  std::int64_t data_checksum = 0;
  std::int64_t rowkey_count = 0;
  std::int64_t column_count = 0;
  std::int64_t micro_block_count = 0;
  std::int64_t occupy_size = 0;
  std::int64_t data_size = 0;   // payloads of the data micro blocks, uncompressed
  std::int64_t data_zsize = 0;  // the same as stored
  std::int64_t progressive_merge_round = 0;
  std::int64_t block_offset = 0;  // of the leaf index micro block
  std::int64_t block_size = 0;
  std::int64_t row_count = 0;
  std::int64_t row_count_delta = 0;
  std::int64_t max_merged_trans_version = 0;
  bool is_encrypted = false;
  bool is_deleted = false;
  bool contain_uncommitted_row = false;
  CompressorType compressor_type = CompressorType::kNone;
  std::int64_t master_key_id = 0;
  std::int64_t encrypt_id = 0;
  RowStoreType row_store_type = RowStoreType::kFlat;
  std::uint64_t schema_version = 0;
  std::int64_t snapshot_version = 0;
  LogicMacroBlockId logic_id;
  MacroBlockId macro_id;
  std::vector<std::int64_t> column_checksums;
  std::int64_t original_size = 0;
  bool has_string_out_row = false;
  bool all_lob_in_row = false;
  bool is_last_row_last_flag = false;
  CountedBytes aggregates;

  bool operator==(const MacroMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(MacroMeta, (),
                      (version, length, encrypt_key, data_checksum, rowkey_count, column_count,
                       micro_block_count, occupy_size, data_size, data_zsize,
                       progressive_merge_round, block_offset, block_size, row_count,
                       row_count_delta, max_merged_trans_version, is_encrypted, is_deleted,
                       contain_uncommitted_row, compressor_type, master_key_id, encrypt_id,
                       row_store_type, schema_version, snapshot_version, logic_id, macro_id,
                       column_checksums, original_size, has_string_out_row, all_lob_in_row,
                       is_last_row_last_flag, aggregates))

// Sets `length`, whatever it was.
Result<Bytes> EncodeMacroMeta(const MacroMeta& meta);
// Checks the rules of §7.1.
Result<MacroMeta> DecodeMacroMeta(ByteView bytes);

// A number of bytes that EncodeMacroMeta does not exceed for one macro block of so many columns,
// without aggregates. Close enough that a macro block wastes little on it.
constexpr std::size_t MaxMacroMetaSize(std::size_t columns, bool has_column_checksums) {
  constexpr std::size_t kFixed = 4 + 4 + 16 + 3 * 8;
  // Varints: of 64 bits, of non-negative 63 bits, of 32 bits, of sizes within a macro block (which
  // are below 2^28) and of flags and enumerations.
  constexpr std::size_t kVarints = 2 * 10 + 7 * 9 + 4 * 5 + 9 * 4 + 11;
  constexpr std::size_t kLogicIdFrame = 6;
  return kFixed + kVarints + kLogicIdFrame + columns * (has_column_checksums ? 10 : 1);
}

}  // namespace obbak::format
