#include "backup/set_files.h"

#include <utility>

#include "format/time_tag.h"
#include "format/time_zone_records.h"

namespace obbak::backup {
namespace {

using format::BackupPath;
using format::PathKind;

format::ExternTenantLocalityInfoDesc LocalityOf(const SetContext& context,
                                                std::chrono::seconds utc_offset) {
  const engine::TenantOptions& tenant = context.core.options;
  format::ExternTenantLocalityInfoDesc locality;
  locality.tenant_id = context.desc.tenant_id;
  locality.backup_set_id = context.set();
  locality.cluster_id = tenant.cluster_id;
  locality.compat_mode = format::CompatMode::kMysql;
  locality.tenant_name = {tenant.tenant_name};
  locality.cluster_name = {tenant.cluster_name};
  locality.locality = {tenant.locality};
  locality.primary_zone = {"RANDOM"};
  locality.sys_time_zone = {tenant.time_zone};
  locality.sys_time_zone_wrap.tz_class = format::TimeZoneClass::kOffset;
  locality.sys_time_zone_wrap.tz_info_offset.offset = static_cast<std::int32_t>(utc_offset.count());
  return locality;
}

BackupPath InnerMark(const SetContext& context, const SetEnd& end) {
  BackupPath path = context.Path(PathKind::kBackupSetInnerMark);
  path.time = format::TimeTag::FromScn(end.first_scn, end.utc_offset);
  path.end_time = format::TimeTag::FromScn(context.desc.min_restore_scn, end.utc_offset);
  return path;
}

BackupPath EndMark(const SetContext& context, const SetEnd& end) {
  BackupPath path = context.Path(PathKind::kBackupSetEndSuccess);
  path.time = format::TimeTag::FromScn(context.desc.min_restore_scn, end.utc_offset);
  return path;
}

}  // namespace

io::Task<Status> WriteStartMark(const SetContext& context) {
  co_return co_await context.store.Write(context.Path(PathKind::kBackupSetStart),
                                         format::ExternBackupSetPlaceholderDesc());
}

io::Task<Status> WriteLsAttrs(const SetContext& context, std::int64_t turn,
                              format::BackupDataLsAttrDesc attrs) {
  BackupPath path = context.Path(PathKind::kLsAttrInfo);
  path.turn = turn;
  co_return co_await context.store.Write(std::move(path), std::move(attrs));
}

io::Task<Status> WriteLsMetas(const SetContext& context,
                              std::vector<format::LsMetaPackage> packages) {
  format::BackupLsMetaInfosDesc infos{std::move(packages)};
  co_return co_await context.store.Write(context.Path(PathKind::kLsMetaInfos), std::move(infos));
}

io::Task<Status> WriteTabletMap(const SetContext& context, format::DataType type, std::int64_t turn,
                                format::BackupDataTabletToLsDesc map) {
  BackupPath path = context.Path(PathKind::kTabletLsInfo);
  path.data_type = type;
  path.turn = turn;
  co_return co_await context.store.Write(std::move(path), std::move(map));
}

io::Task<Status> WriteSetEnd(const SetContext& context, SetEnd end) {
  const dest::DestStore& store = context.store;
  const format::ExternTenantLocalityInfoDesc locality = LocalityOf(context, end.utc_offset);
  Status status = co_await store.Write(context.Path(PathKind::kLocalityInfo), locality);
  if (!status) co_return status;
  const format::ExternBackupSetInfoDesc info{context.desc};
  status = co_await store.Write(context.Path(PathKind::kSingleBackupSetInfo), info);
  if (!status) co_return status;
  const format::TenantBackupSetInfosDesc infos{std::move(end.tenant_sets)};
  status = co_await store.Write(context.Path(PathKind::kTenantBackupSetInfos), infos);
  if (!status) co_return status;
  const format::ExternTenantDiagnoseInfoDesc diagnose{context.desc.tenant_id, locality,
                                                      context.desc};
  status = co_await store.Write(context.Path(PathKind::kDiagnoseInfo), diagnose);
  if (!status) co_return status;
  const format::ExternBackupSetPlaceholderDesc mark;
  if (status = co_await store.Write(InnerMark(context, end), mark); !status) co_return status;
  co_return co_await store.Write(EndMark(context, end), mark);
}

}  // namespace obbak::backup
