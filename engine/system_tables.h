// The system tables that the engine keeps: their columns, and their rows as records.
// docs/spec/system-data.md §4.
//
// One description per table - a list of columns - gives its schema, the rows that are built from a
// record and the records that are read from rows. All tables are on log stream 1; a table's tablet
// has the table's id.
#pragma once

#include <boost/describe/class.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/cell.h"
#include "engine/schema.h"
#include "format/datum.h"
#include "format/ids.h"
#include "format/obj.h"

namespace obbak::engine {

enum class SystemTable : ObjectId {
  kCoreTable = 1,
  kTable = 3,
  kColumn = 4,
  kDdlOperation = 5,
  kDatabase = 104,
  kDatabaseHistory = 105,
  kTableHistory = 114,
  kColumnHistory = 115,
  kSysVariable = 120,
  kSysStat = 121,
  kTabletToLs = 343,
  kLs = 352,
  kTabletToTableHistory = 369,
  kFreezeInfo = 394,
  kDataDictionaryInLog = 431,
};
constexpr ObjectId IdOf(SystemTable table) { return static_cast<ObjectId>(table); }
constexpr format::TabletId TabletOf(SystemTable table) { return {IdOf(table)}; }

// Built-in tables belong to no DDL; their schemas have OceanBase's first version.
inline constexpr std::int64_t kCoreSchemaVersion = 1;

// All of them, by ascending id. The row store is what their blocks are written in; a server's is
// kEncoding.
std::vector<TableSchemaPtr> SystemTableSchemas(
    std::int64_t schema_version = kCoreSchemaVersion,
    format::RowStoreType row_store = format::RowStoreType::kFlat);
// "__all_table".
std::string_view NameOf(SystemTable table);

// ---- Records. A record's fields have the names of the table's columns; columns that it leaves out
// get their table's default when a row is built, and tenant_id, which is always 0, is among them.

struct CoreTableRow {
  static constexpr SystemTable kTable = SystemTable::kCoreTable;
  std::string table_name;
  std::int64_t row_id = 0;
  std::string column_name;
  std::optional<std::string> column_value;
  bool operator==(const CoreTableRow&) const = default;
};
BOOST_DESCRIBE_STRUCT(CoreTableRow, (), (table_name, row_id, column_name, column_value))

struct TableRow {
  static constexpr SystemTable kTable = SystemTable::kTable;
  std::int64_t table_id = 0;
  std::string table_name;
  std::int64_t database_id = 0;
  std::int64_t table_type = 3;  // format::SchemaTableType
  std::int64_t def_type = 2;    // 2: a user's
  std::int64_t rowkey_column_num = 0;
  std::int64_t max_used_column_id = 0;
  std::string compress_func_name;
  std::int64_t block_size = 16384;
  std::int64_t collation_type = format::kCollationUtf8mb4GeneralCi;
  std::int64_t index_status = 1;
  std::int64_t tablegroup_id = -1;
  std::int64_t part_level = 0;      // 0: one tablet; 1: partitioned
  std::int64_t part_func_type = 0;  // 1: by key
  std::string part_func_expr;
  std::int64_t part_num = 1;
  std::int64_t schema_version = 0;
  std::int64_t pctfree = 0;
  std::optional<std::string> row_store_type;  // name of a format::RowStoreType
  std::optional<std::string> store_format = "DYNAMIC";
  std::optional<std::int64_t> progressive_merge_round = 1;
  std::int64_t tablet_id = 0;  // of a table that is not partitioned
  bool operator==(const TableRow&) const = default;
};
BOOST_DESCRIBE_STRUCT(TableRow, (),
                      (table_id, table_name, database_id, table_type, def_type, rowkey_column_num,
                       max_used_column_id, compress_func_name, block_size, collation_type,
                       index_status, tablegroup_id, part_level, part_func_type, part_func_expr,
                       part_num, schema_version, pctfree, row_store_type, store_format,
                       progressive_merge_round, tablet_id))

struct ColumnRow {
  static constexpr SystemTable kTable = SystemTable::kColumn;
  std::int64_t table_id = 0;
  std::int64_t column_id = 0;
  std::string column_name;
  std::int64_t rowkey_position = 0;
  std::int64_t order_in_rowkey = 0;
  std::int64_t partition_key_position = 0;
  std::int64_t data_type = 0;  // format::ObjType
  std::int64_t data_length = 0;
  std::optional<std::int64_t> data_precision;
  std::optional<std::int64_t> data_scale;
  std::int64_t nullable = 0;
  std::int64_t collation_type = 0;
  std::int64_t schema_version = 0;
  bool operator==(const ColumnRow&) const = default;
};
BOOST_DESCRIBE_STRUCT(ColumnRow, (),
                      (table_id, column_id, column_name, rowkey_position, order_in_rowkey,
                       partition_key_position, data_type, data_length, data_precision, data_scale,
                       nullable, collation_type, schema_version))

struct DdlOperationRow {
  static constexpr SystemTable kTable = SystemTable::kDdlOperation;
  std::int64_t schema_version = 0;
  std::int64_t database_id = -1;
  std::string database_name;
  std::int64_t table_id = -1;
  std::string table_name;
  std::int64_t operation_type = 0;
  std::string ddl_stmt_str;
  std::int64_t exec_tenant_id = 0;
  bool operator==(const DdlOperationRow&) const = default;
};
BOOST_DESCRIBE_STRUCT(DdlOperationRow, (),
                      (schema_version, database_id, database_name, table_id, table_name,
                       operation_type, ddl_stmt_str, exec_tenant_id))

struct DatabaseRow {
  static constexpr SystemTable kTable = SystemTable::kDatabase;
  std::int64_t database_id = 0;
  std::string database_name;
  std::int64_t collation_type = format::kCollationUtf8mb4GeneralCi;
  bool operator==(const DatabaseRow&) const = default;
};
BOOST_DESCRIBE_STRUCT(DatabaseRow, (), (database_id, database_name, collation_type))

struct DatabaseHistoryRow {
  static constexpr SystemTable kTable = SystemTable::kDatabaseHistory;
  std::int64_t database_id = 0;
  std::int64_t schema_version = 0;
  std::int64_t is_deleted = 0;
  bool operator==(const DatabaseHistoryRow&) const = default;
};
BOOST_DESCRIBE_STRUCT(DatabaseHistoryRow, (), (database_id, schema_version, is_deleted))

struct SysVariableRow {
  static constexpr SystemTable kTable = SystemTable::kSysVariable;
  std::string zone;
  std::string name;
  std::int64_t data_type = 5;  // format::ObjType of the value
  std::optional<std::string> value;
  std::string info;
  bool operator==(const SysVariableRow&) const = default;
};
BOOST_DESCRIBE_STRUCT(SysVariableRow, (), (zone, name, data_type, value, info))

struct SysStatRow {
  static constexpr SystemTable kTable = SystemTable::kSysStat;
  std::string zone;
  std::string name;
  std::int64_t data_type = 5;  // format::ObjType of the value
  std::string value;
  std::string info;
  bool operator==(const SysStatRow&) const = default;
};
BOOST_DESCRIBE_STRUCT(SysStatRow, (), (zone, name, data_type, value, info))

struct TabletToLsRow {
  static constexpr SystemTable kTable = SystemTable::kTabletToLs;
  std::int64_t tablet_id = 0;
  std::int64_t ls_id = 0;
  std::int64_t table_id = 0;
  std::int64_t transfer_seq = 0;
  bool operator==(const TabletToLsRow&) const = default;
};
BOOST_DESCRIBE_STRUCT(TabletToLsRow, (), (tablet_id, ls_id, table_id, transfer_seq))

struct LsRow {
  static constexpr SystemTable kTable = SystemTable::kLs;
  std::int64_t ls_id = 0;
  std::int64_t ls_group_id = 0;
  std::string status;  // name of a format::LsStatus
  std::string flag;    // "", "DUPLICATE", ...
  std::uint64_t create_scn = 0;
  bool operator==(const LsRow&) const = default;
};
BOOST_DESCRIBE_STRUCT(LsRow, (), (ls_id, ls_group_id, status, flag, create_scn))

struct TabletToTableHistoryRow {
  static constexpr SystemTable kTable = SystemTable::kTabletToTableHistory;
  std::int64_t tablet_id = 0;
  std::int64_t schema_version = 0;
  std::int64_t table_id = 0;
  std::int64_t is_deleted = 0;
  bool operator==(const TabletToTableHistoryRow&) const = default;
};
BOOST_DESCRIBE_STRUCT(TabletToTableHistoryRow, (),
                      (tablet_id, schema_version, table_id, is_deleted))

struct FreezeInfoRow {
  static constexpr SystemTable kTable = SystemTable::kFreezeInfo;
  std::uint64_t frozen_scn = 0;
  std::int64_t cluster_version = static_cast<std::int64_t>(format::kDataVersion4301.value);
  std::int64_t schema_version = 0;
  bool operator==(const FreezeInfoRow&) const = default;
};
BOOST_DESCRIBE_STRUCT(FreezeInfoRow, (), (frozen_scn, cluster_version, schema_version))

struct DataDictionaryInLogRow {
  static constexpr SystemTable kTable = SystemTable::kDataDictionaryInLog;
  std::uint64_t snapshot_scn = 0;
  std::uint64_t start_lsn = 0;
  std::uint64_t end_lsn = 0;
  bool operator==(const DataDictionaryInLogRow&) const = default;
};
BOOST_DESCRIBE_STRUCT(DataDictionaryInLogRow, (), (snapshot_scn, start_lsn, end_lsn))

// A complete row of Record's table in stored order, gmt_create and gmt_modified at `now`.
template <class Record>
Row ToRow(const Record& record, format::Timestamp now);
// The key of that row.
template <class Record>
Row ToRowkey(const Record& record);
// The record in a row in stored order. kInvalidData, with the column as field, when the cells are
// not those of Record's table.
template <class Record>
Result<Record> FromRow(std::span<const format::Datum> cells);

// The row of the history table (105, 114, 115) for a change of `record`'s row in `schema_version`.
// Of a deletion it has the key only. Precondition: Record's table has a history.
template <class Record>
Row ToHistoryRow(const Record& record, std::int64_t schema_version, bool is_deleted,
                 format::Timestamp now);

}  // namespace obbak::engine
