// Rules 21 to 32: what a set's data files hold.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "backup/set_check_parts_test_support.h"
#include "engine/ddl_payloads.h"
#include "format/backup_data_file.h"
#include "format/backup_index_file.h"
#include "format/macro_block_header.h"
#include "format/record.h"
#include "format/sstable_meta.h"
#include "format/tablet_mds_records.h"

namespace obbak::backup {
namespace {

using format::BackupMetaType;
using format::BackupPath;
using format::DataType;
using format::IndexKind;
using format::LsId;
using format::MigrationTabletParam;
using format::PathKind;
using format::RandomAccess;
using format::Scn;
using format::TabletId;

class DataCheck : private TreeCheck {
 public:
  using TreeCheck::TreeCheck;

  void Check(const BackupPath& mark, const CheckedSet& set) {
    Data minor =
        LoadData(TenantIndex(mark, DataType::kMinor, set.desc.minor_turn_id), DataType::kMinor);
    Data major =
        LoadData(TenantIndex(mark, DataType::kMajor, set.desc.major_turn_id), DataType::kMajor);
    CheckCoverage(set, DataType::kMinor, minor);
    CheckCoverage(set, DataType::kMajor, major);
    for (const auto& [id, tablet] : minor) CheckTabletData(set, DataType::kMinor, id, tablet);
    for (const auto& [id, tablet] : major) CheckTabletData(set, DataType::kMajor, id, tablet);
    for (const auto& [id, tablet] : minor) {
      if (!tablet.meta || !major.contains(id) || !major[id].meta) continue;
      Expect(tablet.meta->report_status.merge_snapshot_version <=
                 major[id].meta->report_status.merge_snapshot_version,
             24, "the major of tablet {} does not cover its minors", id.value);
    }
    for (const auto& [ls, meta] : set.metas) {
      BackupPath path = In(mark, PathKind::kLsIndex);
      path.ls = ls;
      path.data_type = DataType::kSys;
      std::tie(path.turn, path.retry) = LastMetaAttempt(paths_, mark, ls);
      const Data sys = LoadData(path, DataType::kSys);
      Expect(sys.size() == 3, 21, "sys data of {} has {} tablets", ls.value, sys.size());
      for (const auto& [id, tablet] : sys) CheckTabletData(set, DataType::kSys, id, tablet);
    }
    CheckMajorRanges(mark, set, major);
    CheckStatistics(mark, set, major);
  }

 private:
  struct TabletData {
    std::optional<MigrationTabletParam> meta;
    std::vector<format::BackupSstableMeta> sstables;
    std::optional<format::BackupMacroBlockIdMappingsMeta> mappings;
  };
  using Data = std::map<TabletId, TabletData>;

  const Bytes* FindFile(const format::BackupDataFileId& id, DataType type) {
    for (const auto kind : {format::BackupSetKind::kFull, format::BackupSetKind::kInc}) {
      BackupPath path{.kind = PathKind::kMacroBlockData};
      path.set = id.backup_set_id;
      path.set_kind = kind;
      path.ls = id.ls_id;
      path.data_type = type;
      path.turn = id.turn_id;
      path.retry = id.retry_id;
      path.file = id.file_id;
      if (const Bytes* bytes = Find(path)) return bytes;
    }
    return nullptr;
  }

  void AddMeta(DataType type, const format::BackupMetaIndex& entry, Data& data) {
    const Bytes* file = FindFile(entry.file(), type);
    Expect(file != nullptr, 31, "an index entry of tablet {} names no file",
           entry.meta_key.tablet_id.value);
    if (file == nullptr) return;
    const auto payload = format::DecodeMetaRecord(ByteView(*file).subspan(
        static_cast<std::size_t>(entry.offset), static_cast<std::size_t>(entry.length)));
    if (!payload) {
      result_.findings.push_back(payload.error().ToString());
      return;
    }
    TabletData& tablet = data[entry.meta_key.tablet_id];
    switch (entry.meta_key.meta_type) {
      case BackupMetaType::kTabletMeta: {
        const auto meta = format::DecodeBackupTabletMeta(*payload);
        if (meta && meta->tablet_id == entry.meta_key.tablet_id) tablet.meta = meta->tablet_meta;
        break;
      }
      case BackupMetaType::kSstableMeta: {
        const auto metas = format::DecodeBackupSstableMetas(*payload);
        if (metas) tablet.sstables = *metas;
        break;
      }
      case BackupMetaType::kMacroBlockIdMappingMeta: {
        const auto mappings = format::DecodeBackupMacroBlockIdMappingsMeta(*payload);
        if (mappings) tablet.mappings = *mappings;
        break;
      }
    }
  }

  // From two meta indexes; `path` has everything but which.
  Data LoadData(BackupPath path, DataType type) {
    Data data;
    for (const IndexKind kind : {IndexKind::kMeta, IndexKind::kSecMeta}) {
      path.index = kind;
      const Bytes* file = Find(path);
      Expect(file != nullptr, 8, "{} is missing", format::Print(path));
      if (file == nullptr) continue;
      (void)format::ForEachIndexEntry<format::BackupMetaIndex>(
          RandomAccess::Of(*file), [&](const format::BackupMetaIndex& entry) -> Status {
            AddMeta(type, entry, data);
            return {};
          });
    }
    return data;
  }

  // The highest retry of the tenant's indexes in that turn.
  BackupPath TenantIndex(const BackupPath& mark, DataType type, std::int64_t turn) {
    BackupPath last = In(mark, PathKind::kTenantIndex);
    last.data_type = type;
    last.turn = turn;
    for (const auto& [path, parsed] : paths_) {
      if (parsed.kind == PathKind::kTenantIndex && parsed.set == mark.set &&
          parsed.data_type == type && parsed.turn == turn) {
        last.retry = std::max(last.retry, parsed.retry);
      }
    }
    return last;
  }

  void CheckCoverage(const CheckedSet& set, DataType type, const Data& data) {
    std::set<TabletId> listed;
    for (const auto& map : set.maps.at(type)) {
      for (const auto& list : map.tablet_to_ls) {
        for (const TabletId id : list.tablet_id_list) {
          if (!engine::IsInnerTablet(id)) listed.insert(id);
        }
      }
    }
    for (const TabletId id : listed) {
      const auto found = data.find(id);
      // Tests say which were dropped.
      if (found == data.end()) {
        result_.missing.insert(id);
        continue;
      }
      Expect(found->second.meta && found->second.mappings, 21, "tablet {} has no records",
             id.value);
    }
    for (const auto& [id, tablet] : data) {
      Expect(listed.contains(id), 21, "tablet {} is in the index and in no map", id.value);
    }
  }

  void CheckTabletData(const CheckedSet& set, DataType type, TabletId id,
                       const TabletData& tablet) {
    if (!tablet.meta || !tablet.mappings) {
      Expect(false, 21, "tablet {} lacks a record", id.value);
      return;
    }
    const MigrationTabletParam& meta = *tablet.meta;
    const auto status = format::DecodeRecord<format::TabletCreateDeleteMdsUserData>(
        AsByteView(meta.mds_data.tablet_status_committed_kv.v.user_data));
    Expect(meta.tablet_id == id && meta.ha_status.value == 0 &&
               !meta.transfer_info.has_transfer_table && status &&
               status->tablet_status.value == format::TabletStatus::kNormal,
           22, "state of tablet {}", id.value);
    if (type != DataType::kSys) CheckPlace(set, type, meta);
    if (type == DataType::kMinor) CheckMinors(meta, tablet.sstables);
    if (type != DataType::kMinor) CheckMajors(meta, tablet.sstables);
    CheckMappings(set, type, id, tablet);
  }

  void CheckPlace(const CheckedSet& set, DataType type, const MigrationTabletParam& meta) {
    std::optional<LsId> last;
    for (const auto& map : set.maps.at(type)) {
      for (const auto& list : map.tablet_to_ls) {
        if (std::ranges::find(list.tablet_id_list, meta.tablet_id) != list.tablet_id_list.end()) {
          last = list.ls_id;
        }
      }
    }
    Expect(last == meta.ls_id, 22, "tablet {} says log stream {}", meta.tablet_id.value,
           meta.ls_id.value);
  }

  void CheckMinors(const MigrationTabletParam& meta,
                   const std::vector<format::BackupSstableMeta>& sstables) {
    const Scn start = meta.start_scn.value;
    const Scn checkpoint = meta.clog_checkpoint_scn.value;
    if (sstables.empty()) {
      Expect(start == checkpoint, 23, "tablet {} without minors", meta.tablet_id.value);
      return;
    }
    Expect(start < checkpoint, 23, "tablet {}", meta.tablet_id.value);
    Scn joined = start;
    for (const auto& sstable : sstables) {
      const format::ScnRange& range = sstable.sstable_meta.table_key.scn_range;
      Expect(
          range.start_scn == joined && !format::IsMajor(sstable.sstable_meta.table_key.table_type),
          23, "minors of tablet {} do not join", meta.tablet_id.value);
      joined = range.end_scn;
    }
    Expect(checkpoint <= joined, 23, "minors of tablet {} end early", meta.tablet_id.value);
  }

  void CheckMajors(const MigrationTabletParam& meta,
                   const std::vector<format::BackupSstableMeta>& sstables) {
    Expect((meta.table_store_flag.value & 1) == (sstables.empty() ? 0U : 1U), 24,
           "flag of tablet {}", meta.tablet_id.value);
    if (sstables.empty()) return;
    const format::MigrationSstableParam& major = sstables.front().sstable_meta;
    const auto snapshot = static_cast<std::int64_t>(major.table_key.snapshot_version().value);
    Expect(sstables.size() == 1 && format::IsMajor(major.table_key.table_type) &&
               meta.report_status.merge_snapshot_version == snapshot &&
               meta.snapshot_version.value >= snapshot &&
               meta.report_status.row_count == major.basic_meta.row_count &&
               meta.report_status.data_checksum == major.basic_meta.data_checksum,
           24, "report of tablet {}", meta.tablet_id.value);
  }

  void CheckMappings(const CheckedSet& set, DataType type, TabletId id, const TabletData& tablet) {
    const auto& mappings = tablet.mappings->id_map_list;
    Expect(mappings.size() == tablet.sstables.size(), 25, "mappings of tablet {}", id.value);
    for (std::size_t i = 0; i < std::min(mappings.size(), tablet.sstables.size()); ++i) {
      const format::BackupSstableMeta& sstable = tablet.sstables[i];
      const format::SstableBasicMeta& basic = sstable.sstable_meta.basic_meta;
      Expect(mappings[i].table_key == sstable.sstable_meta.table_key &&
                 mappings[i].id_pair_list.size() == sstable.logic_id_list.size() &&
                 std::cmp_equal(sstable.logic_id_list.size(), basic.data_macro_block_count),
             25, "lists of tablet {}", id.value);
      std::int64_t rows = 0;
      std::int64_t occupied = 0;
      for (std::size_t block = 0; block < mappings[i].id_pair_list.size(); ++block) {
        const auto& pair = mappings[i].id_pair_list[block];
        Expect(pair.logic_id == sstable.logic_id_list[block] && pair.logic_id.tablet_id == id.value,
               25, "pair {} of tablet {}", block, id.value);
        const auto header = CheckBlock(set, type, pair);
        if (!header) continue;
        rows += header->sstable.row_count;
        occupied += header->sstable.occupy_size;
      }
      Expect(rows == basic.row_count && occupied == basic.occupy_size, 27, "sums of tablet {}",
             id.value);
    }
  }

  std::optional<format::MacroBlockHeaders> CheckBlock(const CheckedSet& set, DataType type,
                                                      const format::BackupMacroBlockIdPair& pair) {
    const format::BackupPhysicalId& place = pair.physical_id;
    const bool is_own = place.backup_set_id() == set.desc.backup_set_id;
    const bool may_be_older = type == DataType::kMajor &&
                              place.backup_set_id() >= set.desc.prev_full_backup_set_id &&
                              set.desc.prev_full_backup_set_id.value > 0;
    Expect(is_own || may_be_older, 26, "a block of set {}", place.backup_set_id().value);
    const Bytes* file = FindFile(place.file(), type);
    Expect(file != nullptr, 26, "a block of tablet {} is in no file", pair.logic_id.tablet_id);
    if (file == nullptr) return {};
    const auto index = format::ReadBackupDataFileIndex(RandomAccess::Of(*file));
    if (!index) return {};
    Expect(place.offset() >= 4096 &&
               place.offset() + place.length() <= index->trailer.macro_index_offset,
           26, "a block lies outside of the file's records");
    const auto entry = std::ranges::find_if(index->macro_blocks, [&](const auto& other) {
      return other.logic_id == pair.logic_id && other.offset == place.offset() &&
             other.length == place.length();
    });
    Expect(entry != index->macro_blocks.end(), 26, "a block is not in the list of its file");
    const auto payload = format::DecodeMacroRecord(ByteView(*file).subspan(
        static_cast<std::size_t>(place.offset()), static_cast<std::size_t>(place.length())));
    if (!payload) return {};
    const auto headers = format::ReadMacroBlockHeaders(*payload);
    Expect(headers.has_value(), 26, "a block of tablet {} is damaged", pair.logic_id.tablet_id);
    if (!headers) return {};
    Expect(headers->sstable.tablet_id.value == pair.logic_id.tablet_id &&
               std::cmp_equal(headers->sstable.logical_version, pair.logic_id.logic_version) &&
               headers->sstable.data_seq == pair.logic_id.data_seq.value,
           26, "another block lies where one of tablet {} should", pair.logic_id.tablet_id);
    return *headers;
  }

  // Every block of the majors can be looked up (rule 31).
  void CheckMajorRanges(const BackupPath& mark, const CheckedSet& set, const Data& major) {
    BackupPath path = TenantIndex(mark, DataType::kMajor, set.desc.major_turn_id);
    path.index = IndexKind::kMacroRange;
    const Bytes* file = Find(path);
    Expect(file != nullptr, 8, "{} is missing", format::Print(path));
    if (file == nullptr) return;
    for (const auto& [id, tablet] : major) {
      if (!tablet.mappings) continue;
      for (const auto& mapping : tablet.mappings->id_map_list) {
        for (const auto& pair : mapping.id_pair_list) {
          const auto range = format::FindInIndex<format::BackupMacroRangeIndex>(
              RandomAccess::Of(*file), pair.logic_id);
          const bool is_found = range && range->has_value() && IsInList(**range, pair.logic_id);
          Expect(is_found, 31, "a block of tablet {} can't be found", id.value);
        }
      }
    }
  }
  bool IsInList(const format::BackupMacroRangeIndex& range, const format::LogicMacroBlockId& id) {
    const Bytes* file = FindFile(range.file(), DataType::kMajor);
    if (file == nullptr) return false;
    const auto list = format::DecodeMacroIndexBlock(ByteView(*file).subspan(
        static_cast<std::size_t>(range.offset), static_cast<std::size_t>(range.length)));
    return list && std::ranges::any_of(*list, [&](const auto& e) { return e.logic_id == id; });
  }

  void CheckStatistics(const BackupPath& mark, const CheckedSet& set, const Data& major) {
    format::BackupStats sums;
    std::set<format::LogicMacroBlockId> majors;
    bool undisturbed =
        set.desc.meta_turn_id == 1 && set.desc.minor_turn_id == 1 && set.desc.major_turn_id == 1;
    for (const auto& [path, parsed] : paths_) {
      if (parsed.set != mark.set) continue;
      undisturbed = undisturbed && (parsed.kind != PathKind::kLsMetaInfo || parsed.retry == 0);
      if (parsed.kind != PathKind::kMacroBlockData) continue;
      undisturbed = undisturbed && parsed.retry == 0;
      const Bytes& bytes = tree_.at(path);
      const auto index = format::ReadBackupDataFileIndex(RandomAccess::Of(bytes));
      if (!index) continue;
      for (const auto& block : index->macro_blocks) {
        if (parsed.data_type != DataType::kMajor) break;
        Expect(majors.insert(block.logic_id).second, 31, "a block of tablet {} is copied twice",
               block.logic_id.tablet_id);
      }
      sums.output_bytes += std::ssize(bytes);
      sums.finish_macro_block_count += index->trailer.macro_block_count;
      sums.input_bytes += index->trailer.macro_block_count << 21;
      for (const auto& meta : index->metas) {
        if (meta.meta_key.meta_type == BackupMetaType::kMacroBlockIdMappingMeta) continue;
        const auto payload = format::DecodeMetaRecord(ByteView(bytes).subspan(
            static_cast<std::size_t>(meta.offset), static_cast<std::size_t>(meta.length)));
        if (payload) sums.input_bytes += std::ssize(*payload);
      }
    }
    const format::BackupStats& stats = set.desc.stats;
    Expect(stats.extra_bytes == 0 && stats.finish_file_count == 0, 32, "unused statistics");
    if (!undisturbed) return;
    for (const auto& [ls, tablets] : set.tablets) sums.tablet_count += std::ssize(tablets);
    sums.finish_tablet_count = 3 * std::ssize(set.metas) + std::ssize(major);
    Expect(stats.output_bytes == sums.output_bytes && stats.input_bytes == sums.input_bytes &&
               stats.finish_macro_block_count == sums.finish_macro_block_count &&
               stats.tablet_count == sums.tablet_count &&
               stats.finish_tablet_count == sums.finish_tablet_count,
           32, "statistics of set {}", mark.set.value);
    Expect(stats.macro_block_count >= stats.finish_macro_block_count, 32, "macro_block_count");
  }
};

}  // namespace

void CheckSetData(const Tree& tree, const CheckedPaths& paths, const BackupPath& mark,
                  const CheckedSet& set, SetCheck& result) {
  DataCheck(tree, paths, result).Check(mark, set);
}

}  // namespace obbak::backup
