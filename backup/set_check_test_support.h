// A second opinion on a data destination: what the rules of docs/spec/consistency.md §6 (1 to 32)
// say of its sets, with readers of format/ only. For tests.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "backup/backup_test_support.h"
#include "engine/tenant_core.h"
#include "format/backup_set_records.h"
#include "format/ids.h"

namespace obbak::backup {

struct SetCheck {
  // What does not hold, "rule 24: tablet 200001 ...".
  std::vector<std::string> findings;
  // Of the complete sets, ascending.
  std::vector<format::BackupSetFileDesc> sets;
  // Sets that have a start mark only.
  std::set<std::int64_t> incomplete;
  // Tablets that a map of some set lists and its indexes do not have: they were dropped, the test
  // must know.
  std::set<format::TabletId> missing;

  // Nothing was found; otherwise the first few findings.
  std::string Text() const;
};

// Every name and every byte of every file, and all sets. `round_start`: of the archive.
SetCheck CheckDestination(const Tree& tree, format::Scn round_start);

// What a writer that died has left behind, and the next one removes.
enum class Temporaries { kNone, kMayBeThere };

// The same of the destination of `source`.
inline SetCheck Check(BackedUpTenant& source, Temporaries temporaries = Temporaries::kNone) {
  Tree tree = TreeOf(source.world().disk().image(), kDataDir);
  if (temporaries == Temporaries::kMayBeThere) {
    std::erase_if(tree, [](const auto& file) { return file.first.starts_with(".obbak_tmp."); });
  }
  return CheckDestination(tree, source.archiver().DoingRound()->start_scn);
}

}  // namespace obbak::backup
