#include "restore/validate_tablets.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <vector>

namespace obbak::restore {
namespace {

using format::BackupMetaType;
using format::DataType;
using format::LsId;
using format::PathKind;
using format::Scn;
using format::TabletId;

// The smallest id of a user's tablet is above it.
constexpr std::uint64_t kLastSystemTablet = 200'000;

constexpr std::int64_t kLastNumber = std::numeric_limits<std::int64_t>::max();

using TabletSet = std::set<TabletId>;

class TabletRules {
 public:
  TabletRules(const SetView& view, const Reporter& found)
      : view_(view), data_(view), found_(found) {}

  void Check() {
    CheckTabletInfos();
    CheckMaps();
    if (view_.facts().ls_metas) {
      for (const format::LsMetaPackage& package : *view_.facts().ls_metas)
        CheckIndexes(DataType::kSys, package.ls_meta.ls_id);
    }
    CheckIndexes(DataType::kMinor, {});
    CheckIndexes(DataType::kMajor, {});
  }

 private:
  // ---- Rules 17 and 18.

  void CheckTabletInfos() {
    if (!view_.facts().ls_metas) return;
    for (const format::LsMetaPackage& package : *view_.facts().ls_metas) {
      const auto* newest = view_.NewestMeta(package.ls_meta.ls_id);
      if (newest != nullptr) CheckTabletInfo(newest->first, newest->second);
    }
  }

  format::BackupPath InfoPath(const Attempt& attempt, std::int64_t file) const {
    format::BackupPath path = view_.Path(PathKind::kTabletInfo);
    path.ls = attempt.ls;
    path.turn = attempt.turn;
    path.retry = attempt.retry;
    path.file = file;
    return path;
  }

  void CheckTabletInfo(const Attempt& attempt, const MetaAttemptFacts& facts) {
    const Reporter found = found_.About(attempt.ls);
    std::int64_t number = 1;
    bool readable = true;
    std::map<TabletId, int> inner;
    for (const auto& [file, info] : facts.tablet_info) {
      const std::string name = format::Print(InfoPath(attempt, file));
      if (file != number) {
        found.Missing(17, format::Print(InfoPath(attempt, number)),
                      format::Facts(PathKind::kTabletInfo).meaning);
      }
      number = NextNumber(file);
      readable = readable && info.readable;
      for (const TabletFacts& tablet : info.tablets) {
        if (IsInner(tablet.tablet_id)) ++inner[tablet.tablet_id];
        CheckInfo(tablet, attempt.ls, name, found);
      }
    }
    const std::string first = format::Print(InfoPath(attempt, 1));
    if (facts.tablet_info.empty()) {
      found.Missing(17, first, format::Facts(PathKind::kTabletInfo).meaning);
      return;
    }
    for (TabletId tablet = kTxCtxTablet; readable && tablet <= kLockTablet; ++tablet.value) {
      if (inner[tablet] == 1) continue;
      found.Broken(17, first, "tablet_id",
                   fmt::format("inner tablet {} is there {} times", tablet.value, inner[tablet]));
    }
  }

  void CheckInfo(const TabletFacts& tablet, LsId ls, const std::string& name,
                 const Reporter& found) {
    if (tablet.ls_id != ls) {
      found.Broken(17, name, "ls_id",
                   fmt::format("of tablet {} is {}", tablet.tablet_id.value, tablet.ls_id.value));
    }
    const bool is_here = tablet.status == format::TabletStatus::kNormal;
    if (!IsInner(tablet.tablet_id) && is_here && !normal_.insert(tablet.tablet_id).second) {
      found.Broken(17, name, "tablet_id",
                   fmt::format("tablet {} is there twice", tablet.tablet_id.value));
    }
    for (const Scn checkpoint :
         {tablet.clog_checkpoint_scn, tablet.mds_checkpoint_scn, tablet.ddl_checkpoint_scn}) {
      if (!checkpoint.IsValid() || checkpoint <= view_.desc().consistent_scn) continue;
      found.Broken(
          18, name, "clog_checkpoint_scn, mds_checkpoint_scn, ddl_checkpoint_scn",
          fmt::format("of tablet {} is {}, above consistent_scn {}", tablet.tablet_id.value,
                      checkpoint.value, view_.desc().consistent_scn.value));
    }
  }

  // ---- Rules 19 and 20.

  std::string MapName(DataType type, std::int64_t turn) const {
    format::BackupPath path = view_.Path(PathKind::kTabletLsInfo);
    path.data_type = type;
    path.turn = turn;
    return format::Print(path);
  }

  void CheckMaps() {
    const auto& maps = view_.facts().tablet_maps;
    for (const auto& [phase, map] : maps) CheckMap(map, MapName(phase.first, phase.second));
    const auto minor = maps.find({DataType::kMinor, 1});
    const auto major = maps.find({DataType::kMajor, 1});
    for (const auto& map : {minor, major}) {
      if (map != maps.end() && map->second.backup_scn != view_.desc().consistent_scn) {
        found_.Broken(19, MapName(map->first.first, 1), "backup_scn",
                      "is not the set's consistent_scn");
      }
    }
    if (minor == maps.end() || major == maps.end()) return;
    if (SortedLists(minor->second) != SortedLists(major->second))
      found_.Broken(19, MapName(DataType::kMajor, 1), "", "differs from that of minor data");
    CheckFirstMap(minor->second, MapName(DataType::kMinor, 1));
  }

  static std::map<LsId, TabletSet> SortedLists(const format::BackupDataTabletToLsDesc& map) {
    std::map<LsId, TabletSet> lists;
    for (const format::BackupDataTabletToLsInfo& list : map.tablet_to_ls)
      lists[list.ls_id].insert(list.tablet_id_list.begin(), list.tablet_id_list.end());
    return lists;
  }

  void CheckMap(const format::BackupDataTabletToLsDesc& map, const std::string& name) {
    TabletSet seen;
    for (const format::BackupDataTabletToLsInfo& list : map.tablet_to_ls) {
      const Reporter found = found_.About(list.ls_id);
      for (const TabletId tablet : list.tablet_id_list) {
        if (IsInner(tablet)) continue;
        if (!seen.insert(tablet).second) {
          found.Broken(20, name, "tablet_id_list",
                       fmt::format("tablet {} is there twice", tablet.value));
        }
        const bool is_system = tablet.value <= kLastSystemTablet;
        if (list.ls_id != format::kSysLsId && is_system) {
          found.Broken(20, name, "tablet_id_list",
                       fmt::format("tablet {} is none of a user table", tablet.value));
        } else if (list.ls_id == format::kSysLsId && !is_system) {
          found.Odd(20, name, "tablet_id_list",
                    fmt::format("tablet {} is that of a user table", tablet.value));
        }
      }
    }
  }

  void CheckFirstMap(const format::BackupDataTabletToLsDesc& map, const std::string& name) {
    for (const format::BackupDataTabletToLsInfo& list : map.tablet_to_ls) {
      const Reporter found = found_.About(list.ls_id);
      if (list.ls_id == format::kSysLsId) {
        CheckSystemList(list, name, found);
        continue;
      }
      const std::vector<TabletId>& tablets = list.tablet_id_list;
      if (tablets.size() < 3 || tablets[0] != kTxCtxTablet || tablets[1] != kTxDataTablet ||
          tablets[2] != kLockTablet) {
        found.Broken(19, name, "tablet_id_list", "does not begin with the inner tablets");
      }
    }
  }

  void CheckSystemList(const format::BackupDataTabletToLsInfo& list, const std::string& name,
                       const Reporter& found) {
    if (!std::ranges::is_sorted(list.tablet_id_list))
      found.Broken(19, name, "tablet_id_list", "of log stream 1 is not sorted");
    const auto* newest = view_.NewestMeta(format::kSysLsId);
    if (newest == nullptr) return;
    TabletSet in_info;
    for (const auto& [file, info] : newest->second.tablet_info) {
      if (!info.readable) return;
      for (const TabletFacts& tablet : info.tablets) in_info.insert(tablet.tablet_id);
    }
    if (in_info != TabletSet(list.tablet_id_list.begin(), list.tablet_id_list.end()))
      found.Broken(19, name, "tablet_id_list", "of log stream 1 is not that of its tablet_info");
  }

  // ---- Rules 21 to 24.

  void CheckIndexes(DataType type, LsId ls) {
    const IndexFacts* indexes = data_.Indexes(type, ls);
    if (indexes == nullptr || !indexes->meta || !indexes->sec_meta) return;
    const bool complete = indexes->meta->readable && indexes->sec_meta->readable;
    if (complete) CheckKeys(type, ls, *indexes);
    for (const format::BackupMetaIndex& entry : indexes->meta->entries) {
      if (entry.meta_key.meta_type == BackupMetaType::kTabletMeta) CheckTablet(type, ls, entry);
    }
  }

  TabletSet KeysOf(const IndexFileFacts<format::BackupMetaIndex>& index, BackupMetaType type) {
    TabletSet keys;
    for (const format::BackupMetaIndex& entry : index.entries) {
      if (entry.meta_key.meta_type == type) keys.insert(entry.meta_key.tablet_id);
    }
    return keys;
  }

  // Rule 21.
  void CheckKeys(DataType type, LsId ls, const IndexFacts& indexes) {
    const TabletSet tablets = KeysOf(*indexes.meta, BackupMetaType::kTabletMeta);
    const TabletSet sstables = KeysOf(*indexes.meta, BackupMetaType::kSstableMeta);
    const TabletSet mappings = KeysOf(*indexes.sec_meta, BackupMetaType::kMacroBlockIdMappingMeta);
    const std::string name = data_.IndexName(type, ls, format::IndexKind::kMeta);
    const Reporter found = ls.value > 0 ? found_.About(ls) : found_;
    if (tablets != mappings) {
      found.Broken(21, data_.IndexName(type, ls, format::IndexKind::kSecMeta), "meta_key",
                   fmt::format("{} tablets have a mapping, {} have a meta, and not the same",
                               mappings.size(), tablets.size()));
    }
    if (!std::ranges::includes(tablets, sstables))
      found.Broken(21, name, "meta_key", "a tablet has SSTables but no meta");
    if (type == DataType::kSys) {
      const TabletSet inner{kTxCtxTablet, kTxDataTablet, kLockTablet};
      if (tablets != inner)
        found.Broken(21, name, "meta_key", "has not exactly the three inner tablets");
      return;
    }
    const std::map<TabletId, LsId> places = PlacesOf(view_.facts(), type);
    for (const TabletId tablet : tablets) {
      if (!places.contains(tablet))
        found.Broken(21, name, "meta_key", fmt::format("tablet {} is in no map", tablet.value));
    }
  }

  // Rule 22.
  void CheckTablet(DataType type, LsId ls, const format::BackupMetaIndex& entry) {
    const MetaFacts* meta = data_.Meta(type, entry);
    if (meta == nullptr) return;
    const auto& tablet = std::get<TabletFacts>(meta->record);
    const Reporter found = found_.About(entry.ls_id);
    const std::string name = data_.IndexName(type, ls, format::IndexKind::kMeta);
    const auto broken = [&](int rule, std::string_view field, std::string_view what) {
      found.Broken(rule, name, field, fmt::format("tablet {}: {}", tablet.tablet_id.value, what));
    };
    if (tablet.ha_status.restore() != 0 || tablet.ha_status.data() != 0)
      broken(22, "ha_status", "is not full and complete");
    if (!IsInner(tablet.tablet_id) && tablet.status != format::TabletStatus::kNormal)
      broken(22, "tablet_status", "is not NORMAL");
    if (tablet.has_transfer_table) broken(22, "transfer_info", "has a transfer table");
    if (type == DataType::kSys) {
      if (tablet.ls_id != ls) broken(22, "ls_id", "is not that of the log stream");
    } else {
      const std::map<TabletId, LsId>& places =
          type == DataType::kMinor ? minor_places_ : major_places_;
      const auto place = places.find(tablet.tablet_id);
      if (place != places.end() && place->second != tablet.ls_id)
        broken(22, "ls_id", "is not that of the map");
    }
    CheckSstablesOf(type, tablet, ls, broken);
  }

  const std::vector<format::BackupSstableMeta>* SstablesOf(DataType type, TabletId tablet,
                                                           LsId ls) {
    const IndexFacts* indexes = data_.Indexes(type, ls);
    if (indexes == nullptr || !indexes->meta) return nullptr;
    const format::BackupMetaKey key{tablet, BackupMetaType::kSstableMeta};
    const auto& entries = indexes->meta->entries;
    const auto entry =
        std::ranges::lower_bound(entries, key, {}, &format::BackupMetaIndex::meta_key);
    if (entry == entries.end() || entry->meta_key != key) return &kNone;
    const MetaFacts* meta = data_.Meta(type, *entry);
    if (meta == nullptr) return nullptr;
    return &std::get<std::vector<format::BackupSstableMeta>>(meta->record);
  }

  // Rules 23 and 24.
  void CheckSstablesOf(DataType type, const TabletFacts& tablet, LsId ls, const auto& broken) {
    const auto* sstables = SstablesOf(type, tablet.tablet_id, ls);
    if (sstables == nullptr) return;
    std::vector<format::TableKey> minors;
    const format::BackupSstableMeta* major = nullptr;
    for (const format::BackupSstableMeta& sstable : *sstables) {
      const format::TableKey& key = sstable.sstable_meta.table_key;
      if (format::IsMajor(key.table_type)) {
        // Of a column store the first one stands for all.
        if (major == nullptr) major = &sstable;
      } else if (key.table_type != format::ITableType::kDdlDump) {
        minors.push_back(key);
      }
    }
    if (type != DataType::kMajor) CheckMinors(tablet, minors, broken);
    if (type == DataType::kMinor && major != nullptr)
      broken(24, "table_key", "a major SSTable in the minor data");
    if (type == DataType::kMajor && !minors.empty())
      broken(24, "table_key", "a minor SSTable in the major data");
    if (type != DataType::kMinor) CheckMajor(type, tablet, major, broken);
  }

  void CheckMinors(const TabletFacts& tablet, const std::vector<format::TableKey>& minors,
                   const auto& broken) {
    if (minors.empty() != (tablet.start_scn == tablet.clog_checkpoint_scn)) {
      broken(23, "start_scn",
             minors.empty() ? "is below clog_checkpoint_scn, but there is no minor SSTable"
                            : "is clog_checkpoint_scn, but there are minor SSTables");
      return;
    }
    if (minors.empty()) return;
    if (tablet.start_scn > tablet.clog_checkpoint_scn ||
        tablet.clog_checkpoint_scn > minors.back().scn_range.end_scn) {
      broken(23, "clog_checkpoint_scn", "is not covered by the minor SSTables");
    }
    if (minors.front().scn_range.start_scn != tablet.start_scn) {
      found_.Odd(23, "", "start_scn",
                 fmt::format("of tablet {} is not where its first minor SSTable begins",
                             tablet.tablet_id.value));
    }
    for (std::size_t i = 1; i < minors.size(); ++i) {
      if (minors[i - 1].scn_range.end_scn != minors[i].scn_range.start_scn)
        broken(23, "scn_range", "there is a gap between two minor SSTables");
    }
  }

  void CheckMajor(DataType type, const TabletFacts& tablet, const format::BackupSstableMeta* major,
                  const auto& broken) {
    if (tablet.with_major != (major != nullptr)) {
      broken(24, "table_store_flag",
             major == nullptr ? "says that there is a major SSTable" : "denies the major SSTable");
      return;
    }
    if (major == nullptr || type == DataType::kSys) return;
    const auto snapshot =
        static_cast<std::int64_t>(major->sstable_meta.table_key.snapshot_version().value);
    const format::TabletReportStatus& report = tablet.report_status;
    if (report.merge_snapshot_version != snapshot)
      broken(24, "report_status.merge_snapshot_version", "is not the major SSTable's snapshot");
    if (tablet.snapshot_version < snapshot)
      broken(24, "snapshot_version", "is below the major SSTable's snapshot");
    const format::SstableBasicMeta& basic = major->sstable_meta.basic_meta;
    if (report.data_checksum != basic.data_checksum || report.row_count != basic.row_count) {
      const bool is_pending = report.data_checksum == 0 && report.row_count == 0;
      if (!is_pending)
        broken(24, "report_status", "checksum or row count are not the major SSTable's");
    }
    CheckCoversMinor(tablet.tablet_id, report.merge_snapshot_version, broken);
  }

  // The major is at least as new as when the minor data was taken.
  void CheckCoversMinor(TabletId tablet, std::int64_t snapshot, const auto& broken) {
    const IndexFacts* indexes = data_.Indexes(DataType::kMinor, {});
    if (indexes == nullptr || !indexes->meta) return;
    const format::BackupMetaKey key{tablet, BackupMetaType::kTabletMeta};
    const auto& entries = indexes->meta->entries;
    const auto entry =
        std::ranges::lower_bound(entries, key, {}, &format::BackupMetaIndex::meta_key);
    if (entry == entries.end() || entry->meta_key != key) return;
    const MetaFacts* meta = data_.Meta(DataType::kMinor, *entry);
    if (meta == nullptr) return;
    if (std::get<TabletFacts>(meta->record).report_status.merge_snapshot_version > snapshot)
      broken(24, "report_status.merge_snapshot_version", "is below that of the minor data");
  }

  inline static const std::vector<format::BackupSstableMeta> kNone;

  const SetView& view_;
  SetData data_;
  const Reporter& found_;
  TabletSet normal_;
  std::map<TabletId, LsId> minor_places_ = PlacesOf(view_.facts(), DataType::kMinor);
  std::map<TabletId, LsId> major_places_ = PlacesOf(view_.facts(), DataType::kMajor);
};

}  // namespace

const DataFileFacts* SetData::File(DataType type, const format::BackupDataFileId& id) const {
  const SetFacts* set = &view_->facts();
  if (id.backup_set_id != view_->id()) {
    const auto found = view_->dest().sets.find(id.backup_set_id);
    if (found == view_->dest().sets.end()) return nullptr;
    set = &found->second;
  }
  const auto attempt = set->data.find({type, {id.ls_id, id.turn_id, id.retry_id}});
  if (attempt == set->data.end()) return nullptr;
  const auto file = attempt->second.files.find(id.file_id);
  return file == attempt->second.files.end() ? nullptr : &file->second;
}

const MetaFacts* SetData::Meta(DataType type, const format::BackupMetaIndex& index) const {
  const DataFileFacts* file = File(type, index.file());
  if (file == nullptr) return nullptr;
  const MetaFacts* meta = file->MetaAt(static_cast<std::uint64_t>(index.offset));
  // An entry that says otherwise is a finding of its own (rule 31).
  if (meta == nullptr || meta->index != index) return nullptr;
  return std::holds_alternative<std::monostate>(meta->record) ? nullptr : meta;
}

const IndexFacts* SetData::Indexes(DataType type, LsId ls) const {
  const SetFacts& set = view_->facts();
  const std::int64_t turn = view_->FinalTurn(type, ls);
  if (type != DataType::kSys) {
    const auto found = set.tenant_indexes.find({type, turn});
    return found == set.tenant_indexes.end() ? nullptr : &found->second.rbegin()->second;
  }
  const auto behind = set.data.upper_bound({type, {ls, turn, kLastNumber}});
  if (behind == set.data.begin()) return nullptr;
  const auto newest = std::prev(behind);
  const bool is_it = newest->first.type == type && newest->first.attempt.ls == ls;
  return is_it ? &newest->second.indexes : nullptr;
}

std::string SetData::IndexName(DataType type, LsId ls, format::IndexKind kind) const {
  const bool is_tenant = type != DataType::kSys;
  format::BackupPath path = view_->Path(is_tenant ? PathKind::kTenantIndex : PathKind::kLsIndex);
  path.data_type = type;
  path.index = kind;
  path.turn = view_->FinalTurn(type, ls);
  const SetFacts& set = view_->facts();
  if (is_tenant) {
    const auto found = set.tenant_indexes.find({type, path.turn});
    if (found != set.tenant_indexes.end()) path.retry = found->second.rbegin()->first;
  } else {
    path.ls = ls;
    const auto behind = set.data.upper_bound({type, {ls, path.turn, kLastNumber}});
    if (behind != set.data.begin()) path.retry = std::prev(behind)->first.attempt.retry;
  }
  return format::Print(path);
}

std::map<TabletId, LsId> PlacesOf(const SetFacts& set, DataType type) {
  std::map<TabletId, LsId> places;
  // Ascending turns, so the last one stays.
  for (const auto& [phase, map] : set.tablet_maps) {
    if (phase.first != type) continue;
    for (const format::BackupDataTabletToLsInfo& list : map.tablet_to_ls) {
      for (const TabletId tablet : list.tablet_id_list) places[tablet] = list.ls_id;
    }
  }
  return places;
}

std::map<TabletId, LsId> NotBackedUp(const SetView& view, DataType type) {
  const IndexFacts* indexes = SetData(view).Indexes(type, {});
  if (indexes == nullptr || !indexes->meta || !indexes->meta->readable) return {};
  std::map<TabletId, LsId> places = PlacesOf(view.facts(), type);
  for (const format::BackupMetaIndex& entry : indexes->meta->entries) {
    if (entry.meta_key.meta_type == BackupMetaType::kTabletMeta)
      places.erase(entry.meta_key.tablet_id);
  }
  std::erase_if(places, [](const auto& tablet) { return IsInner(tablet.first); });
  return places;
}

void CheckTablets(const SetView& view, const Reporter& found) { TabletRules(view, found).Check(); }

}  // namespace obbak::restore
