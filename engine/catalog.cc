#include "engine/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "engine/names.h"
#include "engine/system_tables.h"

namespace obbak::engine {
namespace {

constexpr std::int64_t kSchemaVersionStep = 8;

std::unexpected<Error> Exists(std::string_view what, std::string_view name) {
  return Fail(ErrorCode::kEntryExist, fmt::format("{} {} exists already", what, name));
}
std::unexpected<Error> Missing(std::string_view what, std::string_view name) {
  return Fail(ErrorCode::kEntryNotExist, fmt::format("there is no {} {}", what, name));
}

template <class Map, class Key>
auto* Find(Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

std::vector<ColumnSchema> ColumnsOf(const TableDefinition& definition) {
  std::vector<ColumnSchema> columns;
  for (const ColumnDefinition& column : definition.columns) {
    columns.push_back({.id = kFirstColumnId + columns.size(),
                       .name = column.name,
                       .type = column.type,
                       .nullable = column.nullable});
  }
  for (std::size_t i = 0; i < definition.primary_key.size(); ++i) {
    ColumnSchema& key = columns[definition.primary_key[i]];
    key.rowkey_position = i + 1;
    key.nullable = false;
  }
  return columns;
}

}  // namespace

Catalog::Catalog(NameCaseMode mode) : mode_(mode) {
  const auto add_database = [this](ObjectId id, std::string name) {
    database_names_[Folded(name)] = id;
    databases_[id] = {
        .database_id = id, .name = std::move(name), .schema_version = kCoreSchemaVersion};
  };
  add_database(kOceanbaseDatabase, "oceanbase");
  add_database(kRecyclebinDatabase, "__recyclebin");
  for (TableSchemaPtr& table : SystemTableSchemas()) {
    table_names_[{table->database_id(), Folded(table->name())}] = table->id();
    system_tables_[table->id()] = std::move(table);
  }
}

std::string Catalog::Folded(std::string_view name) const {
  return mode_ == NameCaseMode::kSensitive ? std::string(name) : FoldedName(name);
}

std::string Catalog::NameToKeep(std::string_view name) const {
  return mode_ == NameCaseMode::kLowerCase ? FoldedName(name) : std::string(name);
}

std::int64_t Catalog::NextSchemaVersion(std::int64_t now_us) const {
  return std::max(schema_version_ + kSchemaVersionStep, now_us) / kSchemaVersionStep *
         kSchemaVersionStep;
}

void Catalog::RaiseSchemaVersion(std::int64_t version) {
  schema_version_ = std::max(schema_version_, version);
}

void Catalog::RaiseUsedIds(const IdCounters& used) {
  used_.object = std::max(used_.object, used.object);
  used_.tablet = std::max(used_.tablet, used.tablet);
  used_.ls = std::max(used_.ls, used.ls);
  used_.ls_group = std::max(used_.ls_group, used.ls_group);
}

Result<TableSchemaPtr> Catalog::NewTable(std::string_view database, std::string_view name,
                                         const TableDefinition& definition, std::int64_t now_us) {
  const DatabaseSchema* const home = FindDatabase(database);
  if (home == nullptr) return Missing("database", database);
  if (home->database_id <= kMaxInnerObjectId) {
    return Fail(ErrorCode::kOpNotAllow, fmt::format("database {} is OceanBase's own", database));
  }
  if (FindTable(home->database_id, name) != nullptr) return Exists("table", name);
  TableSpec spec{.table_id = used_.object + 1,
                 .database_id = home->database_id,
                 .name = NameToKeep(name),
                 .columns = ColumnsOf(definition),
                 .tablets = {}};
  spec.schema_version = NextSchemaVersion(now_us);
  for (std::uint64_t i = 1; i <= definition.partitions; ++i) {
    spec.tablets.push_back({used_.tablet + i});
  }
  Result<TableSchemaPtr> table = TableSchema::Create(std::move(spec));
  if (table) RaiseTo(**table);
  return table;
}

Result<DatabaseSchema> Catalog::NewDatabase(std::string_view name, std::int64_t now_us) {
  if (name.empty() || name.size() > kMaxNameLength) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("a database's name has 1 to {} bytes", kMaxNameLength));
  }
  if (FindDatabase(name) != nullptr) return Exists("database", name);
  DatabaseSchema database{.database_id = NewObjectId(),
                          .name = NameToKeep(name),
                          .schema_version = NextSchemaVersion(now_us)};
  RaiseSchemaVersion(database.schema_version);
  return database;
}

void Catalog::RaiseTo(const TableSchema& table) {
  RaiseSchemaVersion(table.schema_version());
  IdCounters used;
  used.object = table.id();
  used.tablet = table.tablets().back().value;
  RaiseUsedIds(used);
}

Status Catalog::AddDatabase(DatabaseSchema database) {
  if (databases_.contains(database.database_id) ||
      database_names_.contains(Folded(database.name))) {
    return Exists("database", database.name);
  }
  RaiseSchemaVersion(database.schema_version);
  used_.object = std::max(used_.object, database.database_id);
  database_names_[Folded(database.name)] = database.database_id;
  databases_.emplace(database.database_id, std::move(database));
  return {};
}

Status Catalog::AddTable(TableSchemaPtr table) {
  if (!databases_.contains(table->database_id())) {
    return Missing("database of table", table->name());
  }
  const std::pair name(table->database_id(), Folded(table->name()));
  if (tables_.contains(table->id()) || table->is_inner() || table_names_.contains(name)) {
    return Exists("table", table->name());
  }
  RaiseTo(*table);
  table_names_[name] = table->id();
  tables_.emplace(table->id(), std::move(table));
  return {};
}

Status Catalog::DropTable(ObjectId table_id) {
  const TableSchemaPtr table = FindTable(table_id);
  if (table == nullptr || table->is_inner()) return Missing("table", std::to_string(table_id));
  for (const format::TabletId tablet : table->tablets()) tablets_.erase(tablet);
  table_names_.erase({table->database_id(), Folded(table->name())});
  tables_.erase(table_id);
  return {};
}

Status Catalog::DropDatabase(ObjectId database_id) {
  const DatabaseSchema* const database = FindDatabase(database_id);
  if (database == nullptr) return Missing("database", std::to_string(database_id));
  if (database_id <= kMaxInnerObjectId) {
    return Fail(ErrorCode::kOpNotAllow,
                fmt::format("database {} is OceanBase's own", database->name));
  }
  const auto inside = std::ranges::find_if(
      tables_, [&](const auto& entry) { return entry.second->database_id() == database_id; });
  if (inside != tables_.end()) {
    return Fail(ErrorCode::kOpNotAllow, fmt::format("database {} still has table {}",
                                                    database->name, inside->second->name()));
  }
  database_names_.erase(Folded(database->name));
  databases_.erase(database_id);
  return {};
}

void Catalog::PutLogStream(const LogStreamEntry& ls) {
  IdCounters used;
  used.ls = ls.id.value;
  used.ls_group = ls.group_id;
  RaiseUsedIds(used);
  log_streams_[ls.id] = ls;
}

void Catalog::PutTablet(format::TabletId tablet, const TabletEntry& entry) {
  used_.tablet = std::max(used_.tablet, tablet.value);
  tablets_[tablet] = entry;
}

const DatabaseSchema* Catalog::FindDatabase(ObjectId database_id) const {
  return Find(databases_, database_id);
}

const DatabaseSchema* Catalog::FindDatabase(std::string_view name) const {
  const ObjectId* const id = Find(database_names_, Folded(name));
  return id == nullptr ? nullptr : FindDatabase(*id);
}

TableSchemaPtr Catalog::FindTable(ObjectId table_id) const {
  const TableSchemaPtr* const table =
      Find(IsInnerTable(table_id) ? system_tables_ : tables_, table_id);
  return table == nullptr ? nullptr : *table;
}

TableSchemaPtr Catalog::FindTable(ObjectId database_id, std::string_view name) const {
  const ObjectId* const id = Find(table_names_, std::pair(database_id, Folded(name)));
  return id == nullptr ? nullptr : FindTable(*id);
}

TableSchemaPtr Catalog::TableOf(format::TabletId tablet) const {
  if (IsInnerTable(tablet.value)) return FindTable(tablet.value);
  const TabletEntry* const entry = Find(tablets_, tablet);
  return entry == nullptr ? nullptr : FindTable(entry->table_id);
}

Result<TableSchemaPtr> Catalog::ResolveTable(std::string_view table) const {
  const std::size_t dot = table.find('.');
  const bool is_qualified = dot != std::string_view::npos;
  const std::string_view database_name = is_qualified ? table.substr(0, dot) : "test";
  const std::string_view name = is_qualified ? table.substr(dot + 1) : table;
  const DatabaseSchema* const database = FindDatabase(database_name);
  if (database == nullptr) return Missing("database", database_name);
  TableSchemaPtr found = FindTable(database->database_id, name);
  if (found == nullptr) return Missing("table", fmt::format("{}.{}", database_name, name));
  return found;
}

Result<format::LsId> Catalog::LsOf(format::TabletId tablet) const {
  if (IsInnerTable(tablet.value) && system_tables_.contains(tablet.value)) return format::kSysLsId;
  const TabletEntry* const entry = Find(tablets_, tablet);
  if (entry == nullptr) return Missing("tablet", std::to_string(tablet.value));
  return entry->ls_id;
}

bool Catalog::operator==(const Catalog& other) const {
  const auto same_table = [](const auto& left, const auto& right) {
    return left.first == right.first && left.second->spec() == right.second->spec();
  };
  // Names and system tables follow from the rest.
  return mode_ == other.mode_ && schema_version_ == other.schema_version_ && used_ == other.used_ &&
         databases_ == other.databases_ && std::ranges::equal(tables_, other.tables_, same_table) &&
         log_streams_ == other.log_streams_ && tablets_ == other.tablets_;
}

}  // namespace obbak::engine
