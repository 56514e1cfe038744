// Catalog: everything a tenant's system tables say - databases, tables, log streams, where tablets
// are, and which ids are used.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "engine/schema.h"
#include "format/backup_enums.h"
#include "format/ids.h"

namespace obbak::engine {

// How names of databases and tables match: lower_case_table_names.
enum class NameCaseMode : std::int32_t {
  kSensitive = 0,
  kLowerCase = 1,  // letters become small ones when a name is given
  kInsensitive = 2,
};

// The highest ids ever used (docs/spec/consistency.md §3.1): what is dropped never comes back.
struct IdCounters {
  ObjectId object = kTestDatabase;
  std::uint64_t tablet = 200'000;
  std::int64_t ls = 1000;
  std::uint64_t ls_group = 1000;
  bool operator==(const IdCounters&) const = default;
};

struct LogStreamEntry {
  format::LsId id;
  std::uint64_t group_id = 0;
  format::LsStatus status = format::LsStatus::kNormal;
  std::uint64_t flag = 0;  // bits of format::LsAttr
  format::Scn create_scn;
  bool operator==(const LogStreamEntry&) const = default;
};

// Where a user table's tablet is.
struct TabletEntry {
  ObjectId table_id = 0;
  format::LsId ls_id;
  std::int64_t transfer_seq = 0;  // how often it has moved
  bool operator==(const TabletEntry&) const = default;
};

// A value: copying costs the maps, schemas are shared. Changes take effect at once; who works in
// transactions changes a copy, or changes after the commit. OceanBase's own databases and the
// system tables are in every catalog; the latter have a listing of their own.
class Catalog {
 public:
  // A tenant without anything of its own: no database "test", no user tables, no log streams.
  explicit Catalog(NameCaseMode mode = NameCaseMode::kInsensitive);

  NameCaseMode name_case_mode() const { return mode_; }
  // The newest schema version that was ever given out. A DDL's is the next one: above all before,
  // a multiple of 8, and `now_us` if the clock allows it.
  std::int64_t schema_version() const { return schema_version_; }
  std::int64_t NextSchemaVersion(std::int64_t now_us) const;
  void RaiseSchemaVersion(std::int64_t version);

  const IdCounters& used_ids() const { return used_; }
  // Each takes the next id; a copy of the catalog gives the same ones again.
  ObjectId NewObjectId() { return ++used_.object; }
  format::TabletId NewTabletId() { return format::TabletId{++used_.tablet}; }
  format::LsId NewLsId() { return format::LsId{++used_.ls}; }
  std::uint64_t NewLsGroupId() { return ++used_.ls_group; }
  void RaiseUsedIds(const IdCounters& used);

  // A schema for a new table of `database`, with ids and version that this takes from the
  // counters; the table is not added. kEntryExist when the name is taken, kEntryNotExist when the
  // database isn't there.
  Result<TableSchemaPtr> NewTable(std::string_view database, std::string_view name,
                                  const TableDefinition& definition, std::int64_t now_us);
  // The same for a database.
  Result<DatabaseSchema> NewDatabase(std::string_view name, std::int64_t now_us);

  // Adding what is there, or a table to a database that isn't, fails and changes nothing
  // (kEntryExist, kEntryNotExist). Raise schema version and used ids where necessary.
  Status AddDatabase(DatabaseSchema database);
  Status AddTable(TableSchemaPtr table);
  // Also forgets where its tablets are. kEntryNotExist.
  Status DropTable(ObjectId table_id);
  // kOpNotAllow while it has tables.
  Status DropDatabase(ObjectId database_id);
  // Adds or replaces.
  void PutLogStream(const LogStreamEntry& ls);
  // Adds or replaces; a user table's tablet.
  void PutTablet(format::TabletId tablet, const TabletEntry& entry);

  // nullptr when there is none. Pointers live until the catalog changes.
  const DatabaseSchema* FindDatabase(ObjectId database_id) const;
  const DatabaseSchema* FindDatabase(std::string_view name) const;
  TableSchemaPtr FindTable(ObjectId table_id) const;
  TableSchemaPtr FindTable(ObjectId database_id, std::string_view name) const;
  // The table that a tablet belongs to, system tables included.
  TableSchemaPtr TableOf(format::TabletId tablet) const;
  // `table` is "name" in database "test", or "database.name". kEntryNotExist says what is missing.
  Result<TableSchemaPtr> ResolveTable(std::string_view table) const;

  // Where a tablet of a table is: system tables' are on log stream 1. kEntryNotExist.
  Result<format::LsId> LsOf(format::TabletId tablet) const;

  const std::map<ObjectId, DatabaseSchema>& databases() const { return databases_; }
  const std::map<ObjectId, TableSchemaPtr>& tables() const { return tables_; }
  const std::map<ObjectId, TableSchemaPtr>& system_tables() const { return system_tables_; }
  const std::map<format::LsId, LogStreamEntry>& log_streams() const { return log_streams_; }
  const std::map<format::TabletId, TabletEntry>& tablets() const { return tablets_; }

  // Equal contents, schemas compared by value.
  bool operator==(const Catalog& other) const;

 private:
  // The form under which a name is found.
  std::string Folded(std::string_view name) const;
  // The form in which a new name is kept.
  std::string NameToKeep(std::string_view name) const;
  // Counts the table's ids and version as used.
  void RaiseTo(const TableSchema& table);

  NameCaseMode mode_;
  std::int64_t schema_version_ = 0;
  IdCounters used_;
  std::map<ObjectId, DatabaseSchema> databases_;
  std::map<ObjectId, TableSchemaPtr> tables_;
  std::map<ObjectId, TableSchemaPtr> system_tables_;
  std::map<format::LsId, LogStreamEntry> log_streams_;
  std::map<format::TabletId, TabletEntry> tablets_;
  std::map<std::string, ObjectId, std::less<>> database_names_;
  std::map<std::pair<ObjectId, std::string>, ObjectId, std::less<>> table_names_;
};

}  // namespace obbak::engine
