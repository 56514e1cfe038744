#include "restore/validate_piece.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "format/lsn.h"

namespace obbak::restore {
namespace {

using format::LsId;
using format::Lsn;
using format::PathKind;
using format::PieceId;
using format::RoundId;
using format::Scn;

constexpr std::uint64_t kMicrosecond = 1000;

class PieceRules : PieceView {
 public:
  PieceRules(const ArchiveView& archive, const dest::PieceName& name, const RoundLogs& logs,
             NameZone& zone, Reporter found)
      : PieceView(archive, name), logs_(logs), zone_(zone), found_(std::move(found)) {}

  void Check() {
    CheckMarks();
    CheckIds();
    CheckPlace();
    CheckHistory();
    // They are not copied into a complement log.
    if (!is_complement()) CheckCheckpointMarks();
    if (piece_.has_single_info) {
      CheckFrozenPiece(archive_, name_, logs_, found_);
    } else {
      CheckActive();
    }
  }

 private:
  // ---- Rule 33.

  void CheckMarks() {
    for (const auto& [tag, record] : piece_.start_marks) {
      if (!record) continue;
      const std::string name = MarkName(PathKind::kPieceStart, tag);
      CheckKey(name, record->dest_id, record->round_id, record->piece_id);
      zone_.Check(33, name, tag, record->start_scn, found_);
    }
    for (const auto& [tag, record] : piece_.end_marks) {
      if (!record) continue;
      const std::string name = MarkName(PathKind::kPieceEnd, tag);
      CheckKey(name, record->dest_id, record->round_id, record->piece_id);
      zone_.Check(33, name, tag, record->end_scn, found_);
    }
    for (const PieceFacts::InnerMark& mark : piece_.inner_marks) {
      if (!mark.record) continue;
      const std::string name = MarkName(PathKind::kPieceInnerMark, mark.start, mark.checkpoint);
      CheckKey(name, mark.record->dest_id, mark.record->round_id, mark.record->piece_id);
      zone_.Check(33, name, mark.start, mark.record->start_scn, found_);
      zone_.Check(33, name, mark.checkpoint, mark.record->checkpoint_scn, found_);
    }
    // Logs may come first: log streams do not wait for the checkpoint that writes the mark.
    const bool is_begun = piece_.has_single_info || piece_.piece_infos || piece_.has_checkpoint ||
                          !piece_.end_marks.empty();
    if (is_begun && piece_.start_marks.empty()) MissingMark(33, PathKind::kPieceStart, found_);
    if (piece_.start_marks.size() > 1 || piece_.end_marks.size() > 1 ||
        piece_.inner_marks.size() > 1) {
      found_.Broken(33, Name(PathKind::kPieceDir), "", "a mark of the piece is there twice");
    }
  }

  // The copies in a complement log keep the ids of the archive they come from.
  void CheckKey(const std::string& name, format::DestId dest, RoundId round, PieceId piece) const {
    const bool same =
        (is_complement() || dest == name_.dest) && round == name_.round && piece == name_.piece;
    if (same) return;
    found_.Broken(33, name, "dest_id, round_id, piece_id",
                  fmt::format("are {}, {}, {}", dest.value, round.value, piece.value));
  }

  void CheckTenant(const std::string& name, format::TenantId tenant) const {
    if (!archive_.facts->format || tenant == archive_.facts->format->tenant_id) return;
    found_.Broken(33, name, "tenant_id", "is not that of format.obbak");
  }

  void CheckIds() {
    if (piece_.single_info) {
      const format::ArchivePieceKey& key = piece_.single_info->piece.key;
      CheckKey(Name(PathKind::kSinglePieceInfo), key.dest_id, key.round_id, key.piece_id);
      CheckTenant(Name(PathKind::kSinglePieceInfo), key.tenant_id);
    }
    if (piece_.piece_infos) {
      const format::TenantArchivePieceInfosDesc& infos = *piece_.piece_infos;
      CheckKey(Name(PathKind::kTenantArchivePieceInfos), infos.dest_id, infos.round_id,
               infos.piece_id);
      CheckTenant(Name(PathKind::kTenantArchivePieceInfos), infos.tenant_id);
    }
    if (piece_.checkpoint) {
      const format::PieceCheckpointDesc& checkpoint = *piece_.checkpoint;
      CheckKey(Name(PathKind::kPieceCheckpointInfo), checkpoint.dest_id, checkpoint.round_id,
               checkpoint.piece_id);
      CheckTenant(Name(PathKind::kPieceCheckpointInfo), checkpoint.tenant_id);
    }
    if (piece_.file_info) {
      CheckKey(Name(PathKind::kPieceFileInfo), piece_.file_info->dest_id,
               piece_.file_info->round_id, piece_.file_info->piece_id);
    }
    for (const auto& [ls, facts] : piece_.log_streams) {
      if (!facts.file_info) continue;
      const std::string name = NameInLs(PathKind::kLsFileInfo, ls);
      CheckKey(name, facts.file_info->dest_id, facts.file_info->round_id,
               facts.file_info->piece_id);
      if (facts.file_info->ls_id != ls)
        found_.About(ls).Broken(33, name, "ls_id", "is not that of the directory");
    }
  }

  // ---- Rule 35: where the piece lies in its round.

  void CheckPlace() {
    if (!round_facts_.start) return;
    const format::RoundStartDesc& round = *round_facts_.start;
    if (name_.piece < round.base_piece_id) {
      found_.Broken(35, Name(PathKind::kPieceDir), "piece_id",
                    fmt::format("is below the round's first, {}", round.base_piece_id.value));
      return;
    }
    const Scn start = StartOf(round, name_.piece);
    const Scn end = StartOf(round, {NextNumber(name_.piece.value)});
    const auto check = [&](const std::string& name, std::string_view field, Scn is, Scn should) {
      if (is == should) return;
      found_.Broken(35, name, field,
                    fmt::format("is {}, the round gives {}", is.value, should.value));
    };
    for (const auto& [tag, record] : piece_.start_marks) {
      if (record)
        check(MarkName(PathKind::kPieceStart, tag), "start_scn", record->start_scn, start);
    }
    if (piece_.piece_infos) {
      const std::string name = Name(PathKind::kTenantArchivePieceInfos);
      check(name, "start_scn", piece_.piece_infos->start_scn, start);
      check(name, "end_scn", piece_.piece_infos->end_scn, end);
    }
    if (piece_.checkpoint) {
      const std::string name = Name(PathKind::kPieceCheckpointInfo);
      check(name, "start_scn", piece_.checkpoint->start_scn, start);
      check(name, "end_scn", piece_.checkpoint->end_scn, end);
    }
    if (piece_.single_info) {
      const std::string name = Name(PathKind::kSinglePieceInfo);
      check(name, "start_scn", piece_.single_info->piece.start_scn, start);
      check(name, "end_scn", piece_.single_info->piece.end_scn, end);
    }
  }

  // ---- Rule 36.

  void CheckHistory() {
    if (!piece_.piece_infos) return;
    const std::string name = Name(PathKind::kTenantArchivePieceInfos);
    PieceId last{0};
    for (const format::TenantArchivePieceAttr& old : piece_.piece_infos->his_frozen_pieces) {
      const PieceId id = old.key.piece_id;
      if (id <= last || id >= name_.piece) {
        found_.Broken(36, name, "his_frozen_pieces",
                      fmt::format("piece {} is out of order", id.value));
      }
      last = id;
      if (old.status.value != format::ArchivePieceStatus::kFrozen)
        found_.Broken(36, name, "his_frozen_pieces",
                      fmt::format("piece {} is not frozen", id.value));
      if (const PieceFacts* other = FindPiece(old.key.round_id, id);
          other != nullptr && other->single_info) {
        format::TenantArchivePieceAttr should = other->single_info->piece;
        if (old.file_status != should.file_status) {
          found_.Odd(36, name, "his_frozen_pieces",
                     fmt::format("piece {} has another file_status by now", id.value));
        }
        should.file_status = old.file_status;
        if (old != should) {
          found_.Broken(
              36, name, "his_frozen_pieces",
              fmt::format("piece {} is not described as its single_piece_info does", id.value));
        }
      }
    }
    CheckHistoryIsWhole(name);
  }

  const PieceFacts* FindPiece(RoundId round, PieceId id) const {
    const auto rounds = archive_.facts->rounds.find(name_.dest);
    const auto found = rounds->second.find(round);
    if (found == rounds->second.end()) return nullptr;
    const auto piece = found->second.pieces.find(id);
    return piece == found->second.pieces.end() ? nullptr : &piece->second;
  }

  void CheckHistoryIsWhole(const std::string& name) {
    for (const auto& [round, facts] : archive_.facts->rounds.at(name_.dest)) {
      for (const auto& [id, piece] : facts.pieces) {
        if (id >= name_.piece || !piece.single_info) continue;
        const bool is_known = std::ranges::any_of(
            piece_.piece_infos->his_frozen_pieces,
            [&](const format::TenantArchivePieceAttr& old) { return old.key.piece_id == id; });
        if (!is_known) {
          found_.Odd(36, name, "his_frozen_pieces",
                     fmt::format("piece {}, which is there, is not described", id.value));
        }
      }
    }
  }

  // ---- Rule 38: a piece that is being written.

  void CheckActive() {
    if (!piece_.end_marks.empty()) Missing(37, PathKind::kSinglePieceInfo, found_);
    if (!piece_.inner_marks.empty() || piece_.has_file_info) {
      found_.Odd(37, Name(PathKind::kPieceDir), "",
                 "the piece is being frozen, or this was interrupted");
    }
    if (is_complement()) {
      // Or a reader would take it for an empty piece.
      Missing(38, PathKind::kPieceCheckpointInfo, found_);
      Missing(38, PathKind::kTenantArchivePieceInfos, found_);
      return;
    }
    if (piece_.has_checkpoint && !piece_.piece_infos)
      Missing(38, PathKind::kTenantArchivePieceInfos, found_);
    const bool is_begun = piece_.has_checkpoint || !piece_.checkpoint_marks.empty();
    if (!is_begun && piece_.piece_infos) {
      found_.Odd(38, Name(PathKind::kPieceCheckpointDir), "",
                 "the piece has no checkpoint yet, or it was lost");
    }
    CheckCheckpointIsReached();
  }

  // Of a frozen piece they are what it was the last time before.
  void CheckCheckpointMarks() const {
    const std::vector<Scn>& marks = piece_.checkpoint_marks;
    if (!piece_.has_checkpoint) {
      if (!marks.empty()) Missing(38, PathKind::kPieceCheckpointInfo, found_);
      return;
    }
    const std::string name = Name(PathKind::kPieceCheckpointDir);
    if (marks.empty()) {
      found_.Odd(38, name, "", "there is no mark that says how far the piece is archived");
      return;
    }
    if (marks.size() > 1) found_.Odd(38, name, "", "there are old marks beside the newest");
    if (piece_.checkpoint && marks.back() < piece_.checkpoint->checkpoint_scn)
      found_.Broken(38, name, "", "the newest mark is older than checkpoint_info.0");
    if (piece_.checkpoint && marks.back() >= piece_.checkpoint->end_scn)
      found_.Broken(38, name, "", "the newest mark is behind the piece's end");
    if (piece_.single_info && marks.back() > piece_.single_info->piece.checkpoint_scn)
      found_.Broken(38, name, "", "the newest mark is behind where the piece was frozen");
  }

  void CheckCheckpointIsReached() const {
    const std::optional<format::TenantArchivePieceAttr> attr = AttrOf(piece_);
    // Nothing is archived before the first checkpoint behind the piece's start.
    if (!attr || attr->checkpoint_scn <= attr->start_scn) return;
    if (logs_.empty()) {
      found_.Broken(38, Name(PathKind::kPieceCheckpointDir), "",
                    fmt::format("all is archived up to {}, a mark says, but there is no log",
                                attr->checkpoint_scn.value));
    }
    for (const auto& [ls, log] : logs_) {
      if (!log.readable || log.has_ended || !log.last_scn.IsValid()) continue;
      if (log.last_scn >= attr->checkpoint_scn) continue;
      found_.About(ls).Broken(
          38, Name(PathKind::kPieceCheckpointDir), "",
          fmt::format("all is archived up to {}, a mark says, but the log ends with {}",
                      attr->checkpoint_scn.value, log.last_scn.value));
    }
  }

  const RoundLogs& logs_;
  NameZone& zone_;
  Reporter found_;
};

}  // namespace

format::BackupPath PieceView::PathOf(PathKind kind) const {
  format::BackupPath path = archive_.Path(kind, name_.dest, name_.round);
  path.piece = name_.piece;
  return path;
}

std::string PieceView::NameInLs(PathKind kind, LsId ls, std::int64_t file) const {
  format::BackupPath path = PathOf(kind);
  path.ls = ls;
  path.file = file;
  return NameOf(path);
}

std::string PieceView::MarkName(PathKind kind, format::TimeTag time,
                                format::TimeTag end_time) const {
  format::BackupPath path = PathOf(kind);
  path.time = time;
  path.end_time = end_time;
  return NameOf(path);
}

void PieceView::Missing(int rule, PathKind kind, const Reporter& found) const {
  if (!archive_.Has(PathOf(kind))) found.Missing(rule, Name(kind), format::Facts(kind).meaning);
}

void PieceView::MissingMark(int rule, PathKind kind, const Reporter& found) const {
  found.Missing(rule, Name(PathKind::kPieceDir), format::Facts(kind).meaning);
}

Scn StartOf(const format::RoundStartDesc& round, PieceId id) {
  const auto index =
      static_cast<std::uint64_t>(id.value) - static_cast<std::uint64_t>(round.base_piece_id.value);
  const auto interval = static_cast<std::uint64_t>(round.piece_switch_interval) * kMicrosecond;
  return {round.start_scn.value + index * interval};
}

bool HasLog(const PieceFacts& piece) {
  return std::ranges::any_of(piece.log_streams,
                             [](const auto& ls) { return !ls.second.log_files.empty(); });
}

void CheckPiece(const ArchiveView& archive, const dest::PieceName& name, const RoundLogs& logs,
                NameZone& zone, const Reporter& found) {
  PieceRules(archive, name, logs, zone, found).Check();
}

}  // namespace obbak::restore
