#include "format/ls_meta_records.h"

namespace obbak::format {
namespace {

// Restore and clone states of ObLSRestoreStatus (§8.1).
bool IsRestoreStatus(std::uint8_t status) {
  return status <= 13 || (status >= 101 && status <= 105);
}

}  // namespace

void CheckRules(const LsMeta& meta, Rules& rules) {
  rules.Require(meta.tenant_id != kInvalidTenantId, "tenant_id", "must not be the invalid id");
  rules.Require(meta.ls_id != kInvalidLsId, "ls_id", "must not be -1");
  rules.Require(meta.migration_status != LsMeta::kMigrationStatusMax, "migration_status",
                "must not be 14 (MAX)");
  rules.Require(IsNamed(meta.gc_state), "gc_state", "must be in 1..5");
  rules.Require(IsRestoreStatus(meta.restore_status), "restore_status",
                "must be in 0..13 or 101..105");
  rules.Require(meta.rebuild_seq >= 0, "rebuild_seq", "must not be negative");
}

void CheckRules(const PalfBaseInfo& info, Rules& rules) {
  rules.Require(info.prev_log_info.lsn != kInvalidLsn, "prev_log_info.lsn", "must be a valid LSN");
  rules.Require(info.curr_lsn != kInvalidLsn, "curr_lsn", "must be a valid LSN");
  rules.Require(info.curr_lsn >= info.prev_log_info.lsn, "curr_lsn",
                "must not be below prev_log_info.lsn");
}

void CheckRules(const LsDupTableMeta& meta, Rules& rules) {
  rules.Require(meta.ls_id != kInvalidLsId, "ls_id", "must not be -1");
}

void CheckRules(const LsMetaPackage& package, Rules& rules) {
  rules.Nested("ls_meta", package.ls_meta);
  rules.Nested("palf_meta", package.palf_meta);
  rules.Nested("dup_ls_meta", package.dup_ls_meta);
}

void CheckRules(const BackupLsMetaInfo&, Rules&) {}

void CheckRules(const BackupLsMetaInfosDesc& desc, Rules& rules) {
  rules.Require(!desc.ls_meta_packages.empty(), "ls_meta_packages", "must not be empty");
}

}  // namespace obbak::format
