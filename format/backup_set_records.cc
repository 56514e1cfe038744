#include "format/backup_set_records.h"

namespace obbak::format {
namespace {

// The cluster ids that OceanBase accepts.
constexpr std::int64_t kMaxClusterId = 4'294'901'759;

// The operation that leads to a status, as ObLSAttr demands the pair (§6.7); kInvalid where the
// status may not be in a file.
LsOperationType OperationOf(LsStatus status) {
  switch (status) {
    case LsStatus::kCreating:
      return LsOperationType::kCreatePre;
    case LsStatus::kNormal:
      return LsOperationType::kCreateEnd;
    case LsStatus::kDropping:
      return LsOperationType::kDropPre;
    case LsStatus::kPreTenantDropping:
      return LsOperationType::kTenantDropPre;
    case LsStatus::kTenantDropping:
      return LsOperationType::kTenantDrop;
    case LsStatus::kDropped:
      return LsOperationType::kDropEnd;
    case LsStatus::kCreateAbort:
      return LsOperationType::kCreateAbort;
    case LsStatus::kEmpty:
    case LsStatus::kCreated:
    case LsStatus::kWaitOffline:
      break;
  }
  return LsOperationType::kInvalid;
}

}  // namespace

void CheckRules(const ExternBackupSetPlaceholderDesc&, Rules&) {}

void CheckRules(const BackupSetFileDesc& desc, Rules& rules) {
  rules.Require(desc.tenant_id != kInvalidTenantId, "tenant_id", "must not be the invalid id");
  rules.Require(desc.backup_set_id.value > 0, "backup_set_id", "must be greater than 0");
  rules.Require(desc.incarnation > 0, "incarnation", "must be greater than 0");
  rules.Require(desc.dest_id.value >= 0, "dest_id", "must not be negative");
  rules.Require(IsNamed(desc.status), "status", "must be 0 (DOING), 1 (SUCCESS) or 2 (FAILED)");
  rules.Require(IsNamed(desc.encryption_mode), "encryption_mode", "must be in 0..4");
  rules.Require(IsNamed(desc.file_status), "file_status", "must be in 0..6");
}

void CheckRules(const ExternBackupSetInfoDesc& desc, Rules& rules) {
  rules.Nested("backup_set_file", desc.backup_set_file);
}

void CheckRules(const TenantBackupSetInfosDesc& desc, Rules& rules) {
  rules.Require(!desc.backup_set_infos.empty(), "backup_set_infos", "must not be empty");
}

void CheckRules(const ExternTenantLocalityInfoDesc& desc, Rules& rules) {
  rules.Require(desc.backup_set_id.value > 0, "backup_set_id", "must be greater than 0");
  rules.Require(desc.cluster_id >= 1 && desc.cluster_id <= kMaxClusterId, "cluster_id",
                "must be in 1..4294901759");
  rules.Require(desc.compat_mode != CompatMode::kInvalid, "compat_mode",
                "must not be -1 (INVALID)");
  rules.Require(!desc.tenant_name.value.empty(), "tenant_name", "must not be empty");
  rules.Require(!desc.cluster_name.value.empty(), "cluster_name", "must not be empty");
  rules.Require(!desc.locality.value.empty(), "locality", "must not be empty");
  rules.Require(!desc.primary_zone.value.empty(), "primary_zone", "must not be empty");
  rules.Require(IsNamed(desc.sys_time_zone_wrap.tz_class), "sys_time_zone_wrap.class",
                "must be 1 (POSITION) or 2 (OFFSET)");
}

void CheckRules(const ExternTenantDiagnoseInfoDesc& desc, Rules& rules) {
  rules.Require(desc.tenant_id.value != 0, "tenant_id", "must not be 0");
  rules.Nested("tenant_locality_info", desc.tenant_locality_info);
  rules.Nested("backup_set_file", desc.backup_set_file);
}

void CheckRules(const LsAttr& attr, Rules& rules) {
  rules.Require(attr.id != kInvalidLsId, "id", "must not be -1");
  rules.Require(attr.id == kSysLsId || attr.ls_group_id != LsAttr::kInvalidGroupId, "ls_group_id",
                "must be valid unless this is log stream 1");
  rules.Require(OperationOf(attr.status) != LsOperationType::kInvalid, "status",
                "must be one of 0, 2, 3, 4, 6, 7, 8");
  rules.Require(attr.operation_type != LsOperationType::kInvalid, "operation_type",
                "must not be -1 (INVALID)");
  rules.Require(attr.create_scn > kMinScn && attr.create_scn.IsValid(), "create_scn",
                "must be a valid SCN above 0");
}

void CheckRules(const BackupDataLsAttrDesc& desc, Rules& rules) {
  rules.Require(desc.backup_scn.IsValid(), "backup_scn", "must be a valid SCN");
  rules.Require(!desc.ls_attr_array.empty(), "ls_attr_array", "must not be empty");
}

void CheckRules(const BackupDataTabletToLsDesc& desc, Rules& rules) {
  rules.Require(desc.backup_scn.IsValid(), "backup_scn", "must be a valid SCN");
}

void CheckRules(const BackupDeletedTabletToLsDesc&, Rules&) {}

}  // namespace obbak::format
