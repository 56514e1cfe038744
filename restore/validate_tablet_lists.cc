#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "restore/validate_tablets.h"

namespace obbak::restore {
namespace {

using format::DataType;
using format::LsId;
using format::PathKind;
using format::Scn;
using format::TabletId;

// The smallest id of a user's tablet is above it.
constexpr std::uint64_t kLastSystemTablet = 200'000;

using TabletSet = std::set<TabletId>;

class TabletListRules {
 public:
  TabletListRules(const SetView& view, const Reporter& found) : view_(view), found_(found) {}

  void Check() {
    CheckTabletInfos();
    CheckMaps();
  }

 private:
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

  const SetView& view_;
  const Reporter& found_;
  TabletSet normal_;
};

}  // namespace

void CheckTabletLists(const SetView& view, const Reporter& found) {
  TabletListRules(view, found).Check();
}

}  // namespace obbak::restore
