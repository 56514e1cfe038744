#include "engine/merge_sink.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace obbak::engine {

std::vector<MergeSink::Place> MergeSink::TakeFilled() { return std::exchange(filled_, {}); }

std::vector<MergeSink::Place> MergeSink::TakeRoom() { return std::exchange(room_, {}); }

Result<format::MacroBlockId> MergeSink::Allocate() {
  if (room_.empty())
    return Fail(ErrorCode::kErrUnexpected, "a merge finishes more blocks than it has room for");
  begun_.push_back(room_.back());
  room_.pop_back();
  return begun_.back().id;
}

Status MergeSink::Write(const format::MacroBlockId& id, const Block& block) {
  const auto place = std::ranges::find(begun_, id, &Place::id);
  assert(place != begun_.end() && block.bytes.size() <= place->buffer.size());
  std::memcpy(place->buffer.data(), block.bytes.data(), block.bytes.size());
  place->filled = block.bytes.size();
  filled_.push_back(*place);
  begun_.erase(place);
  return {};
}

}  // namespace obbak::engine
