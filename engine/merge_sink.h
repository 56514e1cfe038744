// MergeSink: where a merge leaves its finished macro blocks.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"
#include "format/macro_block_ids.h"
#include "format/sstable_desc.h"

namespace obbak::engine {

// A number of places, filled by the merge and emptied by whoever writes the blocks; not both at the
// same time.
class MergeSink final : public format::MacroBlockSink {
 public:
  struct Place {
    format::MacroBlockId id;
    // Of a macro block's size.
    std::span<std::byte> buffer;
    // Bytes in it, padding included; 0 while it is empty.
    std::size_t filled = 0;
  };

  void AddRoom(const format::MacroBlockId& id, std::span<std::byte> buffer) {
    room_.push_back({.id = id, .buffer = buffer});
  }
  std::size_t room() const { return room_.size(); }
  // Blocks finished since the last call.
  std::vector<Place> TakeFilled();
  // Places that nothing was put into.
  std::vector<Place> TakeRoom();

  // kErrUnexpected when there is no room.
  Result<format::MacroBlockId> Allocate() override;
  Status Write(const format::MacroBlockId& id, const Block& block) override;

 private:
  std::vector<Place> room_;
  // Given out by Allocate, and not written yet.
  std::vector<Place> begun_;
  std::vector<Place> filled_;
};

}  // namespace obbak::engine
