// The records of backup indexes: which macro block or meta lies where.
// docs/spec/backup-data-files.md §4.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <compare>
#include <cstdint>
#include <string>
#include <tuple>

#include "base/bytes.h"
#include "base/result.h"
#include "format/dissection.h"
#include "format/field_types.h"
#include "format/ids.h"
#include "format/macro_block_ids.h"
#include "format/record_layout.h"
#include "format/rules.h"

namespace obbak::format {

// Whose attempt wrote a file: what all index entries of one data file share.
struct BackupDataFileId {
  BackupSetId backup_set_id;
  LsId ls_id;
  std::int64_t turn_id = 0;
  std::int64_t retry_id = 0;
  std::int64_t file_id = 0;
  bool operator==(const BackupDataFileId&) const = default;
};

// Limits of the physical id, which every macro block must fit (§4).
inline constexpr std::int64_t kMaxBackupTurnId = 1023;
inline constexpr std::int64_t kMaxBackupRetryId = 1023;
inline constexpr std::int64_t kMaxBackupFileId = (std::int64_t{1} << 22) - 1;
inline constexpr std::int64_t kMaxBackupSetId = (std::int64_t{1} << 24) - 1;
void CheckRules(const BackupDataFileId& file, Rules& rules);

// ObBackupMacroBlockIndex: one macro block record of a data file.
struct BackupMacroBlockIndex {
  LogicMacroBlockId logic_id;
  BackupSetId backup_set_id;
  LsId ls_id;
  std::int64_t turn_id = 0;
  std::int64_t retry_id = 0;
  std::int64_t file_id = 0;
  std::int64_t offset = 0;  // of the record in the data file
  std::int64_t length = 0;  // of the record with header and padding

  BackupDataFileId file() const { return {backup_set_id, ls_id, turn_id, retry_id, file_id}; }
  bool operator==(const BackupMacroBlockIndex&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupMacroBlockIndex, (),
                      (logic_id, backup_set_id, ls_id, turn_id, retry_id, file_id, offset, length))
void CheckRules(const BackupMacroBlockIndex& index, Rules& rules);

// ObBackupMacroRangeIndex: macro index block `offset`, `length` of a data file has the blocks of
// one tablet from start_key to end_key.
struct BackupMacroRangeIndex {
  using Key = LogicMacroBlockId;

  LogicMacroBlockId start_key;  // readers ignore it (§19)
  LogicMacroBlockId end_key;
  BackupSetId backup_set_id;
  LsId ls_id;
  std::int64_t turn_id = 0;
  std::int64_t retry_id = 0;
  std::int64_t file_id = 0;
  std::int64_t offset = 0;
  std::int64_t length = 0;

  const Key& key() const { return end_key; }
  BackupDataFileId file() const { return {backup_set_id, ls_id, turn_id, retry_id, file_id}; }
  bool operator==(const BackupMacroRangeIndex&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupMacroRangeIndex, (),
                      (start_key, end_key, backup_set_id, ls_id, turn_id, retry_id, file_id, offset,
                       length))
void CheckRules(const BackupMacroRangeIndex& index, Rules& rules);

// ObBackupMetaType: what a meta record holds (§10).
enum class BackupMetaType : std::int32_t {
  kSstableMeta = 0,
  kTabletMeta = 1,
  kMacroBlockIdMappingMeta = 2
};
constexpr auto EnumNames(BackupMetaType) {
  return std::to_array<NamedValue<BackupMetaType>>(
      {{BackupMetaType::kSstableMeta, "SSTABLE_META"},
       {BackupMetaType::kTabletMeta, "TABLET_META"},
       {BackupMetaType::kMacroBlockIdMappingMeta, "MACRO_BLOCK_ID_MAPPING_META"}});
}

// ObBackupMetaKey.
struct BackupMetaKey {
  TabletId tablet_id;
  BackupMetaType meta_type{};
  auto operator<=>(const BackupMetaKey&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupMetaKey, (), (tablet_id, meta_type))
void CheckRules(const BackupMetaKey& key, Rules& rules);

// ObBackupMetaIndex: one meta record of a data file.
struct BackupMetaIndex {
  using Key = BackupMetaKey;

  BackupMetaKey meta_key;
  BackupSetId backup_set_id;
  LsId ls_id;
  std::int64_t turn_id = 0;
  std::int64_t retry_id = 0;
  std::int64_t file_id = 0;
  std::int64_t offset = 0;  // of the record in the data file
  std::int64_t length = 0;  // of the record with header and padding

  const Key& key() const { return meta_key; }
  BackupDataFileId file() const { return {backup_set_id, ls_id, turn_id, retry_id, file_id}; }
  bool operator==(const BackupMetaIndex&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupMetaIndex, (),
                      (meta_key, backup_set_id, ls_id, turn_id, retry_id, file_id, offset, length))
void CheckRules(const BackupMetaIndex& index, Rules& rules);

// ObBackupMacroRangeIndexIndex, ObBackupMetaIndexIndex: block `offset`, `length` of the same index
// file ends with `end_key`, which is a complete entry.
template <class Entry>
struct BackupIndexIndex {
  Entry end_key;
  std::int64_t offset = 0;
  std::int64_t length = 0;

  const typename Entry::Key& key() const { return end_key.key(); }
  bool operator==(const BackupIndexIndex&) const = default;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor&& visitor) {
    visitor("end_key", self.end_key);
    visitor("offset", self.offset);
    visitor("length", self.length);
  }
};
using BackupMacroRangeIndexIndex = BackupIndexIndex<BackupMacroRangeIndex>;
using BackupMetaIndexIndex = BackupIndexIndex<BackupMetaIndex>;
void CheckRules(const BackupMacroRangeIndexIndex& index, Rules& rules);
void CheckRules(const BackupMetaIndexIndex& index, Rules& rules);

// The bits behind the log stream id in a physical id (§4).
struct BackupPhysicalFileTag : IdTag<std::uint64_t, IdEncoding::kFixed64> {
  static std::string Text(std::uint64_t word);
};
struct BackupPhysicalExtentTag : IdTag<std::uint64_t, IdEncoding::kFixed64> {
  static std::string Text(std::uint64_t word);
};

// ObBackupPhysicalID: where a macro block lies in the chain of sets, in 24 bytes.
struct BackupPhysicalId {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;

  LsId ls_id{0};
  StrongId<BackupPhysicalFileTag> file_word;      // OceanBase's second_id_
  StrongId<BackupPhysicalExtentTag> extent_word;  // third_id_

  std::int64_t type() const { return Bits(file_word.value, 0, 12); }
  std::int64_t turn_id() const { return Bits(file_word.value, 12, 10); }
  std::int64_t retry_id() const { return Bits(file_word.value, 22, 10); }
  std::int64_t file_id() const { return Bits(file_word.value, 32, 22); }
  std::int64_t reserved() const { return Bits(file_word.value, 54, 10); }
  BackupSetId backup_set_id() const { return {Bits(extent_word.value, 0, 24)}; }
  std::int64_t offset() const { return Bits(extent_word.value, 24, 26) * kUnit; }
  std::int64_t length() const { return Bits(extent_word.value, 50, 14) * kUnit; }
  BackupDataFileId file() const {
    return {backup_set_id(), ls_id, turn_id(), retry_id(), file_id()};
  }

  // Of a macro block index whose rules hold; kInvalidArgument when a number does not fit its bits.
  static Result<BackupPhysicalId> Of(const BackupMacroBlockIndex& index);
  // What a writer holds in place of a block that it has not written yet; invalid in a file.
  static BackupPhysicalId Placeholder();

  bool operator==(const BackupPhysicalId&) const = default;

 private:
  static constexpr std::int64_t kUnit = 4096;
  static std::int64_t Bits(std::uint64_t word, int from, int count) {
    return static_cast<std::int64_t>(word >> from & ((std::uint64_t{1} << count) - 1));
  }
};
BOOST_DESCRIBE_STRUCT(BackupPhysicalId, (), (ls_id, file_word, extent_word))
void CheckRules(const BackupPhysicalId& id, Rules& rules);

// The bytes of one record alone, and back; for tests and for whoever stores a record elsewhere.
// Defined for the records of this header.
template <class R>
Result<Bytes> EncodeIndexRecord(const R& record);
template <class R>
Result<R> DecodeIndexRecord(ByteView bytes, Dissection* trace = nullptr);

}  // namespace obbak::format
