#include "restore/restore.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "dest/archive_reader.h"
#include "dest/set_reader.h"
#include "engine/activation.h"
#include "engine/manifest.h"
#include "engine/standby.h"
#include "engine/tenant_builder.h"
#include "engine/tenant_core.h"
#include "restore/archived_logs.h"
#include "restore/restore_choice.h"
#include "restore/restore_point.h"
#include "restore/set_contents.h"
#include "restore/tablet_restore.h"

namespace obbak::restore {
namespace {

using dest::DestStore;
using engine::TenantBuilder;
using format::Scn;
using format::TenantArchivePieceAttr;

// Macro blocks at a time: enough to keep a disk and two or three cores busy.
constexpr std::size_t kConcurrency = 8;

// Where `at` is on the way between two SCNs, from 0 to 1.
double PartOf(Scn from, Scn at, Scn to) {
  if (at <= from) return 0;
  if (at >= to) return 1;
  return static_cast<double>(at.value - from.value) / static_cast<double>(to.value - from.value);
}

// ---- Restore

// One restore, from the plan to the standby.
class RestoreJob {
 public:
  RestoreJob(engine::Env env, const RestoreSource& source, RestorePlan plan, RestoreOptions options,
             ReportRestore report)
      : env_(std::move(env)),
        data_(source.data()),
        source_(&source),
        plan_(std::move(plan)),
        options_(std::move(options)),
        report_(std::move(report)) {}
  RestoreJob(const RestoreJob&) = delete;
  RestoreJob& operator=(const RestoreJob&) = delete;

  io::Task<Result<RestoreSummary>> Run() {
    const dest::SetReader set(data_, dest::NameOf(plan_.last_set()));
    Result<std::vector<BackedUpLogStream>> log_streams =
        co_await ReadLogStreams(set, plan_.last_set().meta_turn_id);
    if (!log_streams) co_return Fail(std::move(log_streams).error());
    Result<engine::TenantOptions> options = co_await OptionsOf(set, log_streams->size());
    if (!options) co_return Fail(std::move(options).error());
    auto builder =
        co_await TenantBuilder::Create(env_, options_.dir, *std::move(options), options_.engine);
    if (!builder) co_return Fail(std::move(builder).error());
    Status status = co_await KeepRows((*builder)->core());
    if (status) status = co_await Build(**builder, *std::move(log_streams));
    Status closed = co_await (*builder)->Close();
    if (status) status = std::move(closed);
    if (!status) co_return Fail(std::move(status).error());
    Report({.phase = RestorePhase::kDone, .part_done = 1, .replayed_scn = plan_.restore_scn});
    co_return summary_;
  }

 private:
  void Report(RestoreProgress progress) const {
    if (report_) report_(progress);
  }

  io::Task<Result<engine::TenantOptions>> OptionsOf(dest::SetReader set, std::size_t log_streams) {
    Result<format::ExternTenantLocalityInfoDesc> locality = co_await set.ReadLocality();
    if (!locality) co_return Fail(std::move(locality).error());
    engine::TenantOptions options;
    options.cluster_id = source_->data_format.cluster_id;
    options.cluster_name = std::string(source_->data_format.cluster_name.value);
    options.tenant_id = options_.tenant_id;
    options.tenant_name = options_.tenant_name;
    options.time_zone = plan_.time_zone;
    options.locality = std::string(locality->locality.value);
    options.user_log_streams = static_cast<int>(log_streams) - 1;
    co_return options;
  }

  // While it is no tenant yet: a restore that is complete has them.
  io::Task<Status> KeepRows(engine::TenantCore& core) {
    engine::pb::Edit edit;
    for (const auto& [key, value] : options_.rows) {
      engine::pb::Row& row = *edit.add_rows();
      row.set_key(key);
      row.set_value(value);
    }
    co_return co_await core.manifest->Apply(std::move(edit));
  }

  io::Task<Status> Build(TenantBuilder& builder, std::vector<BackedUpLogStream> log_streams) {
    for (const BackedUpLogStream& log_stream : log_streams) {
      Status status = co_await builder.AddLogStream(log_stream.attr, log_stream.package);
      if (!status) co_return status;
    }
    if (Status status = co_await RestoreTablets(builder, std::move(log_streams)); !status) {
      co_return status;
    }
    co_return co_await ReplayLogs(builder);
  }

  io::Task<Status> RestoreTablets(TenantBuilder& builder,
                                  std::vector<BackedUpLogStream> log_streams) {
    Report({.phase = RestorePhase::kTablets, .replayed_scn = {}});
    const auto progress = [this](const TabletRestoreCounts& counts) {
      Report({.phase = RestorePhase::kMacroBlocks,
              .bytes_done = counts.bytes,
              .part_done = counts.part_done,
              .replayed_scn = {}});
    };
    TabletRestore tablets(data_, plan_.sets, builder,
                          options_.concurrency == 0 ? kConcurrency : options_.concurrency,
                          progress);
    Status status = co_await tablets.Run(std::move(log_streams));
    summary_.tablets = tablets.counts().tablets;
    summary_.macro_blocks = tablets.counts().macro_blocks;
    summary_.data_bytes = tablets.counts().bytes;
    co_return status;
  }

  io::Task<Status> ReplayLogs(TenantBuilder& builder) {
    const dest::SetName last = dest::NameOf(plan_.last_set());
    ArchivedLogs logs(plan_.from_complement ? DestStore::ComplementLog(data_, last.id, last.kind)
                                            : source_->archive(plan_.archive),
                      plan_.pieces);
    const auto progress = [this](const engine::ReplayProgress& replayed) {
      Report({.phase = RestorePhase::kLogs,
              .bytes_done = replayed.log_bytes,
              .part_done =
                  PartOf(plan_.last_set().start_replay_scn, replayed.applied, plan_.restore_scn),
              .replayed_scn = replayed.applied});
    };
    Status status = co_await builder.Finish(logs, plan_.restore_scn, progress);
    if (!status) co_return status;
    summary_.restore_scn = plan_.restore_scn;
    summary_.log_bytes = builder.core().replay->progress().log_bytes;
    summary_.log_entries = builder.core().replay->progress().entries;
    co_return Status();
  }

  engine::Env env_;
  DestStore data_;
  const RestoreSource* source_;
  RestorePlan plan_;
  RestoreOptions options_;
  ReportRestore report_;
  RestoreSummary summary_;
};

// ---- Recover

struct ArchivePart {
  std::size_t archive = 0;
  std::vector<TenantArchivePieceAttr> pieces;
};

// What the archives of a source have, each in ascending order.
io::Task<Result<std::vector<ArchivePart>>> ReadArchives(const RestoreSource& source) {
  std::vector<ArchivePart> archives;
  for (std::size_t i = 0; i < source.archive_media.size(); ++i) {
    Result<std::vector<TenantArchivePieceAttr>> pieces =
        co_await dest::ReadAllPieces(source.archive(i));
    if (!pieces) co_return Fail(std::move(pieces).error());
    archives.push_back({i, *std::move(pieces)});
  }
  co_return archives;
}

// As far as there is; `sync` when that is no further.
Scn FarthestOf(const std::vector<ArchivePart>& archives, Scn sync) {
  Scn farthest = sync;
  for (const ArchivePart& archive : archives) {
    farthest = std::max(farthest, FarthestPoint(archive.pieces).value_or(sync));
  }
  return farthest;
}

Result<Scn> TargetOf(const engine::Tenant& tenant, const RestorePoint& until,
                     const std::vector<ArchivePart>& archives, Scn sync) {
  if (until.scn) return *until.scn;
  if (until.time) return PointOfTime(*until.time, tenant.options().time_zone);
  return FarthestOf(archives, sync);
}

// The first archive with all logs from `sync` to `target`.
Result<ArchivePart> ChooseArchive(const RestoreSource& source, std::vector<ArchivePart> archives,
                                  Scn sync, Scn target) {
  for (ArchivePart& archive : archives) {
    auto pieces =
        ChoosePieces(archive.pieces, source.archive_formats[archive.archive].dest_id, sync, target);
    if (pieces) return ArchivePart{archive.archive, *std::move(pieces)};
  }
  const Scn farthest = FarthestOf(archives, sync);
  return Fail(Error(ErrorCode::kEntryNotExist, "No enough log: no archive has all of it from SCN " +
                                                   std::to_string(sync.value) + " to " +
                                                   std::to_string(target.value))
                  .WithAdvice(archives.empty() ? "give the log archive destination too"
                                               : "the archives go as far as SCN " +
                                                     std::to_string(farthest.value)));
}

Status CheckStandby(const engine::Tenant& tenant) {
  if (tenant.role() == engine::TenantRole::kStandby) return {};
  return Fail(Error(ErrorCode::kStateNotMatch, "the tenant is no standby").WithPath(tenant.dir()));
}

}  // namespace

std::string_view ToText(RestorePhase phase) {
  switch (phase) {
    case RestorePhase::kTablets:
      return "TABLETS";
    case RestorePhase::kMacroBlocks:
      return "MACRO_BLOCKS";
    case RestorePhase::kLogs:
      return "LOGS";
    case RestorePhase::kDone:
      break;
  }
  return "DONE";
}

io::Task<Result<RestoreSummary>> Restore(engine::Env env, const RestoreSource& source,
                                         RestorePlan plan, RestoreOptions options,
                                         ReportRestore report) {
  RestoreJob job(std::move(env), source, std::move(plan), std::move(options), std::move(report));
  co_return co_await job.Run();
}

io::Task<Result<RestoreSummary>> RecoverStandby(engine::Tenant& tenant, const RestoreSource& source,
                                                RestorePoint until, ReportRestore report) {
  if (Status status = CheckStandby(tenant); !status) co_return Fail(std::move(status).error());
  engine::TenantCore& core = tenant.core();
  const Scn sync = tenant.snapshot();
  Result<std::vector<ArchivePart>> archives = co_await ReadArchives(source);
  if (!archives) co_return Fail(std::move(archives).error());
  const Result<Scn> target = TargetOf(tenant, until, *archives, sync);
  if (!target) co_return Fail(target.error());
  RestoreSummary summary;
  summary.restore_scn = *target;
  if (*target == sync) co_return summary;

  ArchivePart part;
  // One that lies before is refused below.
  if (*target > sync) {
    Result<ArchivePart> chosen = ChooseArchive(source, *std::move(archives), sync, *target);
    if (!chosen) co_return Fail(std::move(chosen).error());
    part = *std::move(chosen);
  }
  const engine::ReplayProgress before = core.replay->progress();
  const auto progress = [&](const engine::ReplayProgress& replayed) {
    if (!report) return;
    report({.phase = RestorePhase::kLogs,
            .bytes_done = replayed.log_bytes - before.log_bytes,
            .part_done = PartOf(sync, replayed.applied, *target),
            .replayed_scn = replayed.applied});
  };
  const DestStore archive = part.pieces.empty() ? source.data() : source.archive(part.archive);
  ArchivedLogs logs(archive, std::move(part.pieces));
  Status status = co_await engine::RecoverStandby(core, logs, *target, progress);
  if (!status) co_return Fail(std::move(status).error());
  summary.log_bytes = core.replay->progress().log_bytes - before.log_bytes;
  summary.log_entries = core.replay->progress().entries - before.entries;
  co_return summary;
}

io::Task<Status> ActivateStandby(engine::Env env, std::string dir, engine::EngineOptions engine) {
  co_return co_await engine::ActivateStandby(std::move(env), std::move(dir), std::move(engine));
}

}  // namespace obbak::restore
