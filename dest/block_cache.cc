#include "dest/block_cache.h"

namespace obbak::dest {

std::shared_ptr<const Bytes> BlockCache::Find(std::uint64_t file, std::uint64_t offset) {
  const auto place = places_.find({file, offset});
  if (place == places_.end()) return nullptr;
  blocks_.splice(blocks_.begin(), blocks_, place->second);
  return place->second->bytes;
}

void BlockCache::Insert(std::uint64_t file, std::uint64_t offset,
                        std::shared_ptr<const Bytes> block) {
  const Key key{file, offset};
  if (places_.contains(key) || block->size() > capacity_) return;
  size_ += block->size();
  blocks_.push_front({key, std::move(block)});
  places_.emplace(key, blocks_.begin());
  while (size_ > capacity_) {
    size_ -= blocks_.back().bytes->size();
    places_.erase(blocks_.back().key);
    blocks_.pop_back();
  }
}

}  // namespace obbak::dest
