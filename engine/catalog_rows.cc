#include "engine/catalog_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "engine/names.h"
#include "format/backup_set_records.h"
#include "format/compressor.h"
#include "format/row_store_type.h"

namespace obbak::engine {
namespace {

using format::DmlFlag;
using format::ObjType;

// ObSchemaOperationType.
enum class DdlOperation : std::int64_t {
  kDropTable = 2,
  kCreateTable = 4,
  kAddDatabase = 202,
  kDropDatabase = 204,
};
// ObPartitionFuncType.
constexpr std::int64_t kPartitionByKey = 1;

// ---- Names and numbers that stand for parts of a catalog.

constexpr std::string_view kNameCaseVariable = "lower_case_table_names";
constexpr std::string_view kGlobalStat = "__all_global_stat";
constexpr std::string_view kBaselineSchemaVersion = "baseline_schema_version";

// The counters, with their names in __all_sys_stat.
template <class Counters, class Visitor>
void EachCounter(Counters& used, Visitor&& visit) {
  visit("ob_max_used_object_id", used.object);
  visit("ob_max_used_primary_key_table_tablet_id", used.tablet);
  visit("ob_max_used_logstrema_id", used.ls);  // OceanBase's spelling
  visit("ob_max_used_logstrema_group_id", used.ls_group);
}

constexpr auto kLsFlags = std::to_array<format::NamedValue<std::uint64_t>>(
    {{format::LsAttr::kDuplicateFlag, "DUPLICATE"},
     {format::LsAttr::kBlockTabletInFlag, "BLOCK_TABLET_IN"}});

std::string FlagText(std::uint64_t flag) {
  std::string text;
  for (const auto& [bit, name] : kLsFlags) {
    if ((flag & bit) == 0) continue;
    if (!text.empty()) text += '|';
    text += name;
  }
  return text;
}

std::unexpected<Error> Wrong(std::string message) {
  return Fail(ErrorCode::kInvalidData, std::move(message));
}

Result<std::uint64_t> ParseFlag(std::string_view text) {
  std::uint64_t flag = 0;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find('|'));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    const auto* const found =
        std::ranges::find(kLsFlags, word, &format::NamedValue<std::uint64_t>::name);
    if (found == kLsFlags.end()) return Wrong(fmt::format("unknown log stream flag '{}'", word));
    flag |= found->value;
  }
  return flag;
}

template <class E>
Result<E> ParseName(std::string_view name) {
  for (const format::NamedValue<E>& named : EnumNames(E())) {
    if (named.name == name) return named.value;
  }
  return Wrong(fmt::format("unknown name '{}'", name));
}

template <class T>
Result<T> ParseNumber(std::string_view text) {
  T number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return Wrong(fmt::format("'{}' is no number", text));
  return number;
}

std::int64_t Signed(std::uint64_t id) { return static_cast<std::int64_t>(id); }

// ---- Parts of a catalog as records.

TableRow RecordOf(const TableSchema& table) {
  TableRow record;
  record.table_id = Signed(table.id());
  record.table_name = table.name();
  record.database_id = Signed(table.database_id());
  record.rowkey_column_num = Signed(table.rowkey_count());
  record.max_used_column_id = Signed(table.columns().back().id);
  record.compress_func_name = NameOf(table.spec().compressor);
  record.schema_version = table.schema_version();
  record.row_store_type = NameOf(table.spec().row_store);
  if (table.tablets().size() == 1) {
    record.tablet_id = Signed(table.tablets().front().value);
    return record;
  }
  record.part_level = 1;
  record.part_func_type = kPartitionByKey;
  record.part_num = Signed(table.tablets().size());
  for (std::size_t i = 0; i < table.rowkey_count(); ++i) {
    if (i > 0) record.part_func_expr += ", ";
    record.part_func_expr += QuotedName(table.stored_column(i).name);
  }
  return record;
}

std::optional<std::int64_t> IfSet(std::int16_t value) {
  if (value == -1) return std::nullopt;
  return value;
}

ColumnRow RecordOf(const TableSchema& table, const ColumnSchema& column) {
  const bool is_partitioned = table.tablets().size() > 1;
  ColumnRow record;
  record.table_id = Signed(table.id());
  record.column_id = Signed(column.id);
  record.column_name = column.name;
  record.rowkey_position = Signed(column.rowkey_position);
  record.partition_key_position = is_partitioned ? record.rowkey_position : 0;
  record.data_type = static_cast<std::int64_t>(column.type.meta.type);
  record.data_length = column.type.length;
  record.data_precision = IfSet(column.type.precision);
  record.data_scale = IfSet(column.type.scale);
  record.nullable = column.nullable ? 1 : 0;
  record.collation_type = column.type.meta.cs_type;
  record.schema_version = table.schema_version();
  return record;
}

DatabaseRow RecordOf(const DatabaseSchema& database) {
  DatabaseRow record;
  record.database_id = Signed(database.database_id);
  record.database_name = database.name;
  return record;
}

TabletToLsRow RecordOf(format::TabletId tablet, const TabletEntry& entry) {
  return {.tablet_id = Signed(tablet.value),
          .ls_id = entry.ls_id.value,
          .table_id = Signed(entry.table_id),
          .transfer_seq = entry.transfer_seq};
}

LsRow RecordOf(const LogStreamEntry& ls) {
  return {.ls_id = ls.id.value,
          .ls_group_id = Signed(ls.group_id),
          .status = std::string(NameOf(ls.status)),
          .flag = FlagText(ls.flag),
          .create_scn = ls.create_scn.value};
}

// ---- Rows.

class Changes {
 public:
  explicit Changes(format::Timestamp now) : now_(now) {}

  template <class Record>
  void Put(const Record& record, DmlFlag dml = DmlFlag::kInsert) {
    list_.push_back({.table = Record::kTable, .dml = dml, .row = ToRow(record, now_)});
  }
  template <class Record>
  void Delete(const Record& record) {
    list_.push_back({.table = Record::kTable, .dml = DmlFlag::kDelete, .row = ToRowkey(record)});
  }
  template <class Record>
  void PutHistory(SystemTable history, const Record& record, std::int64_t version, bool deleted) {
    list_.push_back({.table = history,
                     .dml = DmlFlag::kInsert,
                     .row = ToHistoryRow(record, version, deleted, now_)});
  }

  void Counters(const Catalog& catalog, DmlFlag dml) {
    EachCounter(catalog.used_ids(), [&](std::string_view name, const auto& value) {
      SysStatRow record;
      record.name = name;
      record.value = std::to_string(value);
      record.info = "highest id in use";
      Put(record, dml);
    });
  }

  void Operation(const DatabaseSchema& database, std::int64_t version, DdlOperation operation) {
    DdlOperationRow record;
    record.schema_version = version;
    record.database_id = Signed(database.database_id);
    record.database_name = database.name;
    record.operation_type = static_cast<std::int64_t>(operation);
    Put(record);
  }

  void Operation(const TableSchema& table, std::int64_t version, DdlOperation operation,
                 std::string_view statement) {
    DdlOperationRow record;
    record.schema_version = version;
    record.database_id = Signed(table.database_id());
    record.table_id = Signed(table.id());
    record.table_name = table.name();
    record.operation_type = static_cast<std::int64_t>(operation);
    record.ddl_stmt_str = statement;
    Put(record);
  }

  void Database(const DatabaseSchema& database) {
    Put(RecordOf(database));
    PutHistory(SystemTable::kDatabaseHistory, RecordOf(database), database.schema_version, false);
    Operation(database, database.schema_version, DdlOperation::kAddDatabase);
  }

  void Table(const Catalog& catalog, const TableSchema& table, std::string_view statement) {
    const std::int64_t version = table.schema_version();
    Put(RecordOf(table));
    PutHistory(SystemTable::kTableHistory, RecordOf(table), version, false);
    for (const ColumnSchema& column : table.columns()) {
      Put(RecordOf(table, column));
      PutHistory(SystemTable::kColumnHistory, RecordOf(table, column), version, false);
    }
    Operation(table, version, DdlOperation::kCreateTable, statement);
    for (const format::TabletId tablet : table.tablets()) {
      Put(RecordOf(tablet, catalog.tablets().at(tablet)));
      Put(HistoryOf(table, tablet, version, false));
    }
  }

  static TabletToTableHistoryRow HistoryOf(const TableSchema& table, format::TabletId tablet,
                                           std::int64_t version, bool is_deleted) {
    return {.tablet_id = Signed(tablet.value),
            .schema_version = version,
            .table_id = Signed(table.id()),
            .is_deleted = is_deleted ? 1 : 0};
  }

  SystemRowChanges Take() && { return std::move(list_); }

 private:
  format::Timestamp now_;
  SystemRowChanges list_;
};

void PutGlobalStat(Changes& changes, const Catalog& catalog) {
  const auto version = std::to_string(format::kDataVersion4301.value);
  const auto stats = std::to_array<std::pair<std::string_view, std::string>>({
      {"core_schema_version", std::to_string(kCoreSchemaVersion)},
      {kBaselineSchemaVersion, std::to_string(catalog.schema_version())},
      {"snapshot_gc_scn", "0"},
      {"ddl_epoch", "0"},
      {"target_data_version", version},
      {"current_data_version", version},
  });
  std::int64_t row_id = 0;
  for (const auto& [name, value] : stats) {
    changes.Put(CoreTableRow{.table_name = std::string(kGlobalStat),
                             .row_id = row_id++,
                             .column_name = std::string(name),
                             .column_value = value});
  }
}

}  // namespace

SystemRowChanges RowsOfNewTenant(const Catalog& catalog, format::Timestamp now) {
  Changes changes(now);
  PutGlobalStat(changes, catalog);
  SysVariableRow name_case;
  name_case.name = kNameCaseVariable;
  name_case.value = std::to_string(static_cast<int>(catalog.name_case_mode()));
  changes.Put(name_case);
  changes.Put(FreezeInfoRow{.frozen_scn = format::kBaseScn.value});
  changes.Counters(catalog, DmlFlag::kInsert);
  for (const auto& [id, ls] : catalog.log_streams()) changes.Put(RecordOf(ls));
  for (const auto& [id, database] : catalog.databases()) {
    if (id > kMaxInnerObjectId) {
      changes.Database(database);
    } else {
      changes.Put(RecordOf(database));
    }
  }
  for (const auto& [id, table] : catalog.tables()) changes.Table(catalog, *table, {});
  return std::move(changes).Take();
}

SystemRowChanges RowsOfCreateDatabase(const Catalog& catalog, const DatabaseSchema& database,
                                      format::Timestamp now) {
  Changes changes(now);
  changes.Database(database);
  changes.Counters(catalog, DmlFlag::kUpdate);
  return std::move(changes).Take();
}

SystemRowChanges RowsOfDropDatabase(const DatabaseSchema& database, std::int64_t schema_version,
                                    format::Timestamp now) {
  Changes changes(now);
  changes.Delete(RecordOf(database));
  changes.PutHistory(SystemTable::kDatabaseHistory, RecordOf(database), schema_version, true);
  changes.Operation(database, schema_version, DdlOperation::kDropDatabase);
  return std::move(changes).Take();
}

SystemRowChanges RowsOfCreateTable(const Catalog& catalog, const TableSchema& table,
                                   std::string_view statement, format::Timestamp now) {
  Changes changes(now);
  changes.Table(catalog, table, statement);
  changes.Counters(catalog, DmlFlag::kUpdate);
  return std::move(changes).Take();
}

SystemRowChanges RowsOfDropTable(const TableSchema& table, std::int64_t schema_version,
                                 std::string_view statement, format::Timestamp now) {
  Changes changes(now);
  changes.Delete(RecordOf(table));
  changes.PutHistory(SystemTable::kTableHistory, RecordOf(table), schema_version, true);
  for (const ColumnSchema& column : table.columns()) {
    changes.Delete(RecordOf(table, column));
    changes.PutHistory(SystemTable::kColumnHistory, RecordOf(table, column), schema_version, true);
  }
  changes.Operation(table, schema_version, DdlOperation::kDropTable, statement);
  for (const format::TabletId tablet : table.tablets()) {
    changes.Delete(RecordOf(tablet, {}));
    changes.Put(Changes::HistoryOf(table, tablet, schema_version, true));
  }
  return std::move(changes).Take();
}

SystemRowChanges RowsOfTransfer(const Catalog& catalog, std::span<const format::TabletId> tablets,
                                format::Timestamp now) {
  Changes changes(now);
  for (const format::TabletId tablet : tablets) {
    changes.Put(RecordOf(tablet, catalog.tablets().at(tablet)), DmlFlag::kUpdate);
  }
  return std::move(changes).Take();
}

SystemRowChanges RowsOfLogStream(const Catalog& catalog, const LogStreamEntry& ls, bool is_new,
                                 format::Timestamp now) {
  Changes changes(now);
  changes.Put(RecordOf(ls), is_new ? DmlFlag::kInsert : DmlFlag::kUpdate);
  if (is_new) changes.Counters(catalog, DmlFlag::kUpdate);
  return std::move(changes).Take();
}

SystemRowChanges RowsOfFreeze(const Catalog& catalog, format::Scn frozen_scn,
                              format::Timestamp now) {
  Changes changes(now);
  FreezeInfoRow record;
  record.frozen_scn = frozen_scn.value;
  record.schema_version = catalog.schema_version();
  changes.Put(record);
  return std::move(changes).Take();
}

SystemRowChanges RowsOfDictionary(const DataDictionaryInLogRow& dictionary, format::Timestamp now) {
  Changes changes(now);
  changes.Put(dictionary);
  return std::move(changes).Take();
}

// ---- Back.

namespace {

Result<SqlType> TypeOf(const ColumnRow& row) {
  if (row.data_type < 0 || row.data_type > 255 || row.collation_type < 0 ||
      row.collation_type > 255) {
    return Wrong(fmt::format("column {} has type {} and collation {}", row.column_name,
                             row.data_type, row.collation_type));
  }
  const auto number = [](const std::optional<std::int64_t>& value) {
    return static_cast<std::int16_t>(value.value_or(-1));
  };
  SqlType type{.meta = format::ObjMeta::Numeric(static_cast<ObjType>(row.data_type)),
               .length = static_cast<std::int32_t>(row.data_length),
               .precision = number(row.data_precision),
               .scale = number(row.data_scale)};
  if (type.meta.type == ObjType::kDecimalInt) {
    type.meta = format::ObjMeta::Decimal(static_cast<std::uint8_t>(type.precision),
                                         static_cast<std::int8_t>(type.scale));
  } else if (format::CellKindOf(type.meta) == format::CellKind::kText) {
    type.meta.cs_level = 7;
    type.meta.cs_type = static_cast<std::uint8_t>(row.collation_type);
  }
  return type;
}

Result<ColumnSchema> ColumnOf(const ColumnRow& row) {
  const Result<SqlType> type = TypeOf(row);
  if (!type) return Fail(type.error());
  return ColumnSchema{.id = static_cast<std::uint64_t>(row.column_id),
                      .name = row.column_name,
                      .type = *type,
                      .nullable = row.nullable != 0,
                      .rowkey_position = static_cast<std::size_t>(row.rowkey_position)};
}

Result<TableSchemaPtr> TableOf(const TableRow& row, std::vector<ColumnSchema> columns,
                               std::vector<format::TabletId> tablets) {
  const Result<format::CompressorType> compressor =
      ParseName<format::CompressorType>(row.compress_func_name);
  if (!compressor) return Fail(compressor.error());
  const Result<format::RowStoreType> row_store =
      ParseName<format::RowStoreType>(row.row_store_type.value_or(""));
  if (!row_store) return Fail(row_store.error());
  if (tablets.size() != static_cast<std::size_t>(row.part_num)) {
    return Wrong(fmt::format("table {} has {} tablets for {} partitions", row.table_name,
                             tablets.size(), row.part_num));
  }
  std::ranges::sort(columns, {}, &ColumnSchema::id);
  std::ranges::sort(tablets);
  return TableSchema::Create({.table_id = static_cast<ObjectId>(row.table_id),
                              .database_id = static_cast<ObjectId>(row.database_id),
                              .name = row.table_name,
                              .columns = std::move(columns),
                              .tablets = std::move(tablets),
                              .schema_version = row.schema_version,
                              .compressor = *compressor,
                              .row_store = *row_store});
}

Result<LogStreamEntry> LogStreamOf(const LsRow& row) {
  const Result<format::LsStatus> status = ParseName<format::LsStatus>(row.status);
  if (!status) return Fail(status.error());
  const Result<std::uint64_t> flag = ParseFlag(row.flag);
  if (!flag) return Fail(flag.error());
  return LogStreamEntry{.id = {row.ls_id},
                        .group_id = static_cast<std::uint64_t>(row.ls_group_id),
                        .status = *status,
                        .flag = *flag,
                        .create_scn = {row.create_scn}};
}

template <class Record>
Status AddRecord(std::span<const format::Datum> cells, std::vector<Record>& records) {
  Result<Record> record = FromRow<Record>(cells);
  if (!record) return Fail(record.error());
  records.push_back(*std::move(record));
  return {};
}

}  // namespace

std::span<const SystemTable> CatalogLoader::Tables() {
  static constexpr auto kTables = std::to_array<SystemTable>(
      {SystemTable::kTable, SystemTable::kColumn, SystemTable::kDdlOperation,
       SystemTable::kDatabase, SystemTable::kDatabaseHistory, SystemTable::kSysVariable,
       SystemTable::kSysStat, SystemTable::kTabletToLs, SystemTable::kLs});
  return kTables;
}

Status CatalogLoader::Add(SystemTable table, std::span<const format::Datum> cells) {
  switch (table) {
    case SystemTable::kTable:
      return AddRecord(cells, tables_);
    case SystemTable::kColumn:
      return AddRecord(cells, columns_);
    case SystemTable::kDdlOperation:
      return AddRecord(cells, operations_);
    case SystemTable::kDatabase:
      return AddRecord(cells, databases_);
    case SystemTable::kDatabaseHistory:
      return AddRecord(cells, database_history_);
    case SystemTable::kSysVariable:
      return AddRecord(cells, variables_);
    case SystemTable::kSysStat:
      return AddRecord(cells, stats_);
    case SystemTable::kTabletToLs:
      return AddRecord(cells, tablets_);
    case SystemTable::kLs:
      return AddRecord(cells, log_streams_);
    default:
      return {};
  }
}

Result<NameCaseMode> CatalogLoader::NameCase() const {
  const auto row = std::ranges::find(variables_, kNameCaseVariable, &SysVariableRow::name);
  if (row == variables_.end()) return Wrong("the tenant has no lower_case_table_names");
  const Result<int> mode = ParseNumber<int>(row->value.value_or(""));
  if (!mode) return Fail(mode.error());
  if (*mode < 0 || *mode > 2) return Wrong(fmt::format("lower_case_table_names is {}", *mode));
  return static_cast<NameCaseMode>(*mode);
}

Status CatalogLoader::AddDatabases(Catalog& catalog) const {
  std::map<std::int64_t, std::int64_t> versions;
  for (const DatabaseHistoryRow& row : database_history_) {
    std::int64_t& version = versions[row.database_id];
    version = std::max(version, row.schema_version);
  }
  for (const DatabaseRow& row : databases_) {
    if (static_cast<ObjectId>(row.database_id) <= kMaxInnerObjectId) continue;
    Status status = catalog.AddDatabase({.database_id = static_cast<ObjectId>(row.database_id),
                                         .name = row.database_name,
                                         .schema_version = versions[row.database_id]});
    if (!status) return status;
  }
  return {};
}

Status CatalogLoader::AddTables(Catalog& catalog) const {
  std::map<std::int64_t, std::vector<ColumnSchema>> columns;
  for (const ColumnRow& row : columns_) {
    Result<ColumnSchema> column = ColumnOf(row);
    if (!column) return Fail(column.error());
    columns[row.table_id].push_back(*std::move(column));
  }
  std::map<std::int64_t, std::vector<format::TabletId>> tablets;
  for (const TabletToLsRow& row : tablets_) {
    tablets[row.table_id].push_back({static_cast<std::uint64_t>(row.tablet_id)});
  }
  for (const TableRow& row : tables_) {
    if (IsInnerTable(static_cast<ObjectId>(row.table_id))) continue;
    Result<TableSchemaPtr> table =
        TableOf(row, std::move(columns[row.table_id]), std::move(tablets[row.table_id]));
    if (!table) return Fail(table.error());
    if (Status status = catalog.AddTable(*std::move(table)); !status) return status;
  }
  return {};
}

Status CatalogLoader::AddPlaces(Catalog& catalog) const {
  for (const LsRow& row : log_streams_) {
    const Result<LogStreamEntry> ls = LogStreamOf(row);
    if (!ls) return Fail(ls.error());
    catalog.PutLogStream(*ls);
  }
  for (const TabletToLsRow& row : tablets_) {
    const auto table_id = static_cast<ObjectId>(row.table_id);
    if (catalog.FindTable(table_id) == nullptr) {
      return Wrong(fmt::format("tablet {} belongs to table {}, which does not exist", row.tablet_id,
                               row.table_id));
    }
    catalog.PutTablet(
        {static_cast<std::uint64_t>(row.tablet_id)},
        {.table_id = table_id, .ls_id = {row.ls_id}, .transfer_seq = row.transfer_seq});
  }
  return {};
}

Status CatalogLoader::RaiseCounters(Catalog& catalog) const {
  for (const DdlOperationRow& row : operations_) catalog.RaiseSchemaVersion(row.schema_version);
  IdCounters used;
  for (const SysStatRow& row : stats_) {
    Status status;
    EachCounter(used, [&]<class T>(std::string_view name, T& counter) {
      if (row.name != name) return;
      const Result<T> value = ParseNumber<T>(row.value);
      if (value) {
        counter = *value;
      } else {
        status = Fail(Error(value.error()).WithField(row.name));
      }
    });
    if (!status) return status;
  }
  catalog.RaiseUsedIds(used);
  return {};
}

Result<Catalog> CatalogLoader::Finish() && {
  const Result<NameCaseMode> mode = NameCase();
  if (!mode) return Fail(mode.error());
  Catalog catalog(*mode);
  for (const auto step : {&CatalogLoader::AddDatabases, &CatalogLoader::AddTables,
                          &CatalogLoader::AddPlaces, &CatalogLoader::RaiseCounters}) {
    if (Status status = (this->*step)(catalog); !status) return Fail(status.error());
  }
  return catalog;
}

}  // namespace obbak::engine
