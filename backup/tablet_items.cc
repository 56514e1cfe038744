#include "backup/tablet_items.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "engine/block_extent.h"
#include "engine/compaction.h"
#include "format/record.h"

namespace obbak::backup {
namespace {

using format::MigrationTabletParam;
using format::Scn;

// Oldest first. A major compaction may have taken an SSTable out of the middle: what follows then
// reaches back to where the one before ends.
std::vector<SstableItem> MinorsOf(const engine::TabletView& view) {
  std::vector<SstableItem> minors;
  for (auto at = view.sstables.rbegin(); at != view.sstables.rend(); ++at) {
    if ((*at)->is_major()) continue;
    format::TableKey key = (*at)->key();
    if (!minors.empty()) key.scn_range.start_scn = minors.back().key.scn_range.end_scn;
    minors.push_back({key, *at});
  }
  return minors;
}

std::vector<SstableItem> MajorsOf(const engine::TabletView& view) {
  std::vector<SstableItem> majors;
  for (const auto& sstable : view.sstables) {
    if (sstable->is_major()) majors.push_back({sstable->key(), sstable});
  }
  return majors;
}

void SetCheckpoint(const std::vector<SstableItem>& minors, MigrationTabletParam& meta) {
  if (minors.empty()) {
    meta.start_scn = meta.clog_checkpoint_scn;
    return;
  }
  meta.start_scn = {minors.front().key.scn_range.start_scn};
  meta.clog_checkpoint_scn = {minors.back().key.scn_range.end_scn};
}

void SetBaseline(const std::vector<SstableItem>& majors, MigrationTabletParam& meta) {
  meta.table_store_flag = {majors.empty() ? 0 : MigrationTabletParam::kWithMajorSstable};
  meta.report_status = {};
  if (majors.empty()) return;
  const auto snapshot = static_cast<std::int64_t>(majors.front().key.snapshot_version().value);
  const engine::Sstable& major = *majors.front().sstable;
  meta.report_status = {.merge_snapshot_version = snapshot,
                        .cur_report_version = snapshot,
                        .data_checksum = major.meta().basic_meta.data_checksum,
                        .row_count = major.row_count()};
  meta.snapshot_version = {std::max(meta.snapshot_version.value, snapshot)};
}

format::BackupSstableMeta MetaOf(const SstableItem& item) {
  format::BackupSstableMeta meta;
  meta.tablet_id = item.key.tablet_id;
  meta.sstable_meta.basic_meta = item.sstable->meta().basic_meta;
  meta.sstable_meta.column_checksums = item.sstable->meta().column_checksums;
  meta.sstable_meta.table_key = item.key;
  return meta;
}

}  // namespace

std::int64_t TabletSnapshot::data_block_count() const {
  std::int64_t count = 0;
  for (const SstableItem& item : minors)
    count += std::ssize(item.sstable->meta().macro_info.data_block_ids);
  for (const SstableItem& item : majors)
    count += std::ssize(item.sstable->meta().macro_info.data_block_ids);
  return count;
}

TabletSnapshot SnapshotOf(const engine::Tablet& tablet) {
  TabletSnapshot snapshot{.meta = tablet.meta(),
                          .minors = MinorsOf(*tablet.view()),
                          .majors = MajorsOf(*tablet.view())};
  SetCheckpoint(snapshot.minors, snapshot.meta);
  SetBaseline(snapshot.majors, snapshot.meta);
  return snapshot;
}

io::Task<Result<TabletSnapshot>> InnerSnapshotOf(engine::TenantCore& core,
                                                 std::shared_ptr<engine::Tablet> tablet) {
  const std::int64_t baseline = tablet->meta().report_status.merge_snapshot_version;
  Result<engine::CompactionResult> empty =
      co_await engine::MergeMajor(*core.store, tablet->format(), nullptr, {}, baseline);
  if (!empty) co_return Fail(std::move(empty).error());
  TabletSnapshot snapshot{.meta = tablet->meta(), .minors = {}, .majors = {}};
  // Nothing was ever flushed into it.
  snapshot.meta.clog_checkpoint_scn = snapshot.meta.start_scn;
  snapshot.majors.push_back({empty->sstable->key(), empty->sstable});
  SetBaseline(snapshot.majors, snapshot.meta);
  co_return snapshot;
}

Result<format::TabletStatus> StatusOf(const MigrationTabletParam& meta) {
  const std::string& data = meta.mds_data.tablet_status_committed_kv.v.user_data;
  const Result<format::TabletCreateDeleteMdsUserData> status =
      format::DecodeRecord<format::TabletCreateDeleteMdsUserData>(AsByteView(data));
  if (!status) return Fail(status.error());
  return status->tablet_status.value;
}

io::Task<Result<TabletItems>> LoadItems(std::vector<SstableItem> sstables) {
  TabletItems items{.sstables = std::move(sstables), .blocks = {}, .metas = {}, .mappings = {}};
  for (std::size_t i = 0; i < items.sstables.size(); ++i) {
    const SstableItem& item = items.sstables[i];
    const Result<std::vector<format::DataBlockInfo>> blocks =
        co_await item.sstable->LoadDataBlocks();
    if (!blocks) co_return Fail(blocks.error());
    format::BackupSstableMeta& meta = items.metas.emplace_back(MetaOf(item));
    format::BackupMacroBlockIdMapping& mapping = items.mappings.id_map_list.emplace_back();
    mapping.table_key = item.key;
    for (const format::DataBlockInfo& block : *blocks) {
      const format::LogicMacroBlockId& id = block.meta.logic_id;
      items.blocks.push_back({.id = id,
                              .place = block.meta.macro_id,
                              .max_size = engine::MaxBlockEnd(block),
                              .sstable = i,
                              .pair = mapping.id_pair_list.size()});
      meta.logic_id_list.push_back(id);
      mapping.id_pair_list.push_back({id, format::BackupPhysicalId::Placeholder()});
    }
  }
  // SSTables come oldest first, so their order is that of their end SCNs.
  std::ranges::sort(items.blocks, {},
                    [](const MacroItem& item) { return std::tie(item.sstable, item.id); });
  co_return items;
}

}  // namespace obbak::backup
