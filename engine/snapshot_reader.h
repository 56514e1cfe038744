// What a reader at one snapshot sees of rows whose versions lie in several sources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/arena.h"
#include "engine/row_image.h"
#include "engine/row_iterator.h"
#include "format/datum.h"
#include "io/task.h"

namespace obbak::engine {

// Rows that own what they point to.
class RowBatch {
 public:
  explicit RowBatch(std::size_t column_count) : column_count_(column_count) {}

  std::size_t size() const { return row_count_; }
  bool empty() const { return row_count_ == 0; }
  // The stored columns of a row, none of them NOP. Precondition: index < size().
  std::span<const format::Datum> row(std::size_t index) const {
    return std::span(cells_).subspan(index * column_count_, column_count_);
  }
  // Bytes of the rows' values.
  std::size_t bytes() const { return bytes_; }
  std::size_t column_count() const { return column_count_; }

  // Keeps the memory for the rows to come.
  void Clear();

 private:
  friend class RowFuse;

  std::size_t column_count_;
  std::size_t row_count_ = 0;
  std::size_t bytes_ = 0;
  std::vector<format::Datum> cells_;  // behind the rows: room for more
  Arena values_;
};

// Makes one row from its versions, at the end of a batch. Asks nothing about visibility: the
// versions are those that count. A version that is given twice changes nothing.
//
//   fuse.Begin();
//   ... fuse.AddOlder(version) until complete() or out of versions
//   Result<bool> exists = fuse.End();
class RowFuse {
 public:
  // Nobody else changes the batch between Begin() and End(). Both arguments must outlive the fuse.
  RowFuse(const StoredColumns& columns, RowBatch& batch) : columns_(columns), batch_(batch) {}

  void Begin();
  // Either: versions from the newest to the oldest, of which those behind the first deletion or
  // insertion don't count. Copies what it needs.
  void AddOlder(const RowVersion& version);
  // Or: versions from the oldest to the newest.
  void AddNewer(const RowVersion& version);

  // Begin() was called, End() was not.
  bool is_open() const { return is_open_; }
  // No older version can change the row.
  bool complete() const { return complete_; }
  // Of the open row, to which a version was added: NULL or a value in each key column.
  std::span<const format::Datum> key() const;

  // Adds the row to the batch, or drops it: false when it does not exist - no version was added, or
  // the newest is a deletion. kInvalidData when there are updates but nothing that they update; the
  // row is dropped.
  Result<bool> End();

 private:
  std::span<format::Datum> cells() const;
  // Takes the cells over that are not NOP and for which the row has none yet, or all of them.
  enum class Keep { kPresent, kNothing };
  void Merge(std::span<const format::Datum> from, Keep keep);

  const StoredColumns& columns_;
  RowBatch& batch_;
  Arena::Mark begin_{};
  std::size_t missing_ = 0;  // NOP cells
  bool is_open_ = false;
  bool exists_ = false;
  bool complete_ = false;
};

// The visible rows of several sources in key order.
class SnapshotScan {
 public:
  // Sources give rows in `direction`, the newest source comes first. Of their versions those above
  // `snapshot` are passed over, except RowVersion::kOwnWrite. The same version in two sources
  // counts once. `columns` must outlive the scan.
  SnapshotScan(const StoredColumns& columns, Direction direction, std::int64_t snapshot,
               std::vector<std::unique_ptr<RowIterator>> sources);

  // Adds rows to `batch` until it has max_rows, or max_bytes, or all are given. False: those were
  // the last ones. After an error the scan is of no further use.
  // Precondition: max_rows > 0.
  io::Task<Result<bool>> Fetch(RowBatch& batch, std::size_t max_rows, std::size_t max_bytes);

 private:
  struct Limits {
    std::size_t rows;
    std::size_t bytes;
  };
  enum class Progress { kFull, kEnd, kNeedsLoad };

  // As Fetch, but stops when to_move_.back() needs Load().
  Result<Progress> Fill(RowBatch& batch, RowFuse& fuse, const Limits& limits);
  // Moves what is in to_move_ and puts it in order; false when it needs Load().
  Result<bool> MoveSources();
  bool IsVisible(const RowVersion& version) const;
  // Whether the row of one source comes before that of another.
  bool IsBefore(std::size_t left, std::size_t right) const;

  const StoredColumns& columns_;
  Direction direction_;
  std::int64_t snapshot_;
  std::vector<std::unique_ptr<RowIterator>> sources_;
  // Indexes of sources: those that stand on a row, the next one last; those that have to move.
  std::vector<std::size_t> ordered_;
  std::vector<std::size_t> to_move_;
};

}  // namespace obbak::engine
