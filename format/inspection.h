// Inspection: what a tolerant reader can say about a file, good or damaged.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "format/dissection.h"
#include "format/rules.h"

namespace obbak::format {

// Everything that can be said about a file that should be of one kind.
struct Inspection {
  // Nodes "header", "payload" and, behind the payload, "extra"; offsets in the file. After damage
  // it holds what still could be decoded.
  Dissection dissection;
  // Each check that failed, in the order in which a reader makes them. Empty for a file that a
  // reader accepts.
  std::vector<Error> findings;
};

// Whether an inspection keeps a dissection. A reader that only wants the record goes without, at
// many times the speed, and inspects again for the place of what it found.
enum class Tracing { kOff, kOn };

// Collects what is wrong, with the offset that the dissection knows for a field.
class Findings {
 public:
  explicit Findings(Inspection& inspection, Tracing tracing = Tracing::kOn)
      : inspection_(inspection), tracing_(tracing) {}

  // Adds a finding about the field at a dotted path unless the check holds.
  void Require(bool holds, ErrorCode code, std::string_view field, std::string message);
  void Add(Error error) { errors().push_back(std::move(error)); }
  std::vector<Error>& errors() { return inspection_.findings; }

  // What a decoder fills, null without tracing.
  Dissection* trace() { return tracing_ == Tracing::kOn ? &inspection_.dissection : nullptr; }
  // Names bytes behind a record.
  void Frame(std::string name, std::size_t begin, std::size_t end, std::string text) {
    if (trace() != nullptr) {
      trace()->AddFraming(std::move(name), begin, end, std::move(text));
    }
  }

 private:
  Inspection& inspection_;
  Tracing tracing_;
};

// Adds each violation as an Error of `code` whose field is below `prefix`; with a dissection it
// gets the offset and the value found there.
void AppendViolations(const std::vector<Violation>& violations, std::string_view prefix,
                      ErrorCode code, const Dissection* dissection, std::vector<Error>& findings);

}  // namespace obbak::format
