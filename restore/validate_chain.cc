#include "restore/validate_chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "restore/validate_tablets.h"

namespace obbak::restore {
namespace {

using format::LsId;
using format::PathKind;
using format::Scn;
using format::TenantArchivePieceAttr;

// How far a restore gets that must replay from `start` on; none when it cannot begin
// (procedures.md §4.4).
struct Coverage {
  Scn end;
  bool is_active = false;  // the archive goes on
};
std::optional<Coverage> CoverageFrom(std::span<const TenantArchivePieceAttr> pieces, Scn start) {
  std::optional<Coverage> run;
  Scn run_end;
  for (const TenantArchivePieceAttr& piece : pieces) {
    if (piece.file_status != format::BackupFileStatus::kAvailable || piece.end_scn <= start)
      continue;
    if (run && run_end != piece.start_scn) run.reset();
    if (!run && piece.start_scn > start) return std::nullopt;
    run = Coverage{piece.checkpoint_scn, piece.status.value == format::ArchivePieceStatus::kActive};
    run_end = piece.end_scn;
  }
  return run;
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
      if (!IsReadable(ls) || !IsReadable(format::kSysLsId)) continue;
      if (HasEvent(tablet, ls) || HasEvent(tablet, format::kSysLsId)) continue;
      found_.About(ls).Broken(49, set_.Name(PathKind::kLsMetaInfos), "tablet_id",
                              fmt::format("tablet {} is in a map, but neither in tablet_info nor "
                                          "created or moved by the log before consistent_scn",
                                          tablet.value));
    }
  }

  bool HasEvent(format::TabletId tablet, LsId ls) const {
    Scn checkpoint = format::kMinScn;
    for (const format::LsMetaPackage& package : *set_.facts().ls_metas) {
      if (package.ls_meta.ls_id == ls) checkpoint = package.ls_meta.clog_checkpoint_scn;
    }
    for (const LogFacts* log : LogsOf(ls)) {
      for (const TabletEvent& event : log->tablet_events) {
        if (event.tablet == tablet && event.scn >= checkpoint &&
            event.scn <= set_.desc().consistent_scn) {
          return true;
        }
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
  std::optional<Coverage> best;
  for (const ReadArchive& archive : archives) {
    const std::optional<Coverage> coverage = CoverageFrom(archive.Pieces(), start);
    if (!coverage) continue;
    if (coverage->end >= end) {
      SetAgainstLogs(set, archive, found).Check();
      return;
    }
    if (!best || best->end < coverage->end) best = coverage;
  }
  // Its own log does.
  if (set.facts().complement) return;
  if (archives.empty()) {
    found.Odd(44, name, "start_replay_scn",
              "no archive was given, and the set has no log of its own");
  } else if (best && best->is_active) {
    found.Odd(44, name, "min_restore_scn",
              fmt::format("the archive has come to {} only, the set needs it up to {}",
                          best->end.value, end.value));
  } else {
    found.Broken(44, name, "start_replay_scn",
                 fmt::format("no archive has all log from {} to {}", start.value, end.value));
  }
}

}  // namespace

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
