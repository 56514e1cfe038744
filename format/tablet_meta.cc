#include "format/tablet_meta.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "format/tablet_mds_records.h"
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

TabletCreateDeleteMdsUserData CreatedTablet() {
  TabletCreateDeleteMdsUserData data;
  data.data_type = TabletMdsUserDataType::kCreateTablet;
  return data;
}

std::string EncodedText(const TabletCreateDeleteMdsUserData& data) {
  return std::string(AsText(EncodeRecord(data).value()));
}

// Key and node of a committed tablet status.
MdsDumpKv CommittedStatus(Scn commit_scn, std::int64_t tx_id) {
  TabletCreateDeleteMdsUserData data = CreatedTablet();
  data.create_commit_scn = commit_scn;
  data.create_commit_version = static_cast<std::int64_t>(commit_scn.value);
  return CommittedMdsKv(kTabletStatusUnit, {tx_id}, commit_scn, commit_scn, commit_scn,
                        EncodedText(data));
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
  data.tablet_status_committed_kv.v.user_data = EncodedText(CreatedTablet());
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
