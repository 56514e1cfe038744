#include "engine/maintenance.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "engine/catalog_rows.h"
#include "engine/checkpoint.h"
#include "engine/compaction.h"
#include "engine/ddl.h"
#include "engine/ddl_payloads.h"
#include "engine/standby.h"
#include "format/log_payload.h"

namespace obbak::engine {
namespace {

using format::Scn;
using SstablePtr = std::shared_ptr<const Sstable>;

// Every fiftieth keep-alive says whether transactions are open (docs/spec/consistency.md §2.2).
constexpr int kStatusPeriod = 50;

void Add(const CompactionStatistics& statistics, CompactionSummary& summary) {
  ++summary.tablets;
  summary.rows_written += statistics.rows_written;
  summary.blocks_written += statistics.blocks_written;
  summary.blocks_reused += statistics.blocks_reused;
}

// Waits until the transactions in its frozen MemTables are decided.
io::Task<Status> FlushTablet(TenantCore& core, LogStream& stream, std::shared_ptr<Tablet> tablet) {
  while (!tablet->frozen().empty()) {
    const std::shared_ptr<MemTable> oldest = tablet->frozen().front().memtable;
    while (!oldest->IsDecided()) {
      if (Status status = core.CheckUsable(); !status) co_return status;
      co_await stream.decided().Wait();
    }
    if (Status status = co_await FlushOldest(core, tablet); !status) co_return status;
  }
  co_return Status();
}

// Precondition: core.maintenance is held.
io::Task<Status> WriteCheckpoint(TenantCore& core, LogStream& stream) {
  if (Status status = co_await MakeMissingMajors(core, stream); !status) co_return status;
  // From here to Apply nothing else runs: what the edit says is of one moment.
  pb::Edit edit;
  std::vector<std::shared_ptr<Tablet>> dropped;
  Status status = AddChanges(stream, stream.clog().durable_end_scn(), edit, dropped);
  if (!status) co_return status;
  status = co_await core.manifest->Apply(std::move(edit));
  if (status) status = co_await stream.clog().Recycle(stream.recyclable_lsn());
  if (!status) core.Break(status.error());
  co_return status;
}

io::Task<Status> CompactTablet(TenantCore& core, LogStream& stream, std::shared_ptr<Tablet> tablet,
                               CompactionSummary& summary) {
  // Keeps the old SSTables' blocks until the manifest does not name them any more.
  const std::shared_ptr<const TabletView> view = tablet->view();
  if (Increments(*tablet).size() < 2) co_return Status();
  Status status = co_await MergeIncrements(core, tablet, summary);
  if (status) status = co_await WriteCheckpoint(core, stream);
  co_return status;
}

io::Task<Status> MajorOfTablet(TenantCore& core, LogStream& stream, std::shared_ptr<Tablet> tablet,
                               Scn snapshot, CompactionSummary& summary) {
  const std::shared_ptr<const TabletView> view = tablet->view();
  const auto version = static_cast<std::int64_t>(snapshot.value);
  if (version <= tablet->meta().snapshot_version.value) co_return Status();
  Result<CompactionResult> result = co_await MergeMajor(
      *core.store, tablet->format(), MajorOf(*tablet), Increments(*tablet), version);
  if (!result) co_return Fail(result.error());
  std::vector<SstablePtr> sstables;
  for (const SstablePtr& sstable : view->sstables) {
    if (!sstable->is_major()) sstables.push_back(sstable);
  }
  // Only the oldest ones go: the SCN ranges of those that stay must join.
  while (!sstables.empty() && sstables.back()->max_merged_trans_version() <= version) {
    sstables.pop_back();
  }
  const bool has_increments = !sstables.empty();
  sstables.push_back(result->sstable);
  tablet->ReplaceSstables(*view, std::move(sstables));
  TakeBaseline(*result->sstable, has_increments, tablet->mutable_meta());
  Add(result->statistics, summary);
  co_return co_await WriteCheckpoint(core, stream);
}

Status AppendKeepAlive(LogStream& stream, format::KeepAliveLogBody body) {
  const Result<Bytes> payload = format::KeepAliveLog(stream.id(), body).Encode();
  if (!payload) return Fail(payload.error());
  const Result<Clog::Appended> appended = stream.Append(*payload);
  if (!appended) return Fail(appended.error());
  return {};
}

format::KeepAliveLogBody StatusBody(const LogStream& stream) {
  format::KeepAliveLogBody body;
  body.min_start_status = format::MinStartScnStatus::kNoCtx;
  body.min_start_scn = format::kMinScn;
  for (const auto& [tx, context] : stream.contexts()) {
    if (!context->has_logs()) continue;
    const bool is_first = body.min_start_status == format::MinStartScnStatus::kNoCtx;
    body.min_start_status = format::MinStartScnStatus::kHasCtx;
    body.min_start_scn =
        is_first ? context->first_scn() : std::min(body.min_start_scn, context->first_scn());
  }
  return body;
}

Status KeepAlive(TenantCore& core, bool with_status) {
  constexpr std::uint64_t kIdle = 100'000'000;
  for (const auto& [id, stream] : core.streams) {
    if (stream->clog().max_scn() != stream->clog().durable_end_scn()) continue;
    Status status;
    if (with_status) {
      status = AppendKeepAlive(*stream, StatusBody(*stream));
    } else if (core.env.clock.NowNs() >= stream->clog().max_scn().value + kIdle) {
      status = AppendKeepAlive(*stream, {});
    }
    if (!status) return status;
  }
  return {};
}

bool NeedsFreeze(const TenantCore& core, const LogStream& stream) {
  return stream.active_bytes() >= core.engine.freeze_trigger ||
         (core.memtable_bytes > core.engine.memstore_limit && stream.active_bytes() > 0);
}

io::Task<Status> FreezeWhereNeeded(TenantCore& core) {
  for (const auto& [id, stream] : core.streams) {
    if (!NeedsFreeze(core, *stream)) continue;
    if (Status status = co_await FlushStream(core, *stream); !status) co_return status;
    for (const std::shared_ptr<Tablet>& tablet : TabletsOf(*stream)) {
      if (std::ssize(Increments(*tablet)) < core.engine.minor_trigger) continue;
      const auto lock = co_await core.maintenance.Lock();
      CompactionSummary summary;
      Status status = co_await CompactTablet(core, *stream, tablet, summary);
      if (!status) co_return status;
    }
  }
  co_return Status();
}

}  // namespace

io::Task<Status> Checkpoint(TenantCore& core, LogStream& stream) {
  const auto lock = co_await core.maintenance.Lock();
  co_return co_await WriteCheckpoint(core, stream);
}

io::Task<Status> FlushStream(TenantCore& core, LogStream& stream) {
  if (core.role != TenantRole::kPrimary) co_return co_await FlushStandby(core);
  const auto lock = co_await core.maintenance.Lock();
  if (Status status = core.CheckUsable(); !status) co_return status;
  const Result<Scn> frozen = stream.Freeze();
  if (!frozen) co_return Fail(frozen.error());
  for (const std::shared_ptr<Tablet>& tablet : TabletsOf(stream)) {
    if (Status status = co_await FlushTablet(core, stream, tablet); !status) co_return status;
  }
  co_return co_await WriteCheckpoint(core, stream);
}

io::Task<Status> FlushTenant(TenantCore& core) {
  if (core.role != TenantRole::kPrimary) co_return co_await FlushStandby(core);
  for (const auto& [id, stream] : core.streams) {
    if (Status status = co_await FlushStream(core, *stream); !status) co_return status;
  }
  co_return Status();
}

io::Task<Status> MergeIncrements(TenantCore& core, std::shared_ptr<Tablet> tablet,
                                 CompactionSummary& summary) {
  const std::shared_ptr<const TabletView> view = tablet->view();
  std::vector<SstablePtr> increments = Increments(*tablet);
  if (increments.size() < 2) co_return Status();
  Result<CompactionResult> result = co_await MergeMinor(
      *core.store, tablet->format(), std::move(increments), tablet->multi_version_start());
  if (!result) co_return Fail(result.error());
  std::vector<SstablePtr> sstables{result->sstable};
  if (SstablePtr major = MajorOf(*tablet)) sstables.push_back(std::move(major));
  tablet->ReplaceSstables(*view, std::move(sstables));
  Add(result->statistics, summary);
  co_return Status();
}

io::Task<Result<CompactionSummary>> CompactMinor(TenantCore& core) {
  if (core.role != TenantRole::kPrimary) co_return co_await CompactStandby(core);
  if (Status status = co_await FlushTenant(core); !status) co_return Fail(status.error());
  const auto lock = co_await core.maintenance.Lock();
  CompactionSummary summary;
  for (const auto& [id, stream] : core.streams) {
    for (const std::shared_ptr<Tablet>& tablet : TabletsOf(*stream)) {
      Status status = co_await CompactTablet(core, *stream, tablet, summary);
      if (!status) co_return Fail(std::move(status).error());
    }
  }
  co_return summary;
}

io::Task<Result<std::pair<Scn, CompactionSummary>>> CompactMajor(TenantCore& core) {
  const Scn snapshot = core.commits.snapshot();
  if (Status status = co_await RecordFreeze(core, snapshot); !status)
    co_return Fail(status.error());
  // Everything up to the snapshot has its redo in the logs before this.
  if (Status status = co_await FlushTenant(core); !status) co_return Fail(status.error());
  const auto lock = co_await core.maintenance.Lock();
  CompactionSummary summary;
  for (const auto& [id, stream] : core.streams) {
    for (const std::shared_ptr<Tablet>& tablet : TabletsOf(*stream)) {
      Status status = co_await MajorOfTablet(core, *stream, tablet, snapshot, summary);
      if (!status) co_return Fail(std::move(status).error());
    }
  }
  co_return std::pair(snapshot, summary);
}

Status AdvanceLogs(TenantCore& core, Scn scn) {
  if (Status status = core.CheckWritable(); !status) return status;
  core.scns.Observe(scn);
  if (Status status = core.ReserveIds(); !status) return status;
  for (const auto& [id, stream] : core.streams) {
    if (stream->clog().max_scn() >= scn) continue;
    if (Status status = AppendKeepAlive(*stream, {}); !status) return status;
  }
  return {};
}

io::Task<void> RunFreezer(TenantCore& core) {
  while (!core.stop.stop_requested() && core.CheckUsable()) {
    if (Status status = co_await FreezeWhereNeeded(core); !status) core.Break(status.error());
    const bool again = std::ranges::any_of(
        core.streams, [&](const auto& entry) { return NeedsFreeze(core, *entry.second); });
    if (!again && !core.stop.stop_requested()) co_await core.memory_used.Wait();
  }
}

io::Task<void> RunKeepAlive(TenantCore& core) {
  for (int round = 1; core.CheckUsable(); ++round) {
    if (!co_await core.env.loop.Sleep(core.engine.keep_alive_interval, core.stop.get_token())) {
      co_return;
    }
    Status status = core.ReserveIds();
    if (status) status = KeepAlive(core, round % kStatusPeriod == 0);
    if (!status) core.Break(status.error());
  }
}

}  // namespace obbak::engine
