// Rules 25 to 30 of docs/spec/consistency.md §6: SSTables as the metas describe them, and the macro
// blocks that are there.
#pragma once

#include "restore/validate_set.h"

namespace obbak::restore {

// Precondition: the set is complete and has its description.
void CheckSstables(const SetView& view, const Reporter& found);

}  // namespace obbak::restore
