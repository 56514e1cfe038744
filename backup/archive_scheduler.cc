#include "backup/archive_scheduler.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "dest/dest_store.h"
#include "format/utc_offset.h"

namespace obbak::backup {
namespace {

using format::ArchivePieceStatus;
using format::BackupFileStatus;
using format::PieceId;
using format::Scn;
using format::TenantArchivePieceAttr;

dest::DestStore StoreOf(io::Medium& medium) { return {medium, format::DestKind::kArchive}; }

std::vector<LsProgress> InPiece(const std::vector<LsProgress>& progress, PieceId piece) {
  std::vector<LsProgress> rows;
  std::ranges::copy_if(progress, std::back_inserter(rows),
                       [piece](const LsProgress& row) { return row.piece == piece; });
  std::ranges::sort(rows, {}, &LsProgress::ls);
  return rows;
}

// What a piece's tenant_archive_piece_infos lists.
bool BelongsToHistory(const TenantArchivePieceAttr& piece, PieceId before) {
  return piece.status.value == ArchivePieceStatus::kFrozen &&
         piece.file_status != BackupFileStatus::kDeleted && piece.key.piece_id < before;
}

void KeepFirst(Status& result, Status status) {
  if (result && !status) result = std::move(status);
}

}  // namespace

ArchiveScheduler::ArchiveScheduler(engine::TenantCore& core, DestinationOwner owner,
                                   LsArchivers& archivers,
                                   std::chrono::milliseconds dictionary_interval)
    : core_(core),
      owner_(owner),
      rows_(owner.catalogue),
      archivers_(archivers),
      schema_meta_(core, owner.catalogue, dictionary_interval),
      passing_(core.env.loop) {}

io::Task<Status> ArchiveScheduler::Pass(io::Medium* medium) {
  assert(passing_.is_locked());
  if (Status usable = core_.CheckUsable(); !usable) co_return usable;
  // Without a destination there is no round that could go on.
  if (medium == nullptr) co_return Status();
  Status result = co_await CheckpointRound(*medium);
  KeepFirst(result, co_await React(*medium));
  co_return result;
}

// ---- §2.3

io::Task<Status> ArchiveScheduler::React(io::Medium& medium) {
  const Result<bool> archive_log = rows_.ArchiveLogMode();
  const auto setting = rows_.Dest();
  const auto round = rows_.Round();
  if (!archive_log) co_return Fail(archive_log.error());
  if (!setting) co_return Fail(setting.error());
  if (!round) co_return Fail(round.error());
  if (!*setting) co_return Status();
  const RoundState state = *round ? (*round)->state : RoundState::kInvalid;
  if (!*archive_log) {
    // PREPARE is on its way to BEGINNING.
    const bool is_over = state == RoundState::kInvalid || state == RoundState::kPrepare ||
                         state == RoundState::kStop || state == RoundState::kStopping;
    if (is_over) co_return Status();
    co_return co_await Disable(medium);
  }
  if ((*setting)->deferred) {
    if (state != RoundState::kDoing) co_return Status();
    co_return co_await Defer(**round);
  }
  const bool is_idle =
      state == RoundState::kInvalid || state == RoundState::kSuspend || state == RoundState::kStop;
  if (!is_idle) co_return Status();
  co_return co_await Enable(medium, **setting, *round);
}

io::Task<Status> ArchiveScheduler::Enable(io::Medium& medium, ArchiveDestSetting setting,
                                          std::optional<RoundStatus> round) {
  Status ours =
      co_await CheckDestination(owner_, medium, format::BackupDestType::kArchiveLog, setting.id);
  if (!ours) co_return ours;
  // Of a process that died while it wrote here.
  if (Status status = co_await medium.RemoveTemporaries(); !status) co_return status;
  if (round && round->state == RoundState::kSuspend) {
    round->state = RoundState::kBeginning;
    co_return co_await Save(*round);
  }
  const RoundStatus* const last = round ? &*round : nullptr;
  const RoundStatus next = NextRound(last, setting.id, setting.dest.location.PathString(),
                                     setting.dest.piece_switch_interval);
  if (Status status = co_await Save(next); !status) co_return status;
  co_return co_await Begin(next);
}

io::Task<Status> ArchiveScheduler::Defer(RoundStatus round) {
  round.state = RoundState::kSuspending;
  round.comment.clear();
  co_return co_await Save(round);
}

io::Task<Status> ArchiveScheduler::Disable(io::Medium& medium) {
  // Once it is STOPPING the checkpoint does not move any more: whatever is archived is to be below
  // it.
  const Guards paused = co_await PauseAll();
  const auto round = rows_.Round();
  if (!round) co_return Fail(round.error());
  if (IsSending((*round)->state)) {
    Result<CheckpointOutput> output = Compute(**round);
    if (!output) co_return Fail(std::move(output).error());
    const Status carried = co_await Carry(**round, *std::move(output), medium);
    if (!carried) core_.env.log.Write(LogLevel::kWarning, carried.error().ToString());
  }
  const auto now = rows_.Round();
  if (!now) co_return Fail(now.error());
  RoundStatus stopping = **now;
  stopping.state = RoundState::kStopping;
  stopping.comment.clear();
  stopping.stopping_since = Now();
  co_return co_await Save(stopping);
}

// ---- §2.4

io::Task<Status> ArchiveScheduler::Begin(RoundStatus round) {
  const Result<Scn> start = ReadableScn();
  if (!start) co_return Fail(start.error());
  round = BeginRound(std::move(round), *start);
  CatalogueEdit edit;
  PutRound(edit, round);
  Status put = PutPiece(edit, NewPiece(round, {core_.options.tenant_id}, round.base_piece));
  if (!put) co_return put;
  const auto history = rows_.History();
  if (!history) co_return Fail(history.error());
  if (!history->empty()) {
    // Of the round before; its files say what there is.
    const auto old = rows_.ProgressOf(history->back());
    if (!old) co_return Fail(old.error());
    for (const LsProgress& row : *old) RemoveProgress(edit, row);
  }
  for (const auto& [ls, stream] : core_.streams) {
    const LsProgress first = FirstProgress(round, *stream);
    // From this moment on, lest the block is recycled before the row is there; KeepLog() lets it go
    // again unless the log is to be kept.
    stream->KeepLogFrom(first.max_lsn);
    PutProgress(edit, first);
  }
  Status status = co_await owner_.catalogue.Apply(std::move(edit));
  for (const auto& [ls, archiver] : archivers_) archiver->KeepLog();
  co_return status;
}

// ---- §2.5

io::Task<Status> ArchiveScheduler::CheckpointRound(io::Medium& medium) {
  const auto round = rows_.Round();
  if (!round) co_return Fail(round.error());
  if (!*round) co_return Status();
  if ((*round)->state == RoundState::kPrepare) co_return co_await Begin(**round);
  if (!IsActive((*round)->state)) co_return Status();
  if ((*round)->state == RoundState::kDoing) {
    const Status dumped = co_await schema_meta_.DumpIfDue(**round);
    if (!dumped) core_.env.log.Write(LogLevel::kWarning, dumped.error().ToString());
  }
  Result<CheckpointOutput> output = Compute(**round);
  if (!output) co_return Fail(std::move(output).error());
  Guards paused;
  if (output->round.state == RoundState::kInterrupted) {
    // As in Disable: nothing more is archived than this checkpoint knows.
    paused = co_await PauseAll();
    output = Compute(**round);
    if (!output) co_return Fail(std::move(output).error());
  }
  co_return co_await Carry(**round, *std::move(output), medium);
}

Result<CheckpointOutput> ArchiveScheduler::Compute(const RoundStatus& round) {
  const Result<Scn> limit = ReadableScn();
  if (!limit) return Fail(limit.error());
  Result<std::vector<LsProgress>> progress = rows_.ProgressOf(round);
  if (!progress) return Fail(std::move(progress).error());
  Result<std::vector<TenantArchivePieceAttr>> pieces = rows_.PiecesOf(round);
  if (!pieces) return Fail(std::move(pieces).error());
  CheckpointInput input{.round = round,
                        .tenant = {core_.options.tenant_id},
                        .log_streams = {},
                        .progress = *std::move(progress),
                        .pieces = *std::move(pieces),
                        .limit = *limit};
  for (const auto& [ls, stream] : core_.streams) input.log_streams.push_back(ls);
  return Checkpoint(std::move(input));
}

bool ArchiveScheduler::ChangesNothing(const RoundStatus& before,
                                      const CheckpointOutput& output) const {
  // A round that is BEGINNING tries its first files again.
  if (before != output.round || before.state == RoundState::kBeginning) return false;
  const auto known = rows_.PiecesOf(before);
  return known && std::ranges::all_of(output.pieces, [&](const TenantArchivePieceAttr& piece) {
           return std::ranges::find(*known, piece) != known->end();
         });
}

io::Task<Status> ArchiveScheduler::Carry(const RoundStatus& before, CheckpointOutput output,
                                         io::Medium& medium) {
  if (ChangesNothing(before, output)) co_return Status();
  const Status written = co_await WriteFiles(before, output, medium);
  if (!written) {
    if (!MayForceStop(before, Now())) co_return written;
    core_.env.log.Write(LogLevel::kWarning, written.error().ToString());
  }
  Result<CatalogueEdit> edit = EditOf(before, output);
  if (!edit) co_return Fail(std::move(edit).error());
  co_return co_await owner_.catalogue.Apply(*std::move(edit));
}

io::Task<Status> ArchiveScheduler::WriteFiles(const RoundStatus& before,
                                              const CheckpointOutput& output, io::Medium& medium) {
  Status status =
      co_await CheckFormatFile(owner_, medium, format::BackupDestType::kArchiveLog, before.dest);
  // Before its piece may be frozen.
  if (status) status = co_await schema_meta_.RecordIfArchived(before, StoreOf(medium));
  if (!status) co_return status;
  const auto offset = format::ParseUtcOffset(core_.options.time_zone);
  if (!offset) co_return Fail(offset.error());
  const PieceFiles files(StoreOf(medium), *offset, core_.env.log);
  for (const TenantArchivePieceAttr& piece : output.pieces) {
    const PieceId id = piece.key.piece_id;
    PieceFiles::FrozenBefore frozen_before = [this, &output, &piece, id] {
      auto frozen = rows_.PiecesOf(piece.key.dest_id);
      if (!frozen) return frozen;
      // Those of this pass are not in the catalogue yet.
      const PieceId first = output.pieces.front().key.piece_id;
      std::erase_if(*frozen, [first](const TenantArchivePieceAttr& known) {
        return !BelongsToHistory(known, first);
      });
      std::ranges::copy_if(output.pieces, std::back_inserter(*frozen),
                           [id](const auto& known) { return BelongsToHistory(known, id); });
      return frozen;
    };
    status = co_await files.WritePiece(piece, InPiece(output.progress, id), frozen_before);
    if (!status) co_return status;
  }
  if (before.state == RoundState::kBeginning) {
    status = co_await files.WriteRoundStart(before);
    if (!status) co_return status;
  }
  if (output.round.state == RoundState::kStop) {
    co_return co_await files.WriteRoundEnd(output.round);
  }
  co_return Status();
}

Result<CatalogueEdit> ArchiveScheduler::EditOf(const RoundStatus& before,
                                               const CheckpointOutput& output) const {
  CatalogueEdit edit;
  PutRound(edit, output.round);
  for (const TenantArchivePieceAttr& piece : output.pieces) {
    if (Status put = PutPiece(edit, piece); !put) return Fail(std::move(put).error());
  }
  if (output.round.state == RoundState::kStop) {
    PutHistory(edit, output.round);
    for (const LsProgress& row : output.progress) PutProgress(edit, row);
    return edit;
  }
  // What frozen pieces hold is in their files; no checkpoint looks at it any more.
  const PieceId current = PieceSchedule::Of(before).PieceOf(output.round.checkpoint_scn);
  for (const LsProgress& row : output.progress) {
    if (row.piece < current) RemoveProgress(edit, row);
  }
  return edit;
}

// ----

io::Task<Status> ArchiveScheduler::Save(const RoundStatus& round) {
  CatalogueEdit edit;
  PutRound(edit, round);
  co_return co_await owner_.catalogue.Apply(std::move(edit));
}

io::Task<ArchiveScheduler::Guards> ArchiveScheduler::PauseAll() {
  Guards guards;
  for (const auto& [ls, archiver] : archivers_) guards.push_back(co_await archiver->Pause());
  co_return guards;
}

Result<Scn> ArchiveScheduler::ReadableScn() {
  const engine::pb::Tenant& tenant = core_.manifest->state().tenant();
  if (tenant.role() != engine::pb::Tenant::PRIMARY) return Scn{tenant.sync_scn()};
  if (Status reserved = core_.ReserveIds(); !reserved) return Fail(reserved.error());
  return core_.scns.Next();
}

format::Timestamp ArchiveScheduler::Now() const {
  return {static_cast<std::int64_t>(core_.env.clock.NowNs() / 1000)};
}

}  // namespace obbak::backup
