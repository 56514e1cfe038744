// Metas of the data dictionary: what a tenant, its databases and tables looked like at one SCN, for
// readers of the log. docs/spec/system-data.md §2.2, §2.3.
//
// They have no envelope and do not hold the tenant's id.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "format/backup_enums.h"
#include "format/field_types.h"
#include "format/ids.h"
#include "format/obj.h"
#include "format/record_layout.h"
#include "format/rules.h"

namespace obbak::format {

inline constexpr std::uint64_t kInvalidId = std::numeric_limits<std::uint64_t>::max();

// ObDictMetaType.
enum class DictMetaType : std::int32_t { kTenant = 1, kDatabase = 2, kTable = 3 };
constexpr auto EnumNames(DictMetaType) {
  return std::to_array<NamedValue<DictMetaType>>({{DictMetaType::kTenant, "TENANT_META"},
                                                  {DictMetaType::kDatabase, "DATABASE_META"},
                                                  {DictMetaType::kTable, "TABLE_META"}});
}

// ObDictMetaStorageType: which part of a meta that may be split over several log entries.
enum class DictMetaStorageType : std::int32_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };
constexpr auto EnumNames(DictMetaStorageType) {
  return std::to_array<NamedValue<DictMetaStorageType>>({{DictMetaStorageType::kFull, "FULL"},
                                                         {DictMetaStorageType::kFirst, "FIRST"},
                                                         {DictMetaStorageType::kMiddle, "MIDDLE"},
                                                         {DictMetaStorageType::kLast, "LAST"}});
}

// ObDictMetaHeader: before each meta or part of one.
struct DictMetaHeader {
  static constexpr std::int32_t kMetaVersion = 3;
  std::int32_t version = kMetaVersion;
  Scn snapshot_scn{kInvalidScn};  // stays so inside a DDL transaction
  DictMetaType meta_type = DictMetaType::kTenant;
  DictMetaStorageType storage_type = DictMetaStorageType::kFull;
  std::int64_t dict_serialized_length = 0;  // of the whole meta, in every part
  bool operator==(const DictMetaHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(DictMetaHeader, (),
                      (version, snapshot_scn, meta_type, storage_type, dict_serialized_length))
void CheckRules(const DictMetaHeader& header, Rules& rules);

// ObTenantStatus, as far as a dictionary has it.
enum class TenantStatus : std::int32_t { kNormal = 0, kRestore = 3 };
constexpr auto EnumNames(TenantStatus) {
  return std::to_array<NamedValue<TenantStatus>>(
      {{TenantStatus::kNormal, "NORMAL"}, {TenantStatus::kRestore, "RESTORE"}});
}

// ObDictTenantMeta.
struct DictTenantMeta {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;
  std::int64_t schema_version = 0;
  std::string tenant_name;
  CompatMode compatibility_mode = CompatMode::kMysql;
  TenantStatus tenant_status = TenantStatus::kNormal;
  std::int32_t charset_type = 0;
  std::int32_t collation_type = 0;
  std::int64_t drop_tenant_time = -1;
  bool in_recyclebin = false;
  std::vector<LsId> ls_arr;  // empty inside a DDL transaction
  bool operator==(const DictTenantMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(DictTenantMeta, (),
                      (schema_version, tenant_name, compatibility_mode, tenant_status, charset_type,
                       collation_type, drop_tenant_time, in_recyclebin, ls_arr))

// ObDictDatabaseMeta.
struct DictDatabaseMeta {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;
  std::uint64_t database_id = kInvalidId;
  std::int64_t schema_version = 0;
  std::string database_name;
  std::int32_t charset_type = 0;
  std::int32_t collation_type = 0;
  std::int32_t name_case_mode = -1;
  bool in_recyclebin = false;
  bool operator==(const DictDatabaseMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(DictDatabaseMeta, (),
                      (database_id, schema_version, database_name, charset_type, collation_type,
                       name_case_mode, in_recyclebin))

// ObAccuracy: three numbers in one word; -1 is "not set", each and all together.
struct AccuracyTag : IdTag<std::int64_t, IdEncoding::kVarint64, -1> {
  static std::string Text(std::int64_t raw);
};
using Accuracy = StrongId<AccuracyTag>;
constexpr std::int32_t LengthOf(Accuracy accuracy) {
  return static_cast<std::int32_t>(accuracy.value);
}
// Of numbers the precision, of strings the length's unit: 1 characters, 2 bytes.
constexpr std::int16_t PrecisionOf(Accuracy accuracy) {
  return static_cast<std::int16_t>(accuracy.value >> 32);
}
constexpr std::int16_t ScaleOf(Accuracy accuracy) {
  return static_cast<std::int16_t>(accuracy.value >> 48);
}
constexpr Accuracy MakeAccuracy(std::int32_t length, std::int16_t precision, std::int16_t scale) {
  return Accuracy{static_cast<std::int64_t>(
      static_cast<std::uint64_t>(static_cast<std::uint32_t>(length)) |
      static_cast<std::uint64_t>(static_cast<std::uint16_t>(precision)) << 32 |
      static_cast<std::uint64_t>(static_cast<std::uint16_t>(scale)) << 48)};
}

// ObDictColumnMeta.
struct DictColumnMeta {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;
  // Bits of column_properties.
  static constexpr std::uint32_t kNullable = 1;
  static constexpr std::uint32_t kZeroFill = 2;
  static constexpr std::uint32_t kAutoIncrement = 4;
  static constexpr std::uint32_t kHidden = 8;
  static constexpr std::uint32_t kPartitionKey = 16;

  std::uint64_t column_id = kInvalidId;
  std::string column_name;
  std::int64_t rowkey_position = 0;  // 1, 2, ...; 0: not part of the key
  std::int64_t index_position = 0;
  ObjMeta meta_type;
  Accuracy accuracy;
  std::uint32_t column_properties = 0;
  std::int64_t column_flags = 0;
  std::int32_t charset_type = 0;
  std::int32_t collation_type = 0;
  Obj orig_default_value;
  Obj cur_default_value;
  std::vector<std::string> extended_type_info;  // values of ENUM and SET
  std::vector<std::uint64_t> column_ref_ids;    // columns that a generated column is made of
  std::uint64_t udt_set_id = 0;
  std::uint64_t sub_type = 0;
  bool operator==(const DictColumnMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(DictColumnMeta, (),
                      (column_id, column_name, rowkey_position, index_position, meta_type, accuracy,
                       column_properties, column_flags, charset_type, collation_type,
                       orig_default_value, cur_default_value, extended_type_info, column_ref_ids,
                       udt_set_id, sub_type))

// ObRowkeyColumn and ObIndexColumn.
struct DictKeyColumn {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;
  std::int64_t length = 0;
  std::uint64_t column_id = kInvalidId;
  ObjMeta type;
  std::int32_t order = 0;  // 0: ascending
  bool operator==(const DictKeyColumn&) const = default;
};
BOOST_DESCRIBE_STRUCT(DictKeyColumn, (), (length, column_id, type, order))

// ObDictTableMeta. Columns and rowkey columns are filled for user tables only, index columns for
// unique index tables only.
struct DictTableMeta {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;
  static constexpr std::int32_t kUserTable = 3;
  static constexpr std::int32_t kUserIndex = 5;

  std::uint64_t database_id = kInvalidId;
  std::uint64_t table_id = kInvalidId;
  std::int64_t schema_version = 0;
  std::string table_name;
  std::int32_t name_case_mode = -1;
  std::int32_t table_type = kUserTable;  // ObTableType
  std::int32_t table_mode = 0;           // ObTableMode, raw
  std::int32_t charset_type = 0;
  std::int32_t collation_type = 0;
  std::vector<TabletId> tablet_id_arr;
  std::uint64_t aux_lob_meta_tid = kInvalidId;
  std::uint64_t aux_lob_piece_tid = kInvalidId;
  std::uint64_t max_used_column_id = 0;
  std::vector<std::uint64_t> column_id_arr_order_by_table_def;
  std::vector<std::uint64_t> unique_index_tid_arr;
  std::int32_t index_type = 0;
  std::uint64_t data_table_id = 0;
  std::uint64_t association_table_id = kInvalidId;
  std::vector<DictColumnMeta> columns;
  std::vector<DictKeyColumn> rowkey_columns;
  std::vector<DictKeyColumn> index_columns;
  bool operator==(const DictTableMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(DictTableMeta, (),
                      (database_id, table_id, schema_version, table_name, name_case_mode,
                       table_type, table_mode, charset_type, collation_type, tablet_id_arr,
                       aux_lob_meta_tid, aux_lob_piece_tid, max_used_column_id,
                       column_id_arr_order_by_table_def, unique_index_tid_arr, index_type,
                       data_table_id, association_table_id, columns, rowkey_columns, index_columns))

// One meta of any type.
using DictMeta = std::variant<DictTenantMeta, DictDatabaseMeta, DictTableMeta>;
DictMetaType TypeOf(const DictMeta& meta);

}  // namespace obbak::format
