// ObBackupCommonHeader: the 48 bytes at the start of every metadata file and every block of a data
// or index file. docs/spec/encoding-and-metadata.md §4; the types of §5.1.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "format/field_types.h"
#include "format/record_layout.h"

namespace obbak::format {

// ObBackupFileType: what a metadata file holds (§5.1).
enum class BackupFileType : std::uint16_t {
  kBackupMeta = 0,
  kBackupSetInfo = 7,
  kTenantLocalityInfo = 12,
  kTenantDiagnoseInfo = 13,
  kArchiveRoundStartInfo = 18,
  kArchiveRoundEndInfo = 19,
  kArchiveSinglePieceInfo = 20,
  kArchivePieceStartInfo = 21,
  kLsInfo = 22,
  kTabletToLsInfo = 23,
  kTenantSetInfos = 27,
  kArchivePieceEndInfo = 28,
  kFormatFile = 29,
  kPieceInnerPlaceholderInfo = 30,
  kPieceFileListInfo = 31,
  kPieceSingleLsFileListInfo = 32,
  kCheckFile = 33,
  kLsMetaInfosFile = 34,
  kTenantArchivePieceInfos = 35,
  kDeletedTabletInfo = 36,
  kTabletMetasInfo = 37,
  kTableListFile = 38,
  kTableListMetaFile = 39,
  kParametersInfo = 41,
};

// OceanBase's name for a data_type of a metadata file, "BACKUP_SET_INFO"; empty for a number that
// it does not define.
std::string_view BackupFileTypeName(std::uint16_t data_type);

// ObCompressorType's name, "none" for 1; empty for 0 and unknown numbers (§5.3).
std::string_view CompressorName(std::uint16_t compressor_type);

struct BackupCommonHeader {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedLittleEndian;
  static constexpr std::size_t kSize = 48;
  static constexpr std::uint16_t kHeaderVersion = 1;
  // First number that is no data_type any more.
  static constexpr std::uint16_t kDataTypeEnd = 0x414C;
  static constexpr std::uint16_t kCompressorNone = 1;

  std::uint16_t data_type = kDataTypeEnd;
  std::uint16_t header_version = kHeaderVersion;
  std::uint16_t data_version = 0;
  std::uint16_t compressor_type = 0;
  std::int16_t header_length = kSize;
  std::int16_t header_checksum = 0;
  std::uint32_t padding = 0;       // of the struct; always zero
  std::int64_t data_length = 0;    // bytes of payload before compression
  std::int64_t data_zlength = 0;   // bytes of payload stored
  std::int64_t data_checksum = 0;  // Crc64 of the stored payload
  std::int64_t align_length = 0;   // zero bytes between the payload and the next block

  bool operator==(const BackupCommonHeader&) const = default;

  // XOR of all 16-bit words but data_version, header_checksum and padding (§4.2).
  std::int16_t ComputeChecksum() const;

  // A header for an uncompressed `payload`, checksums set.
  static BackupCommonHeader ForPayload(std::uint16_t data_type, std::uint16_t data_version,
                                       std::uint16_t compressor_type, ByteView payload,
                                       std::int64_t align_length = 0);
};
BOOST_DESCRIBE_STRUCT(BackupCommonHeader, (),
                      (data_type, header_version, data_version, compressor_type, header_length,
                       header_checksum, padding, data_length, data_zlength, data_checksum,
                       align_length))

}  // namespace obbak::format
