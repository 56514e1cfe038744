// Rules 9 to 14 and 16 of docs/spec/consistency.md §6: the log streams of a backup set.
#pragma once

#include "restore/validate_set.h"

namespace obbak::restore {

// Precondition: the set is complete and has its description. Without ls_attr_info or ls_meta_infos
// there is nothing to compare.
void CheckLsMetas(const SetView& view, const Reporter& found);

}  // namespace obbak::restore
