#include "backup/data_backup.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "backup/archive_view.h"
#include "backup/backup_scn.h"
#include "backup/backup_set_task.h"
#include "backup/catalogue.h"
#include "backup/destination.h"
#include "backup/job_catalogue.h"
#include "backup/job_texts.h"
#include "engine/tenant_core.h"
#include "format/macro_block_header.h"
#include "format/time_tag.h"
#include "format/utc_offset.h"

namespace obbak::backup {
namespace {

using format::BackupSetFileDesc;
using format::BackupType;

format::Timestamp Now(const engine::TenantCore& core) {
  return {static_cast<std::int64_t>(core.env.clock.NowNs() / 1000)};
}

bool HasEnded(JobStatus status) {
  return status == JobStatus::kCompleted || status == JobStatus::kFailed ||
         status == JobStatus::kCanceled;
}

// A set that did not come to its end.
void Discard(BackupSetFileDesc& set, const Error& error, format::Timestamp now) {
  set.status = format::BackupSetStatus::kFailed;
  set.file_status = format::BackupFileStatus::kIncomplete;
  set.result = static_cast<std::int32_t>(error.code());
  set.end_time = now;
}

// The newest set that another can be built upon (§3.3).
std::optional<BackupSetFileDesc> Predecessor(const std::vector<BackupSetFileDesc>& sets,
                                             const std::string& path) {
  const auto found = std::ranges::find_if(sets.rbegin(), sets.rend(), [&](const auto& set) {
    return set.status == format::BackupSetStatus::kSuccess &&
           set.file_status == format::BackupFileStatus::kAvailable && set.backup_path.value == path;
  });
  if (found == sets.rend()) return {};
  return *found;
}

// YYYYMMDD.
std::int64_t DateOf(format::Timestamp time, std::chrono::seconds utc_offset) {
  const auto day = std::chrono::floor<std::chrono::days>(
      std::chrono::local_time<std::chrono::microseconds>(std::chrono::microseconds(time.value)) +
      utc_offset);
  const std::chrono::year_month_day date(day);
  return (static_cast<int>(date.year()) * std::int64_t{100} + static_cast<unsigned>(date.month())) *
             100 +
         static_cast<unsigned>(date.day());
}

}  // namespace

struct DataBackup::Impl {
  // What one job works with.
  struct Running {
    BackupJob job;
    std::unique_ptr<io::Medium> medium;
    std::optional<DataDest> dest;
    RoundStatus round;
    std::optional<BackupSetFileDesc> previous;
    std::optional<BackupSetFileDesc> set;  // once it has a row
    std::stop_source cancel;
    std::stop_source halt;
    ReportBackup report;
  };

  Impl(engine::Tenant& opened, std::unique_ptr<ArchiveView> view, io::MediumFactory factory,
       BackupOptions backup_options)
      : tenant(opened),
        archive(std::move(view)),
        media(std::move(factory)),
        options(std::move(backup_options)),
        catalogue(Catalogue(*opened.core().manifest)) {}

  engine::TenantCore& core() { return tenant.core(); }
  DestinationOwner Owner() { return DestinationOwner::Of(core()); }

  io::Task<Status> FailUnfinishedJobs();
  Result<Running> CheckAndDecide(const BackupRequest& request);
  Status DecideType(Running& run) const;
  io::Task<Status> CheckDest(Running& run);
  io::Task<Status> BeginSet(Running& run);
  io::Task<Status> RunJob(Running& run);
  io::Task<Status> RunSet(Running& run, std::optional<format::LsId>& failed_ls);
  static io::Task<Status> RecordStage(Impl& impl, Running& run, SetContext& context,
                                      SetTaskStatus stage);
  static void Report(const Running& run, const SetContext& context);
  io::Task<Status> EndJob(Running& run, Status status, std::optional<format::LsId> failed_ls);

  engine::Tenant& tenant;
  std::unique_ptr<ArchiveView> archive;
  io::MediumFactory media;
  BackupOptions options;
  JobCatalogue catalogue;
  Running* running = nullptr;
};

// ---- Acceptance (§3.2, §3.3)

namespace {

std::unexpected<Error> CanNotStart(std::string reason, std::string advice) {
  return Fail(
      Error(ErrorCode::kBackupCanNotStart, std::move(reason)).WithAdvice(std::move(advice)));
}

}  // namespace

Result<DataBackup::Impl::Running> DataBackup::Impl::CheckAndDecide(const BackupRequest& request) {
  Running run;
  const auto dest = catalogue.data_dest();
  if (!dest) return Fail(dest.error());
  if (!dest->has_value()) {
    return CanNotStart("backup dest is not set.", "set DATA_BACKUP_DEST first");
  }
  run.dest = **dest;
  const engine::pb::Tenant::Role role = core().manifest->state().tenant().role();
  const bool is_normal = role == engine::pb::Tenant::PRIMARY || role == engine::pb::Tenant::STANDBY;
  if (!is_normal || !core().CheckUsable()) {
    return CanNotStart("tenant status is not normal.", "open the tenant again");
  }
  if (running != nullptr) {
    return Fail(Error(ErrorCode::kBackupInProgress,
                      fmt::format("backup job {} is running", running->job.job_id))
                    .WithAdvice("wait for its end, or cancel it"));
  }
  const ArchiveStatus archived = archive->status();
  if (!archived.round || archived.round->state != RoundState::kDoing) {
    return CanNotStart("log archive status is not doing.",
                       "start the log archive and wait until it is DOING");
  }
  run.round = *archived.round;
  run.job.request = request;
  run.job.start_time = Now(core());
  if (Status status = DecideType(run); !status) return Fail(std::move(status).error());
  return run;
}

Status DataBackup::Impl::DecideType(Running& run) const {
  run.job.type = BackupType::kFull;
  if (run.job.request.type != BackupType::kInc) return {};
  const auto sets = catalogue.sets();
  if (!sets) return Fail(sets.error());
  run.previous = Predecessor(*sets, run.dest->dest.PathString());
  if (!run.previous) return {};
  const format::DataVersion before = run.previous->tenant_compatible;
  const format::DataVersion now{tenant.core().manifest->state().tenant().data_version()};
  if (before != now) {
    return Fail(ErrorCode::kBackupCanNotStart,
                fmt::format("cross compatible incremental backup is not supported, previous backup "
                            "set compatible is {}, current compatible is {}",
                            ToText(before), ToText(now)));
  }
  run.job.type = BackupType::kInc;
  return {};
}

// ---- The job

io::Task<Status> DataBackup::Impl::CheckDest(Running& run) {
  Result<std::unique_ptr<io::Medium>> medium = media(run.dest->dest);
  if (!medium) co_return Fail(std::move(medium).error());
  run.medium = *std::move(medium);
  Status status = co_await CheckDestination(Owner(), *run.medium,
                                            format::BackupDestType::kBackupData, run.dest->id);
  if (!status) co_return status;
  co_return co_await run.medium->RemoveTemporaries();
}

io::Task<Status> DataBackup::Impl::BeginSet(Running& run) {
  const Result<std::chrono::seconds> offset = format::ParseUtcOffset(tenant.options().time_zone);
  if (!offset) co_return Fail(offset.error());
  const format::DataVersion version{core().manifest->state().tenant().data_version()};
  BackupSetFileDesc set;
  set.backup_set_id = run.job.set;
  set.tenant_id = {tenant.options().tenant_id};
  set.dest_id = run.dest->id;
  set.backup_type = {run.job.type};
  set.plus_archivelog = run.job.request.plus_archivelog;
  set.date = DateOf(run.job.start_time, *offset);
  if (run.job.type == BackupType::kInc) {
    const bool is_first = run.previous->backup_type.value == BackupType::kFull;
    set.prev_full_backup_set_id =
        is_first ? run.previous->backup_set_id : run.previous->prev_full_backup_set_id;
    set.prev_inc_backup_set_id = run.previous->backup_set_id;
  }
  set.start_time = run.job.start_time;
  set.file_status = format::BackupFileStatus::kCopying;
  set.backup_path = {run.dest->dest.PathString()};
  set.consistent_scn = format::kMinScn;
  set.tenant_compatible = version;
  set.cluster_version = version;
  set.meta_turn_id = 1;
  set.minor_turn_id = 1;
  set.major_turn_id = 1;
  run.set = set;
  run.job.status = JobStatus::kDoing;
  co_return co_await catalogue.Record(run.job, run.set);
}

io::Task<Status> DataBackup::Impl::RecordStage(Impl& impl, Running& run, SetContext& context,
                                               SetTaskStatus stage) {
  run.job.task = stage;
  run.set = context.desc;
  // The last stage's end is recorded as the job's.
  if (stage == SetTaskStatus::kCompleted) co_return Status();
  Report(run, context);
  co_return co_await impl.catalogue.Record(run.job, run.set);
}

void DataBackup::Impl::Report(const Running& run, const SetContext& context) {
  if (!run.report) return;
  run.report({.stage = run.job.task,
              .set = context.set(),
              .stats = context.desc.stats,
              .bytes_done = context.bytes_done,
              .bytes_total = context.bytes_total});
}

io::Task<Status> DataBackup::Impl::RunSet(Running& run, std::optional<format::LsId>& failed_ls) {
  // Blocks on their way: some for each log stream that is backed up at the same time.
  constexpr std::size_t kBuffersPerStream = 3;
  constexpr std::size_t kMaxBuffers = 16;
  io::BufferPool buffers(core().env.loop, format::kMacroBlockSize,
                         std::clamp<std::size_t>(options.concurrency * kBuffersPerStream,
                                                 kBuffersPerStream, kMaxBuffers));
  SetContext context{.core = core(),
                     .store = dest::DestStore(*run.medium, format::DestKind::kData),
                     .options = options,
                     .buffers = buffers,
                     .stop = run.halt.get_token(),
                     .desc = *run.set,
                     .progress = {}};
  context.progress = [&run, &context] { Report(run, context); };
  const Result<format::Scn> start = CurrentScn(core());
  if (!start) co_return Fail(start.error());
  BackupSetTask::Record record = [this, &run, &context](SetTaskStatus stage) {
    return RecordStage(*this, run, context, stage);
  };
  BackupSetTask task({.context = context,
                      .archive = *archive,
                      .catalogue = catalogue,
                      .media = media,
                      .halt = run.halt,
                      .start_scn = *start,
                      .round = run.round.round,
                      .previous = run.previous,
                      .utc_offset = *format::ParseUtcOffset(tenant.options().time_zone),
                      .record = std::move(record)});
  Status status = co_await task.Run();
  failed_ls = task.failed_ls();
  run.set = context.desc;
  co_return status;
}

io::Task<Status> DataBackup::Impl::EndJob(Running& run, Status status,
                                          std::optional<format::LsId> failed_ls) {
  BackupJob& job = run.job;
  job.end_time = Now(core());
  job.status = JobStatus::kCompleted;
  job.task = SetTaskStatus::kCompleted;
  if (!status) {
    if (run.cancel.stop_requested()) {
      status = Fail(ErrorCode::kCanceled, fmt::format("backup job {} was canceled", job.job_id));
    }
    const bool is_canceled = status.error().code() == ErrorCode::kCanceled;
    job.status = is_canceled ? JobStatus::kCanceled : JobStatus::kFailed;
    job.task = is_canceled ? SetTaskStatus::kCanceled : SetTaskStatus::kFailed;
    job.result = static_cast<std::int32_t>(status.error().code());
    if (!is_canceled) job.comment = FailureComment(job, status.error(), failed_ls);
    if (run.set) Discard(*run.set, status.error(), job.end_time);
  }
  const Status recorded = co_await catalogue.Record(job, run.set);
  co_return status ? recorded : status;
}

io::Task<Status> DataBackup::Impl::RunJob(Running& run) {
  std::optional<format::LsId> failed_ls;
  Status status = co_await CheckDest(run);
  if (status) status = co_await BeginSet(run);
  if (status) status = co_await RunSet(run, failed_ls);
  co_return co_await EndJob(run, std::move(status), failed_ls);
}

io::Task<Status> DataBackup::Impl::FailUnfinishedJobs() {
  auto jobs = catalogue.jobs();
  if (!jobs) co_return Fail(std::move(jobs).error());
  auto sets = catalogue.sets();
  if (!sets) co_return Fail(std::move(sets).error());
  const Error error(ErrorCode::kStateNotMatch, "the process ended while the job was running");
  for (BackupJob& job : *jobs) {
    if (HasEnded(job.status)) continue;
    job.status = JobStatus::kFailed;
    job.task = SetTaskStatus::kFailed;
    job.end_time = Now(core());
    job.result = static_cast<std::int32_t>(error.code());
    job.comment = FailureComment(job, error, {});
    const auto set = std::ranges::find(*sets, job.set, &BackupSetFileDesc::backup_set_id);
    std::optional<BackupSetFileDesc> discarded;
    if (set != sets->end()) {
      discarded = *set;
      Discard(*discarded, error, job.end_time);
    }
    Status status = co_await catalogue.Record(job, discarded);
    if (!status) co_return status;
  }
  co_return Status();
}

// ---- DataBackup

DataBackup::DataBackup(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DataBackup::~DataBackup() = default;

io::Task<Result<std::unique_ptr<DataBackup>>> DataBackup::Open(engine::Tenant& tenant,
                                                               Archiver& archiver,
                                                               io::MediumFactory media,
                                                               BackupOptions options) {
  return Open(tenant, std::make_unique<ArchiverView>(archiver), std::move(media),
              std::move(options));
}

io::Task<Result<std::unique_ptr<DataBackup>>> DataBackup::Open(engine::Tenant& tenant,
                                                               std::unique_ptr<ArchiveView> archive,
                                                               io::MediumFactory media,
                                                               BackupOptions options) {
  std::unique_ptr<DataBackup> backup(new DataBackup(
      std::make_unique<Impl>(tenant, std::move(archive), std::move(media), std::move(options))));
  Status status = co_await backup->impl_->FailUnfinishedJobs();
  if (!status) co_return Fail(std::move(status).error());
  co_return backup;
}

io::Task<Status> DataBackup::SetDest(std::optional<io::BackupDest> dest) {
  Impl& impl = *impl_;
  if (impl.running != nullptr) {
    co_return Fail(Error(ErrorCode::kBackupInProgress,
                         fmt::format("backup job {} is running", impl.running->job.job_id))
                       .WithAdvice("set the destination when it has ended"));
  }
  if (!dest) {
    std::optional<DataDest> none;
    co_return co_await impl.catalogue.SetDataDest(std::move(none));
  }
  Result<std::unique_ptr<io::Medium>> medium = impl.media(*dest);
  if (!medium) co_return Fail(std::move(medium).error());
  ForgetDestination forget = [catalogue = impl.catalogue](format::DestId gone,
                                                          CatalogueEdit& edit) {
    return catalogue.ForgetSets(gone, edit);
  };
  const Result<format::DestId> id = co_await SetUpDestination(
      impl.Owner(), **medium, format::BackupDestType::kBackupData, std::move(forget));
  if (!id) co_return Fail(id.error());
  DataDest data_dest{.id = *id, .dest = *std::move(dest)};
  co_return co_await impl.catalogue.SetDataDest(std::move(data_dest));
}

std::optional<io::BackupDest> DataBackup::dest() const {
  const auto dest = impl_->catalogue.data_dest();
  if (!dest || !dest->has_value()) return {};
  return (*dest)->dest;
}

io::Task<Result<BackupSetFileDesc>> DataBackup::Run(BackupRequest request, ReportBackup report) {
  Impl& impl = *impl_;
  Result<Impl::Running> accepted = impl.CheckAndDecide(request);
  if (!accepted) co_return Fail(std::move(accepted).error());
  Impl::Running& run = *accepted;
  run.report = std::move(report);
  impl.running = &run;
  const std::stop_callback cancel(run.cancel.get_token(), [&run] { run.halt.request_stop(); });
  Status status = co_await impl.catalogue.Accept(run.job);
  if (status) status = co_await impl.RunJob(run);
  impl.running = nullptr;
  if (!status) co_return Fail(std::move(status).error());
  co_return *run.set;
}

void DataBackup::Cancel() {
  if (impl_->running == nullptr) return;
  impl_->running->job.status = JobStatus::kCanceling;
  impl_->running->cancel.request_stop();
}

std::vector<BackupJob> DataBackup::jobs() const {
  std::vector<BackupJob> jobs = impl_->catalogue.jobs().value_or(std::vector<BackupJob>());
  if (impl_->running == nullptr) return jobs;
  // The catalogue hears of a stage when it begins, of a cancellation when it is done.
  const BackupJob& running = impl_->running->job;
  const auto row = std::ranges::find(jobs, running.job_id, &BackupJob::job_id);
  if (row != jobs.end()) *row = running;
  return jobs;
}

std::vector<BackupSetFileDesc> DataBackup::sets() const {
  return impl_->catalogue.sets().value_or(std::vector<BackupSetFileDesc>());
}

}  // namespace obbak::backup
