#include "engine/system_table_columns.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <string>

namespace obbak::engine {
namespace {

// A column's words, to be nested: Default(Nullable(Int("x")), 1).
constexpr SystemColumn Typed(std::string_view name, SystemType type, std::int32_t length = -1) {
  return {.name = name, .type = type, .length = length};
}
constexpr SystemColumn Int(std::string_view name) { return Typed(name, SystemType::kInt); }
constexpr SystemColumn UInt(std::string_view name) { return Typed(name, SystemType::kUInt); }
constexpr SystemColumn TinyInt(std::string_view name) { return Typed(name, SystemType::kTinyInt); }
constexpr SystemColumn LongText(std::string_view name) {
  return Typed(name, SystemType::kLongText);
}
constexpr SystemColumn Varchar(std::string_view name, std::int32_t length) {
  return Typed(name, SystemType::kVarchar, length);
}
constexpr SystemColumn Varbinary(std::string_view name, std::int32_t length) {
  return Typed(name, SystemType::kVarbinary, length);
}
constexpr SystemColumn Key(SystemColumn column) {
  column.is_key = true;
  return column;
}
constexpr SystemColumn Nullable(SystemColumn column) {
  column.nullable = true;
  return column;
}
constexpr SystemColumn Default(SystemColumn column, std::int64_t number) {
  column.default_value = {.kind = SystemDefault::Kind::kNumber, .number = number, .text = {}};
  return column;
}
constexpr SystemColumn Default(SystemColumn column, std::string_view text) {
  column.default_value = {.kind = SystemDefault::Kind::kText, .number = 0, .text = text};
  return column;
}

constexpr auto kCoreTableColumns = std::to_array<SystemColumn>({
    Key(Varchar("table_name", 128)),
    Key(Int("row_id")),
    Key(Varchar("column_name", 128)),
    Nullable(Varchar("column_value", 65536)),
});

constexpr auto kTableColumns = std::to_array<SystemColumn>({
    Key(Int("tenant_id")),
    Key(Int("table_id")),
    Default(Varchar("table_name", 256), ""),
    Int("database_id"),
    Int("table_type"),
    Int("load_type"),
    Int("def_type"),
    Int("rowkey_column_num"),
    Int("index_column_num"),
    Int("max_used_column_id"),
    Int("autoinc_column_id"),
    Default(Nullable(UInt("auto_increment")), 1),
    Int("read_only"),
    Int("rowkey_split_pos"),
    Varchar("compress_func_name", 256),
    Varchar("expire_condition", 4096),
    Int("is_use_bloomfilter"),
    Default(Varchar("comment", 4096), ""),
    Int("block_size"),
    Int("collation_type"),
    Nullable(Int("data_table_id")),
    Int("index_status"),
    Int("tablegroup_id"),
    Int("progressive_merge_num"),
    Int("index_type"),
    Int("part_level"),
    Int("part_func_type"),
    Varchar("part_func_expr", 4096),
    Int("part_num"),
    Int("sub_part_func_type"),
    Varchar("sub_part_func_expr", 4096),
    Int("sub_part_num"),
    Int("schema_version"),
    LongText("view_definition"),
    Int("view_check_option"),
    Int("view_is_updatable"),
    Default(Int("index_using_type"), 0),
    Nullable(Varchar("parser_name", 128)),
    Default(Nullable(Int("index_attributes_set")), 0),
    Default(Int("tablet_size"), 134217728),
    Default(Int("pctfree"), 10),
    Default(Nullable(Int("partition_status")), 0),
    Default(Nullable(Int("partition_schema_version")), 0),
    Default(Nullable(Int("session_id")), 0),
    Default(Varchar("pk_comment", 4096), ""),
    Default(Nullable(Int("sess_active_time")), 0),
    Default(Nullable(Varchar("row_store_type", 128)), "encoding_row_store"),
    Default(Nullable(Varchar("store_format", 128)), ""),
    Default(Nullable(Int("duplicate_scope")), 0),
    Default(Nullable(Int("progressive_merge_round")), 0),
    Default(Nullable(Int("storage_format_version")), 2),
    Default(Int("table_mode"), 0),
    Default(Nullable(Varchar("encryption", 128)), ""),
    Default(Int("tablespace_id"), -1),
    Default(Int("sub_part_template_flags"), 0),
    Default(Int("dop"), 1),
    Default(Int("character_set_client"), 0),
    Default(Int("collation_connection"), 0),
    Default(Int("auto_part_size"), -1),
    Default(TinyInt("auto_part"), 0),
    Default(Int("association_table_id"), -1),
    Default(Int("tablet_id"), 0),
    Default(Int("max_dependency_version"), -1),
    Default(Int("define_user_id"), -1),
    Nullable(Varchar("transition_point", 4096)),
    Nullable(Varchar("b_transition_point", 8192)),
    Nullable(Varchar("interval_range", 4096)),
    Nullable(Varchar("b_interval_range", 8192)),
    Default(Int("object_status"), 1),
    Default(Int("table_flags"), 0),
    Default(Int("truncate_version"), -1),
    Nullable(Varbinary("external_file_location", 1048576)),
    Nullable(Varbinary("external_file_location_access_info", 1048576)),
    Nullable(Varbinary("external_file_format", 1048576)),
    Nullable(Varbinary("external_file_pattern", 1048576)),
    Default(Varchar("ttl_definition", 4096), ""),
    Default(Varchar("kv_attributes", 4096), ""),
    Default(Int("name_generated_type"), 0),
    Default(Int("lob_inrow_threshold"), 4096),
    Default(Int("max_used_column_group_id"), 1000),
    Default(Int("column_store"), 0),
    Default(Int("auto_increment_cache_size"), 0),
});

constexpr auto kColumnColumns = std::to_array<SystemColumn>({
    Key(Int("tenant_id")),
    Key(Int("table_id")),
    Key(Int("column_id")),
    Default(Varchar("column_name", 128), ""),
    Default(Int("rowkey_position"), 0),
    Int("index_position"),
    Int("order_in_rowkey"),
    Int("partition_key_position"),
    Int("data_type"),
    Int("data_length"),
    Nullable(Int("data_precision")),
    Nullable(Int("data_scale")),
    Int("zero_fill"),
    Int("nullable"),
    Int("on_update_current_timestamp"),
    Int("autoincrement"),
    Default(Int("is_hidden"), 0),
    Int("collation_type"),
    Nullable(Varchar("orig_default_value", 262144)),
    Nullable(Varchar("cur_default_value", 262144)),
    Nullable(LongText("comment")),
    Int("schema_version"),
    Default(Int("column_flags"), 0),
    Default(Int("prev_column_id"), -1),
    Nullable(Varbinary("extended_type_info", 1048576)),
    Nullable(Varbinary("orig_default_value_v2", 262144)),
    Nullable(Varbinary("cur_default_value_v2", 262144)),
    Default(Int("srs_id"), -32),
    Default(Int("udt_set_id"), 0),
    Default(Int("sub_data_type"), 0),
    Default(Int("skip_index_attr"), 0),
    Default(Int("lob_chunk_size"), 262144),
    Nullable(LongText("local_session_vars")),
});

constexpr auto kDdlOperationColumns = std::to_array<SystemColumn>({
    Key(Int("schema_version")),
    Int("tenant_id"),
    Int("user_id"),
    Int("database_id"),
    Varchar("database_name", 128),
    Int("tablegroup_id"),
    Int("table_id"),
    Varchar("table_name", 256),
    Int("operation_type"),
    LongText("ddl_stmt_str"),
    Default(Int("exec_tenant_id"), 1),
});

constexpr auto kDatabaseColumns = std::to_array<SystemColumn>({
    Key(Int("tenant_id")),
    Key(Int("database_id")),
    Default(Varchar("database_name", 128), ""),
    Int("collation_type"),
    Varchar("comment", 2048),
    Int("read_only"),
    Default(Int("default_tablegroup_id"), -1),
    Default(Int("in_recyclebin"), 0),
});

constexpr auto kSysVariableColumns = std::to_array<SystemColumn>({
    Key(Int("tenant_id")),
    Key(Varchar("zone", 128)),
    Default(Key(Varchar("name", 128)), ""),
    Int("data_type"),
    Nullable(Varchar("value", 65536)),
    Varchar("info", 4096),
    Int("flags"),
    Default(Varchar("min_val", 65536), ""),
    Default(Varchar("max_val", 65536), ""),
});

constexpr auto kSysStatColumns = std::to_array<SystemColumn>({
    Key(Int("tenant_id")),
    Key(Varchar("zone", 128)),
    Key(Varchar("name", 128)),
    Int("data_type"),
    Varchar("value", 65536),
    Varchar("info", 4096),
});

constexpr auto kTabletToLsColumns = std::to_array<SystemColumn>({
    Key(Int("tablet_id")),
    Int("ls_id"),
    Int("table_id"),
    Default(Int("transfer_seq"), 0),
});

constexpr auto kLsColumns = std::to_array<SystemColumn>({
    Key(Int("ls_id")),
    Int("ls_group_id"),
    Varchar("status", 100),
    Varchar("flag", 2048),
    UInt("create_scn"),
});

constexpr auto kTabletToTableHistoryColumns = std::to_array<SystemColumn>({
    Key(Int("tenant_id")),
    Key(Int("tablet_id")),
    Key(Int("schema_version")),
    Int("table_id"),
    Int("is_deleted"),
});

constexpr auto kFreezeInfoColumns = std::to_array<SystemColumn>({
    Key(UInt("frozen_scn")),
    Int("cluster_version"),
    Int("schema_version"),
});

constexpr auto kDataDictionaryInLogColumns = std::to_array<SystemColumn>({
    Key(UInt("snapshot_scn")),
    UInt("start_lsn"),
    UInt("end_lsn"),
});

std::vector<SystemColumn> Columns(std::span<const SystemColumn> columns) {
  return {columns.begin(), columns.end()};
}

// A history has the base table's key and the schema version of the change as key, says whether it
// was a deletion, and what the row was; its version is not repeated.
std::vector<SystemColumn> HistoryColumns(std::span<const SystemColumn> base) {
  std::vector<SystemColumn> columns;
  std::ranges::copy_if(base, std::back_inserter(columns), &SystemColumn::is_key);
  columns.push_back(Key(Int("schema_version")));
  columns.push_back(Int("is_deleted"));
  for (const SystemColumn& column : base) {
    if (column.is_key || column.name == "schema_version") continue;
    columns.push_back(Nullable(column));
  }
  return columns;
}

std::vector<SystemTableDescription> AllDescriptions() {
  using enum SystemTable;
  return {
      {kCoreTable, "__all_core_table", Columns(kCoreTableColumns)},
      {kTable, "__all_table", Columns(kTableColumns)},
      {kColumn, "__all_column", Columns(kColumnColumns)},
      {kDdlOperation, "__all_ddl_operation", Columns(kDdlOperationColumns)},
      {kDatabase, "__all_database", Columns(kDatabaseColumns)},
      {kDatabaseHistory, "__all_database_history", HistoryColumns(kDatabaseColumns)},
      {kTableHistory, "__all_table_history", HistoryColumns(kTableColumns)},
      {kColumnHistory, "__all_column_history", HistoryColumns(kColumnColumns)},
      {kSysVariable, "__all_sys_variable", Columns(kSysVariableColumns)},
      {kSysStat, "__all_sys_stat", Columns(kSysStatColumns)},
      {kTabletToLs, "__all_tablet_to_ls", Columns(kTabletToLsColumns)},
      {kLs, "__all_ls", Columns(kLsColumns)},
      {kTabletToTableHistory, "__all_tablet_to_table_history",
       Columns(kTabletToTableHistoryColumns)},
      {kFreezeInfo, "__all_freeze_info", Columns(kFreezeInfoColumns)},
      {kDataDictionaryInLog, "__all_data_dictionary_in_log", Columns(kDataDictionaryInLogColumns)},
  };
}

}  // namespace

std::size_t SystemTableDescription::key_count() const {
  return static_cast<std::size_t>(std::ranges::count_if(columns, &SystemColumn::is_key));
}

std::size_t SystemTableDescription::IndexOf(std::string_view column) const {
  const auto found = std::ranges::find(columns, column, &SystemColumn::name);
  assert(found != columns.end());
  return static_cast<std::size_t>(found - columns.begin());
}

std::span<const SystemTableDescription> SystemTableDescriptions() {
  static const std::vector<SystemTableDescription> kDescriptions = AllDescriptions();
  return kDescriptions;
}

const SystemTableDescription& DescriptionOf(SystemTable table) {
  const std::span<const SystemTableDescription> all = SystemTableDescriptions();
  const auto found = std::ranges::find(all, table, &SystemTableDescription::table);
  assert(found != all.end());
  return *found;
}

std::string_view NameOf(SystemTable table) { return DescriptionOf(table).name; }

}  // namespace obbak::engine
