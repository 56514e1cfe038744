#include "format/tablet_meta.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "format/tablet_meta_codec.h"

namespace obbak::format {
namespace {

template <std::size_t N>
std::string_view NameAt(const std::array<std::string_view, N>& names, std::uint64_t index) {
  return index < N ? names[index] : "unknown";
}

template <class R>
Result<Bytes> EncodeChecked(const R& record) {
  Rules rules;
  CheckRules(record, rules);
  if (Status status = rules.ToStatus(ErrorCode::kInvalidArgument); !status) {
    return Fail(std::move(status).error());
  }
  return EncodeRecord(record);
}

template <class R>
Result<R> DecodeChecked(ByteView bytes, Dissection* trace) {
  Result<R> record = DecodeRecord<R>(bytes, trace);
  if (!record) return record;
  Rules rules;
  CheckRules(*record, rules);
  if (Status status = rules.ToStatus(ErrorCode::kErrUnexpected); !status) {
    return Fail(std::move(status).error());
  }
  return record;
}

// ObTabletCreateDeleteMdsUserData, the user data of a tablet status pair.
struct TabletStatusUserData {
  std::uint8_t tablet_status = 1;  // NORMAL
  Scn transfer_scn;
  LsId transfer_ls_id;
  std::int32_t data_type = 1;  // CREATE_TABLET
  Scn create_commit_scn;
  std::int64_t create_commit_version = -1;
  Scn delete_commit_scn;
  std::int64_t delete_commit_version = -1;
  std::int64_t transfer_out_commit_version = -1;
};
BOOST_DESCRIBE_STRUCT(TabletStatusUserData, (),
                      (tablet_status, transfer_scn, transfer_ls_id, data_type, create_commit_scn,
                       create_commit_version, delete_commit_scn, delete_commit_version,
                       transfer_out_commit_version))

std::string EncodedText(const TabletStatusUserData& data) {
  return std::string(AsText(EncodeRecord(data).value()));
}

// Key and node of a committed tablet status.
MdsDumpKv CommittedStatus(Scn commit_scn, std::int64_t tx_id) {
  constexpr std::uint8_t kTabletTable = 1;
  constexpr std::uint8_t kStatusUnit = 0;
  constexpr std::uint32_t kKeyCrc = 4256234034;  // of that table and unit, with no key bytes
  constexpr std::uint32_t kSetByTransactionCommittedDumped = 0x130101;
  MdsDumpKv pair;
  pair.k = {.mds_table_id = kTabletTable,
            .mds_unit_id = kStatusUnit,
            .crc_check_number = kKeyCrc,
            .key = {}};
  pair.v.mds_table_id = kTabletTable;
  pair.v.mds_unit_id = kStatusUnit;
  pair.v.writer_id = tx_id;
  pair.v.seq_no = 0;
  pair.v.redo_scn = commit_scn;
  pair.v.end_scn = commit_scn;
  pair.v.trans_version = commit_scn;
  pair.v.status = {kSetByTransactionCommittedDumped};
  TabletStatusUserData data;
  data.create_commit_scn = commit_scn;
  data.create_commit_version = static_cast<std::int64_t>(commit_scn.value);
  pair.v.user_data = EncodedText(data);
  return pair;
}

void CheckScns(const MigrationTabletParam& param, Rules& rules) {
  const Scn start = param.start_scn.value;
  const Scn checkpoint = param.clog_checkpoint_scn.value;
  rules.Require(start.IsValid() && start >= kBaseScn, "start_scn", "must be a valid SCN above 0");
  rules.Require(checkpoint.IsValid() && checkpoint >= kBaseScn, "clog_checkpoint_scn",
                "must be a valid SCN above 0");
  rules.Require(start <= checkpoint, "start_scn", "must not be above clog_checkpoint_scn");
  if (param.is_empty_shell) return;
  rules.Nested("storage_schema", param.storage_schema);
  rules.Nested("medium_info_list", param.medium_info_list);
}

}  // namespace

std::string TabletHaStatusTag::Text(std::uint64_t status) {
  static constexpr auto kRestore = std::to_array<std::string_view>(
      {"FULL", "EMPTY", "MINOR_AND_MAJOR_META", "PENDING", "UNDEFINED"});
  static constexpr auto kData = std::to_array<std::string_view>({"COMPLETE", "INCOMPLETE"});
  static constexpr auto kExpected = std::to_array<std::string_view>({"NORMAL", "DELETED"});
  return fmt::format("{}, {}, {}", NameAt(kRestore, status & 0xff),
                     NameAt(kData, status >> 8 & 0xff), NameAt(kExpected, status >> 16 & 0xff));
}

void CheckRules(const MigrationTabletParam& param, Rules& rules) {
  rules.Require(param.magic_number.value == MigrationTabletParam::kMagic, "magic_number",
                "must be -20230111");
  rules.Require(param.version.value == MigrationTabletParam::kVersion2, "version", "must be 2");
  rules.Require(param.ls_id != kInvalidLsId, "ls_id", "must not be -1");
  rules.Require(param.tablet_id.value != 0, "tablet_id", "must not be 0");
  rules.Require(param.data_tablet_id.value != 0, "data_tablet_id", "must not be 0");
  rules.Require(param.create_scn.value != kMinScn, "create_scn", "must not be 0");
  rules.Require(param.multi_version_start.value >= 0, "multi_version_start",
                "must not be negative");
  rules.Require(param.snapshot_version.value >= param.multi_version_start.value, "snapshot_version",
                "must not be below multi_version_start");
  rules.Require(param.compat_mode.value != TabletCompatMode::kInvalid, "compat_mode",
                "must not be -1");
  rules.Require(param.max_sync_storage_schema_version.value >= 0, "max_sync_storage_schema_version",
                "must not be negative");
  rules.Require(param.max_serialized_medium_scn.value >= 0, "max_serialized_medium_scn",
                "must not be negative");
  rules.Require(param.ha_status.restore() <= 4 && param.ha_status.data() <= 1, "ha_status",
                "must have a restore status of 0..4 and a data status of 0..1");
  rules.Require(param.transfer_info.ls_id != kInvalidLsId, "transfer_info.ls_id", "must not be -1");
  rules.Require(param.transfer_info.transfer_seq >= 0, "transfer_info.transfer_seq",
                "must not be negative");
  if (param.ha_status.restore() != TabletHaStatus::kPending) CheckScns(param, rules);
}

void CheckRules(const BackupTabletMeta& meta, Rules& rules) {
  rules.Require(meta.tablet_id.value != 0, "tablet_id", "must not be 0");
  rules.Nested("tablet_meta", meta.tablet_meta);
  rules.Require(meta.tablet_meta.tablet_id == meta.tablet_id, "tablet_meta.tablet_id",
                "must be the record's tablet_id");
  rules.Require(meta.tablet_meta.ha_status.restore() == 0 && meta.tablet_meta.ha_status.data() == 0,
                "tablet_meta.ha_status",
                "must be FULL and COMPLETE: only such a replica can be backed up");
}

Result<Bytes> EncodeMeta(const MigrationTabletParam& param) { return EncodeChecked(param); }
Result<Bytes> EncodeMeta(const BackupTabletMeta& meta) { return EncodeChecked(meta); }

Result<MigrationTabletParam> DecodeMigrationTabletParam(ByteView bytes, Dissection* trace) {
  return DecodeChecked<MigrationTabletParam>(bytes, trace);
}

Result<BackupTabletMeta> DecodeBackupTabletMeta(ByteView bytes, Dissection* trace) {
  return DecodeChecked<BackupTabletMeta>(bytes, trace);
}

TabletMdsData InnerTabletMdsData() {
  TabletMdsData data;
  data.tablet_status_committed_kv.v.user_data = EncodedText({});
  return data;
}

MigrationTabletParam MinimalTabletParam(const TabletSeed& seed) {
  MigrationTabletParam param;
  param.ls_id = seed.ls_id;
  param.tablet_id = seed.tablet_id;
  param.data_tablet_id = seed.tablet_id;
  param.create_scn = {seed.create_scn};
  param.start_scn = {seed.snapshot};
  param.clog_checkpoint_scn = {seed.snapshot};
  param.snapshot_version = {static_cast<std::int64_t>(seed.snapshot.value)};
  param.storage_schema = seed.storage_schema;
  param.max_sync_storage_schema_version = {seed.storage_schema.schema_version};
  param.mds_checkpoint_scn = {seed.snapshot};
  param.mds_data.tablet_status_committed_kv = CommittedStatus(seed.create_scn, seed.create_tx_id);
  param.create_schema_version = {seed.storage_schema.schema_version};
  return param;
}

}  // namespace obbak::format
