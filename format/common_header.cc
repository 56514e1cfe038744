#include "format/common_header.h"

#include <array>
#include <limits>
#include <utility>

#include "format/checksum.h"
#include "format/compressor.h"
#include "format/crc32c.h"
#include "format/record.h"

namespace obbak::format {
std::int16_t BackupCommonHeader::ComputeChecksum() const {
  const std::uint32_t sum = std::uint32_t{header_version} ^ compressor_type ^ data_type ^
                            static_cast<std::uint16_t>(header_length) ^ Fold16(data_length) ^
                            Fold16(data_zlength) ^ Fold16(data_checksum) ^ Fold16(align_length);
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(sum));
}

BackupCommonHeader BackupCommonHeader::ForPayload(std::uint16_t data_type,
                                                  std::uint16_t data_version,
                                                  std::uint16_t compressor_type, ByteView payload,
                                                  std::int64_t align_length) {
  BackupCommonHeader header;
  header.data_type = data_type;
  header.data_version = data_version;
  header.compressor_type = compressor_type;
  header.data_length = static_cast<std::int64_t>(payload.size());
  header.data_zlength = header.data_length;
  header.data_checksum = static_cast<std::int64_t>(Crc64(payload));
  header.align_length = align_length;
  header.header_checksum = header.ComputeChecksum();
  return header;
}

std::string_view BackupFileTypeName(std::uint16_t data_type) {
  static constexpr auto kNames = std::to_array<std::string_view>({
      "BACKUP_META",
      "BACKUP_MACRO_DATA",
      "BACKUP_META_INDEX",
      "BACKUP_MACRO_DATA_INDEX",
      "BACKUP_SSTABLE_MACRO_INDEX",
      "BACKUP_LOG_ARCHIVE_BACKUP_INFO",
      "BACKUP_INFO",
      "BACKUP_SET_INFO",
      "BACKUP_PG_LIST",
      "BACKUP_TENANT_INFO",
      "BACKUP_FILE_END_MARK",
      "BACKUP_FILE_SWITCH_MARK",
      "BACKUP_TENANT_LOCALITY_INFO",
      "BACKUP_TENANT_DIAGNOSE_INFO",
      "BACKUP_TENANT_NAME_INFO",
      "BACKUP_PIECE_INFO",
      "BACKUP_SINGLE_PIECE_INFO",
      "BACKUP_SET_FILE_INFO",
      "BACKUP_ARCHIVE_ROUND_START_INFO",
      "BACKUP_ARCHIVE_ROUND_END_INFO",
      "BACKUP_ARCHIVE_SINGLE_PIECE_INFO",
      "BACKUP_ARCHIVE_PIECE_START_INFO",
      "BACKUP_LS_INFO",
      "BACKUP_TABLET_TO_LS_INFO",
      "BACKUP_DATA_PLACEHOLDER",
      "BACKUP_LS_STATISTICS_INFO",
      "BACKUP_ARCHIVE_CHECKPOINT",
      "BACKUP_TENANT_SET_INFOS",
      "BACKUP_ARCHIVE_PIECE_END_INFO",
      "BACKUP_FORMAT_FILE",
      "BACKUP_PIECE_INNER_PLACEHOLDER_INFO",
      "BACKUP_PIECE_FILE_LIST_INFO",
      "BACKUP_PIECE_SINGLE_LS_FILE_LIST_INFO",
      "BACKUP_CHECK_FILE",
      "BACKUP_LS_META_INFOS_FILE",
      "BACKUP_TENANT_ARCHIVE_PIECE_INFOS",
      "BACKUP_DELETED_TABLET_INFO",
      "BACKUP_TABLET_METAS_INFO",
      "TABLE_LIST_FILE",
      "TABLE_LIST_META_FILE",
      "MVIEW_DEP_TABLET_LIST_FILE",
      "PARAMETERS_INFO",
  });
  if (data_type < kNames.size()) return kNames[data_type];
  switch (data_type) {
    case 255:
      return "BACKUP_MAX_DIRECT_WRITE_TYPE";
    case 0x4142:
      return "ARCHIVE_BLOCK_META";
    case 0x4149:
      return "ARCHIVE_INDEX_FILE";
    case 0x414B:
      return "ARCHIVE_KEY_FILE";
    default:
      return {};
  }
}

std::string_view CompressorName(std::uint16_t compressor_type) {
  if (compressor_type > std::numeric_limits<std::uint8_t>::max()) return {};
  return NameOf(static_cast<CompressorType>(compressor_type));
}

}  // namespace obbak::format
