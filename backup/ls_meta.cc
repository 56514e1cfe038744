#include "backup/ls_meta.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "backup/backup_scn.h"
#include "backup/checkpoint_wait.h"
#include "backup/data_file_sink.h"
#include "backup/index_merge.h"
#include "backup/ls_data.h"
#include "backup/object_sink.h"
#include "backup/tablet_items.h"
#include "engine/ddl_payloads.h"
#include "format/record.h"
#include "format/tablet_info_file.h"

namespace obbak::backup {
namespace {

using format::Scn;

// tablet_info records are written when there are so many bytes of them.
constexpr std::size_t kWriteSize = std::size_t{1} << 20;

Result<format::PalfBaseInfo> PalfBaseOf(const engine::pb::LogStream& record) {
  if (record.has_palf_base()) {
    return format::DecodeRecord<format::PalfBaseInfo>(AsByteView(record.palf_base()));
  }
  format::PalfBaseInfo base;
  base.prev_log_info.scn = Scn{record.create_scn()};
  return base;
}

format::IdMeta IdMetaOf(const engine::pb::IdLimit& limit) {
  return {.limited_id = limit.limited_id(), .latest_log_ts = Scn{limit.latest_log_ts()}};
}

// Those that the log stream's tablet_info lists.
std::vector<std::shared_ptr<engine::Tablet>> TabletsOf(const engine::TenantCore& core,
                                                       const engine::LogStream& stream) {
  std::vector<std::shared_ptr<engine::Tablet>> tablets;
  for (const auto& [id, tablet] : stream.tablets()) {
    if (stream.IsCreationCommitted(id) && !HasMovedAway(core, stream, id)) {
      tablets.push_back(tablet);
    }
  }
  return tablets;
}

Scn MaxCheckpoint(const format::MigrationTabletParam& meta) {
  return std::max({meta.clog_checkpoint_scn.value, meta.mds_checkpoint_scn.value,
                   meta.ddl_checkpoint_scn.value});
}

io::Task<Result<TabletSnapshot>> Snapshot(engine::TenantCore& core,
                                          std::shared_ptr<engine::Tablet> tablet) {
  if (engine::IsInnerTablet(tablet->id())) co_return co_await InnerSnapshotOf(core, tablet);
  co_return SnapshotOf(*tablet);
}

// tablet_info.1, .2, ...
class TabletInfoFiles {
 public:
  TabletInfoFiles(SetContext& context, AttemptId attempt) : context_(context), attempt_(attempt) {}

  io::Task<Status> Append(const format::MigrationTabletParam& param) {
    const Result<Bytes> encoded = format::EncodeMeta(param);
    if (!encoded) co_return Fail(encoded.error());
    const bool is_full = file_ != nullptr && !file_->writer.HasRoomFor(
                                                 encoded->size(), context_.options.data_file_size);
    if (is_full) {
      Status status;
      if (status = co_await Close(std::move(status)); !status) co_return status;
    }
    if (file_ == nullptr) {
      if (Status status = co_await Open(); !status) co_return status;
    }
    if (Status status = file_->writer.Append(param); !status) co_return status;
    co_return co_await file_->out.Drain(kWriteSize);
  }
  // The last file; after a failure it leaves nothing.
  io::Task<Status> Close(Status status) {
    if (file_ == nullptr) co_return status;
    if (status) {
      const auto trailer = file_->writer.Finish();
      if (!trailer) status = Fail(trailer.error());
    }
    status = co_await file_->out.End(std::move(status));
    file_.reset();
    co_return status;
  }

 private:
  struct OpenFile {
    OpenFile(std::unique_ptr<io::MediumWriter> object, std::int64_t id)
        : out(std::move(object)), writer(id, out.sink()) {}
    ObjectSink out;
    format::TabletInfoFileWriter writer;
  };

  io::Task<Status> Open() {
    format::BackupPath path = context_.Path(format::PathKind::kTabletInfo, attempt_);
    path.file = next_file_++;
    auto object = co_await context_.store.medium().Create(context_.store.PathOf(path));
    if (!object) co_return Fail(std::move(object).error());
    file_ = std::make_unique<OpenFile>(*std::move(object), path.file);
    co_return Status();
  }

  SetContext& context_;
  AttemptId attempt_;
  std::int64_t next_file_ = 1;
  std::unique_ptr<OpenFile> file_;
};

io::Task<Status> AppendTablets(SetContext& context, TabletInfoFiles& files,
                               std::vector<std::shared_ptr<engine::Tablet>> tablets,
                               LsMetaBackup& result) {
  std::int64_t macro_blocks = 0;
  for (const std::shared_ptr<engine::Tablet>& tablet : tablets) {
    if (Status status = context.CheckRunning(); !status) co_return status;
    const Result<TabletSnapshot> snapshot = co_await Snapshot(context.core, tablet);
    if (!snapshot) co_return Fail(snapshot.error());
    result.tablets.push_back(tablet->id());
    result.max_checkpoint_scn = std::max(result.max_checkpoint_scn, MaxCheckpoint(snapshot->meta));
    macro_blocks += snapshot->data_block_count();
    if (Status status = co_await files.Append(snapshot->meta); !status) co_return status;
  }
  context.desc.stats.tablet_count += std::ssize(tablets);
  context.desc.stats.macro_block_count += macro_blocks;
  co_return Status();
}

io::Task<Status> AddInnerTablets(SetContext& context, const engine::LogStream& stream,
                                 DataFileSink& sink) {
  MacroReuse nothing(context.store, {});
  const StoredBlocks nothing_stored;
  for (const format::TabletId id : engine::InnerTablets()) {
    const auto found = stream.tablets().find(id);
    if (found == stream.tablets().end()) {
      co_return Fail(ErrorCode::kErrUnexpected, fmt::format("log stream {} has no inner tablet {}",
                                                            stream.id().value, id.value));
    }
    const std::shared_ptr<engine::Tablet> tablet = found->second;
    const Result<TabletSnapshot> snapshot = co_await InnerSnapshotOf(context.core, tablet);
    if (!snapshot) co_return Fail(snapshot.error());
    Status status = co_await AddTablet(sink, *snapshot, snapshot->majors, nothing, nothing_stored);
    if (!status) co_return status;
  }
  co_return Status();
}

io::Task<Status> BackupSysData(SetContext& context, const engine::LogStream& stream,
                               AttemptId attempt, LsMetaBackup& result) {
  attempt.type = format::DataType::kSys;
  DataFileSink sink(context, attempt);
  Status status = co_await AddInnerTablets(context, stream, sink);
  status = co_await sink.End(std::move(status));
  if (!status) co_return status;
  result.finished.push_back({attempt, sink.files()});
  co_return co_await WriteLsIndexes(context, attempt, result.finished);
}

}  // namespace

Result<format::LsMetaPackage> LsMetaOf(const engine::TenantCore& core,
                                       const engine::LogStream& stream) {
  const engine::pb::LogStream& record = stream.record();
  Result<format::PalfBaseInfo> base = PalfBaseOf(record);
  if (!base) return Fail(std::move(base).error());
  format::LsMetaPackage package;
  format::LsMeta& meta = package.ls_meta;
  meta.tenant_id = {core.options.tenant_id};
  meta.ls_id = stream.id();
  meta.ls_persistent_state = {format::LsPersistentState::kNormal};
  meta.clog_checkpoint_scn = ReplayStart(core, stream);
  meta.clog_base_lsn = format::Lsn{record.clog_base_lsn()};
  meta.rebuild_seq = record.rebuild_seq();
  meta.gc_state = format::GcState::kNormal;
  meta.tablet_change_checkpoint_scn = Scn{record.tablet_change_checkpoint_scn()};
  meta.transfer_scn = Scn{record.transfer_scn()};
  meta.all_id_meta.value.items[0] = IdMetaOf(record.timestamp_limit());
  meta.all_id_meta.value.items[1] = IdMetaOf(record.transaction_id_limit());
  package.palf_meta = *std::move(base);
  package.dup_ls_meta.ls_id = stream.id();
  return package;
}

io::Task<Result<LsMetaBackup>> BackupLsMeta(SetContext& context, AttemptId attempt, Scn target) {
  engine::LogStream* stream = context.core.FindStream(attempt.ls);
  if (stream == nullptr) {
    co_return Fail(ErrorCode::kLsNotExist,
                   fmt::format("log stream {} does not exist any more", attempt.ls.value));
  }
  Status status = co_await AdvanceCheckpoint(context, *stream, target);
  if (!status) co_return Fail(std::move(status).error());

  // The log stream first, its tablets after it: they may be further, never behind.
  const Result<format::LsMetaPackage> package = LsMetaOf(context.core, *stream);
  if (!package) co_return Fail(package.error());
  LsMetaBackup result{.package = *package,
                      .tablets = {},
                      .max_checkpoint_scn = package->ls_meta.clog_checkpoint_scn,
                      .finished = {}};
  std::vector<std::shared_ptr<engine::Tablet>> tablets = TabletsOf(context.core, *stream);
  const format::BackupPath path = context.Path(format::PathKind::kLsMetaInfo, attempt);
  const format::BackupLsMetaInfo info{*package};
  status = co_await context.store.Write(path, info);
  if (!status) co_return Fail(std::move(status).error());

  TabletInfoFiles files(context, attempt);
  status = co_await AppendTablets(context, files, std::move(tablets), result);
  status = co_await files.Close(std::move(status));
  if (status) status = co_await BackupSysData(context, *stream, attempt, result);
  if (!status) co_return Fail(std::move(status).error());
  co_return result;
}

}  // namespace obbak::backup
