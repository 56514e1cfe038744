// What a backup takes of one tablet, and in which order. docs/spec/backup-data-files.md §7, §10.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "engine/sstable.h"
#include "engine/tablet.h"
#include "engine/tenant_core.h"
#include "format/ids.h"
#include "format/macro_block_ids.h"
#include "format/sstable_meta.h"
#include "format/table_key.h"
#include "format/tablet_mds_records.h"
#include "format/tablet_meta.h"
#include "io/task.h"

namespace obbak::backup {

struct SstableItem {
  // As the backup has it: the ranges of minor SSTables join.
  format::TableKey key;
  std::shared_ptr<const engine::Sstable> sstable;
};

// A tablet at one moment. Holds its SSTables, whose blocks stay as long as it lives.
struct TabletSnapshot {
  // As OceanBase would have it (docs/spec/consistency.md §6, rules 22 to 24): the engine also
  // counts log without rows as flushed, here a tablet's checkpoint is where its last minor SSTable
  // ends.
  format::MigrationTabletParam meta;
  std::vector<SstableItem> minors;  // oldest first
  std::vector<SstableItem> majors;  // one, or none before the first checkpoint

  std::int64_t data_block_count() const;
};

TabletSnapshot SnapshotOf(const engine::Tablet& tablet);
// Of an inner tablet, which the engine keeps without the empty major SSTable that it owns
// (docs/spec/system-data.md §3.2).
io::Task<Result<TabletSnapshot>> InnerSnapshotOf(engine::TenantCore& core,
                                                 std::shared_ptr<engine::Tablet> tablet);

// What the committed status of a tablet says. kDeserializeError when it can't be read.
Result<format::TabletStatus> StatusOf(const format::MigrationTabletParam& meta);

// One data macro block that is to be copied, or to be found elsewhere.
struct MacroItem {
  format::LogicMacroBlockId id;
  format::MacroBlockId place;
  std::size_t max_size = 0;  // to read
  // In the lists of SSTables and of pairs.
  std::size_t sstable = 0;
  std::size_t pair = 0;
};

struct TabletItems {
  std::vector<SstableItem> sstables;
  std::vector<MacroItem> blocks;  // in the order in which they are written
  std::vector<format::BackupSstableMeta> metas;
  format::BackupMacroBlockIdMappingsMeta mappings;  // placeholders for all blocks
};

// Reads the SSTables' lists of blocks.
io::Task<Result<TabletItems>> LoadItems(std::vector<SstableItem> sstables);

}  // namespace obbak::backup
