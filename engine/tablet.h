// Tablet: the rows of one partition on one log stream - MemTables and SSTables.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/compaction.h"
#include "engine/memtable.h"
#include "engine/snapshot_reader.h"
#include "engine/sstable.h"
#include "format/ids.h"
#include "format/tablet_meta.h"
#include "io/task.h"

namespace obbak::engine {

// What a tablet's rows are read from, newest first. Never changes: who reads keeps one, and goes on
// reading from it whatever happens to the tablet.
struct TabletView {
  std::vector<std::shared_ptr<MemTable>> memtables;
  std::vector<std::shared_ptr<const Sstable>> sstables;
};

// A MemTable that takes no more writes: its redo has SCNs up to `end_scn`, that of the MemTables
// after it has higher ones.
struct FrozenMemTable {
  std::shared_ptr<MemTable> memtable;
  format::Scn end_scn;
};

class Tablet {
 public:
  // `sstables` are newest first. kInvalidData, kNotSupported: see TabletFormat::Of.
  static Result<std::shared_ptr<Tablet>> Create(
      format::MigrationTabletParam meta, std::vector<std::shared_ptr<const Sstable>> sstables);
  Tablet(const Tablet&) = delete;
  Tablet& operator=(const Tablet&) = delete;

  format::TabletId id() const { return meta_.tablet_id; }
  const TabletFormat& format() const { return format_; }
  const StoredColumns& columns() const { return active_->columns(); }
  // As the next manifest edit shall have it; whoever changes it calls MarkDirty().
  const format::MigrationTabletParam& meta() const { return meta_; }
  format::MigrationTabletParam& mutable_meta() { return meta_; }
  // The manifest does not have meta() and sstables() yet.
  bool is_dirty() const { return is_dirty_; }
  void MarkDirty() { is_dirty_ = true; }
  void MarkClean() { is_dirty_ = false; }

  // It is being moved to another log stream: nobody may write.
  bool is_leaving() const { return is_leaving_; }
  void set_leaving(bool leaving) { is_leaving_ = leaving; }

  std::shared_ptr<const TabletView> view() const { return view_; }
  const std::vector<std::shared_ptr<const Sstable>>& sstables() const { return view_->sstables; }
  const std::shared_ptr<MemTable>& active() const { return active_; }
  const std::deque<FrozenMemTable>& frozen() const { return frozen_; }
  // Memory of all MemTables.
  std::size_t memtable_bytes() const;

  // Everything in the log up to here is in SSTables.
  format::Scn checkpoint_scn() const {
    return std::max(meta_.clog_checkpoint_scn.value, meta_.create_scn.value);
  }
  // Where the SCN range of the next mini SSTable begins: the ranges join.
  format::Scn next_mini_start() const;
  // Snapshots below it can't be read any more.
  std::int64_t multi_version_start() const { return meta_.multi_version_start.value; }
  // Of the versions in SSTables; a write at a lower snapshot has to look for conflicts there.
  std::int64_t max_flushed_version() const;

  // A write into the active MemTable, unless a row in a MemTable conflicts with it
  // (MemTable::Write).
  Result<WriteNode*> Write(TxHandle& tx, format::TxSeq seq, format::DmlFlag dml,
                           std::span<const format::Datum> cells);

  // Ends the active MemTable; `end_scn`: the last SCN of its log stream, all redo being there. Does
  // nothing but raise the checkpoint when nothing was written since the last freeze.
  void Freeze(format::Scn end_scn);
  // The oldest frozen MemTable is in `mini` now, or nowhere when it had nothing to keep (null).
  void Flushed(std::shared_ptr<const Sstable> mini);
  // `sstables`, newest first, take the place of those in `view`; others that were added since
  // stay in front.
  void ReplaceSstables(const TabletView& view,
                       std::vector<std::shared_ptr<const Sstable>> sstables);

 private:
  Tablet(format::MigrationTabletParam meta, TabletFormat format,
         std::vector<std::shared_ptr<const Sstable>> sstables);

  void UpdateView(std::vector<std::shared_ptr<const Sstable>> sstables);

  format::MigrationTabletParam meta_;
  TabletFormat format_;
  std::shared_ptr<MemTable> active_;
  std::deque<FrozenMemTable> frozen_;  // oldest first
  std::shared_ptr<const TabletView> view_;
  bool is_dirty_ = false;
  bool is_leaving_ = false;
};

// Columns of rows without the two hidden ones.
StoredColumns StoredColumnsOf(const format::RowSchema& schema);

// What a reader at `snapshot` sees of one row, added to the batch of `fuse`; false when it does not
// exist. `reader` (or null) also sees its own writes. The view outlives the task.
io::Task<Result<bool>> ReadRow(const StoredColumns& columns, std::shared_ptr<const TabletView> view,
                               std::span<const format::Datum> rowkey, format::Scn snapshot,
                               const TxHandle* reader, RowBatch& batch);

// The commit version of the newest version of a row in the view's SSTables; 0 when there is none.
io::Task<Result<std::int64_t>> NewestFlushedVersion(std::shared_ptr<const TabletView> view,
                                                    std::span<const format::Datum> rowkey);

// The sources of a scan, newest first, added to `sources`. They may be used as long as the view.
void AddSources(const TabletView& view, const KeyRange& range, Direction direction,
                format::Scn snapshot, const TxHandle* reader,
                std::vector<std::unique_ptr<RowIterator>>& sources);

}  // namespace obbak::engine
