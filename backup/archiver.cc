#include "backup/archiver.h"

#include <fmt/format.h>

#include <algorithm>
#include <stop_token>
#include <utility>

#include "backup/archive_rows.h"
#include "backup/archive_scheduler.h"
#include "backup/catalogue.h"
#include "backup/destination.h"
#include "backup/ls_archiver.h"
#include "engine/maintenance.h"
#include "engine/tenant_core.h"
#include "io/sync.h"

namespace obbak::backup {
namespace {

using format::Scn;
using std::chrono::milliseconds;

// Between two attempts after a failure.
constexpr milliseconds kRetryPause{1000};
// How long a waiting command lets the others work before it looks again.
constexpr milliseconds kWaitPause{5};
// A lag target of an object store below this would make too many objects (§1.2).
constexpr milliseconds kMinObjectStoreLag{60'000};

// How often a log stream looks whether something is to be sent.
milliseconds PollInterval(milliseconds lag_target) {
  return std::clamp(lag_target / 4, milliseconds(10), milliseconds(1000));
}

Error NotSupported(std::string message) { return {ErrorCode::kNotSupported, std::move(message)}; }

}  // namespace

struct Archiver::Impl {
  Impl(engine::Tenant& the_tenant, io::MediumFactory the_media, ArchiveOptions the_options);

  // ---- The destination's medium
  io::Task<Status> Connect();
  io::Task<io::Medium*> UsableMedium();

  // ---- Background
  void Start();
  static io::Task<void> RunScheduler(Impl& impl);
  static io::Task<void> RunLogStream(Impl& impl, LsArchiver& archiver);

  // ---- Work, in the background or for a command
  io::Task<Status> Pass();
  io::Task<Status> Work(LsArchiver& archiver, SendExtent extent);
  static io::Task<void> WorkInto(Impl& impl, LsArchiver& archiver, Status& result);
  // All log streams send everything, beside each other.
  io::Task<Status> WorkAll();
  // Each log gets durable entries at or above `scn`, unless it has.
  io::Task<Status> AdvanceLogs(Scn scn);
  io::Task<Status> CatchUpTo(Scn scn);

  // ---- What the round is
  // Whether it is what the statements ask for; fails when it never will be.
  Result<bool> IsSettled() const;
  std::optional<LsProgress> InterruptedStream(const RoundStatus& round) const;
  Error Interrupted(const RoundStatus& round) const;
  // What a reader of the destination takes for its checkpoint.
  Result<Scn> PublishedCheckpoint(const RoundStatus& round) const;
  bool IsPrimary() const;
  Status CheckNotRunning() const;

  engine::Tenant& tenant;
  engine::TenantCore& core;
  io::MediumFactory media;
  ArchiveOptions options;
  std::stop_source stop;
  Catalogue catalogue;
  ArchiveRows rows;
  DestinationOwner owner;
  LsArchivers archivers;
  ArchiveScheduler scheduler;

  std::unique_ptr<io::Medium> medium;
  bool medium_is_clean = false;
  io::Mutex connecting;

  // The last failures, until the next success: of the scheduler, of each log stream.
  std::optional<Error> scheduler_error;
  std::map<format::LsId, Error> stream_errors;
  io::TaskGroup tasks;
};

Archiver::Impl::Impl(engine::Tenant& the_tenant, io::MediumFactory the_media,
                     ArchiveOptions the_options)
    : tenant(the_tenant),
      core(the_tenant.core()),
      media(std::move(the_media)),
      options(the_options),
      catalogue(*core.manifest),
      rows(catalogue),
      owner{.tenant = core.options, .clock = core.env.clock, .catalogue = catalogue},
      scheduler(core, owner, archivers, options.dictionary_interval),
      connecting(core.env.loop),
      tasks(core.env.loop) {
  // A round's start SCN is used, though no log has it.
  if (const auto round = rows.Round(); round && *round) {
    core.scns.Observe(std::max((*round)->start_scn, (*round)->checkpoint_scn));
  }
  for (const auto& [ls, stream] : core.streams) {
    archivers[ls] = std::make_unique<LsArchiver>(
        core, *stream, owner,
        LsArchiver::Options{.lag_target = options.lag_target, .stop = stop.get_token()});
    archivers[ls]->KeepLog();
  }
}

// ---- The destination's medium

io::Task<Status> Archiver::Impl::Connect() {
  const io::Mutex::Guard lock = co_await connecting.Lock();
  if (medium != nullptr) co_return Status();
  const auto setting = rows.Dest();
  if (!setting) co_return Fail(setting.error());
  if (!*setting) co_return Status();
  Result<std::unique_ptr<io::Medium>> made = media((*setting)->dest.location);
  if (!made) co_return Fail(std::move(made).error());
  medium = *std::move(made);
  medium_is_clean = false;
  co_return Status();
}

io::Task<io::Medium*> Archiver::Impl::UsableMedium() {
  const io::Mutex::Guard lock = co_await connecting.Lock();
  if (medium != nullptr && !medium_is_clean) {
    // Before anything is written there; what cannot be removed now is removed when a round begins.
    medium_is_clean = true;
    const Status removed = co_await medium->RemoveTemporaries();
    if (!removed) core.env.log.Write(LogLevel::kWarning, removed.error().ToString());
  }
  co_return medium.get();
}

// ---- Background

void Archiver::Impl::Start() {
  if (!options.background) return;
  tasks.Spawn(RunScheduler(*this));
  for (const auto& [ls, archiver] : archivers) tasks.Spawn(RunLogStream(*this, *archiver));
}

io::Task<void> Archiver::Impl::RunScheduler(Impl& impl) {
  while (!impl.stop.stop_requested() && impl.core.CheckUsable()) {
    if (Status status = co_await impl.Pass(); !status) {
      impl.core.env.log.Write(LogLevel::kWarning, status.error().ToString());
    }
    const Status slept =
        co_await impl.core.env.loop.Sleep(impl.options.checkpoint_interval, impl.stop.get_token());
    if (!slept) co_return;
  }
}

io::Task<void> Archiver::Impl::RunLogStream(Impl& impl, LsArchiver& archiver) {
  const milliseconds poll = PollInterval(impl.options.lag_target);
  while (!impl.stop.stop_requested() && impl.core.CheckUsable()) {
    const Status status = co_await impl.Work(archiver, SendExtent::kDue);
    if (!status) impl.core.env.log.Write(LogLevel::kWarning, status.error().ToString());
    const milliseconds pause = status ? poll : std::max(poll, kRetryPause);
    const Status slept = co_await impl.core.env.loop.Sleep(pause, impl.stop.get_token());
    if (!slept) co_return;
  }
}

// ---- Work

io::Task<Status> Archiver::Impl::Pass() {
  Status status = co_await Connect();
  if (status) {
    io::Medium* const usable = co_await UsableMedium();
    status = co_await scheduler.Pass(usable);
  }
  scheduler_error.reset();
  if (!status) scheduler_error = status.error();
  co_return status;
}

io::Task<Status> Archiver::Impl::Work(LsArchiver& archiver, SendExtent extent) {
  Status status = co_await Connect();
  if (status) {
    io::Medium* const usable = co_await UsableMedium();
    if (usable == nullptr) co_return Status();
    status = co_await archiver.Work(*usable, extent);
  }
  stream_errors.erase(archiver.ls());
  if (!status) stream_errors.emplace(archiver.ls(), status.error());
  co_return status;
}

io::Task<void> Archiver::Impl::WorkInto(Impl& impl, LsArchiver& archiver, Status& result) {
  Status status = co_await impl.Work(archiver, SendExtent::kEverything);
  if (result && !status) result = std::move(status);
}

io::Task<Status> Archiver::Impl::WorkAll() {
  Status result;
  io::TaskGroup group(core.env.loop);
  for (const auto& [ls, archiver] : archivers) group.Spawn(WorkInto(*this, *archiver, result));
  co_await group.Join();
  co_return result;
}

io::Task<Status> Archiver::Impl::AdvanceLogs(Scn scn) {
  if (Status status = engine::AdvanceLogs(core, scn); !status) co_return status;
  for (const auto& [ls, stream] : core.streams) {
    Status durable = co_await stream->clog().WaitDurable(stream->clog().end_lsn());
    if (!durable) co_return durable;
  }
  co_return Status();
}

io::Task<Status> Archiver::Impl::CatchUpTo(Scn scn) {
  for (;;) {
    if (stop.stop_requested()) co_return Fail(ErrorCode::kCanceled, "archiving is being closed");
    const auto round = rows.Round();
    if (!round) co_return Fail(round.error());
    if (!*round) co_return Status();
    if ((*round)->state == RoundState::kInterrupted) co_return Fail(Interrupted(**round));
    const bool goes_on = IsSending((*round)->state) || (*round)->state == RoundState::kPrepare;
    if (!goes_on) co_return Status();
    const Result<Scn> published = PublishedCheckpoint(**round);
    if (!published) co_return Fail(published.error());
    if (*published >= scn) co_return Status();

    Status status;
    if (IsPrimary()) status = co_await AdvanceLogs(std::max(scn, core.scns.Next()));
    if (status) status = co_await WorkAll();
    if (status) status = co_await Pass();
    if (!status) co_return status;
    const auto now = rows.Round();
    if (now && *now == *round) {
      // Somebody else is at work, or a standby waits for logs.
      (void)co_await core.env.loop.Sleep(kWaitPause, stop.get_token());
    }
  }
}

// ---- What the round is

std::optional<LsProgress> Archiver::Impl::InterruptedStream(const RoundStatus& round) const {
  const auto progress = rows.ProgressOf(round);
  if (!progress) return std::nullopt;
  const auto found = std::ranges::find(*progress, ArchiveLsState::kInterrupted, &LsProgress::state);
  if (found == progress->end()) return std::nullopt;
  return *found;
}

Error Archiver::Impl::Interrupted(const RoundStatus& round) const {
  std::string message = round.comment;
  if (const auto row = InterruptedStream(round)) message += fmt::format(" ({})", row->reason);
  return Error(ErrorCode::kLogArchiveInterrupted, std::move(message))
      .WithPath(round.path)
      .WithAdvice(
          "end the round with NOARCHIVELOG and begin a new one with ARCHIVELOG, then make a "
          "full backup");
}

Result<bool> Archiver::Impl::IsSettled() const {
  const Result<bool> archive_log = rows.ArchiveLogMode();
  const auto setting = rows.Dest();
  const auto round = rows.Round();
  if (!archive_log) return Fail(archive_log.error());
  if (!setting) return Fail(setting.error());
  if (!round) return Fail(round.error());
  const RoundState state = *round ? (*round)->state : RoundState::kStop;
  if (!*setting || !*archive_log) return state == RoundState::kStop;
  if (state == RoundState::kInterrupted) return Fail(Interrupted(**round));
  if (!(*setting)->deferred) return state == RoundState::kDoing;
  // It cannot pause any more.
  if (state == RoundState::kSuspending && InterruptedStream(**round)) {
    return Fail(Interrupted(**round));
  }
  return state == RoundState::kSuspend || state == RoundState::kStop;
}

Result<Scn> Archiver::Impl::PublishedCheckpoint(const RoundStatus& round) const {
  const auto pieces = rows.PiecesOf(round);
  if (!pieces) return Fail(pieces.error());
  Scn published = format::kMinScn;
  for (const format::TenantArchivePieceAttr& piece : *pieces) {
    if (piece.file_status == format::BackupFileStatus::kAvailable) published = piece.checkpoint_scn;
  }
  return published;
}

bool Archiver::Impl::IsPrimary() const {
  return core.manifest->state().tenant().role() == engine::pb::Tenant::PRIMARY;
}

Status Archiver::Impl::CheckNotRunning() const {
  const auto round = rows.Round();
  if (!round) return Fail(round.error());
  if (!*round || (*round)->state == RoundState::kStop) return {};
  return Fail(NotSupported("change archive dest when archive is running is not supported")
                  .WithAdvice("stop archiving with NOARCHIVELOG first"));
}

// ---- The public face

Archiver::Archiver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Archiver::~Archiver() = default;

io::Task<Result<std::unique_ptr<Archiver>>> Archiver::Open(engine::Tenant& tenant,
                                                           io::MediumFactory media,
                                                           ArchiveOptions options) {
  auto impl = std::make_unique<Impl>(tenant, std::move(media), options);
  const auto dest = impl->rows.Dest();
  if (!dest) co_return Fail(dest.error());
  const auto round = impl->rows.Round();
  if (!round) co_return Fail(round.error());
  const auto pieces = impl->rows.Pieces();
  if (!pieces) co_return Fail(pieces.error());
  if (*round) {
    const auto progress = impl->rows.ProgressOf(**round);
    if (!progress) co_return Fail(progress.error());
  }
  impl->Start();
  co_return std::unique_ptr<Archiver>(new Archiver(std::move(impl)));
}

io::Task<Status> Archiver::Close() {
  impl_->stop.request_stop();
  co_await impl_->tasks.Join();
  co_return Status();
}

io::Task<Status> Archiver::SetDest(io::LogArchiveDest dest) {
  Impl& impl = *impl_;
  const auto lock = co_await impl.scheduler.Lock();
  if (Status status = impl.CheckNotRunning(); !status) co_return status;
  Status fits =
      io::CheckPieceSwitchInterval(dest.piece_switch_interval, impl.options.piece_interval);
  if (!fits) co_return fits;
  if (dest.location.type() != io::StorageType::kFile &&
      impl.options.lag_target < kMinObjectStoreLag) {
    co_return Fail(Error(ErrorCode::kOpNotAllow,
                         "archive_lag_target below 60s with an object store is not allowed")
                       .WithPath(dest.location.PathString()));
  }
  Result<std::unique_ptr<io::Medium>> medium = impl.media(dest.location);
  if (!medium) co_return Fail(std::move(medium).error());
  ForgetDestination forget = [&impl](format::DestId gone, CatalogueEdit& edit) -> Status {
    auto pieces = impl.rows.PiecesOf(gone);
    if (!pieces) return Fail(std::move(pieces).error());
    for (format::TenantArchivePieceAttr& piece : *pieces) {
      piece.file_status = format::BackupFileStatus::kDeleted;
      if (Status put = PutPiece(edit, piece); !put) return put;
    }
    return {};
  };
  const Result<format::DestId> id = co_await SetUpDestination(
      impl.owner, **medium, format::BackupDestType::kArchiveLog, std::move(forget));
  if (!id) co_return Fail(id.error());
  CatalogueEdit edit;
  PutDest(edit, {.id = *id, .dest = std::move(dest)});
  if (Status status = co_await impl.catalogue.Apply(std::move(edit)); !status) co_return status;
  impl.medium = *std::move(medium);
  impl.medium_is_clean = false;
  co_return Status();
}

io::Task<Status> Archiver::ClearDest() {
  Impl& impl = *impl_;
  const auto lock = co_await impl.scheduler.Lock();
  if (Status status = impl.CheckNotRunning(); !status) co_return status;
  CatalogueEdit edit;
  RemoveDest(edit);
  Status status = co_await impl.catalogue.Apply(std::move(edit));
  if (status) impl.medium.reset();
  co_return status;
}

io::Task<Status> Archiver::SetDestState(bool enable) {
  Impl& impl = *impl_;
  const auto lock = co_await impl.scheduler.Lock();
  const auto setting = impl.rows.Dest();
  if (!setting) co_return Fail(setting.error());
  if (!*setting) {
    co_return Fail(Error(ErrorCode::kInvalidBackupDest, "the archive destination is not set")
                       .WithAdvice("set log_archive_dest first"));
  }
  ArchiveDestSetting changed = **setting;
  changed.deferred = !enable;
  CatalogueEdit edit;
  PutDest(edit, changed);
  co_return co_await impl.catalogue.Apply(std::move(edit));
}

io::Task<Status> Archiver::ArchiveLog() {
  Impl& impl = *impl_;
  const auto lock = co_await impl.scheduler.Lock();
  const engine::pb::Tenant& tenant = impl.core.manifest->state().tenant();
  const bool is_normal = (tenant.role() == engine::pb::Tenant::PRIMARY ||
                          tenant.role() == engine::pb::Tenant::STANDBY) &&
                         !tenant.activating();
  if (!is_normal) {
    co_return Fail(ErrorCode::kCannotStartLogArchiveBackup,
                   "cannot start log archive backup: the tenant is not in its normal state");
  }
  const Result<bool> archive_log = impl.rows.ArchiveLogMode();
  if (!archive_log) co_return Fail(archive_log.error());
  if (*archive_log) co_return Fail(ErrorCode::kAlreadyInArchiveMode, "Already in ARCHIVELOG mode");
  CatalogueEdit edit;
  PutArchiveLogMode(edit, true);
  co_return co_await impl.catalogue.Apply(std::move(edit));
}

io::Task<Status> Archiver::NoArchiveLog() {
  Impl& impl = *impl_;
  const auto lock = co_await impl.scheduler.Lock();
  const Result<bool> archive_log = impl.rows.ArchiveLogMode();
  if (!archive_log) co_return Fail(archive_log.error());
  if (!*archive_log) {
    co_return Fail(ErrorCode::kAlreadyInNoarchiveMode, "Already in NOARCHIVELOG mode");
  }
  CatalogueEdit edit;
  PutArchiveLogMode(edit, false);
  co_return co_await impl.catalogue.Apply(std::move(edit));
}

io::Task<Status> Archiver::AwaitState() {
  Impl& impl = *impl_;
  for (;;) {
    if (impl.stop.stop_requested()) {
      co_return Fail(ErrorCode::kCanceled, "archiving is being closed");
    }
    const auto before = impl.rows.Round();
    const Status passed = co_await impl.Pass();
    const Result<bool> settled = impl.IsSettled();
    if (!settled) co_return Fail(settled.error());
    if (*settled) co_return Status();
    if (!passed) co_return passed;
    const auto round = impl.rows.Round();
    if (!round) co_return Fail(round.error());
    Status status;
    if (*round && (*round)->state == RoundState::kBeginning && impl.IsPrimary()) {
      status = co_await impl.AdvanceLogs({(*round)->start_scn.value + 1});
    }
    if (status) status = co_await impl.WorkAll();
    if (!status) co_return status;
    if (before && *before == *round) {
      (void)co_await impl.core.env.loop.Sleep(kWaitPause, impl.stop.get_token());
    }
  }
}

io::Task<Status> Archiver::CatchUp() {
  engine::TenantCore& core = impl_->core;
  Scn target = core.scns.last();
  if (!impl_->IsPrimary()) {
    // What it has received.
    target = Scn{core.manifest->state().tenant().sync_scn()};
    for (const auto& [ls, stream] : core.streams) {
      target = std::min(target, stream->clog().durable_end_scn());
    }
  }
  return impl_->CatchUpTo(target);
}

io::Task<Status> Archiver::CatchUpTo(Scn scn) { return impl_->CatchUpTo(scn); }

ArchiveStatus Archiver::status() const {
  const ArchiveRows& rows = impl_->rows;
  ArchiveStatus status;
  status.archive_log_mode = rows.ArchiveLogMode().value_or(false);
  if (const auto setting = rows.Dest(); setting && *setting) {
    status.dest = (*setting)->dest;
    status.deferred = (*setting)->deferred;
  }
  if (auto history = rows.History()) status.history = *std::move(history);
  if (auto pieces = rows.Pieces()) status.pieces = *std::move(pieces);
  auto round = rows.Round();
  if (!round || !*round) return status;
  status.round = *std::move(round);
  if (status.round->comment.empty()) {
    if (!impl_->stream_errors.empty()) {
      status.round->comment = impl_->stream_errors.begin()->second.ToString();
    } else if (impl_->scheduler_error) {
      status.round->comment = impl_->scheduler_error->ToString();
    }
  }
  for (const auto& [ls, archiver] : impl_->archivers) {
    const auto last = rows.LastProgressOf(*status.round, ls);
    if (!last || !*last) continue;
    status.log_streams.push_back({.ls = ls,
                                  .piece = (*last)->piece,
                                  .state = (*last)->state,
                                  .archived_lsn = (*last)->max_lsn,
                                  .checkpoint_scn = (*last)->checkpoint_scn});
  }
  return status;
}

Result<RoundStatus> Archiver::DoingRound() const {
  auto round = impl_->rows.Round();
  if (!round) return Fail(std::move(round).error());
  if (*round && (*round)->state == RoundState::kDoing) return **std::move(round);
  return Fail(Error(ErrorCode::kBackupCanNotStart,
                    "backup can not start, because log archive status is not doing.")
                  .WithAdvice("set log_archive_dest, then ARCHIVELOG"));
}

}  // namespace obbak::backup
