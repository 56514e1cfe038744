// Windows: which points sets and archives can be restored to.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "format/archive_records.h"
#include "format/backup_set_records.h"
#include "format/ids.h"

namespace obbak::restore {

// Points that can be restored: from one to the other, both included.
struct Window {
  format::Scn from;
  format::Scn to;
  format::BackupSetId set;  // that a restore of `from` would use
  bool operator==(const Window&) const = default;
};

// All points that ChooseSetIndexes and ChoosePieceIndexes can reach from these sets with the logs
// of one archive; ascending, disjoint, a new one where another set takes over. `sets` and `pieces`
// as those two take them: all that there are, or those that are intact.
std::vector<Window> RestorableWindows(std::span<const format::BackupSetFileDesc> sets,
                                      std::span<const format::TenantArchivePieceAttr> pieces,
                                      format::DestId dest);

// The same without an archive: the one point of each set that has its logs with it.
std::vector<Window> ComplementWindows(std::span<const format::BackupSetFileDesc> sets);

// For messages: "SCN 5 to 9 (<time> to <time>)"; several are joined by commas, of many only the
// last ones are named.
std::string WindowsText(std::span<const Window> windows);

}  // namespace obbak::restore
