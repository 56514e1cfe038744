// `obbak inspect`: what a file or a directory of a destination is and holds.
#pragma once

#include <filesystem>
#include <string>

namespace obbak::cli {

enum class InspectOutput { kDump, kJson, kHex };

// What a command prints, and its exit status.
struct CommandResult {
  std::string out;
  std::string err;
  int status = 0;  // 0 good, 1 damaged or not readable
};

CommandResult Inspect(const std::filesystem::path& path, InspectOutput output);

}  // namespace obbak::cli
