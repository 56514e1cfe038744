// `obbak demo`: writes sample destinations and shows them.
#pragma once

#include <filesystem>

#include "cli/inspect_command.h"

namespace obbak::cli {

// Writes the sample destinations below `directory`, which must be empty or not exist, then prints
// them as a tree and two of their files.
CommandResult Demo(const std::filesystem::path& directory);

}  // namespace obbak::cli
