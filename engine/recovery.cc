#include "engine/recovery.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "engine/commit.h"
#include "engine/ddl.h"
#include "engine/standby.h"
#include "engine/tenant_directory.h"
#include "engine/transfer.h"
#include "format/log_group.h"
#include "format/ls_meta_records.h"
#include "format/record.h"
#include "format/table_key.h"
#include "format/tablet_meta.h"

namespace obbak::engine {
namespace {

using format::Scn;

TenantOptions FromRecord(const ManifestState& state) {
  const pb::Tenant& record = state.tenant();
  TenantOptions options;
  options.cluster_id = record.cluster_id();
  options.cluster_name = record.cluster_name();
  options.tenant_id = record.tenant_id();
  options.tenant_name = record.tenant_name();
  options.time_zone = record.time_zone();
  options.locality = record.locality();
  options.parameters.insert(record.parameters().begin(), record.parameters().end());
  options.user_log_streams = static_cast<int>(state.log_streams().size()) - 1;
  return options;
}

TenantRole RoleOf(const pb::Tenant& record) {
  switch (record.role()) {
    case pb::Tenant::STANDBY:
      return TenantRole::kStandby;
    case pb::Tenant::RESTORING:
      return TenantRole::kRestoring;
    default:
      return TenantRole::kPrimary;
  }
}

Result<std::shared_ptr<Tablet>> OpenTablet(TenantCore& core, const pb::Tablet& record) {
  Result<format::MigrationTabletParam> meta =
      format::DecodeMigrationTabletParam(AsByteView(record.meta()));
  if (!meta) return Fail(meta.error());
  const Result<TabletFormat> tablet_format =
      TabletFormat::Of(meta->tablet_id, meta->storage_schema);
  if (!tablet_format) return Fail(tablet_format.error());
  std::vector<std::shared_ptr<const Sstable>> sstables;
  for (const pb::Sstable& entry : record.sstables()) {
    const auto key = format::DecodeRecord<format::TableKey>(AsByteView(entry.table_key()));
    if (!key) return Fail(key.error());
    auto sstable =
        Sstable::Open(*core.store, *key, AsByteView(entry.meta()), tablet_format->schema);
    if (!sstable) return Fail(sstable.error());
    sstables.push_back(*std::move(sstable));
  }
  return Tablet::Create(*std::move(meta), std::move(sstables));
}

Status OpenStreams(TenantCore& core) {
  const ManifestState& state = core.manifest->state();
  for (const auto& [id, record] : state.log_streams()) {
    core.streams[id] = std::make_unique<LogStream>(core.Shared(), record);
    core.scns.Observe(Scn{record.clog_checkpoint_scn()});
  }
  for (const auto& [address, record] : state.tablets()) {
    Result<std::shared_ptr<Tablet>> tablet = OpenTablet(core, record);
    if (!tablet) {
      return Fail(std::move(tablet)
                      .error()
                      .WithField("tablet " + std::to_string(address.second.value))
                      .WithPath(core.ManifestDir()));
    }
    LogStream* stream = core.FindStream(address.first);
    if (stream == nullptr) {
      return Fail(Error(ErrorCode::kInvalidData, "a tablet's log stream is missing")
                      .WithField("tablet " + std::to_string(address.second.value))
                      .WithPath(core.ManifestDir()));
    }
    // The log may have lost what came before this, if nobody was told that it is durable.
    core.scns.Observe((*tablet)->checkpoint_scn());
    stream->AddTablet(*std::move(tablet));
  }
  for (const auto& [id, stream] : core.streams) {
    if (Status status = AddInnerTablets(*stream); !status) return status;
  }
  return {};
}

Result<format::PalfBaseInfo> StartOf(const pb::LogStream& record) {
  if (record.has_palf_base()) {
    return format::DecodeRecord<format::PalfBaseInfo>(AsByteView(record.palf_base()));
  }
  format::PalfBaseInfo base;
  base.prev_log_info.scn = Scn{record.create_scn()};
  return base;
}

io::Task<Status> ReplayGroup(LogStream& stream, const format::LogGroup& group) {
  co_return stream.Replay(group);
}

io::Task<Status> OnlyCheck(const format::LogGroup&) { co_return Status(); }

io::Task<Status> OpenLog(TenantCore& core, LogStream& stream, ClogReplay replay) {
  const Result<format::PalfBaseInfo> start = StartOf(stream.record());
  if (!start) co_return Fail(start.error());
  const format::Lsn torn_from = stream.record().has_synced_lsn()
                                    ? format::Lsn{stream.record().synced_lsn()}
                                    : format::kInvalidLsn;
  Result<std::unique_ptr<Clog>> clog =
      co_await Clog::Open(core.env, core.ClogDir(stream.id()), stream.id(), *start,
                          core.engine.clog, std::move(replay), torn_from);
  if (!clog) {
    co_return Fail(std::move(clog).error().WithPath(core.ClogDir(stream.id())));
  }
  stream.AttachClog(*std::move(clog));
  co_return Status();
}

// Log stream by log stream, each to its end.
io::Task<Status> ReplayLogs(TenantCore& core) {
  for (const auto& [id, stream] : core.streams) {
    LogStream& replayed = *stream;
    ClogReplay replay = [&replayed](const format::LogGroup& group) {
      return ReplayGroup(replayed, group);
    };
    if (Status status = co_await OpenLog(core, replayed, std::move(replay)); !status) {
      co_return status;
    }
    core.scns.Observe(replayed.clog().max_scn());
  }
  co_return Status();
}

// What came from another log stream has its data, once all logs are read.
Status CheckTransfers(const TenantCore& core) {
  for (const auto& [ls, stream] : core.streams) {
    for (const auto& [id, tablet] : stream->tablets()) {
      if (!stream->IsCreationCommitted(id) || !tablet->meta().transfer_info.has_transfer_table) {
        continue;
      }
      return Fail(Error(ErrorCode::kInvalidData, "the tablet was moved to log stream " +
                                                     std::to_string(ls.value) +
                                                     ", but its data is nowhere")
                      .WithPath(core.dir)
                      .WithField("tablet " + std::to_string(id.value)));
    }
  }
  return {};
}

// The tenant becomes a leader again: what the logs left open is decided.
io::Task<Status> TakeOver(TenantCore& core) {
  for (const auto& [id, stream] : core.streams) {
    if (Status status = stream->StartWorking(); !status) co_return status;
  }
  const pb::IdLimit& tx_ids = core.streams.at(format::kSysLsId)->record().transaction_id_limit();
  // Any id below the limit may have been used.
  core.next_tx_id = tx_ids.limited_id();
  if (Status status = core.ReserveIds(); !status) co_return status;
  co_return co_await ResolveTransactions(core);
}

}  // namespace

io::Task<Status> RecoverManifest(TenantCore& core) {
  auto manifest = co_await Manifest::Open(core.env, core.ManifestDir());
  if (!manifest) {
    if (manifest.error().code() != ErrorCode::kFileNotExist) co_return Fail(manifest.error());
    co_return Fail(Error(ErrorCode::kFileNotExist, "there is no tenant in this directory")
                       .WithPath(core.dir)
                       .WithAdvice("create one with `obbak tenant create`"));
  }
  core.manifest = *std::move(manifest);
  if (core.manifest->state().tenant().role() == pb::Tenant::INVALID) {
    co_return Fail(Error(ErrorCode::kStateNotMatch, "the tenant's creation was not finished")
                       .WithPath(core.dir)
                       .WithAdvice("remove the directory and create the tenant again"));
  }
  core.options = FromRecord(core.manifest->state());
  core.role = RoleOf(core.manifest->state().tenant());
  core.origin.cluster_id = core.options.cluster_id;
  core.scns.Observe(Scn{core.manifest->state().tenant().create_scn()});
  if (core.role == TenantRole::kPrimary) {
    core.scns.Observe(Scn{core.manifest->state().tenant().sync_scn()});
  }
  co_return Status();
}

Status CheckComplete(const TenantCore& core) {
  if (core.role == TenantRole::kRestoring) {
    return Fail(Error(ErrorCode::kStateNotMatch, "the tenant's restore was not finished")
                    .WithPath(core.dir)
                    .WithAdvice("run the restore into this directory again"));
  }
  if (core.manifest->state().tenant().activating()) {
    return Fail(Error(ErrorCode::kStateNotMatch, "the standby's activation was not finished")
                    .WithPath(core.dir)
                    .WithAdvice("run the activation again"));
  }
  return {};
}

io::Task<Status> RecoverTenant(TenantCore& core) {
  if (Status status = co_await OpenBlocks(core); !status) co_return status;
  if (Status status = OpenStreams(core); !status) co_return status;
  if (core.role != TenantRole::kPrimary) {
    for (const auto& [id, stream] : core.streams) {
      if (Status status = co_await OpenLog(core, *stream, OnlyCheck); !status) co_return status;
    }
    Status status = co_await OpenStandby(core);
    if (status) status = CheckTransfers(core);
    co_return status;
  }
  if (Status status = co_await ReplayLogs(core); !status) co_return status;
  if (Status status = CheckTransfers(core); !status) co_return status;
  if (Status status = co_await TakeOver(core); !status) co_return status;
  core.RecountMemory();
  if (Status status = co_await LoadCatalog(core, core.commits.snapshot()); !status) {
    co_return status;
  }
  co_return co_await FinishTransfers(core);
}

}  // namespace obbak::engine
