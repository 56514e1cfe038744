#include "format/storage_schema.h"

#include <cstdint>
#include <limits>

#include "format/common_header.h"

namespace obbak::format {
namespace {

// First ObTableType that does not exist, and first column id of a user's column.
constexpr std::int32_t kTableTypeEnd = 16;
constexpr std::uint32_t kFirstColumnId = 16;
constexpr std::uint16_t kHiddenColumns = 2;

}  // namespace

void CheckRules(const StorageColumnGroup& group, Rules& rules) {
  rules.Require(group.version == 1, "version", "must be 1");
  rules.Require(IsNamed(group.type), "type", "must be in 0..4");
  const std::size_t listed = group.type == ColumnGroupType::kAllColumns ? 0 : group.column_cnt;
  rules.Require(group.column_idxs.size() == listed, "column_idxs",
                "must have column_cnt elements, or none in a group of all columns");
}

void CheckRules(const StorageSchema& schema, Rules& rules) {
  rules.Require(schema.storage_schema_version == StorageSchema::kVersion3, "storage_schema_version",
                "must be 3");
  rules.Require(schema.schema_version >= 0, "schema_version", "must not be negative");
  rules.Require(schema.column_cnt > 0, "column_cnt", "must be greater than 0");
  rules.Require(schema.tablet_size >= 0, "tablet_size", "must not be negative");
  rules.Require(schema.pctfree >= 0, "pctfree", "must not be negative");
  const auto table_type = static_cast<std::int32_t>(schema.table_type);
  rules.Require(table_type >= 0 && table_type < kTableTypeEnd, "table_type", "must be in 0..15");
  for (std::size_t i = 0; i < schema.rowkey_array.size(); ++i) {
    rules.Require(schema.rowkey_array[i].column_idx != 0,
                  "rowkey_array[" + std::to_string(i) + "].column_idx", "must not be 0");
  }
  const bool complete =
      schema.column_info_simplified()
          ? schema.column_array.empty()
          : static_cast<std::uint64_t>(schema.column_cnt) == schema.column_array.size();
  rules.Require(complete, "column_cnt", "must be the number of columns listed");
  rules.Each("column_group_array", schema.column_group_array);
}

StorageSchema PlainTableSchema(const std::vector<TableColumn>& columns, std::int64_t schema_version,
                               RowStoreType row_store, CompressorType compressor) {
  // crc64 of a NULL default (docs/spec/consistency.md §3.3).
  constexpr std::int64_t kNullDefaultChecksum = 2197175160;
  StorageSchema schema;
  schema.row_store_type = row_store;
  schema.schema_version = schema_version;
  schema.compressor_type = compressor;
  for (const TableColumn& column : columns) {
    const auto index = static_cast<std::uint32_t>(schema.column_array.size());
    StorageColumn& stored = schema.column_array.emplace_back();
    stored.default_checksum = kNullDefaultChecksum;
    stored.meta_type = column.type;
    if (!column.is_rowkey) continue;
    stored.info |= StorageColumn::kIsRowkey;
    schema.rowkey_array.push_back(
        {.info = 0, .column_idx = kFirstColumnId + index, .meta_type = column.type});
  }
  schema.column_cnt = static_cast<std::int64_t>(columns.size());
  schema.store_column_cnt = {schema.column_cnt};
  StorageColumnGroup& group = schema.column_group_array.emplace_back();
  group.compressor_type = compressor;
  group.row_store_type = row_store;
  group.block_size = static_cast<std::int32_t>(schema.block_size);
  group.schema_column_cnt = static_cast<std::uint16_t>(columns.size());
  group.schema_rowkey_column_cnt = static_cast<std::uint16_t>(schema.rowkey_array.size());
  group.rowkey_column_cnt =
      static_cast<std::uint16_t>(group.schema_rowkey_column_cnt + kHiddenColumns);
  group.column_cnt = static_cast<std::uint16_t>(group.schema_column_cnt + kHiddenColumns);
  return schema;
}

void CheckRules(const MediumCompactionInfo& info, Rules& rules) {
  rules.Require(!info.has_parallel_info(), "info", "must not announce a parallel merge plan");
  rules.Nested("storage_schema", info.storage_schema);
}

void CheckRules(const MediumInfoList& list, Rules& rules) {
  rules.Require(list.extra_info != 0 || (list.infos.empty() && list.last_medium_scn == 0),
                "extra_info", "must not be 0 unless the list is empty");
  rules.Each("infos", list.infos);
}

}  // namespace obbak::format
