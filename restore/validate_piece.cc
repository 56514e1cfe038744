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

class PieceRules {
 public:
  PieceRules(const ArchiveView& archive, const dest::PieceName& name, const RoundLogs& logs,
             NameZone& zone, Reporter found)
      : archive_(archive),
        dest_(name.dest),
        round_(name.round),
        id_(name.piece),
        round_facts_(archive.facts->rounds.at(name.dest).at(name.round)),
        piece_(round_facts_.pieces.at(name.piece)),
        logs_(logs),
        zone_(zone),
        found_(std::move(found)) {}

  void Check() {
    CheckMarks();
    CheckIds();
    CheckPlace();
    CheckHistory();
    if (piece_.has_single_info) {
      CheckFrozen();
    } else {
      CheckActive();
    }
  }

 private:
  bool is_complement() const { return archive_.complement_of.has_value(); }

  std::string Name(PathKind kind) const { return format::Print(PathOf(kind)); }
  format::BackupPath PathOf(PathKind kind) const {
    format::BackupPath path = archive_.Path(kind, dest_, round_);
    path.piece = id_;
    return path;
  }
  std::string NameInLs(PathKind kind, LsId ls, std::int64_t file = 0) const {
    format::BackupPath path = PathOf(kind);
    path.ls = ls;
    path.file = file;
    return format::Print(path);
  }
  std::string MarkName(PathKind kind, format::TimeTag time, format::TimeTag end_time = {}) const {
    format::BackupPath path = PathOf(kind);
    path.time = time;
    path.end_time = end_time;
    return format::Print(path);
  }

  // Of a file that is not there; a damaged one was reported.
  void Missing(int rule, PathKind kind) const {
    if (!archive_.Has(PathOf(kind))) found_.Missing(rule, Name(kind), format::Facts(kind).meaning);
  }
  void MissingMark(int rule, PathKind kind) const {
    found_.Missing(rule, Name(PathKind::kPieceDir), format::Facts(kind).meaning);
  }

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
    if (is_begun && piece_.start_marks.empty()) MissingMark(33, PathKind::kPieceStart);
    if (piece_.start_marks.size() > 1 || piece_.end_marks.size() > 1 ||
        piece_.inner_marks.size() > 1) {
      found_.Broken(33, Name(PathKind::kPieceDir), "", "a mark of the piece is there twice");
    }
  }

  // The copies in a complement log keep the ids of the archive they come from.
  void CheckKey(const std::string& name, format::DestId dest, RoundId round, PieceId piece) const {
    const bool same = (is_complement() || dest == dest_) && round == round_ && piece == id_;
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
    if (id_ < round.base_piece_id) {
      found_.Broken(35, Name(PathKind::kPieceDir), "piece_id",
                    fmt::format("is below the round's first, {}", round.base_piece_id.value));
      return;
    }
    const Scn start = StartOf(round, id_);
    const Scn end = StartOf(round, {NextNumber(id_.value)});
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
      if (id <= last || id >= id_) {
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
    const auto rounds = archive_.facts->rounds.find(dest_);
    const auto found = rounds->second.find(round);
    if (found == rounds->second.end()) return nullptr;
    const auto piece = found->second.pieces.find(id);
    return piece == found->second.pieces.end() ? nullptr : &piece->second;
  }

  void CheckHistoryIsWhole(const std::string& name) {
    for (const auto& [round, facts] : archive_.facts->rounds.at(dest_)) {
      for (const auto& [id, piece] : facts.pieces) {
        if (id >= id_ || !piece.single_info) continue;
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
    if (!piece_.end_marks.empty()) Missing(37, PathKind::kSinglePieceInfo);
    if (!piece_.inner_marks.empty() || piece_.has_file_info) {
      found_.Odd(37, Name(PathKind::kPieceDir), "",
                 "the piece is being frozen, or this was interrupted");
    }
    if (is_complement()) {
      // Or a reader would take it for an empty piece.
      Missing(38, PathKind::kPieceCheckpointInfo);
      Missing(38, PathKind::kTenantArchivePieceInfos);
      return;
    }
    if (piece_.has_checkpoint && !piece_.piece_infos)
      Missing(38, PathKind::kTenantArchivePieceInfos);
    const bool is_begun = piece_.has_checkpoint || !piece_.checkpoint_marks.empty();
    if (!is_begun && piece_.piece_infos) {
      found_.Odd(38, Name(PathKind::kPieceCheckpointDir), "",
                 "the piece has no checkpoint yet, or it was lost");
    }
    CheckCheckpointMarks();
    CheckCheckpointIsReached();
  }

  // Of a frozen piece they are what it was the last time before.
  void CheckCheckpointMarks() const {
    const std::vector<Scn>& marks = piece_.checkpoint_marks;
    if (!piece_.has_checkpoint) {
      if (!marks.empty()) Missing(38, PathKind::kPieceCheckpointInfo);
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
    if (!attr || !HasLog(piece_)) return;
    for (const auto& [ls, log] : logs_) {
      if (!log.readable || log.has_ended || !log.last_scn.IsValid()) continue;
      if (log.last_scn >= attr->checkpoint_scn) continue;
      found_.About(ls).Broken(
          38, Name(PathKind::kPieceCheckpointDir), "",
          fmt::format("all is archived up to {}, a mark says, but the log ends with {}",
                      attr->checkpoint_scn.value, log.last_scn.value));
    }
  }

  // ---- Rules 37 and 39 to 42: a frozen piece.

  void CheckFrozen() {
    CheckFrozenMarks();
    if (!is_complement()) CheckCheckpointMarks();
    if (!piece_.file_info) return;
    CheckFileLists();
    for (const format::SingleLsInfoDesc& info : piece_.file_info->filelist) CheckLogStream(info);
    CheckCheckpoint();
  }

  void CheckFrozenMarks() {
    Missing(37, PathKind::kPieceFileInfo);
    Missing(37, PathKind::kTenantArchivePieceInfos);
    if (piece_.inner_marks.empty() && !is_complement()) MissingMark(37, PathKind::kPieceInnerMark);
    if (piece_.end_marks.empty() && !is_complement()) {
      found_.Odd(37, Name(PathKind::kPieceDir), "",
                 "the piece is frozen, but its end mark is not there");
    }
    if (!piece_.single_info) return;
    const format::TenantArchivePieceAttr& attr = piece_.single_info->piece;
    const std::string name = Name(PathKind::kSinglePieceInfo);
    if (attr.status.value != format::ArchivePieceStatus::kFrozen)
      found_.Broken(37, name, "status", "is not FROZEN");
    if (attr.start_scn > attr.checkpoint_scn || attr.checkpoint_scn > attr.max_scn ||
        attr.checkpoint_scn.value >= attr.end_scn.value + kMicrosecond) {
      found_.Broken(37, name, "start_scn, checkpoint_scn, max_scn, end_scn",
                    fmt::format("are {}, {}, {}, {}", attr.start_scn.value,
                                attr.checkpoint_scn.value, attr.max_scn.value, attr.end_scn.value));
    }
    for (const auto& [tag, record] : piece_.end_marks) {
      if (record && record->end_scn != attr.checkpoint_scn)
        found_.Broken(37, MarkName(PathKind::kPieceEnd, tag), "end_scn",
                      "is not the checkpoint_scn of single_piece_info");
    }
    for (const PieceFacts::InnerMark& mark : piece_.inner_marks) {
      if (mark.record && (mark.record->start_scn != attr.start_scn ||
                          mark.record->checkpoint_scn != attr.checkpoint_scn)) {
        found_.Broken(37, MarkName(PathKind::kPieceInnerMark, mark.start, mark.checkpoint),
                      "start_scn, checkpoint_scn", "are not those of single_piece_info");
      }
    }
    const auto& format = archive_.facts->format;
    if (format && !is_complement() && attr.path != format->path)
      found_.Odd(33, name, "path", "is not that of format.obbak: was the destination moved?");
  }

  // Rule 39: both lists say the same, and name every log stream there is.
  void CheckFileLists() {
    const std::string name = Name(PathKind::kPieceFileInfo);
    std::set<LsId> listed;
    for (const format::SingleLsInfoDesc& info : piece_.file_info->filelist) {
      const Reporter found = found_.About(info.ls_id);
      if (!listed.insert(info.ls_id).second) found.Broken(39, name, "filelist", "has it twice");
      const auto ls = piece_.log_streams.find(info.ls_id);
      const std::string ls_name = NameInLs(PathKind::kLsFileInfo, info.ls_id);
      if (!HasFile(*archive_.tree, ls_name)) {
        found.Missing(39, ls_name, format::Facts(PathKind::kLsFileInfo).meaning);
      } else if (ls != piece_.log_streams.end() && ls->second.file_info &&
                 *ls->second.file_info != info) {
        found.Broken(39, ls_name, "", "is not what the piece's file_info says");
      }
    }
    for (const auto& [ls, facts] : piece_.log_streams) {
      if (!listed.contains(ls))
        found_.About(ls).Broken(39, name, "filelist", "does not name the log stream");
    }
  }

  void CheckLogStream(const format::SingleLsInfoDesc& info) {
    const Reporter found = found_.About(info.ls_id);
    const std::string name = NameInLs(PathKind::kLsFileInfo, info.ls_id);
    CheckFiles(info, name, found);
    if (round_facts_.start && piece_.single_info &&
        info.start_scn !=
            std::max(piece_.single_info->piece.start_scn, round_facts_.start->start_scn)) {
      found.Broken(41, name, "start_scn", "is not the piece's");
    }
    const auto log = logs_.find(info.ls_id);
    if (log == logs_.end() || is_complement()) return;
    const auto part = log->second.pieces.find(id_);
    if (part == log->second.pieces.end() || !part->second.readable || part->second.groups == 0)
      return;
    const PieceLog& read = part->second;
    const auto equal = [&](int rule, std::string_view field, std::uint64_t is,
                           std::uint64_t should) {
      if (is != should)
        found.Broken(rule, name, field, fmt::format("is {}, the log gives {}", is, should));
    };
    equal(40, "min_lsn", info.min_lsn, read.min_lsn.value);
    equal(40, "max_lsn", info.max_lsn, read.max_lsn.value);
    equal(41, "checkpoint_scn", info.checkpoint_scn.value, read.last_scn.value);
  }

  // Rule 39: the files there are.
  void CheckFiles(const format::SingleLsInfoDesc& info, const std::string& name,
                  const Reporter& found) {
    static const LsPieceFacts kNone;
    const auto at = piece_.log_streams.find(info.ls_id);
    const LsPieceFacts& facts = at == piece_.log_streams.end() ? kNone : at->second;
    std::uint64_t bytes = 0;
    auto next = static_cast<std::int64_t>(format::ArchiveFileIdOf(Lsn{info.min_lsn}));
    for (const format::ArchiveLogFile& file : info.filelist) {
      if (file.file_id != next)
        found.Broken(39, name, "filelist", fmt::format("file {} is not listed", next));
      next = NextNumber(file.file_id);
      bytes += static_cast<std::uint64_t>(file.size_bytes) - format::kLogFileHeaderArea;
      const std::string file_name = NameInLs(PathKind::kLogFile, info.ls_id, file.file_id);
      const auto there = facts.log_files.find(file.file_id);
      if (there == facts.log_files.end()) {
        // A complement log has the files that its set needs.
        if (!is_complement() && !HasFile(*archive_.tree, file_name))
          found.Missing(39, file_name, format::Facts(PathKind::kLogFile).meaning);
      } else if (there->second.size != static_cast<std::uint64_t>(file.size_bytes)) {
        found.Broken(
            39, file_name, "",
            fmt::format("has {} bytes, file_info says {}", there->second.size, file.size_bytes));
      }
    }
    if (info.max_lsn < info.min_lsn || bytes != info.max_lsn - info.min_lsn)
      found.Broken(39, name, "min_lsn, max_lsn", "are not what the files have");
    for (const auto& [file, log] : facts.log_files) {
      const bool is_listed = std::ranges::any_of(
          info.filelist,
          [&](const format::ArchiveLogFile& listed) { return listed.file_id == file; });
      if (!is_listed)
        found.Broken(39, NameInLs(PathKind::kLogFile, info.ls_id, file), "",
                     "the file is not one of file_info");
    }
  }

  // Rule 42.
  void CheckCheckpoint() {
    if (!piece_.single_info) return;
    const format::TenantArchivePieceAttr& attr = piece_.single_info->piece;
    Scn least = format::kMaxScn;
    Scn most = attr.start_scn;
    std::uint64_t bytes = 0;
    for (const format::SingleLsInfoDesc& info : piece_.file_info->filelist) {
      if (!info.deleted) least = std::min(least, info.checkpoint_scn);
      most = std::max(most, info.checkpoint_scn);
      bytes += info.max_lsn - info.min_lsn;
    }
    const std::string name = Name(PathKind::kSinglePieceInfo);
    if (least != format::kMaxScn && !IsCheckpoint(attr, least)) {
      found_.Broken(42, name, "checkpoint_scn",
                    fmt::format("is {}, the log streams give {}", attr.checkpoint_scn.value,
                                std::max(attr.start_scn, least).value));
    }
    if (least != format::kMaxScn && attr.max_scn != most) {
      found_.Broken(42, name, "max_scn",
                    fmt::format("is {}, the log streams give {}", attr.max_scn.value, most.value));
    }
    if (static_cast<std::uint64_t>(attr.input_bytes) != bytes ||
        static_cast<std::uint64_t>(attr.output_bytes) != bytes) {
      found_.Odd(42, name, "input_bytes, output_bytes",
                 fmt::format("are {} and {}, the log streams have {}", attr.input_bytes,
                             attr.output_bytes, bytes));
    }
  }

  // The last pieces of a stopped round do not get beyond the round's checkpoint.
  bool IsCheckpoint(const format::TenantArchivePieceAttr& attr, Scn least) const {
    const Scn computed = std::max(attr.start_scn, least);
    if (attr.checkpoint_scn == computed) return true;
    if (!round_facts_.end) return false;
    return attr.checkpoint_scn ==
           std::max(attr.start_scn, std::min(computed, round_facts_.end->checkpoint_scn));
  }

  const ArchiveView& archive_;
  format::DestId dest_;
  RoundId round_;
  PieceId id_;
  const RoundFacts& round_facts_;
  const PieceFacts& piece_;
  const RoundLogs& logs_;
  NameZone& zone_;
  Reporter found_;
};

}  // namespace

Scn StartOf(const format::RoundStartDesc& round, PieceId id) {
  const auto index = static_cast<std::uint64_t>(id.value - round.base_piece_id.value);
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
