#include "backup/ls_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "backup/checkpoint_wait.h"
#include "backup/index_merge.h"
#include "backup/waiting.h"
#include "engine/ddl_payloads.h"

namespace obbak::backup {
namespace {

using format::BackupMetaType;
using format::DataType;
using format::TabletId;

// The tablet, once its status is NORMAL; null when it is not here any more.
io::Task<Result<std::shared_ptr<engine::Tablet>>> AwaitTablet(const SetContext& context,
                                                              const engine::LogStream& stream,
                                                              TabletId id) {
  Waiting waiting(context);
  for (;;) {
    if (Status status = context.CheckRunning(); !status) co_return Fail(std::move(status).error());
    const auto found = stream.tablets().find(id);
    if (found == stream.tablets().end() || HasMovedAway(context.core, stream, id)) {
      co_return std::shared_ptr<engine::Tablet>();
    }
    const std::shared_ptr<engine::Tablet> tablet = found->second;
    if (stream.IsCreationCommitted(id)) {
      const Result<format::TabletStatus> status = StatusOf(tablet->meta());
      if (!status) co_return Fail(status.error());
      if (*status == format::TabletStatus::kNormal) co_return tablet;
    }
    if (waiting.is_over()) {
      co_return Fail(
          ErrorCode::kTimeout,
          fmt::format("tablet {} on log stream {} does not come to rest after a transfer", id.value,
                      stream.id().value));
    }
    co_await waiting.Pause();
  }
}

bool IsSomewhere(const engine::TenantCore& core, TabletId id) {
  return std::ranges::any_of(core.streams, [&](const auto& entry) {
    return entry.second->FindTablet(id) != nullptr && entry.second->IsCreationCommitted(id);
  });
}

// The major phase must have what the minor phase has built upon (§7).
Status CheckBaseline(const TabletSnapshot& tablet, DataType type, DataPhase& phase) {
  const std::int64_t snapshot = tablet.meta.report_status.merge_snapshot_version;
  if (type == DataType::kMinor) {
    phase.baselines[tablet.meta.tablet_id] = snapshot;
    return {};
  }
  const auto minor = phase.baselines.find(tablet.meta.tablet_id);
  if (minor == phase.baselines.end() || minor->second <= snapshot) return {};
  return Fail(ErrorCode::kBackupMajorNotCoverMinor,
              fmt::format("tablet {} has a baseline of snapshot {}, its increments need {}",
                          tablet.meta.tablet_id.value, snapshot, minor->second));
}

io::Task<Status> BackupTablet(SetContext& context, const engine::LogStream& stream, TabletId id,
                              DataType type, DataFileSink& sink, MacroReuse& reuse,
                              const StoredBlocks& stored, DataPhase& phase) {
  const auto tablet = co_await AwaitTablet(context, stream, id);
  if (!tablet) co_return Fail(tablet.error());
  if (*tablet == nullptr) {
    if (IsSomewhere(context.core, id)) phase.moved.insert(id);
    co_return Status();
  }
  const TabletSnapshot snapshot = SnapshotOf(**tablet);
  if (Status status = CheckBaseline(snapshot, type, phase); !status) co_return status;
  const bool is_minor = type == DataType::kMinor;
  co_return co_await AddTablet(sink, snapshot, is_minor ? snapshot.minors : snapshot.majors, reuse,
                               stored);
}

io::Task<Status> BackupTablets(SetContext& context, const engine::LogStream& stream,
                               const LsDataTask& task, DataFileSink& sink, MacroReuse& reuse,
                               DataPhase& phase) {
  const Result<ResumePoint> resume = co_await FindResumePoint(context, task.attempt, task.finished);
  if (!resume) co_return Fail(resume.error());
  for (const TabletId id : task.tablets) {
    if (engine::IsInnerTablet(id) || id <= resume->done) continue;
    Status status = co_await BackupTablet(context, stream, id, task.attempt.type, sink, reuse,
                                          resume->stored, phase);
    if (!status) co_return status;
  }
  co_return Status();
}

io::Task<Status> AddMetas(DataFileSink& sink, const TabletSnapshot& tablet,
                          const TabletItems& items) {
  const TabletId id = tablet.meta.tablet_id;
  if (!items.metas.empty()) {
    Result<Bytes> payload = format::EncodeMeta(items.metas);
    if (!payload) co_return Fail(std::move(payload).error());
    const format::BackupMetaKey key{id, BackupMetaType::kSstableMeta};
    Status status = co_await sink.AddMeta(key, *std::move(payload));
    if (!status) co_return status;
  }
  Result<Bytes> payload =
      format::EncodeMeta(format::BackupTabletMeta{.tablet_id = id, .tablet_meta = tablet.meta});
  if (!payload) co_return Fail(std::move(payload).error());
  const format::BackupMetaKey key{id, BackupMetaType::kTabletMeta};
  co_return co_await sink.AddMeta(key, *std::move(payload));
}

}  // namespace

bool HasMovedAway(const engine::TenantCore& core, const engine::LogStream& stream,
                  TabletId tablet) {
  if (engine::IsInnerTablet(tablet)) return false;
  const engine::Tablet* here = stream.FindTablet(tablet);
  const std::int64_t moves = here == nullptr ? -1 : here->meta().transfer_info.transfer_seq;
  return std::ranges::any_of(core.streams, [&](const auto& entry) {
    const engine::Tablet* other = entry.second->FindTablet(tablet);
    return other != nullptr && entry.second->IsCreationCommitted(tablet) &&
           other->meta().transfer_info.transfer_seq > moves;
  });
}

io::Task<Status> AddTablet(DataFileSink& sink, const TabletSnapshot& tablet,
                           std::vector<SstableItem> chosen, MacroReuse& reuse,
                           const StoredBlocks& stored) {
  Result<TabletItems> items = co_await LoadItems(std::move(chosen));
  if (!items) co_return Fail(std::move(items).error());
  auto mappings =
      std::make_unique<format::BackupMacroBlockIdMappingsMeta>(std::move(items->mappings));
  for (const MacroItem& block : items->blocks) {
    format::BackupPhysicalId& place =
        mappings->id_map_list[block.sstable].id_pair_list[block.pair].physical_id;
    if (const auto found = stored.find(block.id); found != stored.end()) {
      place = found->second;
      continue;
    }
    const auto reused = co_await reuse.Find(block.id);
    if (!reused) co_return Fail(reused.error());
    if (*reused) {
      place = **reused;
      continue;
    }
    Status status = co_await sink.AddBlock(block, items->sstables[block.sstable].sstable, place);
    if (!status) co_return status;
  }
  if (Status status = co_await AddMetas(sink, tablet, *items); !status) co_return status;
  sink.EndTablet(tablet.meta.tablet_id, std::move(mappings));
  co_return Status();
}

io::Task<LsDataResult> BackupLsData(SetContext& context, LsDataTask task, MacroReuse& reuse,
                                    DataPhase& phase) {
  LsDataResult result{.status = {}, .attempt = {task.attempt, 0}};
  if (task.tablets.empty()) co_return result;
  engine::LogStream* stream = context.core.FindStream(task.attempt.ls);
  if (stream == nullptr) {
    result.status =
        Fail(ErrorCode::kLsNotExist,
             fmt::format("log stream {} does not exist any more", task.attempt.ls.value));
    co_return result;
  }
  result.status = co_await AdvanceCheckpoint(context, *stream, task.consistent_scn);
  if (!result.status) co_return result;
  DataFileSink sink(context, task.attempt);
  result.status = co_await BackupTablets(context, *stream, task, sink, reuse, phase);
  result.status = co_await sink.End(std::move(result.status));
  result.attempt.files = sink.files();
  if (!result.status) co_return result;
  std::vector<FinishedAttempt> finished = task.finished;
  finished.push_back(result.attempt);
  result.status = co_await WriteLsIndexes(context, task.attempt, std::move(finished));
  co_return result;
}

}  // namespace obbak::backup
