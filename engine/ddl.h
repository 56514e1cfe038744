// DDL: changes of the schema, each one transaction over log stream 1 and those of the tablets.
// docs/spec/system-data.md §1, §4.
#pragma once

#include <string>

#include "base/result.h"
#include "engine/catalog.h"
#include "engine/catalog_rows.h"
#include "engine/schema.h"
#include "engine/sql_type.h"
#include "engine/tenant_core.h"
#include "format/ids.h"
#include "io/task.h"

namespace obbak::engine {

// The contracts are those of Tenant.
io::Task<Status> CreateDatabase(TenantCore& core, std::string name);
io::Task<Result<TableSchemaPtr>> CreateTable(TenantCore& core, std::string table,
                                             TableDefinition definition);
io::Task<Status> DropTable(TenantCore& core, std::string table);

// The system tables and their first rows, on a log stream 1 that has nothing yet.
io::Task<Status> BootstrapSchema(TenantCore& core);
// A log stream more; its log begins.
io::Task<Status> CreateLogStream(TenantCore& core, LogStreamEntry entry);
// The inner tablets that the log stream does not have yet. They are made with it, no log says so,
// and the manifest has them only from the first checkpoint on.
Status AddInnerTablets(LogStream& stream);
// Makes the log stream's object, its inner tablets and its log on disk.
io::Task<Status> MakeLogStream(TenantCore& core, const LogStreamEntry& entry);
// Rows of system tables, as part of a transaction.
io::Task<Status> WriteRows(TenantCore& core, Transaction& tx, SystemRowChanges changes);
// Keeps new writes off a tablet, and returns when nobody's are undecided.
io::Task<Status> Quiesce(TenantCore& core, LogStream& stream, Tablet& tablet);
// The row of a major freeze.
io::Task<Status> RecordFreeze(TenantCore& core, format::Scn frozen_scn);

// The catalog as the system tables have it at `snapshot`.
io::Task<Result<Catalog>> ReadCatalog(TenantCore& core, format::Scn snapshot);
// It becomes the tenant's, and so does the last major freeze.
io::Task<Status> LoadCatalog(TenantCore& core, format::Scn snapshot);

}  // namespace obbak::engine
