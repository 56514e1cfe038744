// SstableIterator: the rows of an SSTable in a range of keys.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "engine/index_cursor.h"
#include "engine/key_range.h"
#include "engine/row_iterator.h"
#include "engine/sstable.h"
#include "engine/stored_row.h"
#include "format/micro_block_reader.h"
#include "format/owned_key.h"
#include "io/buffer_pool.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::engine {

// One end of a range. No cells: the range has no end there.
struct KeyBound {
  std::span<const format::Datum> key;
  bool inclusive = true;
};

// Adjacent data micro blocks of one macro block, in the order in which a scan visits them.
struct ScanRun {
  struct Micro {
    std::size_t offset = 0;  // in the macro block
    std::size_t size = 0;
  };

  format::MacroBlockId macro_id;
  format::CompressorType compressor = format::CompressorType::kNone;
  // Either one micro block from the cache, or several in a buffer that begins at `base`.
  MicroBlockCache::Pin pin;
  io::Buffer buffer;
  std::size_t base = 0;
  std::vector<Micro> micros;
  // No row behind this run can be in the range.
  bool is_last = false;
};

// Fetches the runs of a scan one after the other: first single micro blocks through the cache, and
// when it has become clear that the scan is a long one, whole macro blocks.
class ScanFetcher {
 public:
  ScanFetcher(std::shared_ptr<const Sstable> sstable, const KeyRange& range, Direction direction);

  const Sstable& sstable() const { return *sstable_; }
  Direction direction() const { return direction_; }
  // Where the scan starts, and where it is over.
  KeyBound start() const { return direction_ == Direction::kForward ? lower() : upper(); }
  KeyBound stop() const { return direction_ == Direction::kForward ? upper() : lower(); }

  // The next run. No micro blocks: there is none. One call at a time.
  io::Task<Result<ScanRun>> Fetch();
  // Whether runs are large, so that it pays to fetch the next one ahead.
  bool reads_large() const { return fetched_ >= kLargeFrom; }

 private:
  // Bytes after which a scan counts as a long one.
  static constexpr std::size_t kLargeFrom = 64 << 10;

  io::Task<Status> Continue(bool stop_above_leaf);
  io::Task<Status> Begin();
  io::Task<Result<ScanRun>> FetchMicro();
  io::Task<Result<ScanRun>> FetchRestOfMacro(io::Buffer buffer);
  io::Task<Result<ScanRun>> FetchMacro(io::Buffer buffer);
  io::Task<Status> ReadInto(ScanRun& run, std::size_t begin, std::size_t end);
  Status ListMicros(const MicroBlockAddress& leaf, ScanRun& run) const;
  // Whether the range ends within the cursor's entry, or before it.
  Result<bool> EntryEndsRange();

  KeyBound lower() const { return {lower_.cells(), lower_inclusive_}; }
  KeyBound upper() const { return {upper_.cells(), upper_inclusive_}; }

  std::shared_ptr<const Sstable> sstable_;
  format::OwnedKey lower_;
  format::OwnedKey upper_;
  bool lower_inclusive_;
  bool upper_inclusive_;
  Direction direction_;
  IndexCursor cursor_;
  bool begun_ = false;
  bool ended_ = false;
  std::size_t fetched_ = 0;
};

class SstableIterator final : public RowIterator {
 public:
  SstableIterator(std::shared_ptr<const Sstable> sstable, const KeyRange& range,
                  Direction direction);

  Result<bool> Next() override;
  io::Task<Status> Load() override;
  bool Valid() const override { return valid_; }
  const RowVersion& row() const override { return row_.version(); }

 private:
  // A fetch that runs beside the scan; it may outlive the iterator.
  struct Ahead {
    explicit Ahead(io::Loop& loop) : done(loop) {}
    io::Event done;
    std::optional<Result<ScanRun>> run;
  };

  static io::Task<void> FetchAhead(std::shared_ptr<ScanFetcher> fetcher,
                                   std::shared_ptr<Ahead> ahead);

  Result<bool> Advance();
  Status EnterMicro();
  bool IsBehindRange() const;

  std::shared_ptr<ScanFetcher> fetcher_;
  std::shared_ptr<Ahead> ahead_;
  ScanRun run_;
  std::size_t next_micro_ = 0;
  Bytes scratch_;
  format::MicroBlockReader micro_;
  // Rows of micro_ that were visited.
  std::size_t visited_ = 0;
  StoredRow row_;
  // A scan's first rows may lie before its range.
  bool in_range_ = false;
  bool valid_ = false;
  bool ended_ = false;
};

}  // namespace obbak::engine
