// A destination as a tree, with what each file is.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/console.h"

namespace obbak::cli {

// One file or directory below the listed one.
struct TreeEntry {
  std::string path;  // relative, '/' between components
  bool directory = false;
  bool known = false;  // the name is one of a destination
  std::uint64_t size = 0;
  std::string kind;       // "MacroBlockData"; empty if unknown
  std::string meaning;    // one line for people; "unknown" for other names
  std::size_t alike = 0;  // siblings of its kind that are left out
};

// Everything below `directory`, in order, parents first. `directory` may be a destination's root or
// any directory in one. Symbolic links are listed, not followed. Fails when a directory can't be
// read.
Result<std::vector<TreeEntry>> ListTree(const std::filesystem::path& directory);

// The first of each kind in every directory; all that is unknown. `entries` as ListTree gives them.
std::vector<TreeEntry> OneOfEachKind(const std::vector<TreeEntry>& entries);

// Indented by depth, with sizes and meanings.
std::string TreeText(const std::filesystem::path& directory, const std::vector<TreeEntry>& entries);
// "12 files, 0 unknown names".
std::string CountText(const std::vector<TreeEntry>& entries);
boost::json::value TreeJson(const std::vector<TreeEntry>& entries);

// Prints one of the two; returns the exit status.
int PrintTree(const std::filesystem::path& directory, bool json, const Console& console);

}  // namespace obbak::cli
