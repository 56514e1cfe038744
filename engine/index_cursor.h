// IndexCursor: a path through the index tree of an SSTable, down to one data micro block.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <optional>
#include <span>

#include "base/result.h"
#include "engine/micro_block_cache.h"
#include "engine/row_iterator.h"
#include "engine/sstable.h"
#include "format/datum.h"
#include "format/index_row.h"
#include "format/micro_block_reader.h"

namespace obbak::engine {

// Does no I/O itself: it says which micro block it is missing, and is given it.
//
//   cursor.Seek(key, IndexCursor::Bound::kLower);
//   for (;;) {
//     Result<bool> there = cursor.Continue();
//     if (!there) co_return Fail(there.error());
//     if (*there) break;
//     cursor.Supply(co_await LoadMicroBlock(store, cursor.missing()) (checked));
//   }
//   if (cursor.Valid()) use(cursor.child());
class IndexCursor {
 public:
  enum class Bound { kLower, kUpper };

  // The SSTable must outlive the cursor.
  explicit IndexCursor(const Sstable& sstable) : sstable_(&sstable) {}

  // To the first entry whose end key is not below `key` (kLower) or above it (kUpper), behind the
  // last one if there is none. `key` may be a prefix; it must live until Continue() returns true.
  void Seek(std::span<const format::Datum> key, Bound bound);
  void SeekToFirst() { Restart(Target::kFirst); }
  void SeekToLast() { Restart(Target::kLast); }
  // From the entry where it is to the next one or the one before, on any level. Precondition:
  // Valid().
  void Step(Direction direction);

  // Goes on with one of the above. True: it is done. False: missing() is needed first.
  // `stop_above_leaf`: entries are data macro blocks, unless the cursor is below that already.
  Result<bool> Continue(bool stop_above_leaf = false);
  const MicroBlockAddress& missing() const { return missing_; }
  void Supply(MicroBlockCache::Pin block) { supplied_ = std::move(block); }

  // Whether there is an entry; after Continue() returned true.
  bool Valid() const { return !levels_.empty(); }
  // The entry's child: a data micro block, or the leaf index of a data macro block.
  const MicroBlockAddress& child() const { return child_; }
  bool at_data() const { return at_data_; }
  // The first `key.size()` cells of the entry's end key. They live until the cursor moves.
  Status ReadEndKey(std::span<format::Datum> key) const;
  // Entries of the same index micro block from this one on, itself included, in a direction.
  std::size_t EntriesLeft(Direction direction) const;

 private:
  enum class Target { kFirst, kLast, kKey };
  struct Level {
    MicroBlockCache::Pin pin;  // none: the root inside the SSTable's meta
    format::MicroBlockReader reader;
    format::MacroBlockId macro_id;
    std::size_t row = 0;
  };
  // No tree is higher.
  static constexpr std::size_t kMaxHeight = 20;

  void Restart(Target target);
  // False when it is missing.
  Result<bool> EnterRoot();
  Result<bool> Enter(const MicroBlockAddress& address);
  Status Push(MicroBlockCache::Pin pin, const format::MicroBlockReader& reader,
              const format::MacroBlockId& macro_id);
  Status ReadEntry();

  const Sstable* sstable_;
  boost::container::small_vector<Level, 4> levels_;
  Target target_ = Target::kFirst;
  std::span<const format::Datum> key_;
  Bound bound_ = Bound::kLower;
  bool at_root_ = false;  // the root is still to be entered
  MicroBlockAddress missing_;
  MicroBlockCache::Pin supplied_;
  MicroBlockAddress child_;
  bool at_data_ = false;
  bool at_macro_ = false;
};

}  // namespace obbak::engine
