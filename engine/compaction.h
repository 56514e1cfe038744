// Compactions: MemTables and SSTables in, one SSTable out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "engine/row_iterator.h"
#include "engine/sstable.h"
#include "format/column.h"
#include "format/compressor.h"
#include "format/ids.h"
#include "format/storage_schema.h"
#include "format/table_key.h"
#include "io/task.h"

namespace obbak::engine {

// What the SSTables of a tablet are like; all from its table's schema.
struct TabletFormat {
  format::TabletId tablet_id;
  format::RowSchema schema;
  // Of major SSTables. Others are compressed with lz4, unless this is kNone.
  format::CompressorType compressor = format::CompressorType::kNone;
  std::int64_t schema_version = 0;
  std::int64_t progressive_merge_round = 1;
  std::int64_t index_type = 0;
  std::int32_t table_mode = 0;
  std::size_t micro_block_size = 16384;
  // Percent of a macro block that a merge leaves free.
  std::int64_t pctfree = 0;
  // Smaller ones give many macro blocks of few rows, for tests.
  std::size_t macro_block_size = format::kMacroBlockSize;

  // kNotSupported for tables that obbak does not store: columns left out, not all stored, key
  // columns not in front or descending, encryption.
  static Result<TabletFormat> Of(format::TabletId tablet_id, const format::StorageSchema& schema);
};

struct CompactionStatistics {
  std::uint64_t rows_read = 0;
  std::uint64_t rows_written = 0;
  std::uint64_t blocks_read = 0;
  // Data macro blocks.
  std::uint64_t blocks_written = 0;
  std::uint64_t blocks_reused = 0;
  std::uint64_t bytes_written = 0;
};

struct CompactionResult {
  std::shared_ptr<const Sstable> sstable;
  CompactionStatistics statistics;
};

// Three merges. Rows are merged and encoded on the worker pool in short slices, while blocks are
// read and written; memory is a few macro blocks per input. All blocks are on stable storage when
// the result is there; nothing refers to it yet but the caller. After an error, or when `stop` is
// requested (kCanceled), all blocks written are free again. No rows: an SSTable without blocks.

// Flushes a frozen MemTable: a MINI SSTable of the versions that `rows` gives, for the log SCNs
// above range.start_scn up to range.end_scn. Several versions of one transaction become one.
io::Task<Result<CompactionResult>> WriteMini(const SstableStore& store, const TabletFormat& format,
                                             format::ScnRange range, RowIterator& rows,
                                             std::stop_token stop = {});

// One MINOR SSTable of mini and minor ones, which are given oldest first and whose SCN ranges join.
// Keeps every version, except those that no snapshot from `recycle_version` on can see: of the
// versions up to it each key keeps the newest, which takes over what the others had set.
io::Task<Result<CompactionResult>> MergeMinor(const SstableStore& store, const TabletFormat& format,
                                              std::vector<std::shared_ptr<const Sstable>> inputs,
                                              std::int64_t recycle_version = 0,
                                              std::stop_token stop = {});

// The MAJOR SSTable of `snapshot`: each key that exists then, as it is then. `previous` is the
// major before (null: none); `increments` are the mini and minor SSTables with everything committed
// since, oldest first. They may reach beyond the snapshot. Data macro blocks of `previous` in whose
// key range nothing has changed become blocks of the new SSTable as they are.
io::Task<Result<CompactionResult>> MergeMajor(
    const SstableStore& store, const TabletFormat& format, std::shared_ptr<const Sstable> previous,
    std::vector<std::shared_ptr<const Sstable>> increments, std::int64_t snapshot,
    std::stop_token stop = {});

}  // namespace obbak::engine
