#include "engine/tenant.h"

#include <utility>

#include "engine/commit.h"
#include "engine/ddl.h"
#include "engine/ddl_payloads.h"
#include "engine/maintenance.h"
#include "engine/recovery.h"
#include "engine/tenant_core.h"
#include "engine/tenant_directory.h"
#include "engine/transfer.h"

namespace obbak::engine {
namespace {

using format::Scn;

// The database that every tenant has besides OceanBase's own.
Status AddTestDatabase(TenantCore& core) {
  const auto now = static_cast<std::int64_t>(core.env.clock.NowNs() / 1000);
  return core.catalog.AddDatabase({.database_id = kTestDatabase,
                                   .name = "test",
                                   .schema_version = core.catalog.NextSchemaVersion(now)});
}

io::Task<Status> Build(TenantCore& core) {
  // Until everything is there.
  pb::Tenant record = RecordOf(core.options, core.scns.Next());
  record.set_role(pb::Tenant::INVALID);
  if (Status status = co_await CreateStorage(core, std::move(record)); !status) co_return status;

  // Log stream 1 exists from the beginning of all SCNs (docs/spec/consistency.md §1.5).
  const LogStreamEntry sys{.id = format::kSysLsId, .create_scn = format::kBaseScn};
  core.catalog.PutLogStream(sys);
  if (Status status = co_await MakeLogStream(core, sys); !status) co_return status;
  if (Status status = core.ReserveIds(); !status) co_return status;
  if (Status status = AddTestDatabase(core); !status) co_return status;
  if (Status status = co_await BootstrapSchema(core); !status) co_return status;
  for (int i = 0; i < core.options.user_log_streams; ++i) {
    LogStreamEntry entry;
    entry.id = core.catalog.NewLsId();
    entry.group_id = core.catalog.NewLsGroupId();
    if (Status status = co_await CreateLogStream(core, entry); !status) co_return status;
  }
  pb::Edit last;
  *last.mutable_tenant() = core.manifest->state().tenant();
  last.mutable_tenant()->set_role(pb::Tenant::PRIMARY);
  co_return co_await core.manifest->Apply(std::move(last));
}

void StartBackground(TenantCore& core) {
  // A standby flushes as it replays, and logs nothing.
  if (!core.engine.background || core.role != TenantRole::kPrimary) return;
  core.background.Spawn(RunFreezer(core));
  if (core.engine.keep_alive_interval.count() > 0) core.background.Spawn(RunKeepAlive(core));
}

}  // namespace

Tenant::Tenant(std::unique_ptr<TenantCore> core) : core_(std::move(core)) {}
Tenant::~Tenant() = default;

io::Task<Result<std::unique_ptr<Tenant>>> Tenant::Create(Env env, std::string dir,
                                                         TenantOptions options,
                                                         EngineOptions engine) {
  if (Status status = CheckOptions(options); !status) co_return Fail(status.error());
  auto core = std::make_unique<TenantCore>(std::move(env), std::move(dir), std::move(engine));
  core->options = std::move(options);
  core->origin.cluster_id = core->options.cluster_id;
  std::unique_ptr<Tenant> tenant(new Tenant(std::move(core)));
  if (Status status = co_await Build(*tenant->core_); !status) {
    (void)co_await tenant->Close();
    co_return Fail(std::move(status).error());
  }
  StartBackground(*tenant->core_);
  co_return tenant;
}

io::Task<Result<std::unique_ptr<Tenant>>> Tenant::Open(Env env, std::string dir,
                                                       EngineOptions engine) {
  std::unique_ptr<Tenant> tenant(
      new Tenant(std::make_unique<TenantCore>(std::move(env), std::move(dir), std::move(engine))));
  TenantCore& core = *tenant->core_;
  Status status = co_await RecoverManifest(core);
  if (status) status = CheckComplete(core);
  if (status) status = co_await RecoverTenant(core);
  if (!status) {
    (void)co_await tenant->Close();
    co_return Fail(std::move(status).error());
  }
  StartBackground(core);
  co_return tenant;
}

io::Task<Result<TenantOptions>> Tenant::ReadOptions(Env env, std::string dir) {
  EngineOptions small;
  small.block_cache = 0;
  small.scan_buffers = 1;
  TenantCore core(std::move(env), std::move(dir), std::move(small));
  Status status = co_await RecoverManifest(core);
  if (status) status = CheckComplete(core);
  if (!status) co_return Fail(std::move(status).error());
  co_return core.options;
}

io::Task<Status> Tenant::Close() { return core_->Close(); }

const TenantOptions& Tenant::options() const { return core_->options; }
TenantRole Tenant::role() const { return core_->role; }
const std::string& Tenant::dir() const { return core_->dir; }
const Catalog& Tenant::catalog() const { return core_->catalog; }

io::Task<Status> Tenant::CreateDatabase(std::string name) {
  return engine::CreateDatabase(*core_, std::move(name));
}
io::Task<Result<TableSchemaPtr>> Tenant::CreateTable(std::string table,
                                                     TableDefinition definition) {
  return engine::CreateTable(*core_, std::move(table), std::move(definition));
}
io::Task<Status> Tenant::DropTable(std::string table) {
  return engine::DropTable(*core_, std::move(table));
}

io::Task<Status> Tenant::MoveTablet(format::TabletId tablet, format::LsId destination) {
  return engine::MoveTablet(*core_, tablet, destination);
}

Result<std::unique_ptr<Transaction>> Tenant::Begin() {
  if (Status status = core_->CheckUsable(); !status) return Fail(status.error());
  if (Status status = core_->ReserveIds(); !status) return Fail(status.error());
  return std::make_unique<Transaction>(*core_, core_->NewTxId(), core_->commits.snapshot());
}

Scn Tenant::snapshot() const { return core_->commits.snapshot(); }

io::Task<Result<std::optional<Row>>> Tenant::Get(TableSchemaPtr table,
                                                 std::span<const format::Datum> rowkey,
                                                 Scn snapshot) {
  if (Status status = CheckSnapshot(snapshot); !status) co_return Fail(status.error());
  co_return co_await GetRow(*core_, *table, rowkey, snapshot, {});
}

Result<std::unique_ptr<TableScan>> Tenant::Scan(const TableSchemaPtr& table, const KeyRange& range,
                                                Direction direction, Scn snapshot) {
  if (Status status = CheckSnapshot(snapshot); !status) return Fail(status.error());
  return ScanTable(*core_, *table, range, direction, snapshot, {});
}

Status Tenant::CheckSnapshot(Scn snapshot) const {
  if (Status status = core_->CheckUsable(); !status) return status;
  if (snapshot <= core_->commits.snapshot()) return {};
  return Fail(ErrorCode::kInvalidArgument, "SCN " + std::to_string(snapshot.value) +
                                               " is in the future: the newest is " +
                                               std::to_string(core_->commits.snapshot().value));
}

io::Task<Status> Tenant::Flush() { return FlushTenant(*core_); }
io::Task<Result<CompactionSummary>> Tenant::CompactMinor() { return engine::CompactMinor(*core_); }
io::Task<Result<std::pair<Scn, CompactionSummary>>> Tenant::CompactMajor() {
  return engine::CompactMajor(*core_);
}

TenantStatistics Tenant::Statistics() const {
  TenantStatistics statistics;
  const BlockFile::Statistics blocks = core_->blocks->statistics();
  statistics.block_slots = blocks.slots;
  statistics.used_block_slots = blocks.used_slots;
  statistics.cache_bytes = core_->cache.statistics().bytes;
  statistics.cache_hits = core_->cache.statistics().hits;
  statistics.cache_misses = core_->cache.statistics().misses;
  for (const auto& [id, stream] : core_->streams) {
    const Clog& clog = stream->clog();
    statistics.log_streams.push_back({.id = id,
                                      .base_lsn = clog.base_lsn(),
                                      .end_lsn = clog.end_lsn(),
                                      .durable_end_lsn = clog.durable_end_lsn(),
                                      .max_scn = clog.max_scn(),
                                      .checkpoint_scn = Scn{stream->record().clog_checkpoint_scn()},
                                      .tablets = stream->tablets().size(),
                                      .open_transactions = stream->contexts().size()});
    for (const auto& [tablet_id, tablet] : stream->tablets()) {
      TabletStatistics entry{.tablet = tablet_id, .ls = id};
      entry.memtable_bytes = tablet->memtable_bytes();
      entry.sstables = tablet->sstables().size();
      for (const auto& sstable : tablet->sstables()) {
        entry.sstable_rows += sstable->row_count();
        entry.macro_blocks += sstable->block_count();
      }
      statistics.memtable_bytes += entry.memtable_bytes;
      statistics.tablets.push_back(entry);
    }
  }
  return statistics;
}

}  // namespace obbak::engine
