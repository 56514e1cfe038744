// What the disk can do without an engine: through the engine's own io_uring driver, past the page
// cache.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace obbak::bench {

// `count` writes of 4 KiB, one after the other, each durable when the next begins, over the blocks
// of a file that was written once: the least that a durable commit by one writer costs here.
// Returns the seconds of each.
std::vector<double> OverwriteDurably(const std::string& path, std::uint64_t count);

// Copies the first `size` bytes of the files below `from`, the largest first, to the new file `to`,
// in blocks of 2 MiB, `depth` at a time; durable when it returns.
void CopyDurably(const std::filesystem::path& from, const std::string& to, std::uint64_t size,
                 int depth);

}  // namespace obbak::bench
