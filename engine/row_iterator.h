// RowIterator: the versions of rows that one source - a MemTable, an SSTable - has, in order.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "base/result.h"
#include "format/datum.h"
#include "format/dml_flag.h"
#include "io/task.h"

namespace obbak::engine {

// One committed version of a row.
struct RowVersion {
  // The commit version of what the reading transaction itself has changed and not committed yet.
  static constexpr std::int64_t kOwnWrite = std::numeric_limits<std::int64_t>::max();

  // The transaction's commit version; a Scn's value, so never negative.
  std::int64_t commit_version = 0;
  // Orders the changes of one transaction: format::TxSeq::value.
  std::int64_t sequence = 0;
  format::DmlFlag dml = format::DmlFlag::kInsert;
  // The table's stored columns, key columns first, without the two hidden ones. NOP: this version
  // leaves the column as it was. Of a deletion only the key counts.
  std::span<const format::Datum> cells;
};

enum class Direction { kForward, kBackward };

// Forward: keys ascend, and versions of one key come newest first. Backward is exactly the reverse.
//
// What is in memory is walked without a coroutine: Next() says that it needs I/O, Load() does it.
//
//   for (;;) {
//     Result<bool> moved = iterator.Next();
//     if (!moved) co_return Fail(moved.error());
//     if (!*moved) { co_await iterator.Load() (and check it); continue; }
//     if (!iterator.Valid()) break;
//     use(iterator.row());
//   }
class RowIterator {
 public:
  RowIterator() = default;
  RowIterator(const RowIterator&) = delete;
  RowIterator& operator=(const RowIterator&) = delete;
  virtual ~RowIterator() = default;

  // Moves to the next row, at first to the first one; behind the last row Valid() is false. False
  // as result: nothing has moved, the caller awaits Load() and calls again.
  virtual Result<bool> Next() = 0;
  virtual io::Task<Status> Load() = 0;

  virtual bool Valid() const = 0;
  // Precondition: Valid(). Lives until the iterator moves.
  virtual const RowVersion& row() const = 0;
};

}  // namespace obbak::engine
