// `obbak inspect`: what a file or a directory of a destination is and holds.
#pragma once

#include <filesystem>

#include "cli/console.h"

namespace obbak::cli {

enum class InspectOutput { kDump, kJson, kHex };

struct InspectOptions {
  InspectOutput output = InspectOutput::kDump;
  bool rows = false;  // decoded rows of logs and macro blocks too
};

// Prints `path` to `console` and returns the exit status: kFailure when it is damaged or cannot be
// read.
int Inspect(const std::filesystem::path& path, const InspectOptions& options,
            const Console& console);

}  // namespace obbak::cli
