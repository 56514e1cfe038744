#include "format/backup_index_records.h"

#include <fmt/format.h>

#include <limits>
#include <string_view>

#include "format/record.h"

namespace obbak::format {
namespace {

constexpr std::int64_t kUnit = 4096;

// What a record of a data file demands of its place.
void CheckRecordExtent(std::int64_t offset, std::int64_t length, Rules& rules) {
  rules.Require(offset >= 0 && offset % kUnit == 0, "offset", "must be a multiple of 4096");
  rules.Require(length > 0 && length % kUnit == 0, "length", "must be a positive multiple of 4096");
}

template <class Index>
void CheckFileFields(const Index& index, Rules& rules) {
  rules.Require(index.ls_id != kInvalidLsId, "ls_id", "must not be -1");
  rules.Require(index.turn_id > 0, "turn_id", "must be greater than 0");
  rules.Require(index.retry_id >= 0, "retry_id", "must not be negative");
  rules.Require(index.file_id >= 0, "file_id", "must not be negative");
}

template <class Entry>
void CheckIndexIndex(const BackupIndexIndex<Entry>& index, Rules& rules) {
  rules.Nested("end_key", index.end_key);
  rules.Require(index.offset > 0, "offset", "must be greater than 0");
  rules.Require(index.length > 0, "length", "must be greater than 0");
}

}  // namespace

void CheckRules(const BackupDataFileId& file, Rules& rules) {
  rules.Require(file.backup_set_id.value > 0 && file.backup_set_id.value <= kMaxBackupSetId,
                "backup_set_id", "must be in 1..16777215");
  rules.Require(file.ls_id.value > 0, "ls_id", "must be greater than 0");
  rules.Require(file.turn_id > 0 && file.turn_id <= kMaxBackupTurnId, "turn_id",
                "must be in 1..1023");
  rules.Require(file.retry_id >= 0 && file.retry_id <= kMaxBackupRetryId, "retry_id",
                "must be in 0..1023");
  rules.Require(file.file_id >= 0 && file.file_id <= kMaxBackupFileId, "file_id",
                "must be in 0..4194303");
}

void CheckRules(const BackupMacroBlockIndex& index, Rules& rules) {
  rules.Nested("logic_id", index.logic_id);
  CheckFileFields(index, rules);
  CheckRecordExtent(index.offset, index.length, rules);
}

void CheckRules(const BackupMacroRangeIndex& index, Rules& rules) {
  rules.Nested("start_key", index.start_key);
  rules.Nested("end_key", index.end_key);
  rules.Require(index.backup_set_id.value > 0, "backup_set_id", "must be greater than 0");
  CheckFileFields(index, rules);
  rules.Require(index.offset >= 0, "offset", "must not be negative");
  rules.Require(index.length > 0, "length", "must be greater than 0");
}

void CheckRules(const BackupMetaKey& key, Rules& rules) {
  rules.Require(key.tablet_id.value != 0, "tablet_id", "must not be 0");
  rules.Require(IsNamed(key.meta_type), "meta_type", "must be in 0..2");
}

void CheckRules(const BackupMetaIndex& index, Rules& rules) {
  rules.Nested("meta_key", index.meta_key);
  rules.Require(index.ls_id != kInvalidLsId, "ls_id", "must not be -1");
  rules.Require(index.file_id >= 0, "file_id", "must not be negative");
  CheckRecordExtent(index.offset, index.length, rules);
}

void CheckRules(const BackupMacroRangeIndexIndex& index, Rules& rules) {
  CheckIndexIndex(index, rules);
}

void CheckRules(const BackupMetaIndexIndex& index, Rules& rules) { CheckIndexIndex(index, rules); }

std::string BackupPhysicalFileTag::Text(std::uint64_t word) {
  const BackupPhysicalId id{.ls_id = {}, .file_word = {word}, .extent_word = {}};
  return fmt::format("turn {}, retry {}, file {}", id.turn_id(), id.retry_id(), id.file_id());
}

std::string BackupPhysicalExtentTag::Text(std::uint64_t word) {
  const BackupPhysicalId id{.ls_id = {}, .file_word = {}, .extent_word = {word}};
  return fmt::format("set {}, offset {}, length {}", id.backup_set_id().value, id.offset(),
                     id.length());
}

Result<BackupPhysicalId> BackupPhysicalId::Of(const BackupMacroBlockIndex& index) {
  const auto fits = [](std::int64_t value, int bits) {
    return value >= 0 && value < std::int64_t{1} << bits;
  };
  const bool aligned = index.offset % kUnit == 0 && index.length % kUnit == 0;
  if (!aligned || !fits(index.turn_id, 10) || !fits(index.retry_id, 10) ||
      !fits(index.file_id, 22) || !fits(index.backup_set_id.value, 24) ||
      !fits(index.offset / kUnit, 26) || !fits(index.length / kUnit, 14)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("set {}, turn {}, retry {}, file {}, offset {}, length {} do not fit "
                            "into a physical id",
                            index.backup_set_id.value, index.turn_id, index.retry_id, index.file_id,
                            index.offset, index.length));
  }
  const auto shifted = [](std::int64_t value, int by) {
    return static_cast<std::uint64_t>(value) << by;
  };
  return BackupPhysicalId{
      .ls_id = index.ls_id,
      .file_word = {shifted(index.turn_id, 12) | shifted(index.retry_id, 22) |
                    shifted(index.file_id, 32)},
      .extent_word = {shifted(index.backup_set_id.value, 0) | shifted(index.offset / kUnit, 24) |
                      shifted(index.length / kUnit, 50)}};
}

BackupPhysicalId BackupPhysicalId::Placeholder() {
  constexpr std::uint64_t kAllButTypeAndReserved = 0x003f'ffff'ffff'f000;
  return {.ls_id = {std::numeric_limits<std::int64_t>::max()},
          .file_word = {kAllButTypeAndReserved},
          .extent_word = {std::numeric_limits<std::uint64_t>::max()}};
}

void CheckRules(const BackupPhysicalId& id, Rules& rules) {
  rules.Require(id != BackupPhysicalId::Placeholder(), "ls_id",
                "must not be that of a block that was never written");
  rules.Require(id.ls_id.value > 0, "ls_id", "must be greater than 0");
  rules.Require(id.turn_id() > 0, "file_word", "must have a turn greater than 0");
  rules.Require(id.type() == 0 && id.reserved() == 0, "file_word",
                "must have zeros in bits 0..11 and 54..63");
  rules.Require(id.backup_set_id().value > 0, "extent_word", "must have a set greater than 0");
  rules.Require(id.length() > 0, "extent_word", "must have a length greater than 0");
}

template <class R>
Result<Bytes> EncodeIndexRecord(const R& record) {
  return EncodeRecord(record);
}

template <class R>
Result<R> DecodeIndexRecord(ByteView bytes, Dissection* trace) {
  return DecodeRecord<R>(bytes, trace);
}

#define OBBAK_INDEX_RECORD(R)                            \
  template Result<Bytes> EncodeIndexRecord<R>(const R&); \
  template Result<R> DecodeIndexRecord<R>(ByteView, Dissection*)
OBBAK_INDEX_RECORD(LogicMacroBlockId);
OBBAK_INDEX_RECORD(BackupMacroBlockIndex);
OBBAK_INDEX_RECORD(BackupMacroRangeIndex);
OBBAK_INDEX_RECORD(BackupMacroRangeIndexIndex);
OBBAK_INDEX_RECORD(BackupMetaKey);
OBBAK_INDEX_RECORD(BackupMetaIndex);
OBBAK_INDEX_RECORD(BackupMetaIndexIndex);
OBBAK_INDEX_RECORD(BackupPhysicalId);
#undef OBBAK_INDEX_RECORD

}  // namespace obbak::format
