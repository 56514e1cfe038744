// The LS meta package: where the replay of a log stream starts. docs/spec/encoding-and-metadata.md
// §6.8, §8.
#pragma once

#include <boost/describe/class.hpp>
#include <cstdint>
#include <limits>
#include <vector>

#include "format/addr.h"
#include "format/backup_enums.h"
#include "format/field_types.h"
#include "format/ids.h"
#include "format/metadata_header_spec.h"
#include "format/rules.h"

namespace obbak::format {

// ObIDMeta: one id service of the tenant.
struct IdMeta {
  std::int64_t limited_id = 1;
  Scn latest_log_ts;
  bool operator==(const IdMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(IdMeta, (), (limited_id, latest_log_ts))

// ObLSSavedInfo.
struct LsSavedInfo {
  Scn clog_checkpoint_scn{kMinScn};
  Lsn clog_base_lsn{0};
  std::uint64_t replayable_point = 0;
  Scn tablet_change_checkpoint_scn{kMinScn};
  bool operator==(const LsSavedInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(LsSavedInfo, (),
                      (clog_checkpoint_scn, clog_base_lsn, replayable_point,
                       tablet_change_checkpoint_scn))

// ObLSRebuildInfo.
struct LsRebuildInfo {
  Enveloped<LsRebuildStatus> status;
  Enveloped<LsRebuildType> type;
  bool operator==(const LsRebuildInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(LsRebuildInfo, (), (status, type))

// ObLSTransferMetaInfo.
struct LsTransferMetaInfo {
  LsId src_ls{0};
  Scn src_scn{kBaseScn};
  std::int32_t trans_status = 0;
  Enveloped<std::vector<TabletId>> tablet_id_array;
  DataVersion data_version{1};
  bool operator==(const LsTransferMetaInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(LsTransferMetaInfo, (),
                      (src_ls, src_scn, trans_status, tablet_id_array, data_version))

// ObLSMeta (§8.1).
struct LsMeta {
  static constexpr std::int32_t kMigrationStatusMax = 14;

  TenantId tenant_id{kInvalidTenantId};
  LsId ls_id;
  std::int32_t unused_replica_type = 0;
  VarintEnum<LsPersistentState> ls_persistent_state;
  Scn clog_checkpoint_scn{kMinScn};  // replay may start here
  Lsn clog_base_lsn{0};              // replay reads from here, the start of a log block
  std::int64_t rebuild_seq = -1;
  std::int32_t migration_status = 0;  // 0 none; a backup demands it
  GcState gc_state{};
  Scn offline_scn;
  std::uint8_t restore_status = 0;  // 0 none; a backup demands it
  Scn replayable_point;
  Scn tablet_change_checkpoint_scn{kMinScn};
  Enveloped<CountedArray<IdMeta, 3>> all_id_meta;  // timestamps, transaction ids, DAS ids
  LsSavedInfo saved_info;
  Scn transfer_scn{kMinScn};
  LsRebuildInfo rebuild_info;
  LsTransferMetaInfo transfer_meta_info;
  bool operator==(const LsMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(LsMeta, (),
                      (tenant_id, ls_id, unused_replica_type, ls_persistent_state,
                       clog_checkpoint_scn, clog_base_lsn, rebuild_seq, migration_status, gc_state,
                       offline_scn, restore_status, replayable_point, tablet_change_checkpoint_scn,
                       all_id_meta, saved_info, transfer_scn, rebuild_info, transfer_meta_info))
void CheckRules(const LsMeta& meta, Rules& rules);

// palf::LogInfo: the last group entry before the base LSN (§8.2).
struct LogInfo {
  static constexpr std::int64_t kInvalidProposalId = std::numeric_limits<std::int64_t>::max();

  std::int64_t version = 1;
  std::int64_t log_id = 0;
  Scn scn{kMinScn};
  Lsn lsn{0};
  std::int64_t log_proposal_id = kInvalidProposalId;
  std::int64_t accum_checksum = -1;
  bool operator==(const LogInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(LogInfo, (), (version, log_id, scn, lsn, log_proposal_id, accum_checksum))

// palf::PalfBaseInfo (§8.2).
struct PalfBaseInfo {
  std::int64_t version = 1;
  LogInfo prev_log_info;
  Lsn curr_lsn{0};
  bool operator==(const PalfBaseInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(PalfBaseInfo, (), (version, prev_log_info, curr_lsn))
void CheckRules(const PalfBaseInfo& info, Rules& rules);

// ObDupTableLeaseLogHeader.
struct DupTableLeaseLogHeader {
  Addr addr;
  std::int64_t lease_log_code = 1;
  bool operator==(const DupTableLeaseLogHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(DupTableLeaseLogHeader, (), (addr, lease_log_code))

// ObDupTableDurableLeaseInfo.
struct DupTableLeaseInfo {
  std::int64_t request_ts = 0;
  std::int64_t lease_interval_us = 0;
  bool operator==(const DupTableLeaseInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(DupTableLeaseInfo, (), (request_ts, lease_interval_us))

// One lease of a duplicate table.
struct DupTableLeaseItem {
  DupTableLeaseLogHeader log_header;
  DupTableLeaseInfo durable_lease;
  bool operator==(const DupTableLeaseItem&) const = default;
};
BOOST_DESCRIBE_STRUCT(DupTableLeaseItem, (), (log_header, durable_lease))

// ObLSDupTableMeta (§8.3).
struct LsDupTableMeta {
  LsId ls_id;
  std::vector<DupTableLeaseItem> lease_item_array;
  Scn lease_log_applied_scn;
  Scn readable_tablets_base_scn;
  Scn readable_tablets_min_base_applied_scn;
  bool operator==(const LsDupTableMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(LsDupTableMeta, (),
                      (ls_id, lease_item_array, lease_log_applied_scn, readable_tablets_base_scn,
                       readable_tablets_min_base_applied_scn))
void CheckRules(const LsDupTableMeta& meta, Rules& rules);

// ObLSMetaPackage. Its rules are those of a package that a backup may use; the two files below hold
// packages without demanding them (§6.8).
struct LsMetaPackage {
  LsMeta ls_meta;
  PalfBaseInfo palf_meta;
  LsDupTableMeta dup_ls_meta;
  bool operator==(const LsMetaPackage&) const = default;
};
BOOST_DESCRIBE_STRUCT(LsMetaPackage, (), (ls_meta, palf_meta, dup_ls_meta))
void CheckRules(const LsMetaPackage& package, Rules& rules);

// `logstream_<id>/meta_info_turn_<t>_retry_<r>/ls_meta_info.obbak`: one log stream. Its header
// names neither type nor version nor compressor.
struct BackupLsMetaInfo {
  static constexpr MetadataHeaderSpec kFile{
      .data_type = BackupFileType::kBackupMeta, .data_version = 0, .compressor_type = 0};
  LsMetaPackage ls_meta_package;
  bool operator==(const BackupLsMetaInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupLsMetaInfo, (), (ls_meta_package))
void CheckRules(const BackupLsMetaInfo& info, Rules& rules);

// `infos/meta_info/ls_meta_infos.obbak`: all log streams of a set.
struct BackupLsMetaInfosDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kLsMetaInfosFile};
  std::vector<LsMetaPackage> ls_meta_packages;
  bool operator==(const BackupLsMetaInfosDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupLsMetaInfosDesc, (), (ls_meta_packages))
void CheckRules(const BackupLsMetaInfosDesc& desc, Rules& rules);

}  // namespace obbak::format
