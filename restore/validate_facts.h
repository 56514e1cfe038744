// What a validation keeps of the data it has read, so that files can be compared with each other
// without being read again: some hundred bytes per macro block, SSTable and tablet, about 1/5000 of
// the data. Pure functions from bytes to facts; what is wrong inside one file is found here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/backup_file_headers.h"
#include "format/backup_index_records.h"
#include "format/backup_path.h"
#include "format/column.h"
#include "format/ids.h"
#include "format/owned_key.h"
#include "format/sstable_meta.h"
#include "format/tablet_mds_records.h"
#include "format/tablet_meta.h"

namespace obbak::restore {

// One data macro block, decoded to its last cell.
struct MacroBlockFacts {
  format::LogicMacroBlockId logic_id;  // as the data file's index has it
  std::uint64_t offset = 0;            // of the record in the data file
  std::uint64_t length = 0;

  // Of what follows nothing is known if the block is damaged.
  bool readable = false;
  format::TabletId tablet_id;
  std::int64_t logical_version = 0;
  std::int64_t data_seq = 0;
  std::int32_t column_count = 0;
  std::int32_t rowkey_column_count = 0;
  std::int64_t row_count = 0;
  std::int64_t micro_block_count = 0;
  std::int64_t occupy_size = 0;
  std::int64_t data_checksum = 0;
  std::int64_t schema_version = 0;
  std::int64_t progressive_merge_round = 0;
  // Of rows that are committed; 0 and 0 without any.
  std::int64_t min_trans_version = 0;
  std::int64_t max_trans_version = 0;
  bool contain_uncommitted_row = false;
  std::vector<std::int64_t> column_checksums;
  // Of the columns that the block lists, in stored order; blocks of one table share them.
  std::shared_ptr<const std::vector<format::ObjMeta>> column_types;
  format::OwnedKey first_key;
  format::OwnedKey last_key;
};

// Checks one macro block as a data file holds it: every header, checksum, micro block and row, that
// keys ascend, and that it is the block that the index says. `logic_id` and place are filled in by
// the caller.
Result<MacroBlockFacts> CheckMacroBlock(ByteView block, const format::LogicMacroBlockId& logic_id);

// What other files say of a tablet.
struct TabletFacts {
  format::TabletId tablet_id;
  format::LsId ls_id;
  bool is_empty_shell = false;
  format::TabletHaStatus ha_status;
  // Absent in a tablet without committed status.
  std::optional<format::TabletStatus> status;
  bool has_transfer_table = false;
  format::Scn create_scn;
  format::Scn start_scn;
  format::Scn clog_checkpoint_scn;
  format::Scn ddl_checkpoint_scn;
  format::Scn mds_checkpoint_scn;
  std::int64_t snapshot_version = 0;
  bool with_major = false;
  format::TabletReportStatus report_status;
  std::int64_t create_schema_version = 0;
  std::int64_t schema_version = 0;
  std::int64_t progressive_merge_round = 0;
  std::size_t rowkey_columns = 0;  // without the hidden ones
  // In stored order with the hidden ones; null for an empty shell.
  std::shared_ptr<const std::vector<format::ObjMeta>> columns;
};
TabletFacts FactsOf(const format::MigrationTabletParam& param);

// One meta record of a data file; its record is absent if it is damaged.
struct MetaFacts {
  format::BackupMetaIndex index;
  std::variant<std::monostate, TabletFacts, std::vector<format::BackupSstableMeta>,
               format::BackupMacroBlockIdMappingsMeta>
      record;
};
// Decodes the payload of a meta record by its key's type; checks that it is of that tablet.
Result<MetaFacts> CheckMeta(ByteView payload, const format::BackupMetaIndex& index);

// One `macro_block_data.<n>.obbak`.
struct DataFileFacts {
  std::uint64_t size = 0;
  // Trailer and lists are right, so that what follows is all there is.
  bool readable = false;
  format::BackupDataFileTrailer trailer;
  std::vector<MacroBlockFacts> blocks;  // ascending offset
  std::vector<MetaFacts> metas;         // ascending offset
  // What this file adds to a macro range index.
  std::vector<format::BackupMacroRangeIndex> ranges;

  const MacroBlockFacts* BlockAt(std::uint64_t offset) const;
  const MetaFacts* MetaAt(std::uint64_t offset) const;
};

// Types are equal but for the level byte, which is nobody's business but a decimal's
// (docs/spec/consistency.md §3.2).
bool SameColumnType(const format::ObjMeta& left, const format::ObjMeta& right);

}  // namespace obbak::restore
