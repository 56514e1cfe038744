#include "restore/validate_archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "dest/archive_reader.h"
#include "format/lsn.h"
#include "restore/validate_piece.h"

namespace obbak::restore {
namespace {

using format::LsId;
using format::Lsn;
using format::PathKind;
using format::PieceId;
using format::RoundId;
using format::Scn;

constexpr std::int64_t kDayInMicroseconds = 86'400'000'000;

// The rules of one round.
class RoundRules {
 public:
  RoundRules(const ArchiveView& archive, format::DestId dest, RoundId id, const RoundFacts& round,
             const RoundLogs& logs, Reporter found)
      : archive_(archive),
        dest_(dest),
        id_(id),
        round_(round),
        logs_(logs),
        found_(std::move(found)) {}

  void Check() {
    const format::BackupPath start = archive_.Path(PathKind::kRoundStart, dest_, id_);
    if (!archive_.Has(start)) {
      found_.Missing(34, format::Print(start), format::Facts(PathKind::kRoundStart).meaning);
    }
    if (round_.start) CheckStart(format::Print(start));
    if (round_.end) CheckEnd();
    CheckPieces();
    for (const auto& [ls, log] : logs_) CheckChain(ls, log);
    CheckIdServices();
  }

 private:
  void CheckStart(const std::string& name) {
    const format::RoundStartDesc& start = *round_.start;
    const bool dest_differs = !archive_.complement_of && start.dest_id != dest_;
    if (dest_differs || start.round_id != id_)
      found_.Broken(33, name, "dest_id, round_id", "are not those of the name");
    // A shorter interval is a choice for tests and demos; OceanBase would not take it.
    if (start.piece_switch_interval > 7 * kDayInMicroseconds)
      found_.Broken(34, name, "piece_switch_interval", "is more than 7 days");
  }

  void CheckEnd() {
    const std::string name = format::Print(archive_.Path(PathKind::kRoundEnd, dest_, id_));
    const format::RoundEndDesc& end = *round_.end;
    if (end.dest_id != dest_ || end.round_id != id_)
      found_.Broken(33, name, "dest_id, round_id", "are not those of the name");
    if (!round_.start) return;
    const format::RoundStartDesc& start = *round_.start;
    if (end.dest_id != start.dest_id || end.round_id != start.round_id ||
        end.start_scn != start.start_scn || end.base_piece_id != start.base_piece_id ||
        end.piece_switch_interval != start.piece_switch_interval) {
      found_.Broken(34, name, "", "is not what the round's start file says");
    }
    if (end.checkpoint_scn < start.start_scn)
      found_.Broken(34, name, "checkpoint_scn", "is below start_scn");
    // Rule 47 at the round's last point.
    for (const auto& [ls, log] : logs_) {
      if (!log.readable || log.has_ended || !log.last_scn.IsValid() ||
          log.last_scn >= end.checkpoint_scn) {
        continue;
      }
      found_.About(ls).Broken(47, name, "checkpoint_scn",
                              fmt::format("is {}, but the log ends with {}",
                                          end.checkpoint_scn.value, log.last_scn.value));
    }
  }

  // Rule 35: no piece is missing in between, and the last one is still written unless the round has
  // ended.
  void CheckPieces() {
    if (archive_.complement_of || round_.pieces.empty()) return;
    PieceId next = round_.pieces.begin()->first;
    for (const auto& [id, piece] : round_.pieces) {
      if (id != next) {
        found_.Broken(35, format::Print(archive_.Path(PathKind::kPiecesDir, dest_, id_)),
                      "piece_id", fmt::format("piece {} is missing", next.value));
      }
      next = {NextNumber(id.value)};
      const bool is_last = id == round_.pieces.rbegin()->first;
      if (!is_last && !piece.has_single_info && HasLog(piece) && !is_near_end(id)) {
        found_.About(id_, id).Odd(37, format::Print(PieceDir(id)), "",
                                  "the piece is not frozen, although later ones exist");
      }
    }
    const bool all_frozen = std::ranges::all_of(
        round_.pieces, [](const auto& piece) { return piece.second.has_single_info; });
    if (all_frozen && !round_.has_end) {
      found_.Odd(34, format::Print(archive_.Path(PathKind::kRoundsDir, dest_, id_)), "",
                 "all pieces of the round are frozen, but it has no end file");
    }
  }

  // The checkpoint may still be in a piece when a busy log stream writes the next one already.
  bool is_near_end(PieceId id) const {
    return NextNumber(id.value) >= round_.pieces.rbegin()->first.value;
  }

  format::BackupPath PieceDir(PieceId id) const {
    format::BackupPath path = archive_.Path(PathKind::kPieceDir, dest_, id_);
    path.piece = id;
    return path;
  }

  // Rule 40: from piece to piece. What is in the files was compared when they were read.
  void CheckChain(LsId ls, const LogFacts& log) {
    Lsn end = format::kInvalidLsn;
    bool has_ended = false;
    for (const auto& [id, piece] : round_.pieces) {
      if (!piece.file_info) {
        // An active piece; or a damaged one, behind which nothing is known.
        if (piece.has_single_info) end = format::kInvalidLsn;
        continue;
      }
      const auto& list = piece.file_info->filelist;
      const auto info = std::ranges::find(list, ls, &format::SingleLsInfoDesc::ls_id);
      const Reporter found = found_.About(id_, id).About(ls);
      format::BackupPath path = PieceDir(id);
      path.kind = PathKind::kPieceFileInfo;
      if (info == list.end()) {
        if (end != format::kInvalidLsn && !has_ended)
          found.Broken(40, format::Print(path), "filelist", "the log stream is missing");
        continue;
      }
      if (end != format::kInvalidLsn && Lsn{info->min_lsn} != end && !archive_.complement_of) {
        found.Broken(40, format::Print(path), "min_lsn",
                     fmt::format("is {}, the piece before ends at {}", info->min_lsn, end.value));
      }
      end = Lsn{info->max_lsn};
      has_ended = info->deleted;
      if (has_ended && log.readable && !log.has_ended)
        found.Odd(40, format::Print(path), "deleted", "the log does not say that it has ended");
    }
  }

  // Rule 43.
  void CheckIdServices() {
    const auto sys = logs_.find(format::kSysLsId);
    if (sys == logs_.end() || !sys->second.readable || archive_.complement_of) return;
    const std::string name = format::Print(archive_.Path(PathKind::kRoundsDir, dest_, id_));
    for (const auto& [ls, log] : logs_) {
      if (!log.readable || !log.last_scn.IsValid()) continue;
      // Without a limit in this round, that of the log before counts, which is not here.
      if (sys->second.timestamp_limit > 0 &&
          log.last_scn.value > static_cast<std::uint64_t>(sys->second.timestamp_limit)) {
        found_.About(ls).Odd(43, name, "max_scn", "is above all limits that log stream 1 granted");
      }
      if (sys->second.tx_id_limit > 0 && log.max_tx_id >= sys->second.tx_id_limit) {
        found_.About(ls).Odd(43, name, "tx_id", "is above all limits that log stream 1 granted");
      }
    }
  }

  const ArchiveView& archive_;
  format::DestId dest_;
  RoundId id_;
  const RoundFacts& round_;
  const RoundLogs& logs_;
  Reporter found_;
};

// Rule 35: from round to round.
void CheckRoundOrder(const ArchiveView& archive, format::DestId dest,
                     const std::map<RoundId, RoundFacts>& rounds, const Reporter& found) {
  const RoundFacts* before = nullptr;
  RoundId last{};
  for (const auto& [id, round] : rounds) {
    const Reporter about = found.About(id);
    const std::string name = format::Print(archive.Path(PathKind::kRoundStart, dest, id));
    if (before != nullptr) {
      if (id.value != NextNumber(last.value))
        about.Odd(35, name, "round_id", fmt::format("follows round {}", last.value));
      if (!before->has_end) {
        about.Broken(34, format::Print(archive.Path(PathKind::kRoundEnd, dest, last)), "",
                     fmt::format("round {} has no end, but there is a later one", last.value));
      }
      if (before->end && round.start && round.start->start_scn < before->end->checkpoint_scn)
        about.Broken(34, name, "start_scn", "is below the checkpoint of the round before");
      if (!before->pieces.empty() && round.start && id.value == NextNumber(last.value) &&
          round.start->base_piece_id.value != NextNumber(before->pieces.rbegin()->first.value)) {
        about.Broken(
            35, name, "base_piece_id",
            fmt::format("is {}, the last piece of the round before is {}",
                        round.start->base_piece_id.value, before->pieces.rbegin()->first.value));
      }
    }
    before = &round;
    last = id;
  }
}

}  // namespace

format::BackupPath ArchiveView::Path(PathKind kind, format::DestId dest, RoundId round) const {
  format::BackupPath path{.kind = kind, .dest = dest, .round = round};
  if (complement_of) {
    path.in_complement_log = true;
    path.set = *complement_of;
    path.set_kind = set_kind;
  }
  return path;
}

std::optional<format::TenantArchivePieceAttr> AttrOf(const PieceFacts& piece) {
  if (piece.has_single_info)
    return piece.single_info ? std::optional(piece.single_info->piece) : std::nullopt;
  if (!piece.checkpoint || !piece.piece_infos) return std::nullopt;
  std::optional<Scn> mark;
  if (!piece.checkpoint_marks.empty()) mark = piece.checkpoint_marks.back();
  return dest::ActiveAttr(*piece.piece_infos, *piece.checkpoint, mark);
}

std::vector<LogSegment> SegmentsOf(const ArchiveView& archive, format::DestId dest, RoundId round,
                                   const RoundFacts& facts, LsId ls) {
  std::vector<LogSegment> segments;
  for (const auto& [id, piece] : facts.pieces) {
    const auto log = piece.log_streams.find(ls);
    if (log == piece.log_streams.end()) continue;
    LogSegment segment{.round = round, .piece = id, .start_scn = {}, .end_scn = {}, .files = {}};
    if (facts.start && id >= facts.start->base_piece_id) {
      segment.start_scn = StartOf(*facts.start, id);
      segment.end_scn = StartOf(*facts.start, {NextNumber(id.value)});
      segment.is_first_of_round = id == facts.start->base_piece_id;
    }
    segment.is_frozen = piece.has_single_info || archive.complement_of.has_value();
    if (const auto attr = AttrOf(piece)) segment.promised_scn = attr->checkpoint_scn;
    format::BackupPath path = archive.Path(PathKind::kLogFile, dest, round);
    path.piece = id;
    path.ls = ls;
    for (const auto& [number, file] : log->second.log_files) {
      path.file = number;
      segment.files.push_back({format::Print(path), path, file.size});
    }
    segments.push_back(std::move(segment));
  }
  return segments;
}

std::vector<LsId> LogStreamsOf(const RoundFacts& round) {
  std::set<LsId> log_streams;
  for (const auto& [id, piece] : round.pieces) {
    for (const auto& [ls, facts] : piece.log_streams) {
      if (!facts.log_files.empty()) log_streams.insert(ls);
    }
  }
  return {log_streams.begin(), log_streams.end()};
}

void CheckArchive(const ArchiveView& archive, const ArchiveLogs& logs, NameZone& zone,
                  const Reporter& found) {
  static const RoundLogs kNone;
  if (archive.complement_of && !archive.facts->format) {
    const format::BackupPath path = archive.Path(PathKind::kFormatFile, {}, {});
    if (!archive.Has(path))
      found.Missing(33, format::Print(path), format::Facts(PathKind::kFormatFile).meaning);
  }
  for (const auto& [dest, rounds] : archive.facts->rounds) {
    if (archive.facts->format && dest != archive.facts->format->dest_id) {
      found.Broken(33, "pieces", "dest_id",
                   fmt::format("is {}, that of format.obbak {}", dest.value,
                               archive.facts->format->dest_id.value));
    }
    const auto of_dest = logs.find(dest);
    for (const auto& [id, round] : rounds) {
      const RoundLogs* round_logs = &kNone;
      if (of_dest != logs.end() && of_dest->second.contains(id))
        round_logs = &of_dest->second.at(id);
      for (const auto& [piece_id, piece] : round.pieces) {
        CheckPiece(archive, {dest, id, piece_id}, *round_logs, zone, found.About(id, piece_id));
      }
      RoundRules(archive, dest, id, round, *round_logs, found.About(id)).Check();
    }
    if (!archive.complement_of) CheckRoundOrder(archive, dest, rounds, found);
  }
}

}  // namespace obbak::restore
