// Blocks: what backup data files, index files and tablet_info files are made of - a common header,
// a payload, zeros up to the alignment. docs/spec/backup-data-files.md §2, §3.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/common_header.h"
#include "format/dissection.h"
#include "format/field_types.h"

namespace obbak::format {

// ObBackupBlockType: the data_type of a block. Branch blocks of an index carry kMacroData and
// kMetaData too (§5); the types above kMacroRangeIndex are never written.
enum class BackupBlockType : std::uint16_t {
  kMacroData = 0,
  kMetaData = 1,
  kMacroIndex = 2,
  kMetaIndex = 3,
  kMacroRangeIndex = 4,
  kTabletMetas = 37,  // BackupFileType::kTabletMetasInfo: the records of a tablet_info file
};
constexpr auto EnumNames(BackupBlockType) {
  return std::to_array<NamedValue<BackupBlockType>>(
      {{BackupBlockType::kMacroData, "MACRO_DATA"},
       {BackupBlockType::kMetaData, "META_DATA"},
       {BackupBlockType::kMacroIndex, "MACRO_INDEX"},
       {BackupBlockType::kMetaIndex, "META_INDEX"},
       {BackupBlockType::kMacroRangeIndex, "MACRO_RANGE_INDEX"},
       {BackupBlockType::kTabletMetas, "BACKUP_TABLET_METAS_INFO"}});
}

// Records of data files and tablet_info files begin and end at multiples of this.
inline constexpr std::size_t kBackupAlignment = 4096;
// What a stock restore can read: header, payload and padding together.
inline constexpr std::size_t kMaxBackupRecordSize = std::size_t{2} << 20;

// Whether zeros fill a block up to kBackupAlignment: records are padded, index blocks are not.
enum class BlockPadding { kNone, kAligned };

// What the common header of one kind of block says.
struct BlockSpec {
  BackupBlockType type;
  BlockPadding padding = BlockPadding::kNone;
  std::uint16_t data_version = 0;
};
inline constexpr BlockSpec kMacroRecord{BackupBlockType::kMacroData, BlockPadding::kAligned};
inline constexpr BlockSpec kMetaRecord{BackupBlockType::kMetaData, BlockPadding::kAligned};
inline constexpr BlockSpec kMacroIndexList{BackupBlockType::kMacroIndex};
inline constexpr BlockSpec kMetaIndexList{BackupBlockType::kMetaIndex};
inline constexpr BlockSpec kTabletRecord{BackupBlockType::kTabletMetas, BlockPadding::kAligned};
inline constexpr BlockSpec kTabletInfoEnd{BackupBlockType::kTabletMetas, BlockPadding::kNone, 1};

// Bytes of a whole block with a payload of that size.
constexpr std::size_t BlockSize(std::size_t payload_size, BlockPadding padding) {
  const std::size_t size = BackupCommonHeader::kSize + payload_size;
  if (padding == BlockPadding::kNone) return size;
  return (size + kBackupAlignment - 1) / kBackupAlignment * kBackupAlignment;
}

// The complete block.
Bytes EncodeBlock(const BlockSpec& spec, ByteView payload);
// Its first 48 bytes, when the payload's Crc64 is known.
Bytes EncodeBlockHeader(const BlockSpec& spec, std::size_t payload_size, std::uint64_t checksum);

// A block that passed every check: header, payload checksum and the zeros behind the payload.
struct BackupBlock {
  BackupCommonHeader header;
  ByteView payload;
};

// The block that fills `block` from its first to its last byte. Checks what readers of OceanBase
// check (§2 `check_valid`, payload checksum) and that what no checksum covers - data_version,
// paddings - has its one legal value. kChecksumError, kInvalidError, kInvalidData for another type.
Result<BackupBlock> DecodeBlock(ByteView block, const BlockSpec& spec);

// The header alone, for a reader that does not know yet where the block ends; `bytes` needs 48
// bytes, more are ignored.
Result<BackupCommonHeader> DecodeBlockHeader(ByteView bytes, const BlockSpec& spec);

// Bytes of the whole block that a header which passed DecodeBlockHeader begins.
std::uint64_t BlockSizeOf(const BackupCommonHeader& header);

// Dissects a payload for InspectBlock: it begins at `begin` in `bytes` and ends with them. `trace`
// may be null.
using PayloadInspector = std::function<void(ByteView bytes, std::size_t begin, Dissection* trace,
                                            std::vector<Error>& findings)>;

// The same for people: dissects "header", whatever `payload` adds, and "padding" into `trace`,
// which may be null, and reports each check that fails. Offsets are relative to the block.
void InspectBlock(ByteView block, const BlockSpec& spec, const PayloadInspector& payload,
                  Dissection* trace, std::vector<Error>& findings);

}  // namespace obbak::format
