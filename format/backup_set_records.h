// Metadata files of a backup set. docs/spec/encoding-and-metadata.md §6.3-§6.7, §10.
#pragma once

#include <boost/describe/class.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "format/backup_enums.h"
#include "format/field_types.h"
#include "format/ids.h"
#include "format/metadata_header_spec.h"
#include "format/rules.h"
#include "format/time_zone_records.h"

namespace obbak::format {

// The marks of a set (`..._start.obbak`, `..._end_success_*.obbak`, the one inside the set): the
// name is the content, and the data type is that of a tablet map, not BACKUP_DATA_PLACEHOLDER
// (§6.3).
struct ExternBackupSetPlaceholderDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kTabletToLsInfo};
  bool operator==(const ExternBackupSetPlaceholderDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(ExternBackupSetPlaceholderDesc, (), ())
void CheckRules(const ExternBackupSetPlaceholderDesc& desc, Rules& rules);

// ObBackupStats. Bytes and counts of one set.
struct BackupStats {
  std::int64_t input_bytes = 0;
  std::int64_t output_bytes = 0;
  std::int64_t tablet_count = 0;
  std::int64_t finish_tablet_count = 0;
  std::int64_t macro_block_count = 0;
  std::int64_t finish_macro_block_count = 0;
  std::int64_t extra_bytes = 0;
  std::int64_t finish_file_count = 0;
  bool operator==(const BackupStats&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupStats, (),
                      (input_bytes, output_bytes, tablet_count, finish_tablet_count,
                       macro_block_count, finish_macro_block_count, extra_bytes, finish_file_count))

// One backup set, as the tenant's catalogue knows it (§6.4).
struct BackupSetFileDesc {
  BackupSetId backup_set_id;
  std::int64_t incarnation = 1;
  TenantId tenant_id{kInvalidTenantId};
  DestId dest_id;
  Enveloped<BackupType> backup_type;
  bool plus_archivelog = false;
  std::int64_t date = 0;  // start time as decimal YYYYMMDD, server local time
  BackupSetId prev_full_backup_set_id;
  BackupSetId prev_inc_backup_set_id;
  BackupStats stats;
  Timestamp start_time;
  Timestamp end_time;
  BackupSetStatus status = BackupSetStatus::kDoing;
  std::int32_t result = 0;  // 0 or a negative OceanBase error number
  BackupEncryptionMode encryption_mode = BackupEncryptionMode::kNone;
  FixedString<128> passwd;
  BackupFileStatus file_status = BackupFileStatus::kAvailable;
  BackupPathString backup_path;   // the destination's root, not the set's directory
  Scn start_replay_scn{kMinScn};  // logs must be replayed from here
  Scn min_restore_scn{kMinScn};   // the set can be restored to this SCN at the earliest
  DataVersion tenant_compatible;
  BackupCompatible backup_compatible = BackupCompatible::kVersion42;
  std::int64_t data_turn_id = 0;
  std::int64_t meta_turn_id = 0;  // selects ls_attr_info.<meta_turn_id>
  DataVersion cluster_version;
  std::int64_t minor_turn_id = 0;
  std::int64_t major_turn_id = 0;
  Scn consistent_scn;  // of the tablet-to-log-stream snapshot

  bool operator==(const BackupSetFileDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupSetFileDesc, (),
                      (backup_set_id, incarnation, tenant_id, dest_id, backup_type, plus_archivelog,
                       date, prev_full_backup_set_id, prev_inc_backup_set_id, stats, start_time,
                       end_time, status, result, encryption_mode, passwd, file_status, backup_path,
                       start_replay_scn, min_restore_scn, tenant_compatible, backup_compatible,
                       data_turn_id, meta_turn_id, cluster_version, minor_turn_id, major_turn_id,
                       consistent_scn))
void CheckRules(const BackupSetFileDesc& desc, Rules& rules);

// `single_backup_set_info.obbak`: this set.
struct ExternBackupSetInfoDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kBackupSetInfo};
  BackupSetFileDesc backup_set_file;
  bool operator==(const ExternBackupSetInfoDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(ExternBackupSetInfoDesc, (), (backup_set_file))
void CheckRules(const ExternBackupSetInfoDesc& desc, Rules& rules);

// `tenant_backup_set_infos.obbak`: all sets of the tenant when this one ended, itself included
// (§6.5).
struct TenantBackupSetInfosDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kTenantSetInfos};
  std::vector<BackupSetFileDesc> backup_set_infos;
  bool operator==(const TenantBackupSetInfosDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(TenantBackupSetInfosDesc, (), (backup_set_infos))
void CheckRules(const TenantBackupSetInfosDesc& desc, Rules& rules);

// `infos/locality_info.obbak`: what a restore needs to create a like tenant (§6.6).
struct ExternTenantLocalityInfoDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kTenantLocalityInfo};
  TenantId tenant_id;
  BackupSetId backup_set_id;
  std::int64_t cluster_id = 0;
  CompatMode compat_mode = CompatMode::kInvalid;
  FixedString<64> tenant_name;
  FixedString<128> cluster_name;
  FixedString<4096> locality;      // "FULL{1}@zone1"
  FixedString<8192> primary_zone;  // "RANDOM"
  FixedString<128> sys_time_zone;  // "+08:00"
  TimeZoneInfoWrap sys_time_zone_wrap;
  bool operator==(const ExternTenantLocalityInfoDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(ExternTenantLocalityInfoDesc, (),
                      (tenant_id, backup_set_id, cluster_id, compat_mode, tenant_name, cluster_name,
                       locality, primary_zone, sys_time_zone, sys_time_zone_wrap))
void CheckRules(const ExternTenantLocalityInfoDesc& desc, Rules& rules);

// `infos/diagnose_info.obbak`: locality and set description in one file (§6.6).
struct ExternTenantDiagnoseInfoDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kTenantDiagnoseInfo};
  TenantId tenant_id;
  ExternTenantLocalityInfoDesc tenant_locality_info;
  BackupSetFileDesc backup_set_file;
  bool operator==(const ExternTenantDiagnoseInfoDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(ExternTenantDiagnoseInfoDesc, (),
                      (tenant_id, tenant_locality_info, backup_set_file))
void CheckRules(const ExternTenantDiagnoseInfoDesc& desc, Rules& rules);

// ObLSAttr: one log stream as the tenant's __all_ls lists it (§6.7).
struct LsAttr {
  static constexpr std::uint64_t kInvalidGroupId = ~std::uint64_t{0};
  static constexpr std::uint64_t kDuplicateFlag = 1;
  static constexpr std::uint64_t kBlockTabletInFlag = 2;

  LsId id;
  std::uint64_t ls_group_id = kInvalidGroupId;
  std::int32_t flag_compatible = 0;
  LsStatus status = LsStatus::kEmpty;
  LsOperationType operation_type = LsOperationType::kInvalid;
  Scn create_scn{kMinScn};
  Enveloped<std::uint64_t> flag;  // kDuplicateFlag | kBlockTabletInFlag
  bool operator==(const LsAttr&) const = default;
};
BOOST_DESCRIBE_STRUCT(LsAttr, (),
                      (id, ls_group_id, flag_compatible, status, operation_type, create_scn, flag))
void CheckRules(const LsAttr& attr, Rules& rules);

// `infos/meta_info/ls_attr_info.<turn>.obbak`: the log streams at backup_scn.
struct BackupDataLsAttrDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kLsInfo};
  Scn backup_scn;
  std::vector<LsAttr> ls_attr_array;
  bool operator==(const BackupDataLsAttrDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupDataLsAttrDesc, (), (backup_scn, ls_attr_array))
void CheckRules(const BackupDataLsAttrDesc& desc, Rules& rules);

// The tablets of one log stream.
struct BackupDataTabletToLsInfo {
  LsId ls_id;
  std::vector<TabletId> tablet_id_list;
  bool operator==(const BackupDataTabletToLsInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupDataTabletToLsInfo, (), (ls_id, tablet_id_list))

// `infos/<level>_data_info_turn_<n>/tablet_log_stream_info.obbak`: where each tablet was at
// backup_scn.
struct BackupDataTabletToLsDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kTabletToLsInfo};
  Scn backup_scn;
  std::vector<BackupDataTabletToLsInfo> tablet_to_ls;
  bool operator==(const BackupDataTabletToLsDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupDataTabletToLsDesc, (), (backup_scn, tablet_to_ls))
void CheckRules(const BackupDataTabletToLsDesc& desc, Rules& rules);

// `infos/deleted_tablet_info.obbak`: read in sets of 4.1 only.
struct BackupDeletedTabletToLsDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kDeletedTabletInfo};
  std::vector<BackupDataTabletToLsInfo> deleted_tablet_to_ls;
  bool operator==(const BackupDeletedTabletToLsDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupDeletedTabletToLsDesc, (), (deleted_tablet_to_ls))
void CheckRules(const BackupDeletedTabletToLsDesc& desc, Rules& rules);

}  // namespace obbak::format
