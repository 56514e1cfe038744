#include "backup/backup_set_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "backup/backup_scn.h"
#include "backup/complement_log.h"
#include "backup/ls_tasks.h"
#include "backup/retry_rules.h"
#include "backup/set_files.h"
#include "backup/waiting.h"
#include "dest/set_reader.h"
#include "engine/ddl_payloads.h"
#include "engine/maintenance.h"

namespace obbak::backup {
namespace {

using format::DataType;
using format::LsId;
using format::Scn;
using format::TabletId;

// From this meta turn on, nothing may move.
constexpr std::int64_t kQuietMetaTurn = 3;

// docs/spec/encoding-and-metadata.md §6.7.
format::LsOperationType OperationOf(format::LsStatus status) {
  switch (status) {
    case format::LsStatus::kCreating:
    case format::LsStatus::kCreated:
      return format::LsOperationType::kCreatePre;
    case format::LsStatus::kDropping:
      return format::LsOperationType::kDropPre;
    case format::LsStatus::kPreTenantDropping:
      return format::LsOperationType::kTenantDropPre;
    case format::LsStatus::kTenantDropping:
      return format::LsOperationType::kTenantDrop;
    default:
      return format::LsOperationType::kCreateEnd;
  }
}

bool IsThere(format::LsStatus status) {
  return status != format::LsStatus::kDropped && status != format::LsStatus::kCreateAbort;
}

}  // namespace

BackupSetTask::BackupSetTask(Parts parts) : parts_(std::move(parts)), context_(parts_.context) {}

io::Task<Status> BackupSetTask::Run() {
  struct Stage {
    SetTaskStatus status;
    Step step;
  };
  static constexpr auto kStages =
      std::to_array<Stage>({{SetTaskStatus::kInit, &BackupSetTask::Init},
                            {SetTaskStatus::kBackupSysMeta, &BackupSetTask::BackupSysMeta},
                            {SetTaskStatus::kBackupUserMeta, &BackupSetTask::BackupUserMeta},
                            {SetTaskStatus::kBackupMetaFinish, &BackupSetTask::FinishMeta},
                            {SetTaskStatus::kBackupDataMinor, &BackupSetTask::BackupMinor},
                            {SetTaskStatus::kBackupDataMajor, &BackupSetTask::BackupMajor},
                            {SetTaskStatus::kBackupLog, &BackupSetTask::BackupLog},
                            {SetTaskStatus::kCompleted, &BackupSetTask::Complete}});
  for (std::size_t i = 0; i < kStages.size(); ++i) {
    Status status = co_await RunStage(kStages[i].status, kStages[i].step);
    if (!status) co_return status;
    if (std::exchange(needs_new_meta_turn_, false)) {
      ++context_.desc.meta_turn_id;
      i = 1;  // BACKUP_USER_META comes next
    }
  }
  co_return Status();
}

io::Task<Status> BackupSetTask::RunStage(SetTaskStatus stage, Step step) {
  for (int retry = 0;; ++retry) {
    Status status = CheckCanBackup();
    if (status) status = context_.CheckRunning();
    if (status) status = co_await parts_.record(stage);
    if (status) status = co_await (this->*step)();
    // Tasks of log streams, and all of a data stage, have had their retries.
    const bool had_retries = failed_ls_ || stage == SetTaskStatus::kBackupDataMinor ||
                             stage == SetTaskStatus::kBackupDataMajor;
    const bool is_final = status || had_retries || !IsRetryable(status.error().code());
    if (is_final || retry >= kMaxStepRetries) co_return status;
    (void)co_await context_.core.env.loop.Sleep(context_.options.retry_delay, context_.stop);
  }
}

Status BackupSetTask::CheckCanBackup() const {
  const ArchiveStatus archive = parts_.archive.status();
  if (!archive.round || archive.round->state != RoundState::kDoing) {
    if (archive.round && archive.round->state == RoundState::kInterrupted) {
      return Fail(ErrorCode::kLogArchiveInterrupted,
                  "the log archive was interrupted during the backup: " + archive.round->comment);
    }
    return Fail(ErrorCode::kLogArchiveNotRunning, "log archive status is not doing.");
  }
  if (archive.round->round != parts_.round || archive.round->start_scn > parts_.start_scn) {
    return Fail(ErrorCode::kLogArchiveInterrupted,
                fmt::format("the backup began in archive round {}, now it is round {}",
                            parts_.round.value, archive.round->round.value));
  }
  return {};
}

io::Task<void> BackupSetTask::ArchiveUpTo(Scn scn) {
  Status status;
  if (context_.core.role == engine::TenantRole::kPrimary) {
    status = engine::AdvanceLogs(context_.core, scn);
  }
  if (status) status = co_await parts_.archive.CatchUpTo(scn);
  if (!status) {
    context_.core.env.log.Write(LogLevel::kWarning, "the log archive stays behind the backup: " +
                                                        status.error().ToString());
  }
}

io::Task<Status> BackupSetTask::Init() { co_return co_await WriteStartMark(context_); }

// ---- Metas

io::Task<Status> BackupSetTask::RunMetaTask(LsId ls) {
  const bool is_sys = ls == format::kSysLsId;
  const Scn target = is_sys ? parts_.start_scn : attrs_.backup_scn;
  AttemptId attempt{.ls = ls, .type = DataType::kSys};
  attempt.turn = is_sys ? 1 : context_.desc.meta_turn_id;
  for (;; ++attempt.retry) {
    Result<LsMetaBackup> meta = co_await BackupLsMeta(context_, attempt, target);
    if (meta) {
      metas_[ls] = *std::move(meta);
      co_return Status();
    }
    if (meta.error().code() == ErrorCode::kLsNotExist && !is_sys) {
      needs_new_meta_turn_ = true;
      co_return Status();
    }
    const bool again = IsRetryable(meta.error().code()) && attempt.retry + 1 < kMaxMetaAttempts;
    if (!again) co_return Fail(std::move(meta).error());
    (void)co_await context_.core.env.loop.Sleep(context_.options.retry_delay, context_.stop);
  }
}

io::Task<Status> BackupSetTask::BackupSysMeta() {
  co_await ArchiveUpTo(parts_.start_scn);
  Status status = co_await RunMetaTask(format::kSysLsId);
  if (!status) failed_ls_ = format::kSysLsId;
  co_return status;
}

io::Task<Status> BackupSetTask::ListLogStreams() {
  // The tenant's time is above the checkpoint of log stream 1 anyway.
  const Result<Scn> now = CurrentScn(context_.core);
  if (!now) co_return Fail(now.error());
  const Result<engine::Catalog> catalog = co_await CatalogAt(context_.core, *now);
  if (!catalog) co_return Fail(catalog.error());
  attrs_ = {.backup_scn = *now, .ls_attr_array = {}};
  for (const auto& [ls, entry] : catalog->log_streams()) {
    if (!IsThere(entry.status)) continue;
    attrs_.ls_attr_array.push_back(engine::LsAttrOf(entry, OperationOf(entry.status)));
  }
  transfer_seqs_.clear();
  for (const auto& [id, entry] : catalog->tablets()) transfer_seqs_[id] = entry.transfer_seq;
  co_return co_await WriteLsAttrs(context_, context_.desc.meta_turn_id, attrs_);
}

io::Task<Status> BackupSetTask::RunUserMetaTasks() {
  std::erase_if(metas_, [](const auto& entry) { return entry.first != format::kSysLsId; });
  std::vector<LsId> log_streams;
  for (const format::LsAttr& attr : attrs_.ls_attr_array) {
    if (attr.id != format::kSysLsId) log_streams.push_back(attr.id);
  }
  const LsTask task = std::bind_front(&BackupSetTask::RunMetaTask, this);
  std::optional<LsFailure> failure =
      co_await RunLsTasks(context_, parts_.halt, std::move(log_streams), task);
  if (!failure) co_return Status();
  failed_ls_ = failure->ls;
  co_return Fail(std::move(failure->error));
}

io::Task<Status> BackupSetTask::HoldTablets() {
  Waiting waiting(context_);
  // Who holds it can wait for open transactions; the backup must be able to give up.
  while (context_.core.ddl.is_locked()) {
    if (Status status = context_.CheckRunning(); !status) co_return status;
    if (waiting.is_over()) {
      co_return Fail(ErrorCode::kTimeout, "schema changes do not come to an end");
    }
    co_await waiting.Pause();
  }
  tablets_held_ = co_await context_.core.ddl.Lock();
  co_return Status();
}

io::Task<Status> BackupSetTask::BackupUserMeta() {
  if (context_.desc.meta_turn_id >= kQuietMetaTurn) {
    tablets_held_.Unlock();
    if (Status status = co_await HoldTablets(); !status) co_return status;
  }
  if (Status status = co_await ListLogStreams(); !status) co_return status;
  co_await ArchiveUpTo(attrs_.backup_scn);
  co_return co_await RunUserMetaTasks();
}

// ---- The consistent point

bool BackupSetTask::HaveTabletsMoved(const engine::Catalog& now) const {
  return std::ranges::any_of(now.tablets(), [&](const auto& entry) {
    const auto before = transfer_seqs_.find(entry.first);
    const std::int64_t seq = before == transfer_seqs_.end() ? 0 : before->second;
    return seq != entry.second.transfer_seq;
  });
}

Scn BackupSetTask::MaxCheckpoint() const {
  Scn max = format::kMinScn;
  for (const auto& [ls, meta] : metas_) max = std::max(max, meta.max_checkpoint_scn);
  return max;
}

Status BackupSetTask::SetStartReplayScn() {
  Scn start = parts_.start_scn;
  for (const auto& [ls, meta] : metas_) {
    start = std::min(start, meta.package.palf_meta.prev_log_info.scn);
  }
  const ArchiveStatus archive = parts_.archive.status();
  if (!archive.round) return Fail(ErrorCode::kLogArchiveNotRunning, "there is no archive round");
  context_.desc.start_replay_scn = std::max(start, archive.round->start_scn);
  return {};
}

io::Task<Status> BackupSetTask::FinishMeta() {
  const Result<Scn> now = CurrentScn(context_.core);
  if (!now) co_return Fail(now.error());
  const Scn consistent = std::max(*now, MaxCheckpoint());
  const Result<engine::Catalog> catalog = co_await CatalogAt(context_.core, consistent);
  if (!catalog) co_return Fail(catalog.error());
  tablets_held_.Unlock();
  if (HaveTabletsMoved(*catalog)) {
    needs_new_meta_turn_ = true;
    co_return Status();
  }
  context_.desc.consistent_scn = consistent;
  if (Status status = SetStartReplayScn(); !status) co_return status;
  if (Status status = co_await WriteLsMetaInfos(); !status) co_return status;
  co_return co_await WriteMaps(*catalog);
}

io::Task<Status> BackupSetTask::WriteLsMetaInfos() {
  std::vector<format::LsMetaPackage> packages;
  for (const auto& [ls, meta] : metas_) packages.push_back(meta.package);
  co_return co_await WriteLsMetas(context_, std::move(packages));
}

io::Task<Status> BackupSetTask::WriteMaps(const engine::Catalog& catalog) {
  tablets_.clear();
  tablets_[format::kSysLsId] = metas_.at(format::kSysLsId).tablets;
  const auto inner = engine::InnerTablets();
  for (const auto& [ls, entry] : catalog.log_streams()) {
    if (ls == format::kSysLsId || !IsThere(entry.status)) continue;
    tablets_[ls].assign(inner.begin(), inner.end());
  }
  for (const auto& [id, entry] : catalog.tablets()) tablets_[entry.ls_id].push_back(id);
  const format::BackupDataTabletToLsDesc map = DescOf(tablets_, context_.desc.consistent_scn);
  Status status = co_await WriteTabletMap(context_, DataType::kMinor, 1, map);
  if (!status) co_return status;
  co_return co_await WriteTabletMap(context_, DataType::kMajor, 1, map);
}

// ---- Data

Result<std::vector<dest::SetName>> BackupSetTask::SetNames() const {
  std::vector<dest::SetName> names{{context_.set(), context_.kind()}};
  const auto sets = parts_.catalogue.sets();
  if (!sets) return Fail(sets.error());
  for (const format::BackupSetFileDesc& set : *sets) {
    if (set.backup_set_id != context_.set() && set.dest_id == context_.desc.dest_id) {
      names.push_back(dest::NameOf(set));
    }
  }
  return names;
}

std::uint64_t BackupSetTask::BytesOf(DataType type) const {
  std::uint64_t bytes = 0;
  for (const auto& [ls, stream] : context_.core.streams) {
    for (const auto& [id, tablet] : stream->tablets()) {
      for (const auto& sstable : tablet->sstables()) {
        if (sstable->is_major() != (type == DataType::kMajor)) continue;
        bytes += static_cast<std::uint64_t>(sstable->meta().basic_meta.occupy_size);
      }
    }
  }
  return bytes;
}

io::Task<Status> BackupSetTask::RunDataStage(DataType type, std::int64_t& turn) {
  context_.bytes_done = 0;
  context_.bytes_total = BytesOf(type);
  Result<std::vector<dest::SetName>> sets = SetNames();
  if (!sets) co_return Fail(std::move(sets).error());
  const DataStageParts parts{.context = context_,
                             .halt = parts_.halt,
                             .previous = parts_.previous,
                             .sets = *std::move(sets),
                             .phase = phase_,
                             .finished = finished_};
  DataStage stage(parts, type);
  Status status = co_await stage.Run(tablets_);
  turn = stage.turn();
  failed_ls_ = stage.failed_ls();
  if (!status) co_return status;
  const Result<Scn> end = CurrentScn(context_.core);
  if (!end) co_return Fail(end.error());
  context_.desc.min_restore_scn = *end;
  co_return Status();
}

io::Task<Status> BackupSetTask::BackupMinor() {
  co_await ArchiveUpTo(context_.desc.consistent_scn);
  co_return co_await RunDataStage(DataType::kMinor, context_.desc.minor_turn_id);
}

io::Task<Status> BackupSetTask::BackupMajor() {
  co_return co_await RunDataStage(DataType::kMajor, context_.desc.major_turn_id);
}

// ---- The end

io::Task<Status> BackupSetTask::BackupLog() {
  if (!context_.desc.plus_archivelog) co_return Status();
  co_return co_await BackupComplementLog(context_, parts_.archive, parts_.media);
}

io::Task<Status> BackupSetTask::Complete() {
  if (context_.desc.plus_archivelog) {
    if (Status status = co_await FormatComplementLog(context_); !status) co_return status;
  }
  format::BackupSetFileDesc& desc = context_.desc;
  desc.status = format::BackupSetStatus::kSuccess;
  desc.file_status = format::BackupFileStatus::kAvailable;
  desc.end_time = {static_cast<std::int64_t>(context_.core.env.clock.NowNs() / 1000)};
  auto sets = parts_.catalogue.sets();
  if (!sets) co_return Fail(std::move(sets).error());
  std::erase_if(*sets, [&](const auto& set) { return set.backup_set_id == desc.backup_set_id; });
  sets->push_back(desc);
  SetEnd end{.first_scn = desc.plus_archivelog ? desc.min_restore_scn : parts_.start_scn,
             .tenant_sets = *std::move(sets),
             .utc_offset = parts_.utc_offset};
  co_return co_await WriteSetEnd(context_, std::move(end));
}

}  // namespace obbak::backup
