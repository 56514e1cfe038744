#include "restore/validate.h"

#include <algorithm>
#include <deque>
#include <tuple>
#include <utility>

#include "restore/restore_window.h"
#include "restore/validate_archive.h"
#include "restore/validate_chain.h"
#include "restore/validate_files.h"
#include "restore/validate_findings.h"
#include "restore/validate_indexes.h"
#include "restore/validate_reading.h"
#include "restore/validate_set.h"
#include "restore/validate_sstables.h"
#include "restore/validate_tablets.h"
#include "restore/validate_windows.h"

namespace obbak::restore {
namespace {

// One destination through the whole validation.
struct Dest {
  Dest(io::Medium& of, FindingList& findings, std::size_t number)
      : medium(&of), found(findings, number, of.location()) {}

  io::Medium* medium;
  Reporter found;
  DestIdentity identity;
  Tree tree;
  DestFacts facts;
  NameZone zone;
  // Of an archive, and of the complement logs of sets.
  ArchiveLogs logs;
  std::map<format::BackupSetId, ArchiveLogs> complement_logs;
  std::set<format::BackupSetId> intact_sets;
  std::set<dest::PieceName> intact_pieces;

  JudgedDest judged() const { return {&facts, &intact_sets, &intact_pieces}; }
  ArchiveView archive() const { return {&facts.archive, &tree, std::nullopt, {}}; }
  ArchiveView complement(format::BackupSetId id, const SetFacts& set) const {
    return {&*set.complement, &tree, id, set.kind};
  }
};

// The log of one log stream in one round, to be read.
struct LogWork {
  Dest* dest;
  Reporter found;
  format::LsId ls;
  std::vector<LogSegment> segments;
  const LogQuestions* questions;
  LogFacts* result;
};

class Validation {
 public:
  Validation(io::Loop& loop, const std::vector<io::Medium*>& media, const ValidateOptions& options,
             ReportValidation report)
      : loop_(loop),
        options_(options),
        report_(std::move(report)),
        findings_(options.max_findings),
        meter_(0, {}) {
    for (std::size_t i = 0; i < media.size(); ++i) dests_.emplace_back(*media[i], findings_, i);
  }

  io::Task<Result<ValidationReport>> Run() {
    std::uint64_t bytes = 0;
    for (Dest& dest : dests_) {
      Status status = co_await Walk(dest);
      if (!status) co_return Fail(std::move(status).error());
      for (const FoundFile& file : dest.tree) bytes += file.size;
      result_.files += dest.tree.size();
    }
    // The format files have been read.
    const std::uint64_t read = meter_.bytes();
    meter_ = ReadMeter(bytes, std::move(report_));
    meter_.Add(read, format::Facts(format::PathKind::kFormatFile).pattern);
    for (Dest& dest : dests_) {
      dest.facts = co_await ReadDest(ChecksOf(dest), dest.identity, dest.tree, options_.concurrency,
                                     dest.found);
    }
    co_await ReadLogs();
    CheckRules();
    Conclude();
    co_return std::move(result_);
  }

 private:
  FileChecks ChecksOf(const Dest& dest) { return {loop_, *dest.medium, meter_}; }

  io::Task<Status> Walk(Dest& dest) {
    Result<DestIdentity> identity = co_await IdentifyDest(ChecksOf(dest), dest.found);
    if (!identity) co_return Fail(std::move(identity).error());
    dest.identity = *std::move(identity);
    const format::DestKind kind =
        dest.identity.is_archive ? format::DestKind::kArchive : format::DestKind::kData;
    Result<Tree> tree = co_await WalkTree(*dest.medium, kind, dest.found);
    if (!tree) co_return Fail(std::move(tree).error());
    dest.tree = *std::move(tree);
    co_return Status();
  }

  // Sets say what to look for, so their files come first.
  io::Task<void> ReadLogs() {
    for (const Dest& dest : dests_) AskFor(dest.facts, questions_);
    for (Dest& dest : dests_) {
      AddWork(dest, dest.archive(), questions_, dest.logs, dest.found);
      for (auto& [id, set] : dest.facts.sets) {
        if (!set.complement) continue;
        LogQuestions& own = set_questions_.emplace_back();
        AskFor(SetView(dest.facts, id, set), own);
        AddWork(dest, dest.complement(id, set), own, dest.complement_logs[id],
                dest.found.About(id));
      }
    }
    const auto read = [this](std::size_t index) { return ReadLog(work_[index]); };
    co_await ForAll(loop_, work_.size(), options_.concurrency, read);
  }

  void AddWork(Dest& dest, const ArchiveView& archive, const LogQuestions& questions,
               ArchiveLogs& logs, const Reporter& found) {
    for (const auto& [dest_id, rounds] : archive.facts->rounds) {
      for (const auto& [id, round] : rounds) {
        for (const format::LsId ls : LogStreamsOf(round)) {
          work_.push_back({.dest = &dest,
                           .found = found,
                           .ls = ls,
                           .segments = SegmentsOf(archive, dest_id, id, round, ls),
                           .questions = &questions,
                           .result = &logs[dest_id][id][ls]});
        }
      }
    }
  }

  io::Task<void> ReadLog(LogWork& work) {
    *work.result = co_await CheckLog(ChecksOf(*work.dest), work.ls, std::move(work.segments),
                                     *work.questions, work.found);
  }

  void CheckRules() {
    std::vector<ReadArchive> archives;
    for (Dest& dest : dests_) {
      CheckRoot(dest);
      if (!dest.facts.is_archive) continue;
      CheckArchive(dest.archive(), dest.logs, dest.zone, dest.found);
      archives.push_back({dest.archive(), &dest.logs});
    }
    for (Dest& dest : dests_) {
      if (dest.facts.is_archive) continue;
      CheckSets(dest.facts, dest.zone, dest.found);
      for (const auto& [id, set] : dest.facts.sets) CheckSet(dest, id, set);
      CheckSetsAgainstArchives(dest.facts, archives, dest.found);
    }
  }

  static void CheckRoot(const Dest& dest) {
    const std::string name(format::Facts(format::PathKind::kCheckDir).pattern);
    if (dest.facts.check_files == 1) return;
    dest.found.Odd(1, name, "",
                   dest.facts.check_files == 0
                       ? "there is no connectivity check file, which setting the destination writes"
                       : "there is more than one connectivity check file");
  }

  static void CheckSet(Dest& dest, format::BackupSetId id, const SetFacts& set) {
    const Reporter found = dest.found.About(id);
    if (!set.is_complete() || !set.desc) return;
    const SetView view(dest.facts, id, set);
    CheckTablets(view, found);
    CheckSstables(view, found);
    CheckIndexes(view, found);
    CheckStatistics(view, found);
    if (!set.complement) {
      if (set.desc->plus_archivelog)
        found.Missing(47, view.Name(format::PathKind::kComplementLogDir), "the set's own log");
      return;
    }
    const ArchiveView archive = dest.complement(id, set);
    const ArchiveLogs& logs = dest.complement_logs[id];
    CheckArchive(archive, logs, dest.zone, found);
    CheckSetAgainstComplement(view, {archive, &logs}, found);
  }

  // ---- The report.

  void Conclude() {
    for (Dest& dest : dests_) {
      if (dest.facts.is_archive) {
        AddPieces(dest);
      } else {
        AddSets(dest);
      }
    }
    AddWindows();
    result_.bytes = meter_.bytes();
    findings_.MoveTo(result_);
  }

  void AddSets(Dest& dest) {
    for (const auto& [id, set] : dest.facts.sets) {
      ValidatedSet row;
      if (set.desc) row.desc = *set.desc;
      row.desc.backup_set_id = id;
      row.files = set.files;
      row.bytes = set.bytes;
      row.ended = set.is_complete();
      row.intact = row.ended && set.desc && !findings_.IsBroken(dest.facts.medium) &&
                   !findings_.IsBroken(dest.facts.medium, id) &&
                   DependsOn(row.desc, dest.intact_sets);
      if (row.intact) dest.intact_sets.insert(id);
      result_.sets.push_back(std::move(row));
    }
  }

  static bool DependsOn(const format::BackupSetFileDesc& desc,
                        const std::set<format::BackupSetId>& intact) {
    return desc.prev_full_backup_set_id.value == 0 ||
           (intact.contains(desc.prev_full_backup_set_id) &&
            intact.contains(desc.prev_inc_backup_set_id));
  }

  void AddPieces(Dest& dest) {
    for (const auto& [dest_id, rounds] : dest.facts.archive.rounds) {
      for (const auto& [round_id, round] : rounds) {
        for (const auto& [id, piece] : round.pieces) AddPiece(dest, dest_id, round_id, id, piece);
      }
    }
  }

  void AddPiece(Dest& dest, format::DestId dest_id, format::RoundId round_id, format::PieceId id,
                const PieceFacts& piece) {
    const std::optional<format::TenantArchivePieceAttr> attr = AttrOf(piece);
    ValidatedPiece row;
    if (attr) row.attr = *attr;
    row.attr.key.dest_id = dest_id;
    row.attr.key.round_id = round_id;
    row.attr.key.piece_id = id;
    row.files = piece.files;
    row.bytes = piece.bytes;
    row.intact = attr && !findings_.IsBroken(dest.facts.medium) &&
                 !findings_.IsBroken(dest.facts.medium, round_id, id);
    if (row.intact) dest.intact_pieces.insert({dest_id, round_id, id});
    const auto logs = dest.logs.find(dest_id);
    if (logs != dest.logs.end() && logs->second.contains(round_id)) {
      for (const auto& [ls, log] : logs->second.at(round_id)) {
        const auto part = log.pieces.find(id);
        if (part == log.pieces.end()) continue;
        row.groups += part->second.groups;
        row.entries += part->second.entries;
      }
    }
    result_.pieces.push_back(std::move(row));
  }

  void AddWindows() {
    std::vector<Window> windows;
    for (const Dest& data : dests_) {
      if (data.facts.is_archive || !data.facts.format) continue;
      std::vector<JudgedDest> archives;
      for (const Dest& dest : dests_) {
        if (dest.facts.is_archive && dest.facts.format && IsOfSameTenant(data, dest))
          archives.push_back(dest.judged());
      }
      const std::vector<Window> more = IntactWindows(data.judged(), archives);
      windows.insert(windows.end(), more.begin(), more.end());
    }
    result_.windows = Disjoint(std::move(windows));
  }

  static bool IsOfSameTenant(const Dest& data, const Dest& archive) {
    const format::BackupFormatDesc& left = *data.facts.format;
    const format::BackupFormatDesc& right = *archive.facts.format;
    return std::tuple(left.cluster_id, left.tenant_id, left.incarnation) ==
           std::tuple(right.cluster_id, right.tenant_id, right.incarnation);
  }

  // What one data destination reaches, another may reach too.
  static std::vector<Window> Disjoint(std::vector<Window> windows) {
    std::ranges::sort(windows, [](const Window& left, const Window& right) {
      return left.from != right.from ? left.from < right.from : left.to > right.to;
    });
    std::vector<Window> disjoint;
    for (Window window : windows) {
      if (!disjoint.empty() && window.from <= disjoint.back().to) {
        if (window.to <= disjoint.back().to) continue;
        window.from = {disjoint.back().to.value + 1};
      }
      disjoint.push_back(window);
    }
    return disjoint;
  }

  io::Loop& loop_;
  ValidateOptions options_;
  ReportValidation report_;
  FindingList findings_;
  ReadMeter meter_;
  // References into these stay valid while they grow.
  std::deque<Dest> dests_;
  LogQuestions questions_;
  std::deque<LogQuestions> set_questions_;
  std::vector<LogWork> work_;
  ValidationReport result_;
};

}  // namespace

bool ValidationReport::ok() const {
  return suppressed_errors == 0 && std::ranges::none_of(findings, [](const Finding& finding) {
           return finding.severity == Severity::kError;
         });
}

io::Task<Result<ValidationReport>> Validate(io::Loop& loop, std::vector<io::Medium*> media,
                                            ValidateOptions options, ReportValidation report) {
  Validation validation(loop, media, options, std::move(report));
  co_return co_await validation.Run();
}

}  // namespace obbak::restore
