#include "restore/validate_sstables.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "format/backup_block.h"
#include "format/crc32c.h"
#include "format/le_bytes.h"
#include "restore/validate_tablets.h"

namespace obbak::restore {
namespace {

using format::BackupMacroBlockIdMapping;
using format::BackupMetaType;
using format::BackupSstableMeta;
using format::DataType;
using format::Scn;

std::string Text(const format::LogicMacroBlockId& id) {
  return fmt::format("{{tablet {}, version {}, seq {}}}", id.tablet_id, id.logic_version,
                     id.data_seq.value);
}

// One SSTable: its meta, where its blocks lie, the blocks.
class SstableRules {
 public:
  SstableRules(const SetView& view, const SetData& data, DataType type, const TabletFacts* tablet,
               const BackupSstableMeta& meta, std::string name, Reporter found)
      : view_(view),
        data_(data),
        type_(type),
        tablet_(tablet),
        meta_(meta),
        key_(meta.sstable_meta.table_key),
        basic_(meta.sstable_meta.basic_meta),
        is_major_(format::IsMajor(key_.table_type)),
        name_(std::move(name)),
        found_(std::move(found)) {}

  void Check(const BackupMacroBlockIdMapping& mapping) {
    CheckLists(mapping);
    for (const format::BackupMacroBlockIdPair& pair : mapping.id_pair_list)
      blocks_.push_back(FindBlock(pair));
    CheckVersions();
    if (std::ranges::find(blocks_, nullptr) != blocks_.end()) return;
    CheckSums();
    CheckKeys();
    for (const MacroBlockFacts* block : blocks_) CheckBlock(*block);
  }

 private:
  void Broken(int rule, std::string_view field, std::string_view message) const {
    found_.Broken(
        rule, name_, field,
        fmt::format("SSTable of tablet {}, ({}, {}]: {}", meta_.tablet_id.value,
                    key_.scn_range.start_scn.value, key_.scn_range.end_scn.value, message));
  }

  // Rule 25.
  void CheckLists(const BackupMacroBlockIdMapping& mapping) {
    const auto& list = meta_.logic_id_list;
    const auto& pairs = mapping.id_pair_list;
    if (list.size() != pairs.size() ||
        list.size() != static_cast<std::size_t>(basic_.data_macro_block_count)) {
      Broken(25, "data_macro_block_count",
             fmt::format("is {}, {} blocks are listed and {} are mapped",
                         basic_.data_macro_block_count, list.size(), pairs.size()));
    }
    const auto is_same = [](const format::LogicMacroBlockId& id,
                            const format::BackupMacroBlockIdPair& pair) {
      return id == pair.logic_id;
    };
    if (list.size() == pairs.size() && !std::ranges::equal(list, pairs, is_same))
      Broken(25, "logic_id_list", "is not in the order of the mapping");
    std::set<format::LogicMacroBlockId> seen;
    const std::uint64_t end = key_.scn_range.end_scn.value;
    for (const format::LogicMacroBlockId& id : list) {
      if (!seen.insert(id).second)
        Broken(25, "logic_id_list", fmt::format("has {} twice", Text(id)));
      if (id.tablet_id != key_.tablet_id.value)
        Broken(25, "logic_id_list", fmt::format("{} is of another tablet", Text(id)));
      // A later merge takes over blocks that did not change.
      const bool must_be_new = is_major_ && basic_.use_old_macro_block_count == 0;
      if (id.logic_version > end || (must_be_new && id.logic_version != end))
        Broken(25, "logic_id_list", fmt::format("{} is of another version", Text(id)));
    }
  }

  // Rule 26. Null when the block is not there, or damaged.
  const MacroBlockFacts* FindBlock(const format::BackupMacroBlockIdPair& pair) const {
    const format::BackupPhysicalId& id = pair.physical_id;
    if (!IsAllowedSet(id.backup_set_id())) {
      Broken(26, "physical_id",
             fmt::format("{} lies in set {}, which is none of this chain", Text(pair.logic_id),
                         id.backup_set_id().value));
      return nullptr;
    }
    const DataFileFacts* file = data_.File(type_, id.file());
    if (file == nullptr) {
      Broken(26, "physical_id",
             fmt::format("{} lies in set {}, log stream {}, turn {}, retry {}, file {}, which is "
                         "not there",
                         Text(pair.logic_id), id.backup_set_id().value, id.ls_id.value,
                         id.turn_id(), id.retry_id(), id.file_id()));
      return nullptr;
    }
    // A file whose lists are damaged says nothing of its blocks.
    if (!file->readable) return nullptr;
    const MacroBlockFacts* block = file->BlockAt(static_cast<std::uint64_t>(id.offset()));
    if (block == nullptr || block->logic_id != pair.logic_id ||
        block->length != static_cast<std::uint64_t>(id.length())) {
      Broken(26, "physical_id",
             fmt::format("no record at {} of {} bytes for {}", id.offset(), id.length(),
                         Text(pair.logic_id)));
      return nullptr;
    }
    return block->readable ? block : nullptr;
  }

  bool IsAllowedSet(format::BackupSetId set) const {
    if (set == view_.id()) return true;
    if (type_ != DataType::kMajor || view_.desc().prev_full_backup_set_id.value == 0) return false;
    return view_.desc().prev_full_backup_set_id <= set && set < view_.id();
  }

  // Rule 27.
  void CheckSums() {
    std::int64_t rows = 0;
    std::int64_t micro_blocks = 0;
    std::int64_t occupy = 0;
    std::uint64_t checksum = 0;
    std::int64_t max_version = 0;
    bool has_uncommitted = false;
    for (const MacroBlockFacts* block : blocks_) {
      rows += block->row_count;
      micro_blocks += block->micro_block_count;
      occupy += block->occupy_size;
      std::array<std::byte, 8> chained;
      format::StoreLe(chained.data(), block->data_checksum);
      checksum = format::Crc64(chained, checksum);
      max_version = std::max(max_version, block->max_trans_version);
      has_uncommitted = has_uncommitted || block->contain_uncommitted_row;
    }
    const auto equal = [&](std::string_view field, std::int64_t is, std::int64_t sum) {
      if (is != sum) Broken(27, field, fmt::format("is {}, the macro blocks give {}", is, sum));
    };
    equal("row_count", basic_.row_count, rows);
    equal("data_micro_block_count", basic_.data_micro_block_count, micro_blocks);
    equal("occupy_size", basic_.occupy_size, occupy);
    equal("data_checksum", basic_.data_checksum, static_cast<std::int64_t>(checksum));
    if (has_uncommitted && !basic_.contain_uncommitted_row)
      Broken(23, "contain_uncommitted_row", "is false, but there are such rows");
    if (!blocks_.empty())
      equal("max_merged_trans_version", basic_.max_merged_trans_version, max_version);
    CheckColumnSums();
  }

  void CheckColumnSums() {
    if (!is_major_) return;
    std::vector<std::uint64_t> sums(meta_.sstable_meta.column_checksums.size());
    for (const MacroBlockFacts* block : blocks_) {
      // A column that was added later has a default in the older blocks, which they do not count.
      if (block->column_checksums.size() < sums.size()) return;
      for (std::size_t i = 0; i < sums.size(); ++i)
        sums[i] += static_cast<std::uint64_t>(block->column_checksums[i]);
    }
    for (std::size_t i = 0; i < sums.size(); ++i) {
      if (static_cast<std::uint64_t>(meta_.sstable_meta.column_checksums[i]) != sums[i])
        Broken(27, fmt::format("column_checksums[{}]", i), "is not the macro blocks' sum");
    }
  }

  static std::span<const format::ObjMeta> RowkeyOf(const MacroBlockFacts& block) {
    return std::span(*block.column_types)
        .first(static_cast<std::size_t>(block.rowkey_column_count));
  }

  // Rule 28.
  void CheckKeys() {
    for (std::size_t i = 1; i < blocks_.size(); ++i) {
      const MacroBlockFacts& before = *blocks_[i - 1];
      const MacroBlockFacts& block = *blocks_[i];
      const std::span<const format::ObjMeta> rowkey = RowkeyOf(block);
      // Keys of other types have no order; that they are others is rule 29.
      if (!std::ranges::equal(RowkeyOf(before), rowkey, SameColumnType)) continue;
      if (!std::ranges::all_of(rowkey, format::HasKnownOrder)) continue;
      // In a major a row has one version.
      const auto compared =
          is_major_ ? rowkey.first(rowkey.size() - format::RowSchema::kHiddenColumns) : rowkey;
      const int order =
          format::CompareKeys(compared, before.last_key.cells().first(compared.size()),
                              block.first_key.cells().first(compared.size()));
      if (order >= 0)
        Broken(28, "logic_id_list",
               fmt::format("the keys of {} do not follow those of {}", Text(block.logic_id),
                           Text(before.logic_id)));
    }
  }

  void CheckBlock(const MacroBlockFacts& block) {
    // A minor holds what was redone up to its end; that may have been committed a little later.
    const Scn newest = is_major_ ? key_.snapshot_version() : view_.desc().min_restore_scn;
    if (block.max_trans_version > static_cast<std::int64_t>(newest.value)) {
      Broken(
          28, "trans_version",
          fmt::format("{} has a row of version {}", Text(block.logic_id), block.max_trans_version));
    }
    if (block.rowkey_column_count != basic_.rowkey_column_count ||
        block.column_count > basic_.column_cnt) {
      Broken(27, "column_cnt, rowkey_column_count",
             fmt::format("are {} and {}, those of {} are {} and {}", basic_.column_cnt,
                         basic_.rowkey_column_count, Text(block.logic_id), block.column_count,
                         block.rowkey_column_count));
    }
    CheckColumns(block);
    // Rule 30.
    if (block.schema_version > basic_.schema_version)
      Broken(30, "schema_version", fmt::format("is below that of {}", Text(block.logic_id)));
    if (is_major_ && block.progressive_merge_round > basic_.progressive_merge_round) {
      Broken(30, "progressive_merge_round",
             fmt::format("is below that of {}", Text(block.logic_id)));
    }
  }

  // Rule 29.
  void CheckColumns(const MacroBlockFacts& block) {
    if (tablet_ == nullptr || tablet_->columns == nullptr) return;
    const auto& types = *block.column_types;
    const auto& columns = *tablet_->columns;
    const bool same = types.size() <= columns.size() &&
                      std::equal(types.begin(), types.end(), columns.begin(), SameColumnType) &&
                      static_cast<std::size_t>(block.rowkey_column_count) ==
                          tablet_->rowkey_columns + format::RowSchema::kHiddenColumns;
    if (!same) {
      Broken(29, "column_types",
             fmt::format("those of {} are not the storage schema's", Text(block.logic_id)));
    }
  }

  // Rule 30, what needs no block.
  void CheckVersions() {
    if (tablet_ == nullptr || tablet_->is_empty_shell) return;
    if (basic_.schema_version > tablet_->schema_version)
      Broken(30, "schema_version", "is above that of the storage schema");
    if (is_major_ && basic_.progressive_merge_round > tablet_->progressive_merge_round)
      Broken(30, "progressive_merge_round", "is above that of the storage schema");
  }

  const SetView& view_;
  const SetData& data_;
  DataType type_;
  const TabletFacts* tablet_;
  const BackupSstableMeta& meta_;
  const format::TableKey& key_;
  const format::SstableBasicMeta& basic_;
  bool is_major_;
  std::string name_;
  Reporter found_;
  std::vector<const MacroBlockFacts*> blocks_;
};

// All SSTables of one phase.
class PhaseRules {
 public:
  PhaseRules(const SetView& view, DataType type, format::LsId ls, Reporter found)
      : view_(view), data_(view), type_(type), found_(std::move(found)) {
    indexes_ = data_.Indexes(type, ls);
    name_ = data_.IndexName(type, ls, format::IndexKind::kSecMeta);
  }

  void Check() {
    if (indexes_ == nullptr || !indexes_->sec_meta || !indexes_->meta) return;
    for (const format::BackupMetaIndex& entry : indexes_->sec_meta->entries) CheckTablet(entry);
  }

 private:
  template <class Record>
  const Record* Find(format::TabletId tablet, BackupMetaType type) {
    const format::BackupMetaKey key{tablet, type};
    const auto& entries = indexes_->meta->entries;
    const auto entry =
        std::ranges::lower_bound(entries, key, {}, &format::BackupMetaIndex::meta_key);
    if (entry == entries.end() || entry->meta_key != key) return nullptr;
    const MetaFacts* meta = data_.Meta(type_, *entry);
    return meta == nullptr ? nullptr : std::get_if<Record>(&meta->record);
  }

  bool HasKey(format::TabletId tablet, BackupMetaType type) {
    const format::BackupMetaKey key{tablet, type};
    return std::ranges::binary_search(indexes_->meta->entries, key, {},
                                      &format::BackupMetaIndex::meta_key);
  }

  void CheckTablet(const format::BackupMetaIndex& entry) {
    const MetaFacts* record = data_.Meta(type_, entry);
    if (record == nullptr) return;
    const auto* found_mappings =
        std::get_if<format::BackupMacroBlockIdMappingsMeta>(&record->record);
    // An entry of another kind has no business in this index (rule 31).
    if (found_mappings == nullptr) return;
    const format::BackupMacroBlockIdMappingsMeta& mappings = *found_mappings;
    const format::TabletId tablet = entry.meta_key.tablet_id;
    const auto* sstables =
        Find<std::vector<BackupSstableMeta>>(tablet, BackupMetaType::kSstableMeta);
    const Reporter found = found_.About(entry.ls_id);
    if (sstables == nullptr) {
      if (!mappings.id_map_list.empty() && !HasKey(tablet, BackupMetaType::kSstableMeta)) {
        found.Broken(25, name_, "id_map_list",
                     fmt::format("tablet {} has mappings but no SSTables", tablet.value));
      }
      return;
    }
    if (sstables->size() != mappings.id_map_list.size()) {
      found.Broken(25, name_, "id_map_list",
                   fmt::format("tablet {} has {} SSTables and {} mappings", tablet.value,
                               sstables->size(), mappings.id_map_list.size()));
    }
    const auto* facts = Find<TabletFacts>(tablet, BackupMetaType::kTabletMeta);
    for (const BackupSstableMeta& sstable : *sstables) {
      const auto mapping = std::ranges::find(mappings.id_map_list, sstable.sstable_meta.table_key,
                                             &BackupMacroBlockIdMapping::table_key);
      if (mapping == mappings.id_map_list.end()) {
        found.Broken(25, name_, "table_key",
                     fmt::format("an SSTable of tablet {} has no mapping", tablet.value));
        continue;
      }
      SstableRules(view_, data_, type_, facts, sstable, name_, found).Check(*mapping);
    }
    CheckSchemaVersion(facts, found);
  }

  void CheckSchemaVersion(const TabletFacts* tablet, const Reporter& found) {
    if (tablet == nullptr || tablet->is_empty_shell ||
        tablet->create_schema_version <= tablet->schema_version) {
      return;
    }
    found.Broken(
        30, name_, "create_schema_version",
        fmt::format("of tablet {} is above that of its storage schema", tablet->tablet_id.value));
  }

  const SetView& view_;
  SetData data_;
  DataType type_;
  const IndexFacts* indexes_;
  std::string name_;
  Reporter found_;
};

}  // namespace

void CheckSstables(const SetView& view, const Reporter& found) {
  if (view.facts().ls_metas) {
    for (const format::LsMetaPackage& package : *view.facts().ls_metas) {
      const format::LsId ls = package.ls_meta.ls_id;
      PhaseRules(view, DataType::kSys, ls, found.About(ls)).Check();
    }
  }
  PhaseRules(view, DataType::kMinor, {}, found).Check();
  PhaseRules(view, DataType::kMajor, {}, found).Check();
}

}  // namespace obbak::restore
