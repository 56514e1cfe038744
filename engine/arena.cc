#include "engine/arena.h"

#include <algorithm>
#include <utility>

namespace obbak::engine {

std::byte* Arena::AddChunk(std::size_t size) {
  const std::size_t grown =
      chunks_.empty() ? kFirstChunk : std::min(chunks_.back().size * 2, kLargestChunk);
  const std::size_t chunk_size = std::max(size, grown);
  auto memory = std::make_unique_for_overwrite<std::byte[]>(chunk_size);
  next_ = memory.get();
  left_ = chunk_size;
  bytes_ += chunk_size;
  chunks_.push_back({std::move(memory), chunk_size});
  return next_;
}

void Arena::Clear() {
  if (chunks_.empty()) return;
  chunks_.erase(chunks_.begin(), chunks_.end() - 1);
  next_ = chunks_.back().memory.get();
  left_ = bytes_ = chunks_.back().size;
}

void Arena::Rewind(const Mark& mark) {
  if (mark.chunks == 0) return Clear();
  for (; chunks_.size() > mark.chunks; chunks_.pop_back()) bytes_ -= chunks_.back().size;
  next_ = mark.next;
  left_ = mark.left;
}

}  // namespace obbak::engine
