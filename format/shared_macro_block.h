// Shared macro blocks: small SSTables that lie side by side in one macro block.
// docs/spec/macro-block.md §2.3, §14.2.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

namespace obbak::format {

// The first 4096 bytes. Complete data macro blocks follow, each at a multiple of 4096.
Bytes SharedMacroBlockHead();
// Success when `block` begins with them.
Status CheckSharedMacroBlockHead(ByteView block);

}  // namespace obbak::format
