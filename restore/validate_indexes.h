// Rules 31 and 32 of docs/spec/consistency.md §6: indexes against the data files, and the set's
// statistics.
#pragma once

#include "restore/validate_set.h"

namespace obbak::restore {

// Precondition: the set is complete and has its description.
void CheckIndexes(const SetView& view, const Reporter& found);
void CheckStatistics(const SetView& view, const Reporter& found);

}  // namespace obbak::restore
