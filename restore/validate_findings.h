// FindingList and Reporter: how the parts of a validation say what they found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "base/error.h"
#include "format/backup_path.h"
#include "format/ids.h"
#include "restore/validate.h"

namespace obbak::restore {

// What a finding is about: as much of it as is known.
struct Subject {
  std::size_t medium = 0;
  std::optional<format::BackupSetId> set;
  std::optional<format::RoundId> round;
  std::optional<format::PieceId> piece;
  std::optional<format::LsId> ls;

  // "log stream 1001 in piece 3"; empty for the destination as a whole.
  std::string ToText() const;
};

// Everything found, up to a limit; beyond it findings are counted only. What they make unusable is
// remembered of all of them.
class FindingList {
 public:
  explicit FindingList(std::size_t max) : max_(max) {}

  // Whether an error makes its subject unusable.
  enum class Effect { kNone, kBreaks };
  void Add(Severity severity, int rule, const Subject& subject, Error error,
           Effect effect = Effect::kBreaks);

  // Whether an error was found in the destination as a whole, in this set, or in this piece or its
  // round.
  bool IsBroken(std::size_t medium) const { return broken_.contains({medium, Part::kWhole, 0}); }
  bool IsBroken(std::size_t medium, format::BackupSetId set) const {
    return broken_.contains({medium, Part::kSet, set.value});
  }
  bool IsBroken(std::size_t medium, format::RoundId round, format::PieceId piece) const {
    return broken_.contains({medium, Part::kRound, round.value}) ||
           broken_.contains({medium, Part::kPiece, piece.value});
  }

  void MoveTo(ValidationReport& report);

 private:
  enum class Part { kWhole, kSet, kRound, kPiece };

  std::size_t max_;
  std::vector<Finding> findings_;
  std::uint64_t suppressed_errors_ = 0;
  std::uint64_t suppressed_warnings_ = 0;
  std::set<std::tuple<std::size_t, Part, std::int64_t>> broken_;
};

// Reports about one subject of one medium. Copied freely; the list must outlive it.
class Reporter {
 public:
  // `location`: of the medium, which every path is put behind.
  Reporter(FindingList& list, std::size_t medium, std::string location)
      : list_(&list), location_(std::move(location)) {
    subject_.medium = medium;
  }

  Reporter About(format::BackupSetId set) const;
  Reporter About(format::RoundId round) const;
  Reporter About(format::RoundId round, format::PieceId piece) const;
  Reporter About(format::LsId ls) const;

  // A file that is damaged. `error` says where.
  void Damage(std::string_view path, Error error) const;
  // A name that no destination has; it makes nothing unusable but what the subject names.
  void Stray(Severity severity, std::string_view path, Error error) const;
  // An invariant of docs/spec/consistency.md §6 that does not hold.
  void Broken(int rule, std::string_view path, std::string_view field, std::string message) const;
  // The same where it may be the trace of a retry, of a cleanup or of an odd cluster.
  void Odd(int rule, std::string_view path, std::string_view field, std::string message) const;
  // A file that should be there.
  void Missing(int rule, std::string_view path, std::string_view what) const;

  // About the set, round, piece and log stream that a path names.
  Reporter About(const format::BackupPath& path) const;

  const Subject& subject() const { return subject_; }

 private:
  std::string FullPath(std::string_view path) const;
  void Add(Severity severity, int rule, std::string_view path, Error error) const;

  FindingList* list_;
  std::string location_;
  Subject subject_;
};

}  // namespace obbak::restore
