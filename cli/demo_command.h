// `obbak demo`: writes sample destinations and shows them.
#pragma once

#include <filesystem>

#include "cli/console.h"

namespace obbak::cli {

// Writes the sample destinations below `directory`, which must be empty or not exist, then prints
// them as a tree and two of their files.
int Demo(const std::filesystem::path& directory, const Console& console);

}  // namespace obbak::cli
