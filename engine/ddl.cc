#include "engine/ddl.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "engine/catalog_rows.h"
#include "engine/ddl_payloads.h"
#include "engine/system_tables.h"
#include "engine/transaction.h"
#include "format/data_dict_log.h"
#include "format/ls_meta_records.h"
#include "format/mds_payload.h"
#include "format/tx_log_block.h"

namespace obbak::engine {
namespace {

using format::LsId;
using format::Scn;
using format::TabletId;
using format::TxDataSourceType;

format::Timestamp Now(const TenantCore& core) {
  return {static_cast<std::int64_t>(core.env.clock.NowNs() / 1000)};
}

std::unique_ptr<Transaction> BeginDdl(TenantCore& core) {
  return std::make_unique<Transaction>(core, core.NewTxId(), core.commits.snapshot());
}

template <class Payload>
Status Register(Transaction& tx, LsId ls, TxDataSourceType type, const Payload& payload) {
  Result<std::string> data = format::EncodeMdsPayload(payload);
  if (!data) return Fail(data.error());
  const Result<TxContext*> context = tx.RegisterMultiDataSource(ls, type, *std::move(data));
  if (!context) return Fail(context.error());
  return {};
}

Status RegisterDdlTrans(Transaction& tx, const std::vector<format::DictMeta>& metas) {
  const Result<Bytes> payload = format::EncodeDdlTrans(metas);
  if (!payload) return Fail(payload.error());
  const Result<TxContext*> context = tx.RegisterMultiDataSource(
      format::kSysLsId, TxDataSourceType::kDdlTrans, std::string(AsText(*payload)));
  if (!context) return Fail(context.error());
  return {};
}

io::Task<Status> CommitDdl(Transaction& tx) {
  const Result<Scn> version = co_await tx.Commit();
  if (!version) co_return Fail(version.error());
  co_return Status();
}

// Where new tablets go: the user log stream with the fewest.
LsId LeastLoaded(const Catalog& catalog) {
  std::map<LsId, std::size_t> counts;
  for (const auto& [id, entry] : catalog.log_streams()) {
    if (id != format::kSysLsId && entry.status == format::LsStatus::kNormal) counts[id] = 0;
  }
  for (const auto& [tablet, entry] : catalog.tablets()) {
    const auto found = counts.find(entry.ls_id);
    if (found != counts.end()) ++found->second;
  }
  const auto least = std::ranges::min_element(
      counts, {}, [](const auto& entry) { return std::pair(entry.second, entry.first); });
  return least == counts.end() ? format::kSysLsId : least->first;
}

// "database.name" or "name".
std::pair<std::string, std::string> SplitName(const std::string& table) {
  const std::size_t dot = table.find('.');
  if (dot == std::string::npos) return {"test", table};
  return {table.substr(0, dot), table.substr(dot + 1)};
}

// Log stream 1's own tablets, each created by a node of its own.
io::Task<Status> CreateSystemTablets(TenantCore& core) {
  const std::unique_ptr<Transaction> tx = BeginDdl(core);
  for (const auto& [id, table] : core.catalog.system_tables()) {
    Status status =
        Register(*tx, format::kSysLsId, TxDataSourceType::kCreateTablet,
                 CreateTabletsArg(*table, format::kSysLsId, table->tablets(), format::kBaseScn));
    if (!status) co_return status;
  }
  co_return co_await CommitDdl(*tx);
}

io::Task<Status> LogStreamStep(TenantCore& core, LogStreamEntry entry,
                               format::LsOperationType operation, bool is_new) {
  Catalog after = core.catalog;
  after.PutLogStream(entry);
  const std::unique_ptr<Transaction> tx = BeginDdl(core);
  Status status = co_await WriteRows(core, *tx, RowsOfLogStream(after, entry, is_new, Now(core)));
  if (status) {
    status =
        Register(*tx, format::kSysLsId, TxDataSourceType::kLsTable, LsAttrOf(entry, operation));
  }
  if (status) status = co_await CommitDdl(*tx);
  if (status) core.catalog = std::move(after);
  co_return status;
}

io::Task<Status> ForEachSystemRow(TenantCore& core, SystemTable table, Scn snapshot,
                                  const TableScan::TakeRow& take) {
  const TableSchemaPtr schema = core.catalog.FindTable(IdOf(table));
  auto scan = ScanTable(core, *schema, {}, Direction::kForward, snapshot, {});
  if (!scan) co_return Fail(scan.error());
  co_return co_await (*scan)->ForEach(take);
}

}  // namespace

io::Task<Status> WriteRows(TenantCore& core, Transaction& tx, SystemRowChanges changes) {
  for (const SystemRowChange& change : changes) {
    const TableSchemaPtr table = core.catalog.FindTable(IdOf(change.table));
    const std::vector<format::Datum> cells = Datums(change.row);
    io::Task<Status> write =
        change.dml == format::DmlFlag::kDelete ? tx.Delete(*table, cells) : tx.Put(*table, cells);
    if (Status status = co_await std::move(write); !status) co_return status;
  }
  co_return Status();
}

io::Task<Status> Quiesce(TenantCore& core, LogStream& stream, Tablet& tablet) {
  tablet.set_leaving(true);
  const auto is_decided = [](const auto& memtable) { return memtable->IsDecided(); };
  while (!std::ranges::all_of(tablet.view()->memtables, is_decided)) {
    if (Status status = core.CheckUsable(); !status) co_return status;
    co_await stream.decided().Wait();
  }
  co_return Status();
}

Status AddInnerTablets(LogStream& stream) {
  const Scn create_scn{stream.record().create_scn()};
  for (const TabletId id : InnerTablets()) {
    if (stream.tablets().contains(id)) continue;
    Result<std::shared_ptr<Tablet>> tablet =
        Tablet::Create(FreshInnerTablet(stream.id(), id, create_scn), {});
    if (!tablet) return Fail(tablet.error());
    (*tablet)->MarkDirty();
    stream.AddTablet(*std::move(tablet));
  }
  return {};
}

io::Task<Status> MakeLogStream(TenantCore& core, const LogStreamEntry& entry) {
  pb::LogStream record;
  record.set_ls_id(entry.id.value);
  record.set_ls_group_id(entry.group_id);
  record.set_create_scn(entry.create_scn.value);
  record.set_clog_checkpoint_scn(entry.create_scn.value);
  record.set_clog_base_lsn(0);
  auto stream = std::make_unique<LogStream>(core.Shared(), std::move(record));
  if (Status status = AddInnerTablets(*stream); !status) co_return status;
  const std::string dir = core.ClogDir(entry.id);
  if (Status status = co_await core.env.disk.MakeDirectory(dir); !status) co_return status;
  Status status = co_await core.env.disk.SyncDirectory(core.dir + "/clog");
  if (!status) co_return status;
  format::PalfBaseInfo base;
  base.prev_log_info.scn = entry.create_scn;
  Result<std::unique_ptr<Clog>> clog =
      co_await Clog::Create(core.env, dir, entry.id, base, core.engine.clog);
  if (!clog) co_return Fail(clog.error());
  stream->AttachClog(*std::move(clog));
  core.scns.Observe(entry.create_scn);
  status = stream->StartWorking();
  pb::Edit edit;
  *edit.add_log_streams() = stream->record();
  LogStream& made = *(core.streams[entry.id] = std::move(stream));
  if (status) status = co_await made.clog().WaitDurable(made.clog().end_lsn());
  if (status) status = co_await core.manifest->Apply(std::move(edit));
  co_return status;
}

io::Task<Status> BootstrapSchema(TenantCore& core) {
  if (Status status = co_await CreateSystemTablets(core); !status) co_return status;
  const std::unique_ptr<Transaction> tx = BeginDdl(core);
  Status status = co_await WriteRows(core, *tx, RowsOfNewTenant(core.catalog, Now(core)));
  if (status) status = RegisterDdlTrans(*tx, {});
  if (status) status = co_await CommitDdl(*tx);
  co_return status;
}

io::Task<Status> CreateLogStream(TenantCore& core, LogStreamEntry entry) {
  entry.create_scn = core.scns.Next();
  entry.status = format::LsStatus::kCreating;
  Status status =
      co_await LogStreamStep(core, entry, format::LsOperationType::kCreatePre, /*is_new=*/true);
  if (status) status = co_await MakeLogStream(core, entry);
  if (!status) co_return status;
  entry.status = format::LsStatus::kNormal;
  co_return co_await LogStreamStep(core, entry, format::LsOperationType::kCreateEnd,
                                   /*is_new=*/false);
}

io::Task<Status> CreateDatabase(TenantCore& core, std::string name) {
  const auto lock = co_await core.ddl.Lock();
  Catalog after = core.catalog;
  const format::Timestamp now = Now(core);
  const Result<DatabaseSchema> database = after.NewDatabase(name, now.value);
  if (!database) co_return Fail(database.error());
  if (Status status = after.AddDatabase(*database); !status) co_return status;
  if (Status status = core.ReserveIds(); !status) co_return status;
  const std::unique_ptr<Transaction> tx = BeginDdl(core);
  Status status = co_await WriteRows(core, *tx, RowsOfCreateDatabase(after, *database, now));
  if (status) status = RegisterDdlTrans(*tx, {DictMetaOf(*database, after.name_case_mode())});
  if (status) status = co_await CommitDdl(*tx);
  if (status) core.catalog = std::move(after);
  co_return status;
}

io::Task<Result<TableSchemaPtr>> CreateTable(TenantCore& core, std::string table,
                                             TableDefinition definition) {
  const auto lock = co_await core.ddl.Lock();
  Catalog after = core.catalog;
  const format::Timestamp now = Now(core);
  const auto [database, name] = SplitName(table);
  const Result<TableSchemaPtr> schema = after.NewTable(database, name, definition, now.value);
  if (!schema) co_return schema;
  if (Status status = after.AddTable(*schema); !status) co_return Fail(status.error());
  for (const TabletId tablet : (*schema)->tablets()) {
    after.PutTablet(tablet, {.table_id = (*schema)->id(), .ls_id = LeastLoaded(after)});
  }
  if (Status status = core.ReserveIds(); !status) co_return Fail(status.error());

  const std::unique_ptr<Transaction> tx = BeginDdl(core);
  const std::string statement = "CREATE TABLE " + name + " (" + ToText(definition) + ")";
  Status status = co_await WriteRows(core, *tx, RowsOfCreateTable(after, **schema, statement, now));
  if (status) status = RegisterDdlTrans(*tx, {DictMetaOf(**schema, after.name_case_mode())});
  for (const auto& [ls, tablets] : TabletsByLs(after, **schema)) {
    if (!status) break;
    status = Register(*tx, ls, TxDataSourceType::kCreateTablet,
                      CreateTabletsArg(**schema, ls, tablets, core.major_frozen_scn));
  }
  if (status) status = co_await CommitDdl(*tx);
  if (!status) co_return Fail(std::move(status).error());
  core.catalog = std::move(after);
  co_return *schema;
}

io::Task<Status> DropTable(TenantCore& core, std::string table) {
  const auto lock = co_await core.ddl.Lock();
  // Before anything is waited for: on a standby nobody ends a transaction.
  if (Status status = core.CheckWritable(); !status) co_return status;
  const Result<TableSchemaPtr> schema = core.catalog.ResolveTable(table);
  if (!schema) co_return Fail(schema.error());
  Catalog after = core.catalog;
  if (Status status = after.DropTable((*schema)->id()); !status) co_return status;
  const format::Timestamp now = Now(core);
  const std::int64_t version = after.NextSchemaVersion(now.value);
  after.RaiseSchemaVersion(version);
  for (const TabletId id : (*schema)->tablets()) {
    const auto found = core.FindTablet(id);
    if (!found) co_return Fail(found.error());
    Status status = co_await Quiesce(core, *found->first, *found->second);
    if (!status) co_return status;
  }
  if (Status status = core.ReserveIds(); !status) co_return status;

  const std::unique_ptr<Transaction> tx = BeginDdl(core);
  Status status = co_await WriteRows(
      core, *tx, RowsOfDropTable(**schema, version, "DROP TABLE " + (*schema)->name(), now));
  if (status) status = RegisterDdlTrans(*tx, {});
  for (const auto& [ls, tablets] : TabletsByLs(core.catalog, **schema)) {
    if (!status) break;
    status = Register(*tx, ls, TxDataSourceType::kDeleteTablet, RemoveTabletsArg(ls, tablets));
  }
  if (status) status = co_await CommitDdl(*tx);
  if (status) {
    core.catalog = std::move(after);
  } else {
    for (const TabletId id : (*schema)->tablets()) {
      const auto still = core.FindTablet(id);
      if (still) still->second->set_leaving(false);
    }
  }
  core.RecountMemory();
  co_return status;
}

io::Task<Status> RecordFreeze(TenantCore& core, Scn frozen_scn) {
  const auto lock = co_await core.ddl.Lock();
  if (Status status = core.ReserveIds(); !status) co_return status;
  const std::unique_ptr<Transaction> tx = BeginDdl(core);
  Status status = co_await WriteRows(core, *tx, RowsOfFreeze(core.catalog, frozen_scn, Now(core)));
  if (status) status = co_await CommitDdl(*tx);
  if (status) core.major_frozen_scn = frozen_scn;
  co_return status;
}

io::Task<Result<Catalog>> ReadCatalog(TenantCore& core, Scn snapshot) {
  CatalogLoader loader;
  for (const SystemTable table : CatalogLoader::Tables()) {
    const TableScan::TakeRow take = [&](std::span<const format::Datum> cells) {
      return loader.Add(table, cells);
    };
    Status status = co_await ForEachSystemRow(core, table, snapshot, take);
    if (!status) co_return Fail(std::move(status).error());
  }
  co_return std::move(loader).Finish();
}

io::Task<Status> LoadCatalog(TenantCore& core, Scn snapshot) {
  Result<Catalog> catalog = co_await ReadCatalog(core, snapshot);
  if (!catalog) co_return Fail(std::move(catalog).error());
  const TableScan::TakeRow take = [&](std::span<const format::Datum> cells) -> Status {
    const Result<FreezeInfoRow> row = FromRow<FreezeInfoRow>(cells);
    if (!row) return Fail(row.error());
    core.major_frozen_scn = std::max(core.major_frozen_scn, Scn{row->frozen_scn});
    return {};
  };
  Status status = co_await ForEachSystemRow(core, SystemTable::kFreezeInfo, snapshot, take);
  if (status) core.catalog = *std::move(catalog);
  co_return status;
}

}  // namespace obbak::engine
