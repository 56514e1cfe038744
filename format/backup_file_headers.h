// What stands at both ends of backup data and index files. docs/spec/backup-data-files.md §3, §5.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/field_types.h"
#include "format/inspection.h"
#include "format/record_layout.h"
#include "format/rules.h"

namespace obbak::format {

// ObBackupFileType of namespace backup: the first number of a data or index file. meta_index and
// sec_meta_index files both say kMetaIndex; the types above it are never written.
enum class BackupDataFileType : std::int32_t {
  kData = 0,
  kMacroRangeIndex = 1,
  kMetaIndex = 2,
};
constexpr auto EnumNames(BackupDataFileType) {
  return std::to_array<NamedValue<BackupDataFileType>>(
      {{BackupDataFileType::kData, "BACKUP_DATA_FILE"},
       {BackupDataFileType::kMacroRangeIndex, "BACKUP_MACRO_RANGE_INDEX_FILE"},
       {BackupDataFileType::kMetaIndex, "BACKUP_META_INDEX_FILE"}});
}

// ObBackupFileHeader: the first 16 bytes; zeros fill the block of 4096.
struct BackupFileHeader {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedLittleEndian;
  static constexpr std::size_t kSize = 16;

  BackupDataFileType file_type{};
  std::int32_t version = 1;
  std::int32_t magic = 0;
  std::int32_t reserved = 0;

  // The header of a file of that type.
  static BackupFileHeader For(BackupDataFileType type);
  bool operator==(const BackupFileHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupFileHeader, (), (file_type, version, magic, reserved))
void CheckRules(const BackupFileHeader& header, Rules& rules);

// Bytes of the file header block.
inline constexpr std::size_t kFileHeaderBlockSize = 4096;
// The whole block.
Bytes EncodeFileHeaderBlock(BackupDataFileType type);
// Dissects "header" and "padding" of a file of `type` into `trace`, which may be null, and reports
// each check that fails.
void InspectFileHeaderBlock(ByteView block, BackupDataFileType type, Dissection* trace,
                            std::vector<Error>& findings);

// ObBackupDataFileTrailer: the last 88 bytes of a data file.
struct BackupDataFileTrailer {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedLittleEndian;
  static constexpr std::size_t kSize = 88;

  std::uint16_t data_type = 0;
  std::uint16_t data_version = 0;
  std::uint32_t padding = 0;
  std::int64_t macro_block_count = 0;
  std::int64_t meta_count = 0;
  std::int64_t macro_index_offset = 0;
  std::int64_t macro_index_length = 0;
  std::int64_t meta_index_offset = 0;
  std::int64_t meta_index_length = 0;
  std::int64_t offset = 0;  // of this trailer
  std::int64_t length = 0;  // of this trailer
  std::int64_t data_accumulate_checksum = 0;
  std::int16_t trailer_checksum = 0;
  std::array<std::uint8_t, 6> tail_padding{};

  // XOR of the 16-bit words before it.
  std::int16_t ComputeChecksum() const;
  bool operator==(const BackupDataFileTrailer&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupDataFileTrailer, (),
                      (data_type, data_version, padding, macro_block_count, meta_count,
                       macro_index_offset, macro_index_length, meta_index_offset, meta_index_length,
                       offset, length, data_accumulate_checksum, trailer_checksum, tail_padding))
// Where the parts of a file must lie; the checksum is checked by DecodeTrailer.
void CheckRules(const BackupDataFileTrailer& trailer, Rules& rules);

// ObBackupMultiLevelIndexHeader: at the start of every block of an index file.
struct BackupMultiLevelIndexHeader {
  std::int16_t magic = -1;
  std::int16_t backup_type = 0;  // the common header's data_type
  std::int32_t index_level = 0;  // 0 for leaves
  bool operator==(const BackupMultiLevelIndexHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupMultiLevelIndexHeader, (), (magic, backup_type, index_level))
void CheckRules(const BackupMultiLevelIndexHeader& header, Rules& rules);

// ObBackupMultiLevelIndexTrailer: the last 32 bytes of an index file.
struct BackupMultiLevelIndexTrailer {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedLittleEndian;
  static constexpr std::size_t kSize = 32;

  std::int32_t file_type = 0;
  std::int32_t tree_height = 1;        // levels above the leaves; 1 for an empty index too
  std::int64_t last_block_offset = 0;  // of the root
  std::int64_t last_block_length = 0;  // 0 for an empty index
  std::int16_t checksum = 0;
  std::array<std::uint8_t, 6> padding{};

  std::int16_t ComputeChecksum() const;
  bool operator==(const BackupMultiLevelIndexTrailer&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupMultiLevelIndexTrailer, (),
                      (file_type, tree_height, last_block_offset, last_block_length, checksum,
                       padding))
void CheckRules(const BackupMultiLevelIndexTrailer& trailer, Rules& rules);

// The bytes with the checksum set.
template <class Trailer>
Bytes EncodeTrailer(Trailer trailer);
// The trailer in exactly those bytes: checksum (kChecksumError) and rules.
template <class Trailer>
Result<Trailer> DecodeTrailer(ByteView bytes);
// The same for people: dissects "trailer" into `trace`, which may be null. The trailer as far as it
// could be decoded.
template <class Trailer>
Trailer InspectTrailer(ByteView bytes, Dissection* trace, std::vector<Error>& findings);

}  // namespace obbak::format
