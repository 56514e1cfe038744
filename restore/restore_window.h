// Windows: which points sets and archives can be restored to.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "format/ids.h"
#include "restore/restore_choice.h"

namespace obbak::restore {

// Points that can be restored: from one to the other, both included.
struct Window {
  format::Scn from;
  format::Scn to;
  format::BackupSetId set;  // that a restore of `from` would use
  bool operator==(const Window&) const = default;
};

// All points for which Choose() finds something that `accepts` takes; ascending, disjoint, a new
// one where another set takes over. `accepts` sees the choice alone: not given, it takes any.
std::vector<Window> RestorableWindows(const Candidates& all,
                                      const std::function<bool(const Choice&)>& accepts = {});

// For messages: "SCN 5 to 9 (<time> to <time>)"; several are joined by commas, of many only the
// last ones are named.
std::string WindowsText(std::span<const Window> windows);

}  // namespace obbak::restore
