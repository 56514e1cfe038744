// A macro block on its way to another place: checked once, its checksum known from then on.
// docs/spec/macro-block.md §2, docs/spec/backup-data-files.md §3.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace obbak::format {

struct CheckedMacroBlock {
  // Header and payload; what follows in the block's slot means nothing.
  std::size_t used_size = 0;
  // Crc64 of those bytes.
  std::uint64_t checksum = 0;
};

// Bytes of the block that begins with `head` (at least a common header), for a reader that does not
// know yet how much to read. kInvalidData when it begins no macro block.
Result<std::size_t> UsedSizeOfMacroBlock(ByteView head);

// The common header and the payload's checksum, as ReadMacroBlockCommonHeader; reads each byte
// once.
Result<CheckedMacroBlock> CheckMacroBlock(ByteView block);

}  // namespace obbak::format
