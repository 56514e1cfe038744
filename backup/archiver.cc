#include "backup/archiver.h"

#include <utility>

#include "backup/archive_rows.h"
#include "backup/archive_service.h"
#include "backup/destination.h"

namespace obbak::backup {
namespace {

// A lag target of an object store below this would make too many objects (procedures.md §1.2).
constexpr std::chrono::seconds kMinObjectStoreLag{60};

Status CheckNotRunning(const ArchiveRows& rows) {
  const auto round = rows.Round();
  if (!round) return Fail(round.error());
  if (!*round || (*round)->state == RoundState::kStop) return {};
  return Fail(Error(ErrorCode::kNotSupported,
                    "change archive dest when archive is running is not supported")
                  .WithAdvice("stop archiving with NOARCHIVELOG first"));
}

Status CheckDest(const io::LogArchiveDest& dest, const ArchiveOptions& options) {
  const bool is_object_store = dest.location.type() != io::StorageType::kFile;
  if (is_object_store && options.lag_target < kMinObjectStoreLag) {
    return Fail(Error(ErrorCode::kOpNotAllow,
                      "archive_lag_target below 60s with an object store is not allowed")
                    .WithPath(dest.location.PathString()));
  }
  return io::CheckPieceSwitchInterval(dest.piece_switch_interval, options.piece_interval);
}

// What was in a directory that has been emptied.
Status ForgetPieces(const ArchiveRows& rows, format::DestId gone, CatalogueEdit& edit) {
  auto pieces = rows.PiecesOf(gone);
  if (!pieces) return Fail(std::move(pieces).error());
  for (format::TenantArchivePieceAttr& piece : *pieces) {
    piece.file_status = format::BackupFileStatus::kDeleted;
    if (Status put = PutPiece(edit, piece); !put) return put;
  }
  return {};
}

}  // namespace

struct Archiver::Impl {
  Impl(engine::TenantCore& core, io::MediumFactory media, ArchiveOptions options)
      : service(core, std::move(media), options) {}

  ArchiveService service;
};

Archiver::Archiver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Archiver::~Archiver() = default;

io::Task<Result<std::unique_ptr<Archiver>>> Archiver::Open(engine::Tenant& tenant,
                                                           io::MediumFactory media,
                                                           ArchiveOptions options) {
  auto impl = std::make_unique<Impl>(tenant.core(), std::move(media), options);
  if (Status status = impl->service.CheckCatalogue(); !status) {
    co_return Fail(std::move(status).error());
  }
  impl->service.Start();
  co_return std::unique_ptr<Archiver>(new Archiver(std::move(impl)));
}

io::Task<Status> Archiver::Close() {
  co_await impl_->service.Stop();
  co_return Status();
}

// ---- Statements

io::Task<Status> Archiver::SetDest(io::LogArchiveDest dest) {
  ArchiveService& service = impl_->service;
  const auto lock = co_await service.LockPasses();
  if (Status status = CheckNotRunning(service.rows()); !status) co_return status;
  if (Status status = CheckDest(dest, service.options()); !status) co_return status;
  Result<std::unique_ptr<io::Medium>> medium = service.MakeMedium(dest.location);
  if (!medium) co_return Fail(std::move(medium).error());
  ForgetDestination forget = [&service](format::DestId gone, CatalogueEdit& edit) {
    return ForgetPieces(service.rows(), gone, edit);
  };
  const Result<format::DestId> id = co_await SetUpDestination(
      service.owner(), **medium, format::BackupDestType::kArchiveLog, std::move(forget));
  if (!id) co_return Fail(id.error());
  CatalogueEdit edit;
  PutDest(edit, {.id = *id, .dest = std::move(dest)});
  Status status = co_await service.Apply(std::move(edit));
  if (status) service.UseMedium(*std::move(medium));
  co_return status;
}

io::Task<Status> Archiver::ClearDest() {
  ArchiveService& service = impl_->service;
  const auto lock = co_await service.LockPasses();
  if (Status status = CheckNotRunning(service.rows()); !status) co_return status;
  CatalogueEdit edit;
  RemoveDest(edit);
  Status status = co_await service.Apply(std::move(edit));
  if (status) service.UseMedium(nullptr);
  co_return status;
}

io::Task<Status> Archiver::SetDestState(bool enable) {
  ArchiveService& service = impl_->service;
  const auto lock = co_await service.LockPasses();
  const auto setting = service.rows().Dest();
  if (!setting) co_return Fail(setting.error());
  if (!*setting) {
    co_return Fail(Error(ErrorCode::kInvalidBackupDest, "the archive destination is not set")
                       .WithAdvice("set log_archive_dest first"));
  }
  ArchiveDestSetting changed = **setting;
  changed.deferred = !enable;
  CatalogueEdit edit;
  PutDest(edit, changed);
  co_return co_await service.Apply(std::move(edit));
}

// The mode is a row of its own: it is changed even while a pass waits for a destination that does
// not answer.
io::Task<Status> Archiver::ArchiveLog() {
  ArchiveService& service = impl_->service;
  const engine::pb::Tenant& tenant = service.core().manifest->state().tenant();
  const bool is_normal = (tenant.role() == engine::pb::Tenant::PRIMARY ||
                          tenant.role() == engine::pb::Tenant::STANDBY) &&
                         !tenant.activating();
  if (!is_normal) {
    co_return Fail(ErrorCode::kCannotStartLogArchiveBackup,
                   "cannot start log archive backup: the tenant is not in its normal state");
  }
  const Result<bool> archive_log = service.rows().ArchiveLogMode();
  if (!archive_log) co_return Fail(archive_log.error());
  if (*archive_log) co_return Fail(ErrorCode::kAlreadyInArchiveMode, "Already in ARCHIVELOG mode");
  CatalogueEdit edit;
  PutArchiveLogMode(edit, true);
  co_return co_await service.Apply(std::move(edit));
}

io::Task<Status> Archiver::NoArchiveLog() {
  ArchiveService& service = impl_->service;
  const Result<bool> archive_log = service.rows().ArchiveLogMode();
  if (!archive_log) co_return Fail(archive_log.error());
  if (!*archive_log) {
    co_return Fail(ErrorCode::kAlreadyInNoarchiveMode, "Already in NOARCHIVELOG mode");
  }
  CatalogueEdit edit;
  PutArchiveLogMode(edit, false);
  co_return co_await service.Apply(std::move(edit));
}

// ---- What it waits for

io::Task<Status> Archiver::AwaitState() { return impl_->service.AwaitState(); }

io::Task<Status> Archiver::CatchUp() {
  ArchiveService& service = impl_->service;
  if (service.IsPrimary()) return service.CatchUpTo(service.core().scns.last());
  return service.CatchUpStandby();
}

io::Task<Status> Archiver::CatchUpTo(format::Scn scn) { return impl_->service.CatchUpTo(scn); }

// ---- What it shows

ArchiveStatus Archiver::status() const {
  const ArchiveRows& rows = impl_->service.rows();
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
    const Error* const error = impl_->service.last_error();
    if (error != nullptr) status.round->comment = error->ToString();
  }
  if (auto progress = rows.ProgressOf(*status.round)) status.progress = *std::move(progress);
  for (const auto& [ls, stream] : impl_->service.core().streams) {
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
  auto round = impl_->service.rows().Round();
  if (!round) return Fail(std::move(round).error());
  if (*round && (*round)->state == RoundState::kDoing) return **std::move(round);
  return Fail(Error(ErrorCode::kBackupCanNotStart,
                    "backup can not start, because log archive status is not doing.")
                  .WithAdvice("set log_archive_dest, then ARCHIVELOG"));
}

}  // namespace obbak::backup
