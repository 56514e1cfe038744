// KeyRange: which keys a scan covers.
#pragma once

#include <span>

#include "format/datum.h"

namespace obbak::engine {

// One end of a range. No cells: the range has no end there. Fewer cells than the key has columns:
// the bound is the whole run of keys that begin with them, which `inclusive` takes in or leaves
// out.
struct KeyBound {
  std::span<const format::Datum> key;
  bool inclusive = true;
};

// Keys from the lower to the upper bound, whatever the direction of the scan. Borrows the bounds.
struct KeyRange {
  KeyBound lower;
  KeyBound upper;
};

}  // namespace obbak::engine
