// Inspection: what a tolerant reader can say about a file, good or damaged.
#pragma once

#include <string_view>
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

// Adds each violation as an Error of `code` whose field is below `prefix`; with a dissection it
// gets the offset and the value found there.
void AppendViolations(const std::vector<Violation>& violations, std::string_view prefix,
                      ErrorCode code, const Dissection* dissection, std::vector<Error>& findings);

}  // namespace obbak::format
