#include "backup/set_check_test_support.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "backup/set_check_parts_test_support.h"
#include "engine/ddl_payloads.h"
#include "format/backup_inspect.h"
#include "format/backup_path.h"
#include "format/destination_records.h"
#include "format/inspect_file.h"
#include "format/ls_meta_records.h"
#include "format/tablet_info_file.h"
#include "format/time_tag.h"

namespace obbak::backup {
namespace {

using format::BackupPath;
using format::BackupSetFileDesc;
using format::DataType;
using format::IndexKind;
using format::LsId;
using format::MigrationTabletParam;
using format::PathKind;
using format::RandomAccess;
using format::Scn;
using format::TabletId;

constexpr std::chrono::hours kOffset{8};
constexpr std::uint64_t kBlock = 67'104'768;

// Everything of one destination, and rules 1 to 20.
class Checker : private TreeCheck {
 public:
  Checker(const Tree& tree, const CheckedPaths& paths, Scn round_start, SetCheck& result)
      : TreeCheck(tree, paths, result), round_start_(round_start) {}

  void Check() {
    for (const auto& [path, parsed] : paths_) {
      if (!parsed.in_complement_log) CheckFile(path, parsed, tree_.at(path));
    }
    for (const auto& [path, parsed] : paths_) {
      if (parsed.kind == PathKind::kBackupSetStart) result_.incomplete.insert(parsed.set.value);
    }
    for (const auto& [path, parsed] : paths_) {
      if (parsed.kind != PathKind::kBackupSetEndSuccess) continue;
      result_.incomplete.erase(parsed.set.value);
      CheckSet(parsed);
    }
  }

 private:
  // ---- Single files

  void CheckFile(const std::string& path, const BackupPath& parsed, ByteView bytes) {
    const bool is_unordered =
        parsed.index == IndexKind::kMacroRange && parsed.data_type != DataType::kMajor;
    const auto order = is_unordered ? format::IndexOrder::kAny : format::IndexOrder::kAscending;
    Status status;
    switch (parsed.kind) {
      case PathKind::kMacroBlockData:
        status = VerifyBackupFile(format::BackupFileKind::kData, RandomAccess::Of(bytes));
        break;
      case PathKind::kTabletInfo:
        status = VerifyBackupFile(format::BackupFileKind::kTabletInfo, RandomAccess::Of(bytes));
        break;
      case PathKind::kLsIndex:
      case PathKind::kTenantIndex:
        status = VerifyBackupFile(parsed.index == IndexKind::kMacroRange
                                      ? format::BackupFileKind::kMacroRangeIndex
                                      : format::BackupFileKind::kMetaIndex,
                                  RandomAccess::Of(bytes), order);
        break;
      default: {
        const auto report = format::InspectFile(path, bytes);
        if (!report) {
          status = Fail(report.error());
        } else if (!report->inspection.findings.empty()) {
          status = Fail(report->inspection.findings.front());
        }
      }
    }
    if (!status) result_.findings.push_back(path + ": " + status.error().ToString());
  }

  // ---- A set

  void CheckSet(const BackupPath& mark) {
    const auto info =
        Read<format::ExternBackupSetInfoDesc>(In(mark, PathKind::kSingleBackupSetInfo), 8);
    if (!info) return;
    CheckedSet set{
        .desc = info->backup_set_file, .attrs = {}, .metas = {}, .tablets = {}, .maps = {}};
    CheckDesc(mark, set.desc);
    CheckPredecessors(set.desc);
    CheckMarks(mark, set.desc);
    CheckInfos(mark, set.desc);
    if (!LoadLists(mark, set)) return;
    CheckLogStreams(mark, set);
    CheckTablets(set);
    CheckMaps(set);
    CheckSetData(tree_, paths_, mark, set, result_);
    CheckTurns(mark, set.desc);
    result_.sets.push_back(set.desc);
  }

  void CheckDesc(const BackupPath& mark, const BackupSetFileDesc& desc) {
    const auto identity = Read<format::BackupFormatDesc>({.kind = PathKind::kFormatFile}, 1);
    Expect(desc.backup_set_id == mark.set, 1, "set {} is in the directory of {}",
           desc.backup_set_id.value, mark.set.value);
    Expect((desc.backup_type.value == format::BackupType::kFull) ==
               (mark.set_kind == format::BackupSetKind::kFull),
           1, "type of set {}", mark.set.value);
    if (identity) {
      Expect(desc.dest_id == identity->dest_id && desc.tenant_id == identity->tenant_id &&
                 desc.incarnation == identity->incarnation && desc.backup_path == identity->path,
             1, "set {} is of another destination", mark.set.value);
    }
    Expect(desc.status == format::BackupSetStatus::kSuccess &&
               desc.file_status == format::BackupFileStatus::kAvailable && desc.result == 0,
           2, "set {} has an end mark, but is not SUCCESS", mark.set.value);
    Expect(round_start_ <= desc.start_replay_scn && desc.start_replay_scn <= desc.consistent_scn &&
               desc.consistent_scn <= desc.min_restore_scn,
           3, "order of SCNs {} {} {}", desc.start_replay_scn.value, desc.consistent_scn.value,
           desc.min_restore_scn.value);
    Expect(desc.start_time <= desc.end_time, 3, "set {} ends before it begins", mark.set.value);
    Expect(desc.tenant_compatible == format::kDataVersion4301 &&
               desc.cluster_version == format::kDataVersion4301 &&
               desc.backup_compatible == format::BackupCompatible::kVersion42,
           7, "versions of set {}", mark.set.value);
  }

  void CheckPredecessors(const BackupSetFileDesc& desc) {
    const std::int64_t full = desc.prev_full_backup_set_id.value;
    const std::int64_t inc = desc.prev_inc_backup_set_id.value;
    if (desc.backup_type.value == format::BackupType::kFull) {
      Expect(full == 0 && inc == 0, 2, "a full set has predecessors {} {}", full, inc);
      return;
    }
    Expect(0 < full && full <= inc && inc < desc.backup_set_id.value, 2, "predecessors {} {}", full,
           inc);
    const auto named = [&](std::int64_t id) {
      return std::ranges::any_of(result_.sets,
                                 [&](const auto& set) { return set.backup_set_id.value == id; });
    };
    Expect(named(full) && named(inc), 2, "predecessors {} {} are not complete", full, inc);
  }

  void CheckMarks(const BackupPath& mark, const BackupSetFileDesc& desc) {
    const auto end = format::TimeTag::FromScn(desc.min_restore_scn, kOffset);
    Expect(mark.time == end, 4, "the end mark says {}", ToText(mark.time));
    std::size_t inner = 0;
    for (const auto& [path, parsed] : paths_) {
      if (parsed.kind != PathKind::kBackupSetInnerMark || parsed.set != mark.set) continue;
      ++inner;
      Expect(parsed.end_time == end && parsed.time <= parsed.end_time, 4, "inner mark {}", path);
    }
    Expect(inner == 1, 8, "set {} has {} inner marks", mark.set.value, inner);
  }

  void CheckInfos(const BackupPath& mark, const BackupSetFileDesc& desc) {
    const auto all =
        Read<format::TenantBackupSetInfosDesc>(In(mark, PathKind::kTenantBackupSetInfos), 5);
    if (all) {
      Expect(std::ranges::count(all->backup_set_infos, desc) == 1, 5,
             "tenant_backup_set_infos has another record of set {}", mark.set.value);
      std::set<std::int64_t> ids;
      for (const auto& set : all->backup_set_infos) ids.insert(set.backup_set_id.value);
      Expect(ids.size() == all->backup_set_infos.size(), 5, "a set is listed twice");
    }
    const auto locality =
        Read<format::ExternTenantLocalityInfoDesc>(In(mark, PathKind::kLocalityInfo), 6);
    const auto diagnose =
        Read<format::ExternTenantDiagnoseInfoDesc>(In(mark, PathKind::kDiagnoseInfo), 6);
    if (!locality || !diagnose) return;
    Expect(locality->tenant_id == desc.tenant_id && locality->backup_set_id == desc.backup_set_id,
           6, "locality_info is of another set");
    Expect(diagnose->tenant_locality_info == *locality && diagnose->backup_set_file == desc &&
               diagnose->tenant_id == desc.tenant_id,
           6, "diagnose_info differs from locality_info and the set's");
  }

  bool LoadLists(const BackupPath& mark, CheckedSet& set) {
    BackupPath path = In(mark, PathKind::kLsAttrInfo);
    path.turn = set.desc.meta_turn_id;
    const auto attrs = Read<format::BackupDataLsAttrDesc>(path, 8);
    const auto metas = Read<format::BackupLsMetaInfosDesc>(In(mark, PathKind::kLsMetaInfos), 8);
    if (!attrs || !metas) return false;
    set.attrs = *attrs;
    for (const format::LsMetaPackage& package : metas->ls_meta_packages) {
      const bool is_new = set.metas.emplace(package.ls_meta.ls_id, package).second;
      Expect(is_new, 9, "log stream {} is listed twice", package.ls_meta.ls_id.value);
    }
    for (const auto& [type, turns] : {std::pair(DataType::kMinor, set.desc.minor_turn_id),
                                      std::pair(DataType::kMajor, set.desc.major_turn_id)}) {
      for (std::int64_t turn = 1; turn <= turns; ++turn) {
        path = In(mark, PathKind::kTabletLsInfo);
        path.data_type = type;
        path.turn = turn;
        const auto map = Read<format::BackupDataTabletToLsDesc>(path, 8);
        if (!map) return false;
        set.maps[type].push_back(*map);
      }
    }
    return true;
  }

  // ---- Log streams

  void CheckLogStreams(const BackupPath& mark, CheckedSet& set) {
    Expect(set.attrs.backup_scn <= set.desc.consistent_scn, 3,
           "ls_attr_info is newer than the set");
    Expect(set.metas.contains(format::kSysLsId), 9, "log stream 1 is missing");
    Expect(set.attrs.ls_attr_array.size() == set.metas.size(), 9, "{} log streams, {} metas",
           set.attrs.ls_attr_array.size(), set.metas.size());
    for (const format::LsAttr& attr : set.attrs.ls_attr_array) {
      const auto meta = set.metas.find(attr.id);
      Expect(meta != set.metas.end(), 9, "log stream {} has no meta", attr.id.value);
      Expect(attr.id == format::kSysLsId || attr.id.value > 1000, 9, "log stream {}",
             attr.id.value);
      if (meta != set.metas.end()) CheckLsMeta(mark, set, attr, meta->second);
    }
  }

  void CheckLsMeta(const BackupPath& mark, CheckedSet& set, const format::LsAttr& attr,
                   const format::LsMetaPackage& package) {
    const std::int64_t ls = attr.id.value;
    const auto [turn, retry] = LastMetaAttempt(paths_, mark, attr.id);
    BackupPath path = In(mark, PathKind::kLsMetaInfo);
    path.ls = attr.id;
    path.turn = turn;
    path.retry = retry;
    const auto own = Read<format::BackupLsMetaInfo>(path, 10);
    Expect(own && own->ls_meta_package == package, 10, "ls_meta_info of {} differs", ls);
    const format::LsMeta& meta = package.ls_meta;
    Expect(meta.tenant_id == set.desc.tenant_id && package.dup_ls_meta.ls_id == attr.id &&
               meta.restore_status == 0 && meta.migration_status == 0 &&
               meta.ls_persistent_state.value == format::LsPersistentState::kNormal,
           11, "state of log stream {}", ls);
    const format::PalfBaseInfo& palf = package.palf_meta;
    const format::LogInfo& prev = palf.prev_log_info;
    Expect(meta.clog_base_lsn.value % kBlock == 0 && palf.curr_lsn == meta.clog_base_lsn, 12,
           "base LSN of {}", ls);
    const bool is_first = prev.log_id == 0 && prev.lsn.value == 0 && prev.accum_checksum == -1;
    Expect((palf.curr_lsn.value == 0) == is_first, 12, "first-log form of {}", ls);
    if (!is_first) {
      const std::uint64_t gap = palf.curr_lsn.value - prev.lsn.value;
      Expect(prev.lsn.value / kBlock + 1 == palf.curr_lsn.value / kBlock && prev.log_id >= 1 &&
                 gap > 0 && gap <= 2'121'728 + 4096 + 56,
             12, "previous group of {}", ls);
    }
    Expect(attr.create_scn <= meta.clog_checkpoint_scn &&
               meta.clog_checkpoint_scn <= set.desc.consistent_scn &&
               prev.scn <= meta.clog_checkpoint_scn,
           13, "checkpoint of {}", ls);
    Expect(!is_first || prev.scn == attr.create_scn, 13, "first log of {}", ls);
    Expect(attr.id == format::kSysLsId ? meta.clog_checkpoint_scn <= set.attrs.backup_scn
                                       : meta.clog_checkpoint_scn >= set.attrs.backup_scn,
           14, "checkpoint {} of {}, backup_scn {}", meta.clog_checkpoint_scn.value, ls,
           set.attrs.backup_scn.value);
    Expect(set.desc.start_replay_scn == round_start_ || set.desc.start_replay_scn <= prev.scn, 15,
           "start_replay_scn is behind the log of {}", ls);
    CheckIds(attr.id, meta, set.desc);
    LoadTablets(mark, attr.id, turn, retry, set);
  }

  void CheckIds(LsId ls, const format::LsMeta& meta, const BackupSetFileDesc& desc) {
    const auto& ids = meta.all_id_meta.value.items;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const bool is_unused = ids[i].limited_id == 1 && !ids[i].latest_log_ts.IsValid();
      if (ls != format::kSysLsId || i == 2) {
        Expect(is_unused, 16, "ids of log stream {}", ls.value);
        continue;
      }
      Expect(ids[i].latest_log_ts <= desc.min_restore_scn, 16, "id service {}", i);
    }
    if (ls != format::kSysLsId) return;
    Expect(ids[0].limited_id >= static_cast<std::int64_t>(meta.clog_checkpoint_scn.value), 16,
           "GTS limit below the checkpoint");
  }

  void LoadTablets(const BackupPath& mark, LsId ls, std::int64_t turn, std::int64_t retry,
                   CheckedSet& set) {
    BackupPath path = In(mark, PathKind::kTabletInfo);
    path.ls = ls;
    path.turn = turn;
    path.retry = retry;
    for (path.file = 1; Find(path) != nullptr; ++path.file) {
      const Status status = format::ForEachTablet(
          RandomAccess::Of(*Find(path)), [&](const MigrationTabletParam& param) -> Status {
            Expect(param.ls_id == ls, 17, "tablet {} in the list of {}", param.tablet_id.value,
                   ls.value);
            const bool is_new = set.tablets[ls].emplace(param.tablet_id, param).second;
            Expect(is_new, 17, "tablet {} twice", param.tablet_id.value);
            return {};
          });
      Expect(status.has_value(), 17, "{}", format::Print(path));
    }
    Expect(path.file > 1, 17, "no tablet_info of {}", ls.value);
  }

  // ---- Tablets and maps

  void CheckTablets(const CheckedSet& set) {
    std::set<TabletId> seen;
    for (const auto& [ls, tablets] : set.tablets) {
      for (const std::uint64_t inner : {49401U, 49402U, 49403U}) {
        Expect(tablets.contains(TabletId{inner}), 17, "inner tablet {} of {}", inner, ls.value);
      }
      for (const auto& [id, param] : tablets) {
        if (!engine::IsInnerTablet(id)) {
          Expect(seen.insert(id).second, 17, "tablet {} on two log streams", id.value);
        }
        const Scn checkpoint =
            std::max({param.clog_checkpoint_scn.value, param.mds_checkpoint_scn.value,
                      param.ddl_checkpoint_scn.value});
        Expect(checkpoint <= set.desc.consistent_scn, 18, "tablet {} is further", id.value);
      }
    }
  }

  void CheckMaps(CheckedSet& set) {
    for (const auto& [type, turns] : set.maps) {
      Expect(turns.front().backup_scn == set.desc.consistent_scn, 19, "SCN of the first map");
      Expect(turns.front() == set.maps.begin()->second.front(), 19, "the first maps differ");
      for (const format::BackupDataTabletToLsInfo& list : turns.front().tablet_to_ls) {
        CheckFirstList(set, list);
      }
      for (const auto& map : turns) {
        std::set<TabletId> seen;
        for (const auto& list : map.tablet_to_ls) {
          for (const TabletId id : list.tablet_id_list) {
            if (engine::IsInnerTablet(id)) continue;
            Expect(seen.insert(id).second, 20, "tablet {} is listed twice", id.value);
            Expect((list.ls_id == format::kSysLsId) == (id.value < 200000), 20,
                   "tablet {} on log stream {}", id.value, list.ls_id.value);
          }
        }
      }
    }
  }

  void CheckFirstList(CheckedSet& set, const format::BackupDataTabletToLsInfo& list) {
    const std::vector<TabletId>& ids = list.tablet_id_list;
    if (list.ls_id == format::kSysLsId) {
      Expect(std::ranges::is_sorted(ids), 19, "the list of log stream 1 is not ascending");
      std::vector<TabletId> known;
      for (const auto& [id, param] : set.tablets[list.ls_id]) known.push_back(id);
      Expect(ids == known, 19, "the list of log stream 1 is not its tablet_info");
      return;
    }
    const std::vector<TabletId> inner{TabletId{49401}, TabletId{49402}, TabletId{49403}};
    Expect(ids.size() >= 3 && std::equal(inner.begin(), inner.end(), ids.begin()), 19,
           "the list of {} does not begin with the inner tablets", list.ls_id.value);
  }

  // No directory of a later turn (rule 8).
  void CheckTurns(const BackupPath& mark, const BackupSetFileDesc& desc) {
    for (const auto& [path, parsed] : paths_) {
      if (parsed.set != mark.set || parsed.in_complement_log) continue;
      const bool is_meta =
          parsed.kind == PathKind::kLsMetaInfo || parsed.kind == PathKind::kTabletInfo;
      if (is_meta ||
          (parsed.kind == PathKind::kMacroBlockData && parsed.data_type == DataType::kSys)) {
        Expect(parsed.turn <= (parsed.ls == format::kSysLsId ? 1 : desc.meta_turn_id), 8, "{}",
               path);
      } else if (parsed.kind == PathKind::kMacroBlockData ||
                 parsed.kind == PathKind::kTenantIndex) {
        Expect(parsed.turn <=
                   (parsed.data_type == DataType::kMinor ? desc.minor_turn_id : desc.major_turn_id),
               8, "{}", path);
      }
    }
  }

  Scn round_start_;
};

}  // namespace

std::string SetCheck::Text() const {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(findings.size(), 10); ++i) {
    text += findings[i] + "\n";
  }
  return text;
}

std::pair<std::int64_t, std::int64_t> LastMetaAttempt(const CheckedPaths& paths,
                                                      const BackupPath& mark, LsId ls) {
  std::pair<std::int64_t, std::int64_t> last{0, 0};
  for (const auto& [path, parsed] : paths) {
    if (parsed.kind == PathKind::kLsMetaInfo && parsed.set == mark.set && parsed.ls == ls) {
      last = std::max(last, std::pair(parsed.turn, parsed.retry));
    }
  }
  return last;
}

SetCheck CheckDestination(const Tree& tree, Scn round_start) {
  SetCheck result;
  CheckedPaths paths;
  for (const auto& [path, bytes] : tree) {
    const auto parsed = format::ParseBackupPath(path, format::DestKind::kData);
    if (parsed) {
      paths.emplace_back(path, *parsed);
    } else {
      result.findings.push_back("unknown name: " + parsed.error().ToString());
    }
  }
  Checker(tree, paths, round_start, result).Check();
  return result;
}

namespace {

TEST(SetChecker, EveryFlippedBitIsFound) {
  io::SimWorld world(1);
  BackedUpTenant source(world);
  ASSERT_TRUE(source.Create());
  const auto table = source.CreateTable("t", 2);
  ASSERT_NE(table, nullptr);
  ASSERT_TRUE(source.Put(*table, 0, 300, 1));
  ASSERT_TRUE(source.Full());
  const Scn round_start = source.archiver().DoingRound()->start_scn;
  Tree tree = TreeOf(world.disk().image(), kDataDir);
  ASSERT_EQ(CheckDestination(tree, round_start).Text(), "");
  io::Random random(1);
  std::vector<std::string> paths;
  for (const auto& [path, bytes] : tree) {
    if (!bytes.empty()) paths.push_back(path);
  }
  for (int i = 0; i < 60; ++i) {
    const std::string& path = paths[random.Below(paths.size())];
    Bytes& bytes = tree.at(path);
    const std::size_t at = random.Below(bytes.size());
    const auto bit = static_cast<std::byte>(1U << random.Below(8));
    bytes[at] ^= bit;
    EXPECT_NE(CheckDestination(tree, round_start).Text(), "") << path << " offset " << at;
    bytes[at] ^= bit;
  }
}

TEST(SetChecker, EveryMissingFileIsFound) {
  io::SimWorld world(2);
  BackedUpTenant source(world);
  ASSERT_TRUE(source.Create());
  const auto table = source.CreateTable("t", 2);
  ASSERT_NE(table, nullptr);
  ASSERT_TRUE(source.Put(*table, 0, 300, 1));
  ASSERT_TRUE(source.Full());
  const Scn round_start = source.archiver().DoingRound()->start_scn;
  const Tree tree = TreeOf(world.disk().image(), kDataDir);
  for (const auto& [path, bytes] : tree) {
    // Nobody who reads a set needs these; without its end mark it is not complete.
    if (path.starts_with("check_file/") || path.starts_with("backup_sets/")) continue;
    // Nor the indexes of log streams, where the tenant has its own.
    const auto parsed = format::ParseBackupPath(path);
    ASSERT_TRUE(parsed);
    if (parsed->kind == PathKind::kLsIndex && parsed->data_type != DataType::kSys) continue;
    const bool is_unread_index =
        parsed->index == IndexKind::kMacroRange && parsed->data_type != DataType::kMajor &&
        (parsed->kind == PathKind::kLsIndex || parsed->kind == PathKind::kTenantIndex);
    if (is_unread_index) continue;
    Tree without = tree;
    without.erase(path);
    EXPECT_NE(CheckDestination(without, round_start).Text(), "") << path;
  }
}

}  // namespace

}  // namespace obbak::backup
