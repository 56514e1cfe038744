#include "engine/tenant_builder.h"

#include <utility>

#include "engine/ddl_payloads.h"
#include "engine/standby.h"
#include "engine/tenant_directory.h"
#include "format/record.h"

namespace obbak::engine {
namespace {

using format::LsId;
using format::Scn;
using format::TabletId;

Error OfLogStream(Error error, LsId ls) {
  return std::move(error).WithField("log stream " + std::to_string(ls.value));
}

void TakeLimit(const format::IdMeta& meta, pb::IdLimit& limit) {
  limit.set_limited_id(meta.limited_id);
  limit.set_latest_log_ts(meta.latest_log_ts.value);
}

Result<pb::LogStream> RecordOf(const format::LsAttr& attr, const format::LsMetaPackage& package) {
  const format::LsMeta& meta = package.ls_meta;
  pb::LogStream record;
  record.set_ls_id(attr.id.value);
  record.set_ls_group_id(attr.ls_group_id);
  record.set_flag(attr.flag.value);
  record.set_status(static_cast<std::int32_t>(attr.status));
  record.set_create_scn(attr.create_scn.value);
  record.set_clog_checkpoint_scn(meta.clog_checkpoint_scn.value);
  record.set_clog_base_lsn(package.palf_meta.curr_lsn.value);
  record.set_tablet_change_checkpoint_scn(meta.tablet_change_checkpoint_scn.value);
  record.set_transfer_scn(meta.transfer_scn.value);
  const Result<Bytes> base = format::EncodeRecord(package.palf_meta);
  if (!base) return Fail(base.error());
  record.set_palf_base(std::string(AsText(*base)));
  if (attr.id == format::kSysLsId) {
    TakeLimit(meta.all_id_meta.value.items[0], *record.mutable_timestamp_limit());
    TakeLimit(meta.all_id_meta.value.items[1], *record.mutable_transaction_id_limit());
  }
  return record;
}

// docs/spec/consistency.md §1.3.
Status CheckBelongTogether(const format::LsAttr& attr, const format::LsMetaPackage& package) {
  if (package.ls_meta.ls_id != attr.id) {
    return Fail(ErrorCode::kInvalidData,
                "its meta is that of log stream " + std::to_string(package.ls_meta.ls_id.value));
  }
  if (package.ls_meta.clog_checkpoint_scn < attr.create_scn) {
    return Fail(ErrorCode::kInvalidData,
                "its checkpoint, SCN " + std::to_string(package.ls_meta.clog_checkpoint_scn.value) +
                    ", is before its creation, SCN " + std::to_string(attr.create_scn.value));
  }
  return {};
}

io::Task<Status> MakeLog(TenantCore& core, LogStream& stream, format::PalfBaseInfo base) {
  const std::string dir = core.ClogDir(stream.id());
  if (Status status = co_await core.env.disk.MakeDirectory(dir); !status) co_return status;
  Status status = co_await core.env.disk.SyncDirectory(core.dir + "/clog");
  if (!status) co_return status;
  Result<std::unique_ptr<Clog>> clog =
      co_await Clog::Create(core.env, dir, stream.id(), base, core.engine.clog);
  if (!clog) co_return Fail(clog.error());
  stream.AttachClog(*std::move(clog));
  co_return Status();
}

}  // namespace

TenantBuilder::TenantBuilder(std::unique_ptr<TenantCore> core) : core_(std::move(core)) {}
TenantBuilder::~TenantBuilder() = default;

io::Task<Result<std::unique_ptr<TenantBuilder>>> TenantBuilder::Create(Env env, std::string dir,
                                                                       TenantOptions options,
                                                                       EngineOptions engine) {
  Status status = CheckOptions(options);
  if (status) status = co_await ClearUnfinished(env, dir);
  if (!status) co_return Fail(std::move(status).error());
  auto core = std::make_unique<TenantCore>(std::move(env), std::move(dir), std::move(engine));
  core->options = std::move(options);
  core->origin.cluster_id = core->options.cluster_id;
  core->role = TenantRole::kRestoring;
  pb::Tenant record = RecordOf(core->options, format::kBaseScn);
  record.set_role(pb::Tenant::RESTORING);
  status = co_await CreateStorage(*core, std::move(record));
  if (!status) co_return Fail(std::move(status).error());
  co_return std::unique_ptr<TenantBuilder>(new TenantBuilder(std::move(core)));
}

io::Task<Status> TenantBuilder::AddLogStream(format::LsAttr attr, format::LsMetaPackage package) {
  if (Status status = CheckBelongTogether(attr, package); !status) {
    co_return Fail(OfLogStream(std::move(status).error(), attr.id));
  }
  Result<pb::LogStream> record = RecordOf(attr, package);
  if (!record) co_return Fail(OfLogStream(std::move(record).error(), attr.id));
  auto stream = std::make_unique<LogStream>(core_->Shared(), *record);
  Status status = co_await MakeLog(*core_, *stream, package.palf_meta);
  if (!status) co_return Fail(OfLogStream(std::move(status).error(), attr.id));
  core_->streams[attr.id] = std::move(stream);
  for (const TabletId id : InnerTablets()) {
    status = AddTablet(attr.id, FreshInnerTablet(attr.id, id, attr.create_scn), {});
    if (!status) co_return status;
  }
  pb::Edit edit;
  *edit.add_log_streams() = *std::move(record);
  co_return co_await core_->manifest->Apply(std::move(edit));
}

Status TenantBuilder::AddTablet(LsId ls, format::MigrationTabletParam meta,
                                std::vector<std::shared_ptr<const Sstable>> sstables) {
  const std::string field = "tablet " + std::to_string(meta.tablet_id.value);
  LogStream* stream = core_->FindStream(ls);
  if (stream == nullptr) {
    return Fail(Error(ErrorCode::kInvalidData,
                      "it is on log stream " + std::to_string(ls.value) + ", which there is not")
                    .WithField(field));
  }
  Result<std::shared_ptr<Tablet>> tablet = Tablet::Create(std::move(meta), std::move(sstables));
  if (!tablet) return Fail(std::move(tablet).error().WithField(field));
  (*tablet)->MarkDirty();
  stream->AddTablet(*std::move(tablet));
  return {};
}

Status TenantBuilder::CheckDropped() const {
  for (const TabletId id : dropped_) {
    const TableSchemaPtr table = core_->catalog.TableOf(id);
    if (table == nullptr) continue;
    return Fail(Error(ErrorCode::kErrUnexpected,
                      "the backup has no data of it, but the table " + table->name() + " is there")
                    .WithField("tablet " + std::to_string(id.value)));
  }
  return {};
}

io::Task<Status> TenantBuilder::Finish(LogGroupSources& sources, Scn scn, ReportReplay report) {
  TenantCore& core = *core_;
  core.replay = std::make_unique<StandbyReplay>(core);
  // System tables are never dropped.
  if (Status status = CheckDropped(); !status) co_return status;
  // Imported blocks; from here on the manifest may name them.
  Status status = co_await core.blocks->Sync();
  if (status) status = co_await core.replay->ReplayTo(scn, &sources, std::move(report));
  if (status) status = co_await SettleAt(core, scn);
  if (status) status = CheckDropped();
  if (status) status = co_await FlushStandby(core);
  if (!status) co_return status;
  pb::Edit edit;
  *edit.mutable_tenant() = core.manifest->state().tenant();
  edit.mutable_tenant()->set_role(pb::Tenant::STANDBY);
  co_return co_await core.manifest->Apply(std::move(edit));
}

io::Task<Status> TenantBuilder::Close() { return core_->Close(); }

}  // namespace obbak::engine
