// The catalog as rows of system tables, and back: an opened or restored tenant knows of its schema
// only what these rows say. docs/spec/system-data.md §4.2, §4.3.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/catalog.h"
#include "engine/cell.h"
#include "engine/system_tables.h"
#include "format/datum.h"
#include "format/dml_flag.h"
#include "format/ids.h"

namespace obbak::engine {

// A change of one row of a system table.
struct SystemRowChange {
  SystemTable table;
  // kInsert: a new row; kUpdate: all columns of a row that is there; kDelete: `row` is its key.
  format::DmlFlag dml = format::DmlFlag::kInsert;
  Row row;  // in stored order
};
using SystemRowChanges = std::vector<SystemRowChange>;

// Each function gives the rows of one change of the catalog, which both `now` and a DDL's schema
// version belong to; they go into one transaction of log stream 1. `catalog` is the one *after* the
// change: its counters and schema version are part of the rows.

// The rows of a new tenant: everything that `catalog` has so far.
SystemRowChanges RowsOfNewTenant(const Catalog& catalog, format::Timestamp now);
SystemRowChanges RowsOfCreateDatabase(const Catalog& catalog, const DatabaseSchema& database,
                                      format::Timestamp now);
// `schema_version`: of the DROP.
SystemRowChanges RowsOfDropDatabase(const DatabaseSchema& database, std::int64_t schema_version,
                                    format::Timestamp now);
// The table's tablets are in the catalog already. `statement`: the SQL text, for
// __all_ddl_operation.
SystemRowChanges RowsOfCreateTable(const Catalog& catalog, const TableSchema& table,
                                   std::string_view statement, format::Timestamp now);
SystemRowChanges RowsOfDropTable(const TableSchema& table, std::int64_t schema_version,
                                 std::string_view statement, format::Timestamp now);
// A tablet that has moved.
SystemRowChanges RowsOfTransfer(const Catalog& catalog, std::span<const format::TabletId> tablets,
                                format::Timestamp now);
// A log stream that has come or changed; `is_new`: insert rather than update.
SystemRowChanges RowsOfLogStream(const Catalog& catalog, const LogStreamEntry& ls, bool is_new,
                                 format::Timestamp now);
// A major freeze at `frozen_scn`.
SystemRowChanges RowsOfFreeze(const Catalog& catalog, format::Scn frozen_scn,
                              format::Timestamp now);
// A dictionary that was written to log stream 1.
SystemRowChanges RowsOfDictionary(const DataDictionaryInLogRow& dictionary, format::Timestamp now);

// Builds the catalog from rows. Tables may come in any order and repeatedly, rows of one table in
// any order; those that say nothing about the catalog are passed over.
class CatalogLoader {
 public:
  // The tables whose rows a catalog is made of.
  static std::span<const SystemTable> Tables();

  // One row in stored order. kInvalidData names the column that makes no sense.
  Status Add(SystemTable table, std::span<const format::Datum> cells);
  // kInvalidData when rows contradict each other: a table without columns or database, a tablet
  // without table, ...
  Result<Catalog> Finish() &&;

 private:
  Result<NameCaseMode> NameCase() const;
  Status AddDatabases(Catalog& catalog) const;
  Status AddTables(Catalog& catalog) const;
  Status AddPlaces(Catalog& catalog) const;
  Status RaiseCounters(Catalog& catalog) const;

  std::vector<TableRow> tables_;
  std::vector<ColumnRow> columns_;
  std::vector<DdlOperationRow> operations_;
  std::vector<DatabaseRow> databases_;
  std::vector<DatabaseHistoryRow> database_history_;
  std::vector<SysVariableRow> variables_;
  std::vector<SysStatRow> stats_;
  std::vector<TabletToLsRow> tablets_;
  std::vector<LsRow> log_streams_;
};

}  // namespace obbak::engine
