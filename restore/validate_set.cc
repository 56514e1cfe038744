#include "restore/validate_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <string>

#include "restore/validate_ls_meta.h"

namespace obbak::restore {
namespace {

using format::PathKind;
using format::Scn;

std::string Text(Scn scn) { return fmt::format("{} ({})", scn.value, format::ToText(scn)); }

// The rules of one set whose end mark is there.
class SetRules {
 public:
  SetRules(const DestFacts& dest, format::BackupSetId id, const SetFacts& set, NameZone& zone,
           Reporter found)
      : view_(dest, id, set), set_(set), zone_(zone), found_(std::move(found)) {}

  void Check() {
    CheckFiles();
    if (!set_.desc) return;
    CheckIdentity();
    CheckChain();
    CheckScns();
    CheckNames();
    CheckCatalogue();
    CheckLocality();
    CheckVersions();
    CheckTurns();
    CheckLsMetas(view_, found_);
  }

 private:
  const format::BackupSetFileDesc& desc() const { return *set_.desc; }
  std::string InfoName() const { return view_.Name(PathKind::kSingleBackupSetInfo); }

  // A damaged file was reported already, so only one that is not there.
  void Require(int rule, const format::BackupPath& path) {
    if (view_.Has(path)) return;
    found_.Missing(rule, format::Print(path), format::Facts(path.kind).meaning);
  }

  // Rule 8, as far as it needs no turns.
  void CheckFiles() {
    for (const PathKind kind : {PathKind::kBackupSetStart, PathKind::kSingleBackupSetInfo,
                                PathKind::kTenantBackupSetInfos, PathKind::kLocalityInfo,
                                PathKind::kDiagnoseInfo, PathKind::kLsMetaInfos}) {
      Require(8, view_.Path(kind));
    }
    if (set_.inner_marks.empty()) {
      found_.Missing(8, view_.Name(PathKind::kBackupSetDir),
                     format::Facts(PathKind::kBackupSetInnerMark).meaning);
    }
    if (set_.success_marks.size() > 1 || !set_.failed_marks.empty())
      found_.Broken(8, "backup_sets", "", "the set has more than one end mark");
    if (set_.inner_marks.size() > 1) {
      found_.Broken(8, view_.Name(PathKind::kBackupSetDir), "",
                    "the set has more than one mark inside");
    }
  }

  // Rule 1.
  void CheckIdentity() {
    const std::string name = InfoName();
    if (desc().backup_set_id != view_.id()) {
      found_.Broken(1, name, "backup_set_id",
                    fmt::format("is {}, the directory is that of set {}",
                                desc().backup_set_id.value, view_.id().value));
    }
    const bool is_full = desc().backup_type.value == format::BackupType::kFull;
    if (is_full != (set_.kind == format::BackupSetKind::kFull))
      found_.Broken(1, name, "backup_type", "is not that of the directory's name");
    const auto& format = view_.dest().format;
    if (!format) return;
    if (desc().dest_id != format->dest_id || desc().tenant_id != format->tenant_id ||
        desc().incarnation != format->incarnation) {
      found_.Broken(1, name, "dest_id, tenant_id, incarnation", "are not those of format.obbak");
    }
    if (desc().backup_path != format->path)
      found_.Odd(1, name, "backup_path", "is not that of format.obbak: was the destination moved?");
  }

  // Rule 2.
  void CheckChain() {
    const std::string name = InfoName();
    const auto full = desc().prev_full_backup_set_id;
    const auto inc = desc().prev_inc_backup_set_id;
    if (set_.kind == format::BackupSetKind::kFull) {
      if (full.value != 0 || inc.value != 0) {
        found_.Broken(2, name, "prev_full_backup_set_id, prev_inc_backup_set_id",
                      "must be 0 in a full set");
      }
      return;
    }
    if (!(0 < full.value && full <= inc && inc < view_.id())) {
      found_.Broken(
          2, name, "prev_full_backup_set_id, prev_inc_backup_set_id",
          fmt::format("are {} and {} in set {}", full.value, inc.value, view_.id().value));
      return;
    }
    CheckPredecessor(name, "prev_full_backup_set_id", full);
    if (inc != full) CheckPredecessor(name, "prev_inc_backup_set_id", inc);
  }

  void CheckPredecessor(const std::string& name, std::string_view field, format::BackupSetId id) {
    const auto found = view_.dest().sets.find(id);
    if (found == view_.dest().sets.end() || !found->second.is_complete() || !found->second.desc) {
      found_.Broken(2, name, field,
                    fmt::format("set {}, whose macro blocks this set needs, is not there or not "
                                "complete",
                                id.value));
      return;
    }
    const format::BackupSetFileDesc& other = *found->second.desc;
    const bool is_usable = other.status == format::BackupSetStatus::kSuccess &&
                           other.file_status == format::BackupFileStatus::kAvailable;
    if (!is_usable) found_.Broken(2, name, field, fmt::format("set {} cannot be used", id.value));
    const bool is_full = other.backup_type.value == format::BackupType::kFull;
    if (field == "prev_full_backup_set_id"
            ? !is_full
            : other.prev_full_backup_set_id != desc().prev_full_backup_set_id) {
      found_.Broken(2, name, field, fmt::format("set {} is of another chain", id.value));
    }
    if (id == desc().prev_inc_backup_set_id &&
        other.tenant_compatible != desc().tenant_compatible) {
      found_.Broken(7, name, "tenant_compatible",
                    fmt::format("is not that of set {}, which this set builds upon", id.value));
    }
  }

  // Rule 3.
  void CheckScns() {
    const std::string name = InfoName();
    Order(3, name, "start_replay_scn", desc().start_replay_scn, "consistent_scn",
          desc().consistent_scn);
    Order(3, name, "consistent_scn", desc().consistent_scn, "min_restore_scn",
          desc().min_restore_scn);
    if (const auto* attrs = view_.ls_attrs()) {
      Order(3, name, "backup_scn of ls_attr_info", attrs->backup_scn, "consistent_scn",
            desc().consistent_scn);
    }
    if (desc().start_time > desc().end_time) found_.Odd(3, name, "start_time", "is after end_time");
    CheckDate(name);
  }

  void Order(int rule, const std::string& name, std::string_view lower_name, Scn lower,
             std::string_view upper_name, Scn upper) {
    if (lower <= upper) return;
    found_.Broken(rule, name, lower_name,
                  fmt::format("{} is above {} {}", Text(lower), upper_name, Text(upper)));
  }

  void CheckDate(const std::string& name) {
    using std::chrono::days;
    const std::int64_t date = desc().date;
    const std::chrono::year_month_day written(
        std::chrono::year(static_cast<int>(date / 10'000)),
        std::chrono::month(static_cast<unsigned>(date / 100 % 100)),
        std::chrono::day(static_cast<unsigned>(date % 100)));
    const std::chrono::sys_days start =
        std::chrono::floor<days>(std::chrono::sys_time<std::chrono::microseconds>(
            std::chrono::microseconds(desc().start_time.value)));
    if (written.ok() && start - days(1) <= std::chrono::sys_days(written) &&
        std::chrono::sys_days(written) <= start + days(1)) {
      return;
    }
    found_.Odd(3, name, "date", fmt::format("{} is not the day of start_time", date));
  }

  // Rule 4.
  void CheckNames() {
    for (const format::TimeTag tag : set_.success_marks) {
      format::BackupPath mark = view_.Path(PathKind::kBackupSetEndSuccess);
      mark.time = tag;
      zone_.Check(4, format::Print(mark), tag, desc().min_restore_scn, found_);
    }
    for (const auto& [start, end] : set_.inner_marks) {
      format::BackupPath mark = view_.Path(PathKind::kBackupSetInnerMark);
      mark.time = start;
      mark.end_time = end;
      zone_.Check(4, format::Print(mark), end, desc().min_restore_scn, found_);
      if (start > end)
        found_.Broken(4, format::Print(mark), "", "the first time of the name is after the second");
    }
  }

  // Rule 5.
  void CheckCatalogue() {
    if (!set_.all_sets) return;
    const std::string name = view_.Name(PathKind::kTenantBackupSetInfos);
    std::set<std::pair<format::DestId, format::BackupSetId>> ids;
    bool has_this = false;
    for (const format::BackupSetFileDesc& other : *set_.all_sets) {
      if (!ids.insert({other.dest_id, other.backup_set_id}).second) {
        found_.Broken(5, name, "backup_set_id",
                      fmt::format("set {} is described twice", other.backup_set_id.value));
      }
      if (other.backup_set_id > view_.id()) {
        found_.Broken(
            5, name, "backup_set_id",
            fmt::format("set {} is described, which is newer", other.backup_set_id.value));
      }
      if (other.dest_id != desc().dest_id || other.backup_set_id != view_.id()) continue;
      has_this = true;
      if (other != desc())
        found_.Broken(5, name, "", "describes this set otherwise than single_backup_set_info");
    }
    if (!has_this) found_.Broken(5, name, "", "does not describe this set");
  }

  // Rule 6.
  void CheckLocality() {
    if (set_.locality) {
      const std::string name = view_.Name(PathKind::kLocalityInfo);
      if (set_.locality->tenant_id != desc().tenant_id ||
          set_.locality->backup_set_id != desc().backup_set_id) {
        found_.Broken(6, name, "tenant_id, backup_set_id", "are not those of the set");
      }
      const auto& format = view_.dest().format;
      if (format && set_.locality->cluster_id != format->cluster_id)
        found_.Broken(6, name, "cluster_id", "is not that of format.obbak");
      if (format && (set_.locality->cluster_name != format->cluster_name ||
                     set_.locality->tenant_name != format->tenant_name)) {
        found_.Odd(6, name, "cluster_name, tenant_name", "are not those of format.obbak");
      }
    }
    if (!set_.diagnose) return;
    const std::string name = view_.Name(PathKind::kDiagnoseInfo);
    if (set_.diagnose->tenant_id != desc().tenant_id || set_.diagnose->backup_set_file != desc())
      found_.Broken(6, name, "backup_set_file", "is not what single_backup_set_info says");
    if (set_.locality && set_.diagnose->tenant_locality_info != *set_.locality)
      found_.Broken(6, name, "tenant_locality_info", "is not what locality_info says");
  }

  // Rule 7; the predecessor's version is checked with the chain.
  void CheckVersions() {
    constexpr format::DataVersion kOldest{0x0000000400010000};
    const std::string name = InfoName();
    if (desc().tenant_compatible < kOldest || desc().cluster_version < desc().tenant_compatible) {
      found_.Broken(7, name, "tenant_compatible, cluster_version",
                    fmt::format("are {} and {}", format::ToText(desc().tenant_compatible),
                                format::ToText(desc().cluster_version)));
    }
    if (desc().backup_compatible < format::BackupCompatible::kVersion40 ||
        desc().backup_compatible > format::BackupCompatible::kVersion42) {
      found_.Broken(7, name, "backup_compatible", "is of a release that obbak does not read");
    }
  }

  // Rule 8.
  void CheckTurns() {
    format::BackupPath attrs = view_.Path(PathKind::kLsAttrInfo);
    attrs.turn = desc().meta_turn_id;
    Require(8, attrs);
    for (const auto& [turn, record] : set_.ls_attrs)
      CheckTurn(turn, desc().meta_turn_id, PathKind::kLsAttrInfo);
    for (const auto& [attempt, facts] : set_.metas) {
      CheckTurn(attempt.turn, view_.FinalTurn(format::DataType::kSys, attempt.ls),
                PathKind::kLsMetaInfoDir);
    }
    for (const auto& [data, facts] : set_.data)
      CheckTurn(data.attempt.turn, view_.FinalTurn(data.type, data.attempt.ls),
                PathKind::kLsDataDir);
    for (const auto type : {format::DataType::kMinor, format::DataType::kMajor}) {
      const std::int64_t last = view_.FinalTurn(type, {});
      if (last < 1) {
        found_.Broken(8, InfoName(), "minor_turn_id, major_turn_id", "must be at least 1");
        continue;
      }
      for (std::int64_t turn = 1; turn <= std::min(last, format::kMaxBackupTurnId); ++turn) {
        format::BackupPath map = view_.Path(PathKind::kTabletLsInfo);
        map.data_type = type;
        map.turn = turn;
        Require(8, map);
      }
      for (const auto& [phase, map] : set_.tablet_maps) {
        if (phase.first == type) CheckTurn(phase.second, last, PathKind::kTabletLsInfo);
      }
      for (const auto& [phase, indexes] : set_.tenant_indexes) {
        if (phase.first == type) CheckTurn(phase.second, last, PathKind::kTenantIndex);
      }
      CheckTenantIndexes(type, last);
    }
  }

  void CheckTurn(std::int64_t turn, std::int64_t last, PathKind kind) {
    if (turn <= last) return;
    found_.Broken(8, view_.Name(PathKind::kBackupSetDir), format::Facts(kind).name,
                  fmt::format("there is one of turn {}, the set's last turn was {}", turn, last));
  }

  // All three of the newest retry.
  void CheckTenantIndexes(format::DataType type, std::int64_t turn) {
    std::int64_t retry = 0;
    const auto indexes = set_.tenant_indexes.find({type, turn});
    if (indexes != set_.tenant_indexes.end()) retry = indexes->second.rbegin()->first;
    for (const auto kind :
         {format::IndexKind::kMacroRange, format::IndexKind::kMeta, format::IndexKind::kSecMeta}) {
      format::BackupPath path = view_.Path(PathKind::kTenantIndex);
      path.data_type = type;
      path.turn = turn;
      path.retry = retry;
      path.index = kind;
      Require(8, path);
    }
  }

  SetView view_;
  const SetFacts& set_;
  NameZone& zone_;
  Reporter found_;
};

// A set that runs, failed or is being deleted: of its files nothing is promised.
void CheckUnfinished(const SetView& view, const Reporter& found) {
  const SetFacts& set = view.facts();
  if (!set.has_start_mark) {
    found.Missing(8, view.Name(PathKind::kBackupSetStart),
                  format::Facts(PathKind::kBackupSetStart).meaning);
  }
  if (set.desc && set.failed_marks.empty()) {
    found.Odd(
        8, "backup_sets", "",
        "the set was finished, but its end mark is not there: it is being written or deleted, "
        "or the mark was lost");
  }
}

// Rule 5, the second half: the newest set knows all others.
void CheckNewest(const DestFacts& dest, const Reporter& found) {
  const auto is_complete = [](const auto& set) {
    return set.second.is_complete() && set.second.all_sets;
  };
  const auto newest = std::find_if(dest.sets.rbegin(), dest.sets.rend(), is_complete);
  if (newest == dest.sets.rend()) return;
  for (const auto& [id, set] : dest.sets) {
    if (!set.is_complete() || id > newest->first) continue;
    const bool is_known = std::ranges::any_of(
        *newest->second.all_sets,
        [&](const format::BackupSetFileDesc& desc) { return desc.backup_set_id == id; });
    if (is_known) continue;
    const SetView view(dest, newest->first, newest->second);
    found.About(newest->first)
        .Odd(5, view.Name(PathKind::kTenantBackupSetInfos), "",
             fmt::format("does not describe set {}, which is there", id.value));
  }
}

}  // namespace

void NameZone::Check(int rule, std::string_view path, format::TimeTag tag, format::Scn scn,
                     const Reporter& found) {
  const std::chrono::seconds offset =
      tag.value - format::TimeTag::FromScn(scn, std::chrono::seconds(0)).value;
  // The zones of the earth, in quarters of an hour.
  const bool is_zone = offset >= std::chrono::hours(-12) && offset <= std::chrono::hours(14) &&
                       offset % std::chrono::minutes(15) == std::chrono::seconds(0);
  if (!is_zone) {
    found.Broken(
        rule, path, "",
        fmt::format("the time of the name is not that of SCN {} in any time zone", Text(scn)));
    return;
  }
  if (!offset_) offset_ = offset;
  if (*offset_ == offset) return;
  found.Broken(rule, path, "",
               fmt::format("the time of the name is that of SCN {} at UTC offset {} s, other names "
                           "of the destination are at {} s",
                           Text(scn), offset.count(), offset_->count()));
}

std::int64_t SetView::FinalTurn(format::DataType type, format::LsId ls) const {
  switch (type) {
    case format::DataType::kSys:
      return ls == format::kSysLsId ? 1 : desc().meta_turn_id;
    case format::DataType::kMinor:
      return desc().minor_turn_id;
    case format::DataType::kMajor:
      return desc().major_turn_id;
  }
  return 0;
}

const std::pair<const Attempt, MetaAttemptFacts>* SetView::NewestMeta(format::LsId ls) const {
  constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
  const auto behind = facts_->metas.upper_bound(Attempt{ls, kLast, kLast});
  if (behind == facts_->metas.begin()) return nullptr;
  const auto newest = std::prev(behind);
  return newest->first.ls == ls ? &*newest : nullptr;
}

const format::BackupDataLsAttrDesc* SetView::ls_attrs() const {
  if (!facts_->desc) return nullptr;
  const auto found = facts_->ls_attrs.find(desc().meta_turn_id);
  return found == facts_->ls_attrs.end() ? nullptr : &found->second;
}

const format::LsAttr* SetView::AttrOf(format::LsId ls) const {
  const format::BackupDataLsAttrDesc* attrs = ls_attrs();
  if (attrs == nullptr) return nullptr;
  const auto found = std::ranges::find(attrs->ls_attr_array, ls, &format::LsAttr::id);
  return found == attrs->ls_attr_array.end() ? nullptr : &*found;
}

void CheckSets(const DestFacts& dest, NameZone& zone, const Reporter& found) {
  for (const auto& [id, set] : dest.sets) {
    const Reporter about = found.About(id);
    if (set.is_complete()) {
      SetRules(dest, id, set, zone, about).Check();
    } else {
      CheckUnfinished(SetView(dest, id, set), about);
    }
  }
  CheckNewest(dest, found);
}

}  // namespace obbak::restore
