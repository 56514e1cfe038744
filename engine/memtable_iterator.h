// How a MemTable is walked; engine/memtable.h has the contract (MemTable::Scan).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/memtable.h"
#include "engine/row_image.h"
#include "engine/row_iterator.h"
#include "format/datum.h"
#include "format/owned_key.h"
#include "io/task.h"

namespace obbak::engine {

// Which versions somebody sees.
struct VersionFilter {
  std::int64_t snapshot;
  // May be nullptr.
  const TxHandle* reader;

  bool Shows(const WriteNode& node) const {
    if (node.dml == format::DmlFlag::kLock) return false;
    if (node.IsUndecided()) return reader != nullptr && node.owner->id == reader->id;
    return node.IsCommitted() && node.commit_version <= snapshot;
  }
  // Precondition: Shows(node). `cells` are what its image holds.
  RowVersion VersionOf(const WriteNode& node, std::span<const format::Datum> cells) const {
    return {.commit_version = node.IsCommitted() ? node.commit_version : RowVersion::kOwnWrite,
            .sequence = node.seq.value,
            .dml = node.dml,
            .cells = cells};
  }
};

class MemTableIterator final : public RowIterator {
 public:
  MemTableIterator(const MemTable& table, const MemTable::ScanOptions& options);

  Result<bool> Next() override;
  io::Task<Status> Load() override;
  bool Valid() const override { return valid_; }
  const RowVersion& row() const override { return version_; }

 private:
  using Position = MemTable::Rows::const_iterator;

  // The next version of the row; nullptr when it has no more.
  const WriteNode* TakeVersion();
  // Makes the versions of `row` the next ones.
  void Enter(const MemRow& row);
  // To the next row; false when there is none.
  bool NextRow();
  // Positions in the tree, which do not survive an insertion.
  void FindPositions();
  Position Edge(const format::OwnedKey& key, bool behind_key, Position unbounded) const;
  // Has the memory of a row fetched that will be entered soon.
  void LookAhead();

  const MemTable& table_;
  const Direction direction_;
  const VersionFilter filter_;
  const bool stop_when_complete_;
  const format::OwnedKey lower_;
  const format::OwnedKey upper_;
  const bool behind_lower_;
  const bool behind_upper_;

  // The rows to come lie in between. Right while the tree has this many rows.
  Position begin_;
  Position end_;
  Position ahead_;
  std::size_t tree_size_ = 0;
  // The row that the iterator is in.
  MemTable::Slot current_{};
  // Its versions to come: forward a link into the chain, backward the newest first.
  const WriteNode* next_ = nullptr;
  std::vector<const WriteNode*> versions_;

  RowImageReader images_;
  std::vector<format::Datum> cells_;
  RowVersion version_;
  bool valid_ = false;
};

}  // namespace obbak::engine
