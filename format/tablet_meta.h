// ObMigrationTabletParam: everything a backup knows of a tablet but its data.
// docs/spec/backup-data-files.md §10, §11.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstdint>
#include <limits>

#include "base/bytes.h"
#include "base/result.h"
#include "format/dissection.h"
#include "format/field_types.h"
#include "format/ids.h"
#include "format/rules.h"
#include "format/storage_schema.h"
#include "format/tablet_mds_data.h"

namespace obbak::format {

// ObTabletHAStatus: byte 0 restore (0 FULL, 1 EMPTY, 2 MINOR_AND_MAJOR_META, 3 PENDING,
// 4 UNDEFINED), byte 1 data (0 COMPLETE, 1 INCOMPLETE), byte 2 expected (0 NORMAL, 1 DELETED).
struct TabletHaStatusTag : IdTag<std::uint64_t, IdEncoding::kFixed64> {
  static std::string Text(std::uint64_t status);
};
struct TabletHaStatus : StrongId<TabletHaStatusTag> {
  static constexpr std::uint64_t kPending = 3;
  std::uint64_t restore() const { return value & 0xff; }
  std::uint64_t data() const { return value >> 8 & 0xff; }
};

// ObTabletReportStatus: what was reported of the last major SSTable.
struct TabletReportStatus {
  std::int64_t merge_snapshot_version = 0;
  std::int64_t cur_report_version = 0;
  std::int64_t data_checksum = 0;
  std::int64_t row_count = 0;
  bool operator==(const TabletReportStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(TabletReportStatus, (),
                      (merge_snapshot_version, cur_report_version, data_checksum, row_count))

// ObTabletTransferInfo.
struct TabletTransferInfo {
  LsId ls_id{0};
  Scn transfer_start_scn{kMinScn};
  std::int64_t transfer_seq = 0;
  bool has_transfer_table = false;
  bool operator==(const TabletTransferInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(TabletTransferInfo, (),
                      (ls_id, transfer_start_scn, transfer_seq, has_transfer_table))

// lib::Worker::CompatMode in one byte.
enum class TabletCompatMode : std::uint8_t { kMysql = 0, kOracle = 1, kInvalid = 255 };
constexpr auto EnumNames(TabletCompatMode) {
  return std::to_array<NamedValue<TabletCompatMode>>({{TabletCompatMode::kMysql, "MYSQL"},
                                                      {TabletCompatMode::kOracle, "ORACLE"},
                                                      {TabletCompatMode::kInvalid, "INVALID"}});
}

// It has no envelope: magic number, version and its own length come first. Version 1, of releases
// before 4.2, is refused, and so is a wrong magic number, which OceanBase takes for an empty param.
struct MigrationTabletParam {
  static constexpr std::int64_t kMagic = -20230111;
  static constexpr std::int64_t kVersion2 = 2;
  static constexpr std::uint64_t kWithMajorSstable = 1;  // bit of table_store_flag
  // What a tablet_info file takes.
  static constexpr std::size_t kMaxSize = std::size_t{2} << 20;

  Fixed<std::int64_t> magic_number{kMagic};
  Fixed<std::int64_t> version{kVersion2};
  bool is_empty_shell = false;
  LsId ls_id;
  TabletId tablet_id;
  TabletId data_tablet_id;
  TabletId ref_tablet_id;
  Fixed<Scn> create_scn;
  Fixed<Scn> start_scn;
  Fixed<Scn> clog_checkpoint_scn;
  Fixed<Scn> ddl_checkpoint_scn{kMinScn};
  Fixed<std::int64_t> snapshot_version;
  Fixed<std::int64_t> multi_version_start;
  RawByte<TabletCompatMode> compat_mode;
  TabletHaStatus ha_status;
  TabletReportStatus report_status;
  StorageSchema storage_schema;     // not of an empty shell
  MediumInfoList medium_info_list;  // not of an empty shell
  Fixed<std::uint64_t> table_store_flag;
  Fixed<Scn> ddl_start_scn{kMinScn};
  Fixed<std::int64_t> ddl_snapshot_version;
  Fixed<std::int64_t> max_sync_storage_schema_version;
  Fixed<std::int64_t> ddl_execution_id{-1};
  Fixed<std::int64_t> ddl_data_format_version;
  Fixed<std::int64_t> max_serialized_medium_scn;
  Fixed<Scn> ddl_commit_scn{kMinScn};
  Fixed<Scn> mds_checkpoint_scn;
  TabletMdsData mds_data;
  TabletTransferInfo transfer_info;
  Fixed<std::int64_t> create_schema_version;

  bool operator==(const MigrationTabletParam&) const = default;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor&& visitor) {
    visitor("magic_number", self.magic_number);
    visitor("version", self.version);
    BodyFields(self, visitor);
  }
  // What follows the length.
  template <class Self, class Visitor>
  static void BodyFields(Self& self, Visitor&& visitor) {
    visitor("is_empty_shell", self.is_empty_shell);
    visitor("ls_id", self.ls_id);
    visitor("tablet_id", self.tablet_id);
    visitor("data_tablet_id", self.data_tablet_id);
    visitor("ref_tablet_id", self.ref_tablet_id);
    visitor("create_scn", self.create_scn);
    visitor("start_scn", self.start_scn);
    visitor("clog_checkpoint_scn", self.clog_checkpoint_scn);
    visitor("ddl_checkpoint_scn", self.ddl_checkpoint_scn);
    visitor("snapshot_version", self.snapshot_version);
    visitor("multi_version_start", self.multi_version_start);
    visitor("compat_mode", self.compat_mode);
    visitor("ha_status", self.ha_status);
    visitor("report_status", self.report_status);
    if (!self.is_empty_shell) {
      visitor("storage_schema", self.storage_schema);
      visitor("medium_info_list", self.medium_info_list);
    }
    visitor("table_store_flag", self.table_store_flag);
    visitor("ddl_start_scn", self.ddl_start_scn);
    visitor("ddl_snapshot_version", self.ddl_snapshot_version);
    visitor("max_sync_storage_schema_version", self.max_sync_storage_schema_version);
    visitor("ddl_execution_id", self.ddl_execution_id);
    visitor("ddl_data_format_version", self.ddl_data_format_version);
    visitor("max_serialized_medium_scn", self.max_serialized_medium_scn);
    visitor("ddl_commit_scn", self.ddl_commit_scn);
    visitor("mds_checkpoint_scn", self.mds_checkpoint_scn);
    visitor("mds_data", self.mds_data);
    visitor("transfer_info", self.transfer_info);
    visitor("create_schema_version", self.create_schema_version);
  }
};
void CheckRules(const MigrationTabletParam& param, Rules& rules);

// ObBackupTabletMeta: the TABLET_META record of a data file. Its rules add to those of the param
// that the tablet is complete (§11).
struct BackupTabletMeta {
  TabletId tablet_id;
  MigrationTabletParam tablet_meta;
  bool operator==(const BackupTabletMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupTabletMeta, (), (tablet_id, tablet_meta))
void CheckRules(const BackupTabletMeta& meta, Rules& rules);

// The bytes of a record whose rules hold; kInvalidArgument names the one that does not.
Result<Bytes> EncodeMeta(const MigrationTabletParam& param);
Result<Bytes> EncodeMeta(const BackupTabletMeta& meta);

// The record that fills `bytes`, its rules checked. `trace` receives its fields below "record".
Result<MigrationTabletParam> DecodeMigrationTabletParam(ByteView bytes,
                                                        Dissection* trace = nullptr);
Result<BackupTabletMeta> DecodeBackupTabletMeta(ByteView bytes, Dissection* trace = nullptr);

// Who and when of a tablet, for the smallest valid param (§18).
struct TabletSeed {
  LsId ls_id;
  TabletId tablet_id;
  Scn create_scn;
  std::int64_t create_tx_id = 1;  // the transaction that created it
  // Checkpoints and snapshot of the tablet: everything up to here is in its SSTables.
  Scn snapshot;
  StorageSchema storage_schema;
};

// A data tablet of its own in status NORMAL, created and committed at `create_scn`, with no
// SSTable, nothing transferred and no DDL. The MDS state carries no checksum.
MigrationTabletParam MinimalTabletParam(const TabletSeed& seed);

// What a log stream's inner tablets (49401..49403) and empty shells have as MDS state: a committed
// status without commit information, or none that says when.
TabletMdsData InnerTabletMdsData();

}  // namespace obbak::format
