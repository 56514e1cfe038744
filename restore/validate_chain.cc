#include "restore/validate_chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "restore/restore_choice.h"
#include "restore/validate_tablets.h"

namespace obbak::restore {
namespace {

using format::LsId;
using format::PathKind;
using format::Scn;
using format::TenantArchivePieceAttr;

// Whether the pieces of an archive have all log from one SCN to another.
bool Covers(std::span<const TenantArchivePieceAttr> pieces, Scn start, Scn end) {
  return !pieces.empty() && start < end &&
         ChoosePieceIndexes(pieces, pieces.back().key.dest_id, start, end).has_value();
}

// A tablet that a map lists, and no tablet_info.
std::map<format::TabletId, LsId> LateTablets(const SetView& set) {
  std::map<format::TabletId, LsId> late = PlacesOf(set.facts(), format::DataType::kMinor);
  if (!set.facts().ls_metas) return {};
  for (const format::LsMetaPackage& package : *set.facts().ls_metas) {
    const auto* newest = set.NewestMeta(package.ls_meta.ls_id);
    // What is missing was reported.
    if (newest == nullptr || newest->second.tablet_info.empty()) return {};
    for (const auto& [number, info] : newest->second.tablet_info) {
      if (!info.readable) return {};
      for (const TabletFacts& tablet : info.tablets) late.erase(tablet.tablet_id);
    }
  }
  std::erase_if(late, [](const auto& tablet) { return IsInner(tablet.first); });
  return late;
}

// One set and one archive that covers it.
class SetAgainstLogs {
 public:
  SetAgainstLogs(const SetView& set, const ReadArchive& archive, Reporter found)
      : set_(set), archive_(archive), found_(std::move(found)) {}

  void Check() {
    CheckReplayStart();
    if (!set_.facts().ls_metas) return;
    for (const format::LsMetaPackage& package : *set_.facts().ls_metas) CheckPosition(package);
    CheckOtherLogStreams();
    CheckLateTablets();
    for (const auto type : {format::DataType::kMinor, format::DataType::kMajor})
      CheckNotBackedUp(type);
  }

 private:
  // Every round's log of a log stream.
  std::vector<const LogFacts*> LogsOf(LsId ls) const {
    std::vector<const LogFacts*> logs;
    for (const auto& [dest, rounds] : *archive_.logs) {
      for (const auto& [round, log_streams] : rounds) {
        const auto log = log_streams.find(ls);
        if (log != log_streams.end()) logs.push_back(&log->second);
      }
    }
    return logs;
  }
  bool IsReadable(LsId ls) const {
    return std::ranges::all_of(LogsOf(ls), [](const LogFacts* log) { return log->readable; });
  }

  // Rule 15. Without the set's start_scn, which is stored nowhere.
  void CheckReplayStart() {
    if (!set_.facts().ls_metas) return;
    Scn first_log = format::kMaxScn;
    for (const format::LsMetaPackage& package : *set_.facts().ls_metas)
      first_log = std::min(first_log, package.palf_meta.prev_log_info.scn);
    const Scn replay = set_.desc().start_replay_scn;
    for (const auto& [dest, rounds] : archive_.view.facts->rounds) {
      for (const auto& [id, round] : rounds) {
        if (round.start && round.start->start_scn <= replay &&
            (round.start->start_scn == replay || replay <= first_log)) {
          return;
        }
      }
    }
    found_.Broken(15, set_.Name(PathKind::kSingleBackupSetInfo), "start_replay_scn",
                  fmt::format("{} is neither the start of an archive round nor at or below all "
                              "logs before the set's, {}",
                              replay.value, first_log.value));
  }

  // Rule 45.
  void CheckPosition(const format::LsMetaPackage& package) {
    const LsId ls = package.ls_meta.ls_id;
    const format::Lsn lsn = package.palf_meta.curr_lsn;
    for (const LogFacts* log : LogsOf(ls)) {
      if (!log->readable || log->positions.contains(lsn)) return;
      const bool ends_here =
          log->has_ended && std::ranges::any_of(log->pieces, [&](const auto& piece) {
            return piece.second.max_lsn == lsn;
          });
      if (ends_here) return;
    }
    found_.About(ls).Broken(45, set_.Name(PathKind::kLsMetaInfos), "palf_meta.curr_lsn",
                            fmt::format("the archive has no group at LSN {}", lsn.value));
  }

  // Rule 48.
  void CheckOtherLogStreams() {
    const format::BackupDataLsAttrDesc* attrs = set_.ls_attrs();
    if (attrs == nullptr || !IsReadable(format::kSysLsId)) return;
    std::map<LsId, Scn> created;
    for (const LogFacts* log : LogsOf(format::kSysLsId)) {
      for (const auto& [ls, scn] : log->created_log_streams) created.try_emplace(ls, scn);
    }
    for (const auto& [dest, rounds] : *archive_.logs) {
      for (const auto& [round, log_streams] : rounds) {
        for (const auto& [ls, log] : log_streams) {
          // One that was dropped before the set was taken is none of its business.
          if (set_.AttrOf(ls) != nullptr || log.has_ended) continue;
          const auto at = created.find(ls);
          if (at != created.end() && at->second > attrs->backup_scn) continue;
          found_.About(ls).Broken(48, set_.Name(PathKind::kLsMetaInfos), "ls_id",
                                  "the archive has the log stream, the set does not, and log "
                                  "stream 1 does not say that it was created later");
        }
      }
    }
  }

  // Rule 49.
  void CheckLateTablets() {
    for (const auto& [tablet, ls] : LateTablets(set_)) {
      if (HasArrived(tablet)) continue;
      found_.About(ls).Broken(49, set_.Name(PathKind::kLsMetaInfos), "tablet_id",
                              fmt::format("tablet {} is in a map, but neither in tablet_info nor "
                                          "created or moved by the log before consistent_scn",
                                          tablet.value));
    }
  }

  // Rule 21, as far as only the log knows.
  void CheckNotBackedUp(format::DataType type) {
    for (const auto& [tablet, ls] : NotBackedUp(set_, type)) {
      if (IsRemoved(tablet)) continue;
      found_.About(ls).Broken(21, SetData(set_).IndexName(type, {}, format::IndexKind::kMeta),
                              "meta_key",
                              fmt::format("tablet {} is in a map, but was not backed up, and the "
                                          "log does not say that it was dropped",
                                          tablet.value));
    }
  }

  // Before the set's end: its data was copied until then.
  bool IsRemoved(format::TabletId tablet) const {
    for (const auto& [dest, rounds] : *archive_.logs) {
      for (const auto& [round, log_streams] : rounds) {
        for (const auto& [ls, log] : log_streams) {
          if (!log.readable) return true;
          const auto is_it = [&](const TabletEvent& event) {
            return event.kind == TabletEvent::Kind::kRemoved && event.tablet == tablet &&
                   event.scn <= set_.desc().min_restore_scn;
          };
          if (std::ranges::any_of(log.tablet_events, is_it)) return true;
        }
      }
    }
    return false;
  }

  // On whatever log stream it was then.
  bool HasArrived(format::TabletId tablet) const {
    for (const format::LsMetaPackage& package : *set_.facts().ls_metas) {
      const Scn checkpoint = package.ls_meta.clog_checkpoint_scn;
      const auto is_it = [&](const TabletEvent& event) {
        return event.kind == TabletEvent::Kind::kArrived && event.tablet == tablet &&
               event.scn >= checkpoint && event.scn <= set_.desc().consistent_scn;
      };
      for (const LogFacts* log : LogsOf(package.ls_meta.ls_id)) {
        if (!log->readable || std::ranges::any_of(log->tablet_events, is_it)) return true;
      }
    }
    return false;
  }

  const SetView& set_;
  const ReadArchive& archive_;
  Reporter found_;
};

bool IsUsable(const SetFacts& set) {
  return set.is_complete() && set.desc && set.desc->status == format::BackupSetStatus::kSuccess &&
         set.desc->file_status == format::BackupFileStatus::kAvailable;
}

// Rule 44: whose destinations they are.
void CheckTenant(const DestFacts& data, const ReadArchive& archive, const Reporter& found) {
  const auto& theirs = archive.view.facts->format;
  if (!data.format || !theirs) return;
  if (data.format->cluster_id == theirs->cluster_id &&
      data.format->tenant_id == theirs->tenant_id) {
    return;
  }
  found.Broken(44, "format.obbak", "cluster_id, tenant_id",
               fmt::format("are not those of the archive {}", theirs->path.value));
}

// Rule 44: whether the log from where the set's replay begins is there.
void CheckCoverage(const SetView& set, std::span<const ReadArchive> archives,
                   const Reporter& found) {
  const std::string name = set.Name(PathKind::kSingleBackupSetInfo);
  const Scn start = set.desc().start_replay_scn;
  const Scn end = set.desc().min_restore_scn;
  // Rule 3 has something to say of it.
  if (start >= end) return;
  std::optional<Scn> reached;
  for (const ReadArchive& archive : archives) {
    const std::vector<TenantArchivePieceAttr> pieces = archive.Pieces();
    if (Covers(pieces, start, end)) {
      SetAgainstLogs(set, archive, found).Check();
      return;
    }
    if (pieces.empty()) continue;
    const TenantArchivePieceAttr& last = pieces.back();
    if (archive.GoesOn(last.key) && last.checkpoint_scn < end &&
        (last.checkpoint_scn <= start || Covers(pieces, start, last.checkpoint_scn))) {
      reached = last.checkpoint_scn;
    }
  }
  // Its own log does.
  if (set.facts().complement) return;
  if (archives.empty()) {
    found.Odd(44, name, "start_replay_scn",
              "no archive was given, and the set has no log of its own");
  } else if (reached) {
    found.Odd(44, name, "min_restore_scn",
              fmt::format("the archive has come to {} only, the set needs it up to {}",
                          reached->value, end.value));
  } else {
    found.Broken(44, name, "start_replay_scn",
                 fmt::format("no archive has all log from {} to {}", start.value, end.value));
  }
}

}  // namespace

bool ReadArchive::GoesOn(const format::ArchivePieceKey& key) const {
  return !view.facts->rounds.at(key.dest_id).at(key.round_id).has_end;
}

std::vector<TenantArchivePieceAttr> ReadArchive::Pieces() const {
  std::vector<TenantArchivePieceAttr> pieces;
  for (const auto& [dest, rounds] : view.facts->rounds) {
    for (const auto& [round, facts] : rounds) {
      for (const auto& [id, piece] : facts.pieces) {
        if (auto attr = AttrOf(piece)) pieces.push_back(*std::move(attr));
      }
    }
  }
  return pieces;
}

void AskFor(const SetView& set, LogQuestions& questions) {
  if (!IsUsable(set.facts()) || !set.facts().ls_metas) return;
  for (const format::LsMetaPackage& package : *set.facts().ls_metas)
    questions.positions[package.ls_meta.ls_id].push_back(package.palf_meta);
  for (const auto& [tablet, ls] : LateTablets(set)) questions.tablets.insert(tablet);
  for (const auto type : {format::DataType::kMinor, format::DataType::kMajor}) {
    for (const auto& [tablet, ls] : NotBackedUp(set, type)) questions.tablets.insert(tablet);
  }
}

void AskFor(const DestFacts& data, LogQuestions& questions) {
  for (const auto& [id, set] : data.sets) AskFor(SetView(data, id, set), questions);
}

void CheckSetsAgainstArchives(const DestFacts& data, std::span<const ReadArchive> archives,
                              const Reporter& found) {
  for (const ReadArchive& archive : archives) CheckTenant(data, archive, found);
  for (const auto& [id, set] : data.sets) {
    if (IsUsable(set)) CheckCoverage(SetView(data, id, set), archives, found.About(id));
  }
}

void CheckSetAgainstComplement(const SetView& set, const ReadArchive& complement,
                               const Reporter& found) {
  if (!IsUsable(set.facts()) || !set.facts().ls_metas) return;
  SetAgainstLogs(set, complement, found).Check();
  // Rule 47: it restores to min_restore_scn.
  for (const format::LsMetaPackage& package : *set.facts().ls_metas) {
    const LsId ls = package.ls_meta.ls_id;
    bool reaches = false;
    for (const auto& [dest, rounds] : *complement.logs) {
      for (const auto& [round, log_streams] : rounds) {
        const auto log = log_streams.find(ls);
        if (log == log_streams.end()) continue;
        reaches =
            reaches || !log->second.readable || log->second.has_ended ||
            (log->second.last_scn.IsValid() && log->second.last_scn >= set.desc().min_restore_scn);
      }
    }
    if (!reaches) {
      found.About(ls).Broken(47, set.Name(PathKind::kComplementLogDir), "",
                             "the log does not reach min_restore_scn");
    }
  }
}

}  // namespace obbak::restore
