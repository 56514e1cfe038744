#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "format/lsn.h"
#include "restore/validate_piece.h"

namespace obbak::restore {
namespace {

using format::LsId;
using format::Lsn;
using format::PathKind;
using format::Scn;

constexpr std::uint64_t kMicrosecond = 1000;

class FrozenPieceRules : PieceView {
 public:
  FrozenPieceRules(const ArchiveView& archive, const dest::PieceName& name, const RoundLogs& logs,
                   Reporter found)
      : PieceView(archive, name), logs_(logs), found_(std::move(found)) {}

  void Check() {
    CheckFrozenMarks();
    if (!piece_.file_info) return;
    CheckFileLists();
    for (const format::SingleLsInfoDesc& info : piece_.file_info->filelist) CheckLogStream(info);
    CheckCheckpoint();
  }

 private:
  void CheckFrozenMarks() {
    Missing(37, PathKind::kPieceFileInfo, found_);
    Missing(37, PathKind::kTenantArchivePieceInfos, found_);
    if (piece_.inner_marks.empty() && !is_complement())
      MissingMark(37, PathKind::kPieceInnerMark, found_);
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
    const auto part = log->second.pieces.find(name_.piece);
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

  const RoundLogs& logs_;
  Reporter found_;
};

}  // namespace

void CheckFrozenPiece(const ArchiveView& archive, const dest::PieceName& name,
                      const RoundLogs& logs, const Reporter& found) {
  FrozenPieceRules(archive, name, logs, found).Check();
}

}  // namespace obbak::restore
