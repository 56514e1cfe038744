#include "restore/validate_indexes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "restore/validate_tablets.h"

namespace obbak::restore {
namespace {

using format::BackupMacroRangeIndex;
using format::BackupMetaIndex;
using format::DataType;
using format::IndexKind;
using format::LsId;
using format::PathKind;

// start_key is what readers ignore and merges may spoil (backup-data-files.md §19).
auto Identity(const BackupMacroRangeIndex& entry) {
  return std::tuple(entry.end_key, entry.backup_set_id, entry.ls_id, entry.turn_id, entry.retry_id,
                    entry.file_id, entry.offset, entry.length);
}
using RangeIdentity = decltype(Identity(BackupMacroRangeIndex{}));
using Ranges = std::set<RangeIdentity>;
// The newest entry of each key.
using Metas = std::map<format::BackupMetaKey, BackupMetaIndex>;

bool IsSecMeta(const BackupMetaIndex& entry) {
  return entry.meta_key.meta_type == format::BackupMetaType::kMacroBlockIdMappingMeta;
}

class IndexRules {
 public:
  IndexRules(const SetView& view, Reporter found)
      : view_(view), data_(view), set_(view.facts()), found_(std::move(found)) {}

  void Check() {
    for (const auto& [data, facts] : set_.data) {
      CheckNumbers(data, facts);
      if (IsNewest(data)) CheckOfLogStream(data, facts);
    }
    CheckAttempts();
    for (const auto type : {DataType::kMinor, DataType::kMajor}) CheckOfTenant(type);
  }

 private:
  Reporter About(const DataAttempt& data) const { return found_.About(data.attempt.ls); }

  format::BackupPath PathOf(PathKind kind, const DataAttempt& data) const {
    format::BackupPath path = view_.Path(kind);
    path.data_type = data.type;
    path.ls = data.attempt.ls;
    path.turn = data.attempt.turn;
    path.retry = data.attempt.retry;
    return path;
  }

  std::string IndexName(const DataAttempt& data, IndexKind kind) const {
    format::BackupPath path = PathOf(PathKind::kLsIndex, data);
    path.index = kind;
    return format::Print(path);
  }

  // File numbers of an attempt are 0, 1, 2, ...
  void CheckNumbers(const DataAttempt& data, const DataAttemptFacts& facts) {
    std::int64_t next = 0;
    for (const auto& [number, file] : facts.files) {
      if (number != next) {
        format::BackupPath path = PathOf(PathKind::kMacroBlockData, data);
        path.file = next;
        About(data).Missing(31, format::Print(path), format::Facts(path.kind).meaning);
      }
      next = NextNumber(number);
    }
  }

  // The last attempt of its turn: the one that succeeded.
  bool IsNewest(const DataAttempt& data) const {
    const auto next = set_.data.upper_bound(data);
    return next == set_.data.end() || next->first.type != data.type ||
           next->first.attempt.ls != data.attempt.ls ||
           next->first.attempt.turn != data.attempt.turn;
  }

  bool HasRetries(DataType type) const {
    return std::ranges::any_of(set_.data, [&](const auto& attempt) {
      return attempt.first.type == type && attempt.first.attempt.retry > 0;
    });
  }

  // What the files of one log stream, or of all, up to an attempt or turn, put into indexes.
  struct Inputs {
    Ranges ranges;
    Metas metas;
    bool readable = true;
  };
  Inputs InputsOf(DataType type, auto is_input) const {
    Inputs inputs;
    // Attempts ascend, so that a later one takes the place of an earlier one.
    for (const auto& [data, facts] : set_.data) {
      if (data.type != type || !is_input(data)) continue;
      for (const auto& [number, file] : facts.files) {
        inputs.readable = inputs.readable && file.readable;
        for (const BackupMacroRangeIndex& range : file.ranges)
          inputs.ranges.insert(Identity(range));
        for (const MetaFacts& meta : file.metas) {
          BackupMetaIndex& newest = inputs.metas[meta.index.meta_key];
          if (std::tuple(newest.turn_id, newest.retry_id) <=
              std::tuple(meta.index.turn_id, meta.index.retry_id)) {
            newest = meta.index;
          }
        }
      }
    }
    return inputs;
  }

  void CheckOfLogStream(const DataAttempt& data, const DataAttemptFacts& facts) {
    for (const auto kind : {IndexKind::kMacroRange, IndexKind::kMeta, IndexKind::kSecMeta}) {
      const std::string name = IndexName(data, kind);
      if (!HasFile(*view_.dest().tree, name)) About(data).Missing(31, name, "index of the attempt");
    }
    const Inputs inputs = InputsOf(data.type, [&](const DataAttempt& other) {
      return other.attempt.ls == data.attempt.ls && other.attempt <= data.attempt;
    });
    const auto name_of = [&](IndexKind kind) { return IndexName(data, kind); };
    Compare(facts.indexes, inputs, data.type, name_of, About(data));
  }

  // Log streams that must have taken part in a phase.
  void CheckAttempts() {
    if (set_.ls_metas) {
      for (const format::LsMetaPackage& package : *set_.ls_metas) {
        const LsId ls = package.ls_meta.ls_id;
        RequireAttempt(DataType::kSys, ls, view_.FinalTurn(DataType::kSys, ls));
      }
    }
    for (const auto& [phase, map] : set_.tablet_maps) {
      for (const format::BackupDataTabletToLsInfo& list : map.tablet_to_ls) {
        if (!list.tablet_id_list.empty()) RequireAttempt(phase.first, list.ls_id, phase.second);
      }
    }
  }

  void RequireAttempt(DataType type, LsId ls, std::int64_t turn) {
    const auto at = set_.data.lower_bound({type, {ls, turn, 0}});
    if (at != set_.data.end() && at->first.type == type && at->first.attempt.ls == ls &&
        at->first.attempt.turn == turn) {
      return;
    }
    const DataAttempt missing{type, {ls, turn, 0}};
    About(missing).Missing(31, format::Print(PathOf(PathKind::kLsDataDir, missing)),
                           format::Facts(PathKind::kLsDataDir).meaning);
  }

  void CheckOfTenant(DataType type) {
    const IndexFacts* indexes = data_.Indexes(type, {});
    if (indexes == nullptr) return;
    Inputs inputs = InputsOf(type, [](const DataAttempt&) { return true; });
    const bool is_inc = set_.kind == format::BackupSetKind::kInc;
    if (is_inc && type == DataType::kMajor && !AddPredecessor(inputs)) return;
    const auto name_of = [&](IndexKind kind) { return data_.IndexName(type, {}, kind); };
    Compare(*indexes, inputs, type, name_of, found_);
  }

  // The range index of the set before goes into that of an incremental set. False when it is not
  // there, which rule 2 has reported.
  bool AddPredecessor(Inputs& inputs) const {
    const auto prev = view_.dest().sets.find(view_.desc().prev_inc_backup_set_id);
    if (prev == view_.dest().sets.end() || !prev->second.desc) return false;
    const SetView view(view_.dest(), prev->first, prev->second);
    const IndexFacts* indexes = SetData(view).Indexes(DataType::kMajor, {});
    if (indexes == nullptr || !indexes->macro_range || !indexes->macro_range->readable)
      return false;
    for (const BackupMacroRangeIndex& range : indexes->macro_range->entries)
      inputs.ranges.insert(Identity(range));
    return true;
  }

  void Compare(const IndexFacts& indexes, const Inputs& inputs, DataType type, auto name_of,
               const Reporter& found) {
    if (!inputs.readable) return;
    if (indexes.macro_range && indexes.macro_range->readable) {
      CompareRanges(indexes.macro_range->entries, inputs.ranges, type,
                    name_of(IndexKind::kMacroRange), found);
    }
    if (indexes.meta && indexes.meta->readable)
      CompareMetas(indexes.meta->entries, inputs.metas, false, type, name_of(IndexKind::kMeta),
                   found);
    if (indexes.sec_meta && indexes.sec_meta->readable)
      CompareMetas(indexes.sec_meta->entries, inputs.metas, true, type,
                   name_of(IndexKind::kSecMeta), found);
  }

  void CompareRanges(const std::vector<BackupMacroRangeIndex>& entries, const Ranges& expected,
                     DataType type, const std::string& name, const Reporter& found) {
    std::set<format::LogicMacroBlockId> keys;
    for (const BackupMacroRangeIndex& entry : entries) {
      keys.insert(entry.end_key);
      if (expected.contains(Identity(entry))) continue;
      found.Broken(31, name, "entries",
                   fmt::format("an entry names a list of blocks in set {}, log stream {}, turn {}, "
                               "retry {}, file {} at {} that is not there",
                               entry.backup_set_id.value, entry.ls_id.value, entry.turn_id,
                               entry.retry_id, entry.file_id, entry.offset));
    }
    // In sys and minor data, ties are merged into one entry; so the keys are compared.
    for (const RangeIdentity& range : expected) {
      if (!keys.contains(std::get<0>(range))) {
        Missing(type, name, found, "a list of macro blocks has no entry");
        break;
      }
    }
  }

  void CompareMetas(const std::vector<BackupMetaIndex>& entries, const Metas& expected, bool sec,
                    DataType type, const std::string& name, const Reporter& found) {
    std::set<format::BackupMetaKey> keys;
    for (const BackupMetaIndex& entry : entries) {
      keys.insert(entry.meta_key);
      const auto newest = expected.find(entry.meta_key);
      if (newest != expected.end() && newest->second == entry && IsSecMeta(entry) == sec) continue;
      found.Broken(31, name, "entries",
                   fmt::format("the entry of tablet {} is not that of the newest record",
                               entry.meta_key.tablet_id.value));
    }
    for (const auto& [key, newest] : expected) {
      if (IsSecMeta(newest) != sec || keys.contains(key)) continue;
      Missing(type, name, found,
              fmt::format("a record of tablet {} has no entry", key.tablet_id.value));
      break;
    }
  }

  // Files of an attempt that failed may have been left out.
  void Missing(DataType type, const std::string& name, const Reporter& found, std::string message) {
    if (HasRetries(type)) {
      found.Odd(31, name, "entries", std::move(message));
    } else {
      found.Broken(31, name, "entries", std::move(message));
    }
  }

  const SetView& view_;
  SetData data_;
  const SetFacts& set_;
  Reporter found_;
};

// What rule 32 compares with the set's statistics.
struct Counted {
  std::int64_t macro_blocks = 0;
  std::int64_t bytes = 0;
  std::int64_t tablets = 0;
  std::int64_t tablet_metas = 0;
  bool readable = true;
};

Counted Count(const SetView& view) {
  Counted counted;
  const SetFacts& set = view.facts();
  for (const auto& [data, facts] : set.data) {
    for (const auto& [number, file] : facts.files) {
      counted.readable = counted.readable && file.readable;
      counted.macro_blocks += static_cast<std::int64_t>(file.blocks.size());
      counted.bytes += static_cast<std::int64_t>(file.size);
      if (data.type == DataType::kMinor) continue;
      counted.tablet_metas += std::ranges::count_if(file.metas, [](const MetaFacts& meta) {
        return meta.index.meta_key.meta_type == format::BackupMetaType::kTabletMeta;
      });
    }
  }
  for (const auto& [attempt, meta] : set.metas) {
    for (const auto& [number, info] : meta.tablet_info) {
      counted.readable = counted.readable && info.readable;
      counted.tablets += static_cast<std::int64_t>(info.tablets.size());
    }
  }
  return counted;
}

}  // namespace

void CheckIndexes(const SetView& view, const Reporter& found) { IndexRules(view, found).Check(); }

void CheckStatistics(const SetView& view, const Reporter& found) {
  const Counted counted = Count(view);
  if (!counted.readable) return;
  const format::BackupStats& stats = view.desc().stats;
  const auto has_retry = [](const auto& attempt) { return attempt.first.attempt.retry > 0; };
  const auto has_meta_retry = [](const auto& attempt) { return attempt.first.retry > 0; };
  const format::BackupSetFileDesc& desc = view.desc();
  const bool undisturbed = !std::ranges::any_of(view.facts().data, has_retry) &&
                           !std::ranges::any_of(view.facts().metas, has_meta_retry) &&
                           desc.meta_turn_id <= 1 && desc.minor_turn_id <= 1 &&
                           desc.major_turn_id <= 1;
  const std::string name = view.Name(PathKind::kSingleBackupSetInfo);
  const auto equal = [&](std::string_view field, std::int64_t is, std::int64_t should) {
    if (is == should) return;
    std::string message = fmt::format("is {}, the files give {}", is, should);
    if (undisturbed) {
      found.Broken(32, name, field, std::move(message));
    } else {
      found.Odd(32, name, field, std::move(message));
    }
  };
  equal("stats.finish_macro_block_count", stats.finish_macro_block_count, counted.macro_blocks);
  equal("stats.output_bytes", stats.output_bytes, counted.bytes);
  equal("stats.tablet_count", stats.tablet_count, counted.tablets);
  equal("stats.finish_tablet_count", stats.finish_tablet_count, counted.tablet_metas);
  equal("stats.extra_bytes", stats.extra_bytes, 0);
  equal("stats.finish_file_count", stats.finish_file_count, 0);
}

}  // namespace obbak::restore
