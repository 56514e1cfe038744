// How much of a macro block's slot there is to read.
#pragma once

#include <cstddef>

#include "format/macro_block_writer.h"

namespace obbak::engine {

// Where the block ends at most, as a size for BlockFile::Read: what an SSTable knows of a block
// does not tell the length of the block's own meta, which comes last.
std::size_t MaxBlockEnd(const format::DataBlockInfo& block);

}  // namespace obbak::engine
