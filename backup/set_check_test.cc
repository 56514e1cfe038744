#include "backup/set_check_test_support.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "engine/ddl_payloads.h"
#include "engine/tablet.h"
#include "format/backup_data_file.h"
#include "format/backup_index_file.h"
#include "format/backup_inspect.h"
#include "format/backup_path.h"
#include "format/destination_records.h"
#include "format/inspect_file.h"
#include "format/ls_meta_records.h"
#include "format/macro_block_header.h"
#include "format/metadata_file.h"
#include "format/record.h"
#include "format/sstable_meta.h"
#include "format/tablet_info_file.h"
#include "format/tablet_mds_records.h"
#include "format/time_tag.h"

namespace obbak::backup {
namespace {

using format::BackupMetaType;
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

// Everything of one destination.
class Checker {
 public:
  Checker(const Tree& tree, Scn round_start) : tree_(tree), round_start_(round_start) {}

  SetCheck Check() {
    CheckFiles();
    for (const auto& [path, parsed] : paths_) {
      if (parsed.kind == PathKind::kBackupSetStart) result_.incomplete.insert(parsed.set.value);
    }
    for (const auto& [path, parsed] : paths_) {
      if (parsed.kind != PathKind::kBackupSetEndSuccess) continue;
      result_.incomplete.erase(parsed.set.value);
      CheckSet(parsed);
    }
    return std::move(result_);
  }

 private:
  // What the rules need of one set.
  struct Set {
    BackupSetFileDesc desc;
    format::BackupDataLsAttrDesc attrs;
    std::map<LsId, format::LsMetaPackage> metas;
    // tablet_info of the last attempt.
    std::map<LsId, std::map<TabletId, MigrationTabletParam>> tablets;
    std::map<DataType, std::vector<format::BackupDataTabletToLsDesc>> maps;  // by turn
  };

  template <class... Args>
  void Expect(bool holds, int rule, fmt::format_string<Args...> text, Args&&... args) {
    if (holds) return;
    result_.findings.push_back(
        fmt::format("rule {}: {}", rule, fmt::format(text, std::forward<Args>(args)...)));
  }

  // ---- Single files

  void CheckFiles() {
    for (const auto& [path, bytes] : tree_) {
      const auto parsed = format::ParseBackupPath(path, format::DestKind::kData);
      if (!parsed) {
        result_.findings.push_back("unknown name: " + parsed.error().ToString());
        continue;
      }
      paths_.emplace_back(path, *parsed);
      if (parsed->in_complement_log) continue;
      CheckFile(path, *parsed, bytes);
    }
  }
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

  const Bytes* Find(const BackupPath& path) {
    const auto found = tree_.find(format::Print(path));
    return found == tree_.end() ? nullptr : &found->second;
  }
  template <class R>
  std::optional<R> Read(const BackupPath& path, int rule) {
    const Bytes* bytes = Find(path);
    Expect(bytes != nullptr, rule, "{} is missing", format::Print(path));
    if (bytes == nullptr) return {};
    const Result<R> record = format::MetadataFile<R>::Read(*bytes);
    if (!record) return {};  // CheckFile has said so
    return *record;
  }
  static BackupPath In(const BackupPath& set, PathKind kind) {
    BackupPath path{.kind = kind};
    path.set = set.set;
    path.set_kind = set.set_kind;
    return path;
  }

  // ---- A set

  void CheckSet(const BackupPath& mark) {
    const auto info =
        Read<format::ExternBackupSetInfoDesc>(In(mark, PathKind::kSingleBackupSetInfo), 8);
    if (!info) return;
    Set set{.desc = info->backup_set_file, .attrs = {}, .metas = {}, .tablets = {}, .maps = {}};
    CheckDesc(mark, set.desc);
    CheckPredecessors(set.desc);
    CheckMarks(mark, set.desc);
    CheckInfos(mark, set.desc);
    if (!LoadLists(mark, set)) return;
    CheckLogStreams(mark, set);
    CheckTablets(set);
    CheckMaps(set);
    CheckData(mark, set);
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

  bool LoadLists(const BackupPath& mark, Set& set) {
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

  void CheckLogStreams(const BackupPath& mark, Set& set) {
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

  std::pair<std::int64_t, std::int64_t> LastMetaAttempt(const BackupPath& mark, LsId ls) {
    std::pair<std::int64_t, std::int64_t> last{0, 0};
    for (const auto& [path, parsed] : paths_) {
      if (parsed.kind == PathKind::kLsMetaInfo && parsed.set == mark.set && parsed.ls == ls) {
        last = std::max(last, std::pair(parsed.turn, parsed.retry));
      }
    }
    return last;
  }

  void CheckLsMeta(const BackupPath& mark, Set& set, const format::LsAttr& attr,
                   const format::LsMetaPackage& package) {
    const std::int64_t ls = attr.id.value;
    const auto [turn, retry] = LastMetaAttempt(mark, attr.id);
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
                   Set& set) {
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

  void CheckTablets(const Set& set) {
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

  void CheckMaps(Set& set) {
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

  void CheckFirstList(Set& set, const format::BackupDataTabletToLsInfo& list) {
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

  // ---- Data

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

  void CheckData(const BackupPath& mark, const Set& set) {
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
      std::tie(path.turn, path.retry) = LastMetaAttempt(mark, ls);
      const Data sys = LoadData(path, DataType::kSys);
      Expect(sys.size() == 3, 21, "sys data of {} has {} tablets", ls.value, sys.size());
      for (const auto& [id, tablet] : sys) CheckTabletData(set, DataType::kSys, id, tablet);
    }
    CheckMajorRanges(mark, set, major);
    CheckStatistics(mark, set, major);
  }

  void CheckCoverage(const Set& set, DataType type, const Data& data) {
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

  void CheckTabletData(const Set& set, DataType type, TabletId id, const TabletData& tablet) {
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

  void CheckPlace(const Set& set, DataType type, const MigrationTabletParam& meta) {
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

  void CheckMappings(const Set& set, DataType type, TabletId id, const TabletData& tablet) {
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

  std::optional<format::MacroBlockHeaders> CheckBlock(const Set& set, DataType type,
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
  void CheckMajorRanges(const BackupPath& mark, const Set& set, const Data& major) {
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

  void CheckStatistics(const BackupPath& mark, const Set& set, const Data& major) {
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

  const Tree& tree_;
  Scn round_start_;
  std::vector<std::pair<std::string, BackupPath>> paths_;
  SetCheck result_;
};

}  // namespace

std::string SetCheck::Text() const {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(findings.size(), 10); ++i) {
    text += findings[i] + "\n";
  }
  return text;
}

SetCheck CheckDestination(const Tree& tree, Scn round_start) {
  return Checker(tree, round_start).Check();
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
