// The obbak program, for main() and for tests.
#pragma once

#include <span>
#include <string>

#include "cli/console.h"

namespace obbak::cli {

// Runs one command line, without the program's name. Returns the exit status.
int RunObbak(std::span<const std::string> arguments, const std::string& version,
             const Console& console);

}  // namespace obbak::cli
