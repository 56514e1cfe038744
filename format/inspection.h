// Inspection: what a tolerant reader can say about a file, good or damaged.
#pragma once

#include <vector>

#include "base/error.h"
#include "format/dissection.h"

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

}  // namespace obbak::format
