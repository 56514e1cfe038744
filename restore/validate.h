// Validate: reads every byte of destinations, and says what can be restored and what is broken.
// docs/spec/consistency.md §6.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "format/archive_records.h"
#include "format/backup_set_records.h"
#include "format/ids.h"
#include "io/loop.h"
#include "io/medium.h"
#include "io/task.h"
#include "restore/restore_window.h"

namespace obbak::restore {

enum class Severity { kError, kWarning };

// One thing that is not as it should be.
struct Finding {
  Severity severity = Severity::kError;
  int rule = 0;        // number in consistency.md §6; 0: the file itself is damaged or unknown
  std::string object;  // "set 2", "piece 3", "log stream 1001 in piece 3"; empty: the destination
  Error error;         // path, offset, field, message
};

struct ValidatedSet {
  format::BackupSetFileDesc desc;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  bool ended = false;   // has the mark of its end: the backup is neither going on nor cut off
  bool intact = false;  // ended, and no error in it or in the sets it depends on
};
struct ValidatedPiece {
  format::TenantArchivePieceAttr attr;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t groups = 0;
  std::uint64_t entries = 0;
  bool intact = false;
};
struct ValidationReport {
  std::vector<ValidatedSet> sets;
  std::vector<ValidatedPiece> pieces;
  std::vector<Window> windows;  // ascending, disjoint; a new one where another set takes over
  std::vector<Finding> findings;
  // Found beyond ValidateOptions::max_findings.
  std::uint64_t suppressed_errors = 0;
  std::uint64_t suppressed_warnings = 0;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  bool ok() const;  // no finding is an error
};

struct ValidateProgress {
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  std::string path;
};
using ReportValidation = std::function<void(const ValidateProgress& progress)>;

struct ValidateOptions {
  std::size_t concurrency = 2;
  std::size_t max_findings = 1000;
};

// `media`: data and archive destinations of one tenant, in any order, told apart by their format
// files. Damage is a finding; an Error means that a medium could not be read at all.
io::Task<Result<ValidationReport>> Validate(io::Loop& loop, std::vector<io::Medium*> media,
                                            ValidateOptions options = {},
                                            ReportValidation report = {});

}  // namespace obbak::restore
