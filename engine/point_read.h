// PointRead: the versions of one key in one SSTable.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/result.h"
#include "engine/index_cursor.h"
#include "engine/micro_block_cache.h"
#include "engine/sstable.h"
#include "format/datum.h"

namespace obbak::engine {

// Does no I/O itself, like IndexCursor. Collects all micro blocks that the key's versions lie in,
// and only then visits them.
class PointRead {
 public:
  // Both must outlive the read.
  PointRead(const Sstable& sstable, std::span<const format::Datum> key);

  // False: missing() is needed first. Precondition: the key is valid.
  Result<bool> Collect();
  const MicroBlockAddress& missing() const;
  void Supply(MicroBlockCache::Pin block);

  // Precondition: Collect() returned true.
  Status Visit(std::int64_t snapshot, VersionSink& sink) const;

 private:
  struct Block {
    MicroBlockAddress address;
    MicroBlockCache::Pin pin;
  };

  Status VisitBlock(const Block& block, std::int64_t snapshot, VersionSink& sink, bool& done) const;
  // Whether versions of the key may follow in the next micro block.
  Result<bool> GoesOn(const format::MicroBlockReader& block) const;

  const Sstable& sstable_;
  std::span<const format::Datum> key_;
  IndexCursor cursor_;
  bool wants_data_ = false;
  MicroBlockCache::Pin supplied_;
  boost::container::small_vector<Block, 2> blocks_;
};

}  // namespace obbak::engine
