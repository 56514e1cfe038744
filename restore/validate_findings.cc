#include "restore/validate_findings.h"

#include <fmt/format.h>

#include <utility>

namespace obbak::restore {

std::string Subject::ToText() const {
  std::string text;
  const auto within = [&](std::string_view what, std::int64_t id) {
    text += fmt::format("{}{} {}", text.empty() ? "" : " in ", what, id);
  };
  if (ls) within("log stream", ls->value);
  if (piece) {
    within("piece", piece->value);
  } else if (round) {
    within("round", round->value);
  }
  if (set) within("set", set->value);
  return text;
}

void FindingList::Add(Severity severity, int rule, const Subject& subject, Error error,
                      Effect effect) {
  if (severity == Severity::kError && effect == Effect::kBreaks) {
    // The complement log of a set is a part of it.
    if (subject.set) {
      broken_.insert({subject.medium, Part::kSet, subject.set->value});
    } else if (subject.piece) {
      broken_.insert({subject.medium, Part::kPiece, subject.piece->value});
    } else if (subject.round) {
      broken_.insert({subject.medium, Part::kRound, subject.round->value});
    } else {
      broken_.insert({subject.medium, Part::kWhole, 0});
    }
  }
  if (findings_.size() < max_) {
    findings_.push_back({.severity = severity,
                         .rule = rule,
                         .object = subject.ToText(),
                         .error = std::move(error)});
  } else if (severity == Severity::kError) {
    ++suppressed_errors_;
  } else {
    ++suppressed_warnings_;
  }
}

void FindingList::MoveTo(ValidationReport& report) {
  report.findings = std::move(findings_);
  report.suppressed_errors = suppressed_errors_;
  report.suppressed_warnings = suppressed_warnings_;
}

Reporter Reporter::About(format::BackupSetId set) const {
  Reporter other = *this;
  other.subject_.set = set;
  return other;
}
Reporter Reporter::About(format::RoundId round) const {
  Reporter other = *this;
  other.subject_.round = round;
  return other;
}
Reporter Reporter::About(format::RoundId round, format::PieceId piece) const {
  Reporter other = *this;
  other.subject_.round = round;
  other.subject_.piece = piece;
  return other;
}
Reporter Reporter::About(format::LsId ls) const {
  Reporter other = *this;
  other.subject_.ls = ls;
  return other;
}

Reporter Reporter::About(const format::BackupPath& path) const {
  Reporter about = *this;
  if (path.set.value > 0) about.subject_.set = path.set;
  if (path.round.value > 0) about.subject_.round = path.round;
  if (path.piece.value > 0) about.subject_.piece = path.piece;
  if (path.ls.value > 0) about.subject_.ls = path.ls;
  return about;
}

void Reporter::Damage(std::string_view path, Error error) const {
  Add(Severity::kError, 0, path, std::move(error));
}

void Reporter::Stray(Severity severity, std::string_view path, Error error) const {
  const bool is_of_whole = !subject_.set && !subject_.round && !subject_.piece;
  list_->Add(severity, 0, subject_, std::move(error).WithPath(FullPath(path)),
             is_of_whole ? FindingList::Effect::kNone : FindingList::Effect::kBreaks);
}

void Reporter::Broken(int rule, std::string_view path, std::string_view field,
                      std::string message) const {
  Add(Severity::kError, rule, path,
      Error(ErrorCode::kInvalidData, std::move(message)).WithField(std::string(field)));
}

void Reporter::Odd(int rule, std::string_view path, std::string_view field,
                   std::string message) const {
  Add(Severity::kWarning, rule, path,
      Error(ErrorCode::kInvalidData, std::move(message)).WithField(std::string(field)));
}

void Reporter::Missing(int rule, std::string_view path, std::string_view what) const {
  Add(Severity::kError, rule, path,
      Error(ErrorCode::kBackupFileNotExist, fmt::format("{} is missing", what)));
}

std::string Reporter::FullPath(std::string_view path) const {
  std::string full = location_;
  if (!path.empty()) full.append("/").append(path);
  return full;
}

void Reporter::Add(Severity severity, int rule, std::string_view path, Error error) const {
  list_->Add(severity, rule, subject_, std::move(error).WithPath(FullPath(path)));
}

}  // namespace obbak::restore
