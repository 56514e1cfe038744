#include <string>
#include <string_view>

#include "format/vector_checks.h"

namespace obbak::format {
namespace {

constexpr std::string_view kLater[] = {
    "ObBackupDataFileTrailer",
    "ObBackupFileHeader",
    "ObBackupMacroBlockIDMappingsMeta",
    "ObBackupMacroBlockIDPair",
    "ObBackupMacroBlockIndex",
    "ObBackupMacroRangeIndex",
    "ObBackupMacroRangeIndexIndex",
    "ObBackupMetaIndex",
    "ObBackupMetaIndexIndex",
    "ObBackupMetaKey",
    "ObBackupMultiLevelIndexHeader",
    "ObBackupMultiLevelIndexTrailer",
    "ObBackupPhysicalID",
    "ObBackupSSTableMeta",
    "ObBackupTabletMeta",
    "ObITable::TableKey",
    "ObLogicMacroBlockId",
    "ObMacroDataSeq",
    "ObMigrationSSTableParam",
    "ObMigrationTabletParam",
    "ObSSTableBasicMeta",
    "ObStorageSchema",
    "file:macro_block_data",
    "file:macro_range_index",
    "file:macro_range_index:three_level_summary",
    "file:meta_index",
};

}  // namespace

void AddBackupDataChecks(VectorChecks& checks) {
  for (const std::string_view name : kLater) checks.LeaveForLater(std::string(name));
}

}  // namespace obbak::format
