// MemTable: the changes of one tablet since its last freeze, as versions of rows in key order.
#pragma once

#include <absl/container/btree_set.h>
#include <absl/types/compare.h>

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "engine/arena.h"
#include "engine/key_range.h"
#include "engine/row_image.h"
#include "engine/row_iterator.h"
#include "format/datum.h"
#include "format/dml_flag.h"
#include "format/ids.h"
#include "format/tx_ids.h"

namespace obbak::engine {

class MemTable;
class RowFuse;
struct MemRow;
struct TxHandle;

// One change of one row. Lives as long as its MemTable, also when it has been rolled back.
struct WriteNode
    : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>> {
  MemRow* row = nullptr;
  // The version before this one.
  WriteNode* older = nullptr;
  // Whose change it is while that is undecided; nullptr afterwards.
  TxHandle* owner = nullptr;
  // The new_row of the redo, in the MemTable's memory.
  ByteView image;
  format::TxSeq seq;
  // Of the transaction; 0 while undecided, and for ever when rolled back.
  std::int64_t commit_version = 0;
  // What the redo says of it: the row's changes in this MemTable before, and their checksum.
  std::uint32_t modify_count = 0;
  std::uint32_t acc_checksum = 0;
  format::DmlFlag dml{};
  // No older version matters to a reader: an insertion, a deletion, an update of all columns.
  bool is_complete = false;

  bool IsUndecided() const { return owner != nullptr; }
  bool IsCommitted() const { return commit_version != 0; }
};

// A row: its key, as first written, and its versions.
struct MemRow {
  MemTable* table = nullptr;
  // nullptr when all of its changes were rolled back.
  WriteNode* newest = nullptr;
  std::span<const format::Datum> key;
};

// What a MemTable needs to know of a transaction; the transaction's context has one for each log
// stream. Must stay where it is, and live until all its writes are decided.
struct TxHandle {
  using Writes = boost::intrusive::list<WriteNode>;

  format::TxId id;
  // Versions above it are conflicts. Not looked at when replaying.
  format::Scn snapshot;
  // Undecided changes in the order of their making, over all MemTables: redo is made from them,
  // deciding takes them off.
  Writes writes;
};

// Commits, or rolls back, all writes of the transaction. CommitWrites keeps their order, as rows in
// several MemTables become visible together: nothing may run in between.
void CommitWrites(TxHandle& tx, format::Scn version);
// Rolls back the writes with a sequence above `to`, newest first; TxSeq{}: all of them. Looks at
// each write of the transaction, as parallel branches need not write in the order of their
// sequences.
void RollbackWrites(TxHandle& tx, format::TxSeq to);

// Single-threaded, like all of a tenant. Nothing is ever taken out: memory goes with the MemTable.
class MemTable {
  struct Slot {
    std::uint64_t prefix;
    MemRow* row;
  };
  struct Probe {
    std::uint64_t prefix;
    std::span<const format::Datum> key;
  };
  // Keys by an integer that their order agrees with, and by their cells where that is not enough.
  class KeyOrder {
   public:
    using is_transparent = void;

    explicit KeyOrder(const StoredColumns& columns);

    template <class Left, class Right>
    absl::weak_ordering operator()(const Left& left, const Right& right) const {
      if (left.prefix != right.prefix) {
        return left.prefix < right.prefix ? absl::weak_ordering::less
                                          : absl::weak_ordering::greater;
      }
      if (prefix_decides_ && IsDecisive(left.prefix)) return absl::weak_ordering::equivalent;
      return CompareCells(KeyOf(left), KeyOf(right));
    }

    Probe ProbeFor(std::span<const format::Datum> key) const;

   private:
    // The two ends also stand for whatever lies beyond them (format::OrderPrefix).
    static bool IsDecisive(std::uint64_t prefix) { return prefix + 1 > 1; }
    static std::span<const format::Datum> KeyOf(const Probe& probe) { return probe.key; }
    static std::span<const format::Datum> KeyOf(const Slot& slot) { return slot.row->key; }
    absl::weak_ordering CompareCells(std::span<const format::Datum> left,
                                     std::span<const format::Datum> right) const;

    std::span<const format::ObjMeta> key_types_;
    bool prefix_decides_;
  };
  using Rows = absl::btree_set<Slot, KeyOrder, ArenaAllocator<Slot>>;

 public:
  // `columns` passed format::RowSchema::Create.
  explicit MemTable(StoredColumns columns);
  MemTable(const MemTable&) = delete;
  MemTable& operator=(const MemTable&) = delete;

  // Success when Write could change the row: to be asked of the frozen MemTables of a tablet before
  // writing to the active one.
  //   kTryLockRowConflict         another transaction, still undecided, has changed or locked it
  //   kTransactionSetViolation    a version was committed above tx.snapshot
  Status CheckConflict(const TxHandle& tx, std::span<const format::Datum> key) const;

  // One more version of a row, last of tx.writes. `cells` are the row as CheckRow wants it; they
  // are copied. A kLock changes nothing, but keeps other transactions off. Fails like CheckConflict
  // and CheckRow, and then has changed nothing.
  // Precondition: `seq` is not below those of the transaction's writes before.
  Result<WriteNode*> Write(TxHandle& tx, format::TxSeq seq, format::DmlFlag dml,
                           std::span<const format::Datum> cells);

  // What a redo row says of a change.
  struct Redo {
    format::TxSeq seq;
    format::DmlFlag dml{};
    std::span<const format::Datum> key;
    ByteView image;
    std::uint32_t modify_count = 0;
    std::uint32_t acc_checksum = 0;
  };
  // Makes the change of a redo row, in the order of the log, without asking for conflicts.
  // Everything is copied. kInvalidData when the image does not fit key and table, kChecksumError
  // when acc_checksum does not follow from the version before, if that one is here.
  Result<WriteNode*> Replay(TxHandle& tx, const Redo& redo);

  // Decide one change, which leaves its transaction's list. Rollback is quick for the newest
  // version of a row.
  void Commit(WriteNode& node, format::Scn version);
  void Rollback(WriteNode& node);

  // Keys that are looked for are whole ones which CheckRow accepts.

  // The row of this key; nullptr when there was never one. Rows stay where they are.
  const MemRow* Find(std::span<const format::Datum> key) const;

  // Adds what a reader at `snapshot` sees of the row to `fuse`, newest version first, until that is
  // complete: versions committed up to `snapshot`, and the undecided ones of `reader` (may be
  // nullptr).
  Status Read(std::span<const format::Datum> key, std::int64_t snapshot, const TxHandle* reader,
              RowFuse& fuse) const;

  struct ScanOptions {
    KeyRange range = {};
    Direction direction = Direction::kForward;
    // The newest commit version of interest.
    std::int64_t snapshot = static_cast<std::int64_t>(format::Scn::kMaxValue);
    // Shows the undecided versions of this transaction too, as RowVersion::kOwnWrite.
    const TxHandle* reader = nullptr;
    // Leaves out a row's versions behind the first complete one: for readers at `snapshot`, who
    // have no use for them. A merge keeps them.
    bool stop_when_complete = false;
  };
  // Versions in the order of RowIterator; locks are left out, Load() is never needed. The MemTable
  // may be changed between the steps. It must outlive the iterator, as must the reader.
  std::unique_ptr<RowIterator> Scan(const ScanOptions& options) const;

  const StoredColumns& columns() const { return columns_; }
  // Keys, also of rows whose changes were all rolled back.
  std::size_t row_count() const { return rows_.size(); }
  // Changes that were not rolled back, locks included.
  std::size_t version_count() const { return version_count_; }
  // Nothing here is undecided.
  bool IsDecided() const { return undecided_count_ == 0; }
  // 0 when nothing was committed.
  std::int64_t max_commit_version() const { return max_commit_version_; }
  // Memory taken.
  std::size_t bytes() const { return arena_.bytes() + tree_arena_.bytes(); }

 private:
  friend class MemTableIterator;

  Status CheckConflict(const TxHandle& tx, const MemRow& row) const;
  // The row of this key, or where it belongs.
  Rows::const_iterator LowerBound(const Probe& probe) const;
  bool IsAt(Rows::const_iterator position, const Probe& probe) const;
  MemRow& AddRow(Rows::const_iterator position, const Probe& probe);
  // A new newest version, whose image and redo fields the caller has set.
  WriteNode& Push(MemRow& row, TxHandle& tx, const WriteNode& node);
  void Decide(WriteNode& node);

  StoredColumns columns_;
  KeyOrder order_;
  Arena arena_;
  // By itself: a search that finds the tree's nodes side by side misses fewer pages.
  Arena tree_arena_;
  Rows rows_;
  std::size_t version_count_ = 0;
  std::size_t undecided_count_ = 0;
  std::int64_t max_commit_version_ = 0;
};

}  // namespace obbak::engine
