// Backup data, index and tablet_info files, block by block, for people and for verification: every
// byte named, every check made. docs/spec/backup-data-files.md §16.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "format/backup_index_file.h"
#include "format/backup_index_records.h"
#include "format/inspection.h"
#include "format/random_access.h"

namespace obbak::format {

enum class BackupFileKind { kData, kMacroRangeIndex, kMetaIndex, kTabletInfo };

// What a file is, from its first 48 bytes as `ob_admin dump_backup` decides; none for anything
// else. A meta_index and a sec_meta_index look the same.
std::optional<BackupFileKind> RecognizeBackupFile(ByteView head);

// Part of a file, in the order of the file. All parts together are the file, without gap.
enum class BackupPart {
  kFileHeader,
  kMacroBlock,   // the payload is one field: its inside is a matter of macro blocks
  kMeta,         // the payload by its meta type, or one field when the meta index does not tell
  kMacroIndex,   // a list block of a data file
  kMetaIndex,    // a list block of a data file
  kIndexLeaf,    // of an index file
  kIndexBranch,  // of an index file
  kTablet,       // of a tablet_info file
  kTrailer,      // with it come the findings that concern the file as a whole
  kUnreadable,   // bytes in which no block could be found
};
std::string_view BackupPartName(BackupPart part);

struct InspectedBlock {
  BackupPart part;
  std::uint64_t offset = 0;  // in the file
  ByteView bytes;            // valid during the visit
  // Dissection offsets are relative to the block, those of findings to the file.
  Inspection inspection;
};

// Returns whether to go on.
using BlockVisitor = std::function<bool(const InspectedBlock& block)>;

struct InspectOptions {
  bool dissect = true;  // false: findings only, which is much faster
  IndexOrder order = IndexOrder::kAscending;
};

// Visits every block. Memory is bounded by the largest block and, for data files, the index lists.
// Damage is reported in the blocks; an Error means that the file could not be read.
Status ForEachBlock(BackupFileKind kind, const RandomAccess& file, const InspectOptions& options,
                    const BlockVisitor& visitor);

// Success when no block has a finding; otherwise the first one.
Status VerifyBackupFile(BackupFileKind kind, const RandomAccess& file,
                        IndexOrder order = IndexOrder::kAscending);

}  // namespace obbak::format
