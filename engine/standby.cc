#include "engine/standby.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/checkpoint.h"
#include "engine/commit.h"
#include "engine/ddl.h"
#include "engine/maintenance.h"

namespace obbak::engine {
namespace {

using format::Scn;

// Of what became of which the manifest still names the blocks.
using Kept = std::vector<std::shared_ptr<const TabletView>>;

io::Task<Status> FlushDecided(TenantCore& core, std::shared_ptr<Tablet> tablet) {
  while (!tablet->frozen().empty() && tablet->frozen().front().memtable->IsDecided()) {
    if (Status status = co_await FlushOldest(core, tablet); !status) co_return status;
  }
  co_return Status();
}

io::Task<Status> MergeWhereMany(TenantCore& core, int many, Kept& kept,
                                CompactionSummary& summary) {
  for (const auto& [ls, stream] : core.streams) {
    for (const std::shared_ptr<Tablet>& tablet : TabletsOf(*stream)) {
      if (std::ssize(Increments(*tablet)) < many) continue;
      kept.push_back(tablet->view());
      Status status = co_await MergeIncrements(core, tablet, summary);
      if (!status) co_return status;
    }
  }
  co_return Status();
}

io::Task<Status> WaitDurable(TenantCore& core) {
  for (const auto& [ls, stream] : core.streams) {
    Status status = co_await stream->clog().WaitDurable(stream->clog().end_lsn());
    if (!status) co_return status;
  }
  co_return Status();
}

// Says in `edit` and in the log streams' records that everything up to `scn` is durable, which it
// is.
void SyncAt(TenantCore& core, Scn scn, pb::Edit& edit) {
  pb::Tenant& record = *edit.mutable_tenant();
  record = core.manifest->state().tenant();
  record.set_sync_scn(std::max(record.sync_scn(), scn.value));
  for (const auto& [ls, stream] : core.streams) {
    stream->mutable_record().set_synced_lsn(stream->clog().durable_end_lsn().value);
  }
}

// Precondition: nothing of the log streams is applied that their logs do not have durably.
io::Task<Status> WriteCheckpoint(TenantCore& core) {
  for (const auto& [ls, stream] : core.streams) {
    if (Status status = co_await MakeMissingMajors(core, *stream); !status) co_return status;
  }
  // One edit for all: a tablet that has moved is never missing.
  pb::Edit edit;
  std::vector<std::shared_ptr<Tablet>> dropped;
  const Scn applied = core.replay->applied();
  SyncAt(core, applied, edit);
  for (const auto& [ls, stream] : core.streams) {
    if (Status status = AddChanges(*stream, applied, edit, dropped); !status) co_return status;
  }
  Status status = co_await core.manifest->Apply(std::move(edit));
  for (const auto& [ls, stream] : core.streams) {
    if (status) status = co_await stream->clog().Recycle(stream->recyclable_lsn());
  }
  co_return status;
}

io::Task<Status> FlushAndWrite(TenantCore& core, int many, CompactionSummary& summary) {
  Kept kept;
  for (const auto& [ls, stream] : core.streams) {
    for (const std::shared_ptr<Tablet>& tablet : TabletsOf(*stream)) {
      if (Status status = co_await FlushDecided(core, tablet); !status) co_return status;
    }
  }
  Status status = co_await MergeWhereMany(core, many, kept, summary);
  if (status) status = co_await WaitDurable(core);
  if (status) status = co_await WriteCheckpoint(core);
  co_return status;
}

io::Task<Status> FreezeAndWrite(TenantCore& core, int many, CompactionSummary& summary) {
  const auto lock = co_await core.maintenance.Lock();
  if (Status status = core.CheckUsable(); !status) co_return status;
  for (const auto& [ls, stream] : core.streams) stream->FreezeAt(core.replay->applied());
  Status status = co_await FlushAndWrite(core, many, summary);
  if (!status) core.Break(status.error());
  co_return status;
}

}  // namespace

io::Task<Status> CheckpointStandby(TenantCore& core) {
  CompactionSummary summary;
  co_return co_await FlushAndWrite(core, core.engine.minor_trigger, summary);
}

io::Task<Status> FlushStandby(TenantCore& core) {
  CompactionSummary summary;
  co_return co_await FreezeAndWrite(core, core.engine.minor_trigger, summary);
}

io::Task<Result<CompactionSummary>> CompactStandby(TenantCore& core) {
  CompactionSummary summary;
  Status status = co_await FreezeAndWrite(core, /*many=*/2, summary);
  if (!status) co_return Fail(std::move(status).error());
  co_return summary;
}

io::Task<Status> SettleAt(TenantCore& core, Scn scn) {
  const auto lock = co_await core.maintenance.Lock();
  Status status = co_await WaitDurable(core);
  if (status && core.manifest->state().tenant().sync_scn() < scn.value) {
    pb::Edit edit;
    SyncAt(core, scn, edit);
    for (const auto& [ls, stream] : core.streams) *edit.add_log_streams() = stream->record();
    status = co_await core.manifest->Apply(std::move(edit));
  }
  if (status) status = DecideUnlogged(core);
  if (status) status = co_await LoadCatalog(core, scn);
  if (!status) {
    core.Break(status.error());
    co_return status;
  }
  core.scns.Observe(scn);
  core.RecountMemory();
  co_return Status();
}

io::Task<Status> OpenStandby(TenantCore& core) {
  core.replay = std::make_unique<StandbyReplay>(core);
  const Scn sync{core.manifest->state().tenant().sync_scn()};
  Status status = co_await core.replay->ReplayTo(sync, /*sources=*/nullptr);
  if (status) status = co_await SettleAt(core, sync);
  co_return status;
}

io::Task<Status> RecoverStandby(TenantCore& core, LogGroupSources& sources, Scn until,
                                ReportReplay report) {
  if (core.role != TenantRole::kStandby) {
    co_return Fail(Error(ErrorCode::kStateNotMatch, "the tenant is no standby").WithPath(core.dir));
  }
  const Scn sync = std::max(core.commits.snapshot(), core.replay->applied());
  if (until < sync) {
    co_return Fail(Error(ErrorCode::kOpNotAllow,
                         "recover before tenant sync_scn is not allowed: the standby is at SCN " +
                             std::to_string(sync.value) + " already")
                       .WithAdvice("give an SCN or time from there on, or restore once more"));
  }
  Status status = co_await core.replay->ReplayTo(until, &sources, std::move(report));
  if (status) status = co_await SettleAt(core, until);
  co_return status;
}

}  // namespace obbak::engine
