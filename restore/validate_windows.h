// Which points a validation promises: those that a restore reaches with what is intact.
#pragma once

#include <set>
#include <span>
#include <vector>

#include "dest/archive_reader.h"
#include "format/ids.h"
#include "restore/restore_window.h"
#include "restore/validate_files.h"

namespace obbak::restore {

// A destination, and which parts of it are whole.
struct JudgedDest {
  const DestFacts* facts = nullptr;
  const std::set<format::BackupSetId>* intact_sets = nullptr;
  const std::set<dest::PieceName>* intact_pieces = nullptr;
};

// The points for which MakeRestorePlan chooses, from a data destination and the archives of its
// tenant, only what is intact: a broken set hides the points behind it although older sets would
// do, since a restore takes no notice of that. None when it fails before it can choose.
std::vector<Window> IntactWindows(const JudgedDest& data, std::span<const JudgedDest> archives);

}  // namespace obbak::restore
