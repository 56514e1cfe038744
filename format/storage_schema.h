// ObStorageSchema: what a tablet knows of its table - columns, keys, how blocks are written.
// docs/spec/backup-data-files.md §11.1, docs/spec/consistency.md §3.3.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "format/compressor.h"
#include "format/field_types.h"
#include "format/ids.h"
#include "format/obj.h"
#include "format/record_layout.h"
#include "format/row_store_type.h"
#include "format/rules.h"

namespace obbak::format {

// ObTableType.
enum class SchemaTableType : std::int32_t {
  kSystemTable = 0,
  kUserTable = 3,
  kUserIndex = 5,
  kAuxLobPiece = 12,
  kAuxLobMeta = 13,
};
constexpr auto EnumNames(SchemaTableType) {
  return std::to_array<NamedValue<SchemaTableType>>(
      {{SchemaTableType::kSystemTable, "SYSTEM TABLE"},
       {SchemaTableType::kUserTable, "USER TABLE"},
       {SchemaTableType::kUserIndex, "USER INDEX"},
       {SchemaTableType::kAuxLobPiece, "AUX LOB PIECE"},
       {SchemaTableType::kAuxLobMeta, "AUX LOB META"}});
}

// ObStorageRowkeyColumnSchema.
struct StorageRowkeyColumn {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;

  std::uint32_t info = 0;        // bit 0: order, 0 ascending
  std::uint32_t column_idx = 0;  // 16 + index into column_array
  ObjMeta meta_type;
  bool operator==(const StorageRowkeyColumn&) const = default;
};
BOOST_DESCRIBE_STRUCT(StorageRowkeyColumn, (), (info, column_idx, meta_type))

// ObStorageColumnSchema.
struct StorageColumn {
  static constexpr std::uint32_t kIsStored = 1;
  static constexpr std::uint32_t kIsRowkey = 2;
  static constexpr std::uint32_t kIsGenerated = 4;

  std::uint32_t info = kIsStored;
  std::int64_t default_checksum = 0;
  ObjMeta meta_type;
  Obj orig_default_value;
  bool operator==(const StorageColumn&) const = default;
};
BOOST_DESCRIBE_STRUCT(StorageColumn, (), (info, default_checksum, meta_type, orig_default_value))

// ObColumnGroupType.
enum class ColumnGroupType : std::int32_t {
  kDefault = 0,
  kAllColumns = 1,
  kRowkey = 2,
  kSingleColumn = 3,
  kNormal = 4,
};
constexpr auto EnumNames(ColumnGroupType) {
  return std::to_array<NamedValue<ColumnGroupType>>(
      {{ColumnGroupType::kDefault, "DEFAULT_COLUMN_GROUP"},
       {ColumnGroupType::kAllColumns, "ALL_COLUMN_GROUP"},
       {ColumnGroupType::kRowkey, "ROWKEY_COLUMN_GROUP"},
       {ColumnGroupType::kSingleColumn, "SINGLE_COLUMN_GROUP"},
       {ColumnGroupType::kNormal, "NORMAL_COLUMN_GROUP"}});
}

// ObStorageColumnGroupSchema. The counts without "schema" include the two hidden multi-version
// columns, whose numbers in column_idxs are 65534 and 65533.
struct StorageColumnGroup {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;

  std::int8_t version = 1;
  ColumnGroupType type = ColumnGroupType::kAllColumns;
  CompressorType compressor_type = CompressorType::kNone;
  RowStoreType row_store_type = RowStoreType::kFlat;
  std::int32_t block_size = 0;
  std::uint16_t schema_column_cnt = 0;
  std::uint16_t rowkey_column_cnt = 0;
  std::uint16_t schema_rowkey_column_cnt = 0;
  std::uint16_t column_cnt = 0;
  std::vector<std::uint16_t> column_idxs;  // column_cnt of them; none for kAllColumns

  bool operator==(const StorageColumnGroup&) const = default;
};
BOOST_DESCRIBE_STRUCT(StorageColumnGroup, (),
                      (version, type, compressor_type, row_store_type, block_size,
                       schema_column_cnt, rowkey_column_cnt, schema_rowkey_column_cnt, column_cnt,
                       column_idxs))
void CheckRules(const StorageColumnGroup& group, Rules& rules);

// ObSkipIndexAttrWithId.
struct SkipIndexAttr {
  std::uint64_t col_idx = 0;
  Enveloped<std::uint64_t> pack;  // bit 0 min_max, bit 1 sum
  bool operator==(const SkipIndexAttr&) const = default;
};
BOOST_DESCRIBE_STRUCT(SkipIndexAttr, (), (col_idx, pack))

// ObStorageSchema, version 3, without a wrapper. Versions 1 and 2, which 4.3.0.1 only reads, are
// refused.
struct StorageSchema {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;
  static constexpr std::int64_t kVersion3 = 3;
  static constexpr std::int64_t kDefaultTabletSize = 134217728;

  std::int64_t storage_schema_version = kVersion3;
  // [0..7] version, [8..11] compat mode, [12] use bloom filter, [13] columns are left out.
  std::uint32_t info = 0;
  SchemaTableType table_type = SchemaTableType::kUserTable;
  std::int32_t table_mode = 0;
  std::int32_t index_type = 0;
  RowStoreType row_store_type = RowStoreType::kFlat;
  std::int64_t schema_version = 0;  // microseconds
  std::int64_t column_cnt = 0;
  std::int64_t tablet_size = kDefaultTabletSize;
  std::int64_t pctfree = 0;
  std::int64_t block_size = 16384;
  std::int64_t progressive_merge_round = 1;
  std::int64_t progressive_merge_num = 0;
  std::uint64_t master_key_id = ~std::uint64_t{0};
  CompressorType compressor_type = CompressorType::kNone;
  std::string encryption;
  std::string encrypt_key;
  std::vector<StorageRowkeyColumn> rowkey_array;
  std::vector<StorageColumn> column_array;  // empty when the columns are left out
  Fixed<std::int64_t> store_column_cnt;
  std::vector<StorageColumnGroup> column_group_array;
  std::vector<SkipIndexAttr> skip_idx_attr_array;

  bool column_info_simplified() const { return (info >> 13 & 1) != 0; }
  std::uint32_t compat_mode() const { return info >> 8 & 15; }
  bool operator==(const StorageSchema&) const = default;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor&& visitor) {
    visitor("storage_schema_version", self.storage_schema_version);
    visitor("info", self.info);
    visitor("table_type", self.table_type);
    visitor("table_mode", self.table_mode);
    visitor("index_type", self.index_type);
    visitor("row_store_type", self.row_store_type);
    visitor("schema_version", self.schema_version);
    visitor("column_cnt", self.column_cnt);
    visitor("tablet_size", self.tablet_size);
    visitor("pctfree", self.pctfree);
    visitor("block_size", self.block_size);
    visitor("progressive_merge_round", self.progressive_merge_round);
    visitor("progressive_merge_num", self.progressive_merge_num);
    visitor("master_key_id", self.master_key_id);
    visitor("compressor_type", self.compressor_type);
    visitor("encryption", self.encryption);
    visitor("encrypt_key", self.encrypt_key);
    visitor("rowkey_array", self.rowkey_array);
    if (!self.column_info_simplified()) visitor("column_array", self.column_array);
    visitor("store_column_cnt", self.store_column_cnt);
    visitor("column_group_array", self.column_group_array);
    visitor("skip_idx_attr_array", self.skip_idx_attr_array);
  }
};
void CheckRules(const StorageSchema& schema, Rules& rules);

// One column of a table as PlainTableSchema takes it.
struct TableColumn {
  ObjMeta type;
  bool is_rowkey = false;
};

// The schema of a plain row table of a MySQL tenant: all columns stored, keys ascending in column
// order, one group of all columns, NULL defaults.
StorageSchema PlainTableSchema(const std::vector<TableColumn>& columns, std::int64_t schema_version,
                               RowStoreType row_store, CompressorType compressor);

// compaction::ObMediumCompactionInfo without the plan of a parallel merge, which obbak refuses to
// read.
struct MediumCompactionInfo {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;

  // [0..3] compat version, [4..5] compaction type, [6] has a parallel merge plan, ...
  std::uint64_t info = 0;
  std::uint64_t cluster_id = 0;
  std::int64_t medium_snapshot = 0;
  std::uint64_t data_version = 0;
  StorageSchema storage_schema;
  std::int64_t last_medium_snapshot = 0;  // only with compat version 2 and above

  bool has_parallel_info() const { return (info >> 6 & 1) != 0; }
  std::uint64_t compat() const { return info & 15; }
  bool operator==(const MediumCompactionInfo&) const = default;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor&& visitor) {
    visitor("info", self.info);
    visitor("cluster_id", self.cluster_id);
    visitor("medium_snapshot", self.medium_snapshot);
    visitor("data_version", self.data_version);
    visitor("storage_schema", self.storage_schema);
    if (self.compat() >= 2) visitor("last_medium_snapshot", self.last_medium_snapshot);
  }
};
void CheckRules(const MediumCompactionInfo& info, Rules& rules);

// compaction::ObMediumCompactionInfoList as a tablet's meta and its MDS data have it.
struct MediumInfoList {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;

  std::uint64_t extra_info = 1;  // [0..7] compat, [8..11] last type, [12] wait flag; 0: no scn
  std::int64_t last_medium_scn = 0;
  std::vector<MediumCompactionInfo> infos;
  bool operator==(const MediumInfoList&) const = default;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor&& visitor) {
    visitor("extra_info", self.extra_info);
    if (self.extra_info != 0) visitor("last_medium_scn", self.last_medium_scn);
    visitor("infos", self.infos);
  }
};
void CheckRules(const MediumInfoList& list, Rules& rules);

}  // namespace obbak::format
