#include "format/block_json.h"

#include <algorithm>
#include <vector>

#include "format/dissection_json.h"
#include "format/le_bytes.h"

namespace obbak::format {
namespace {

namespace json = boost::json;

int Bit(std::uint64_t word, std::uint64_t mask) { return (word & mask) != 0 ? 1 : 0; }

template <class T>
json::value Number(T value) {
  if constexpr (std::is_signed_v<T>) {
    return JsonNumber(std::int64_t{value});
  } else {
    return JsonNumber(std::uint64_t{value});
  }
}

json::array Numbers(std::span<const std::int64_t> values) {
  json::array array;
  for (const std::int64_t value : values) array.push_back(JsonNumber(value));
  return array;
}

json::object IndexRowJson(const IndexRowValue& value, std::size_t size) {
  json::object row{{"value_header", ToJson(value.header)}, {"value_len", size}};
  if (value.row_offset) row["row_offset"] = Number(*value.row_offset);
  if (value.minor) {
    row["minor_meta"] = {
        {"snapshot_version", Number(value.minor->snapshot_version)},
        {"max_merged_trans_version", Number(value.minor->max_merged_trans_version)},
        {"row_count_delta", Number(value.minor->row_count_delta)}};
  }
  return row;
}

Result<json::object> RowToJson(const FlatRow& row, MicroBlockRole role) {
  std::vector<Datum> cells(row.column_count());
  if (Status status = row.ReadCells(cells); !status) return Fail(std::move(status).error());
  const ByteView bytes = cells.back().bytes();
  json::object out;
  if (role == MicroBlockRole::kIndex) {
    const Result<IndexRowValue> value = DecodeIndexRowValue(bytes);
    if (!value) return Fail(value.error());
    out = IndexRowJson(*value, bytes.size());
  } else {
    const Result<MacroMeta> meta = DecodeMacroMeta(bytes);
    if (!meta) return Fail(meta.error());
    out["meta"] = ToJson(*meta);
    out["value_hex"] = ToHex(bytes);
  }
  const RowFlags flags = row.flags();
  out["row_flag"] = static_cast<int>(flags.dml) | (flags.insert_delete ? 0x80 : 0);
  out["mvcc_flag"] = flags.mvcc.bits;
  json::array key;
  for (const Datum& cell : std::span(cells).first(row.rowkey_count()))
    key.push_back({{"len", cell.size()}, {"hex", ToHex(cell.bytes())}});
  out["key"] = key;
  return out;
}

}  // namespace

json::object ToJson(const MicroBlockHeader& header, std::span<const std::int64_t> checksums) {
  using H = MicroBlockHeader;
  json::object out{{"magic", header.magic},
                   {"version", header.version},
                   {"header_size", header.header_size},
                   {"header_checksum", header.header_checksum},
                   {"column_count", header.column_count},
                   {"rowkey_column_count", header.rowkey_column_count},
                   {"has_column_checksum", Bit(header.flags, H::kHasColumnChecksum)},
                   {"has_string_out_row", Bit(header.flags, H::kHasStringOutRow)},
                   {"all_lob_in_row", Bit(header.flags, H::kAllLobInRow)},
                   {"contains_hash_index", Bit(header.flags, H::kContainsHashIndex)},
                   {"hash_index_offset_from_end",
                    (header.flags >> H::kHashIndexOffsetShift) & H::kHashIndexOffsetMask},
                   {"reserved16", header.flags >> 14},
                   {"row_count", header.row_count},
                   {"row_store_type", static_cast<int>(header.row_store_type)},
                   {"opt", header.opt},
                   {"single_version_rows", Bit(header.opt, H::kSingleVersionRows)},
                   {"contain_uncommitted_rows", Bit(header.opt, H::kContainUncommittedRows)},
                   {"is_last_row_last_flag", Bit(header.opt, H::kIsLastRowLastFlag)},
                   {"var_column_count", header.opt2},
                   {"row_offset", header.row_offset},
                   {"original_length", header.original_length},
                   {"max_merged_trans_version", Number(header.max_merged_trans_version)},
                   {"data_length", header.data_length},
                   {"data_zlength", header.data_zlength},
                   {"data_checksum", Number(header.data_checksum)}};
  if (header.has_column_checksum()) out["column_checksums"] = Numbers(checksums);
  return out;
}

json::object ToJson(const MacroBlockCommonHeader& header) {
  return {{"header_size", header.header_size},
          {"version", header.version},
          {"magic", header.magic},
          {"attr", static_cast<int>(header.attr)},
          {"payload_size", header.payload_size},
          {"payload_checksum", header.payload_checksum}};
}

json::object ToJson(const MacroBlockHeaders& headers) {
  const SstableMacroHeader& header = headers.sstable;
  json::array types;
  for (const ObjMeta& type : headers.column_types) {
    const std::byte bytes[] = {std::byte{static_cast<std::uint8_t>(type.type)},
                               std::byte{type.cs_level}, std::byte{type.cs_type},
                               std::byte{static_cast<std::uint8_t>(type.scale)}};
    types.push_back(json::value(ToHex(bytes)));
  }
  json::array orders;
  for (const std::int32_t order : headers.column_orders) orders.push_back(order);
  return {{"header_size", header.header_size},
          {"version", header.version},
          {"magic", header.magic},
          {"tablet_id", Number(header.tablet_id.value)},
          {"logical_version", Number(header.logical_version)},
          {"data_seq", Number(header.data_seq)},
          {"column_count", header.column_count},
          {"rowkey_column_count", header.rowkey_column_count},
          {"row_store_type", header.row_store_type},
          {"row_count", header.row_count},
          {"occupy_size", header.occupy_size},
          {"micro_block_count", header.micro_block_count},
          {"micro_block_data_offset", header.micro_block_data_offset},
          {"micro_block_data_size", header.micro_block_data_size},
          {"idx_block_offset", header.idx_block_offset},
          {"idx_block_size", header.idx_block_size},
          {"meta_block_offset", header.meta_block_offset},
          {"meta_block_size", header.meta_block_size},
          {"data_checksum", Number(header.data_checksum)},
          {"encrypt_id", Number(header.encrypt_id)},
          {"master_key_id", Number(header.master_key_id)},
          {"compressor_type", static_cast<int>(header.compressor_type)},
          {"encrypt_key", ToHex(header.encrypt_key)},
          {"column_types_hex", types},
          {"column_orders", orders},
          {"column_checksums", Numbers(headers.column_checksums)},
          {"is_normal_cg", headers.is_normal_cg}};
}

json::object ToJson(const MacroBlockId& id) {
  std::byte image[24];
  StoreLe(image, id.first);
  StoreLe(image + 8, id.second);
  StoreLe(image + 16, id.third);
  constexpr std::int64_t kWriteSeqMask = (std::int64_t{1} << 52) - 1;
  return {{"image_hex", ToHex(image)},
          {"write_seq", Number(id.first & kWriteSeqMask)},
          {"first", Number(id.first)},
          {"second", Number(id.second)},
          {"third", Number(id.third)}};
}

json::object ToJson(const IndexRowHeader& header) {
  using H = IndexRowHeader;
  return {{"pack", Number(header.pack)},
          {"version", header.pack & 0xFF},
          {"row_store_type", static_cast<int>(header.row_store_type())},
          {"compressor_type", static_cast<int>(header.compressor_type())},
          {"is_data_index", Bit(header.pack, H::kIsDataIndex)},
          {"is_data_block", Bit(header.pack, H::kIsDataBlock)},
          {"is_leaf_block", Bit(header.pack, H::kIsLeafBlock)},
          {"is_major_node", Bit(header.pack, H::kIsMajorNode)},
          {"is_pre_aggregated", Bit(header.pack, H::kIsPreAggregated)},
          {"is_deleted", Bit(header.pack, H::kIsDeleted)},
          {"contain_uncommitted_row", Bit(header.pack, H::kContainUncommittedRow)},
          {"is_macro_node", Bit(header.pack, H::kIsMacroNode)},
          {"has_string_out_row", Bit(header.pack, H::kHasStringOutRow)},
          {"all_lob_in_row", Bit(header.pack, H::kAllLobInRow)},
          {"macro_id", ToJson(header.macro_id)},
          {"block_offset", header.block_offset},
          {"block_size", header.block_size},
          {"master_key_id", Number(header.master_key_id)},
          {"encrypt_id", Number(header.encrypt_id)},
          {"encrypt_key", ToHex(header.encrypt_key)},
          {"row_count", Number(header.row_count)},
          {"schema_version", Number(header.schema_version)},
          {"macro_block_count", Number(header.macro_block_count)},
          {"micro_block_count", Number(header.micro_block_count)}};
}

json::object ToJson(const MacroMeta& meta) {
  return {{"version", meta.version.value},
          {"length", meta.length.value},
          {"encrypt_key", ToHex(meta.encrypt_key)},
          {"data_checksum", Number(meta.data_checksum)},
          {"rowkey_count", Number(meta.rowkey_count)},
          {"column_count", Number(meta.column_count)},
          {"micro_block_count", Number(meta.micro_block_count)},
          {"occupy_size", Number(meta.occupy_size)},
          {"data_size", Number(meta.data_size)},
          {"data_zsize", Number(meta.data_zsize)},
          {"progressive_merge_round", Number(meta.progressive_merge_round)},
          {"block_offset", Number(meta.block_offset)},
          {"block_size", Number(meta.block_size)},
          {"row_count", Number(meta.row_count)},
          {"row_count_delta", Number(meta.row_count_delta)},
          {"max_merged_trans_version", Number(meta.max_merged_trans_version)},
          {"is_encrypted", meta.is_encrypted ? 1 : 0},
          {"is_deleted", meta.is_deleted ? 1 : 0},
          {"contain_uncommitted_row", meta.contain_uncommitted_row ? 1 : 0},
          {"compressor_type", static_cast<int>(meta.compressor_type)},
          {"master_key_id", Number(meta.master_key_id)},
          {"encrypt_id", Number(meta.encrypt_id)},
          {"row_store_type", static_cast<int>(meta.row_store_type)},
          {"schema_version", Number(meta.schema_version)},
          {"snapshot_version", Number(meta.snapshot_version)},
          {"logic_id",
           {{"data_seq", Number(meta.logic_id.data_seq.value)},
            {"logic_version", Number(meta.logic_id.logic_version)},
            {"tablet_id", Number(meta.logic_id.tablet_id)},
            {"info", Number(meta.logic_id.info)}}},
          {"macro_id", ToJson(meta.macro_id)},
          {"column_checksums", Numbers(meta.column_checksums)},
          {"original_size", Number(meta.original_size)},
          {"has_string_out_row", meta.has_string_out_row ? 1 : 0},
          {"all_lob_in_row", meta.all_lob_in_row ? 1 : 0},
          {"is_last_row_last_flag", meta.is_last_row_last_flag ? 1 : 0},
          {"agg_row_len", meta.aggregates.value.size()}};
}

Result<json::object> MicroBlockToJson(ByteView bytes, const MicroBlockReader& micro,
                                      MicroBlockRole role, std::size_t max_rows) {
  const MicroBlockHeader& header = micro.header();
  json::object out{{"header", ToJson(header, ReadColumnChecksums(header, bytes))}};
  if (role == MicroBlockRole::kData) return out;
  json::array rows;
  for (std::size_t i = 0; i < std::min(micro.row_count(), max_rows); ++i) {
    const Result<FlatRow> row = micro.Row(i);
    if (!row) return Fail(row.error());
    Result<json::object> object = RowToJson(*row, role);
    if (!object) return Fail(std::move(object).error());
    rows.push_back(*std::move(object));
  }
  out["rows"] = rows;
  return out;
}

}  // namespace obbak::format
