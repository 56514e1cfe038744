// SstableStore: what all SSTables of a tenant share.
#pragma once

#include "base/result.h"
#include "engine/block_file.h"
#include "engine/micro_block_cache.h"
#include "io/buffer_pool.h"
#include "io/loop.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::engine {

// References to things that outlive the SSTables. Copied freely.
struct SstableStore {
  io::Loop& loop;
  BlockFile& blocks;
  MicroBlockCache& cache;
  // Buffers of one macro block each, for scans. One that finds none free reads in small pieces, so
  // that scans never wait for one another.
  io::BufferPool& scan_buffers;
  // Reads ahead that nobody waits for any more. To be joined before the others are destroyed.
  io::TaskGroup& background;
};

// Reads and checks one micro block, through the cache. Errors name the macro block.
io::Task<Result<MicroBlockCache::Pin>> LoadMicroBlock(SstableStore store,
                                                      MicroBlockAddress address);

}  // namespace obbak::engine
