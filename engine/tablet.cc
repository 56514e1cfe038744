#include "engine/tablet.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace obbak::engine {
namespace {

using format::Datum;
using format::Scn;

// Adds versions to a fuse until it is complete.
class FuseSink final : public VersionSink {
 public:
  explicit FuseSink(RowFuse& fuse) : fuse_(fuse) {}
  bool Take(const RowVersion& row) override {
    fuse_.AddOlder(row);
    return !fuse_.complete();
  }

 private:
  RowFuse& fuse_;
};

// Remembers the first version it gets.
class NewestSink final : public VersionSink {
 public:
  bool Take(const RowVersion& row) override {
    version_ = row.commit_version;
    return false;
  }
  std::int64_t version() const { return version_; }

 private:
  std::int64_t version_ = 0;
};

}  // namespace

StoredColumns StoredColumnsOf(const format::RowSchema& schema) {
  StoredColumns columns;
  columns.key_count = schema.rowkey_count - format::RowSchema::kHiddenColumns;
  columns.types = schema.columns;
  const auto hidden = columns.types.begin() + static_cast<std::ptrdiff_t>(columns.key_count);
  columns.types.erase(hidden, hidden + format::RowSchema::kHiddenColumns);
  return columns;
}

Result<std::shared_ptr<Tablet>> Tablet::Create(
    format::MigrationTabletParam meta, std::vector<std::shared_ptr<const Sstable>> sstables) {
  Result<TabletFormat> format = TabletFormat::Of(meta.tablet_id, meta.storage_schema);
  if (!format) return Fail(format.error());
  return std::shared_ptr<Tablet>(
      new Tablet(std::move(meta), *std::move(format), std::move(sstables)));
}

Tablet::Tablet(format::MigrationTabletParam meta, TabletFormat format,
               std::vector<std::shared_ptr<const Sstable>> sstables)
    : meta_(std::move(meta)),
      format_(std::move(format)),
      active_(std::make_shared<MemTable>(StoredColumnsOf(format_.schema))) {
  UpdateView(std::move(sstables));
}

void Tablet::UpdateView(std::vector<std::shared_ptr<const Sstable>> sstables) {
  auto view = std::make_shared<TabletView>();
  view->memtables.push_back(active_);
  for (auto frozen = frozen_.rbegin(); frozen != frozen_.rend(); ++frozen) {
    view->memtables.push_back(frozen->memtable);
  }
  view->sstables = std::move(sstables);
  view_ = std::move(view);
}

std::size_t Tablet::memtable_bytes() const {
  std::size_t bytes = 0;
  for (const auto& memtable : view_->memtables) bytes += memtable->bytes();
  return bytes;
}

std::int64_t Tablet::max_flushed_version() const {
  std::int64_t version = 0;
  for (const auto& sstable : view_->sstables) {
    version = std::max(version, sstable->max_merged_trans_version());
  }
  return version;
}

Scn Tablet::next_mini_start() const {
  for (const auto& sstable : view_->sstables) {
    if (!sstable->is_major()) return sstable->key().scn_range.end_scn;
  }
  return meta_.start_scn.value;
}

Result<WriteNode*> Tablet::Write(TxHandle& tx, format::TxSeq seq, format::DmlFlag dml,
                                 std::span<const Datum> cells) {
  for (const FrozenMemTable& frozen : frozen_) {
    Status status = frozen.memtable->CheckConflict(tx, cells.first(columns().key_count));
    if (!status) return Fail(std::move(status).error());
  }
  return active_->Write(tx, seq, dml, cells);
}

void Tablet::Freeze(Scn end_scn) {
  if (active_->row_count() == 0) {
    if (frozen_.empty() && checkpoint_scn() < end_scn) {
      meta_.clog_checkpoint_scn.value = end_scn;
      MarkDirty();
    } else if (!frozen_.empty()) {
      frozen_.back().end_scn = end_scn;
    }
    return;
  }
  frozen_.push_back({active_, end_scn});
  active_ = std::make_shared<MemTable>(StoredColumnsOf(format_.schema));
  UpdateView(view_->sstables);
}

void Tablet::Flushed(std::shared_ptr<const Sstable> mini) {
  assert(!frozen_.empty());
  meta_.clog_checkpoint_scn.value = frozen_.front().end_scn;
  frozen_.pop_front();
  std::vector<std::shared_ptr<const Sstable>> sstables = view_->sstables;
  if (mini != nullptr) sstables.insert(sstables.begin(), std::move(mini));
  MarkDirty();
  UpdateView(std::move(sstables));
}

void Tablet::ReplaceSstables(const TabletView& view,
                             std::vector<std::shared_ptr<const Sstable>> sstables) {
  std::vector<std::shared_ptr<const Sstable>> all;
  for (const auto& sstable : view_->sstables) {
    if (std::ranges::find(view.sstables, sstable) == view.sstables.end()) all.push_back(sstable);
  }
  all.insert(all.end(), sstables.begin(), sstables.end());
  MarkDirty();
  UpdateView(std::move(all));
}

io::Task<Result<bool>> ReadRow(const StoredColumns& columns, std::shared_ptr<const TabletView> view,
                               std::span<const Datum> rowkey, Scn snapshot, const TxHandle* reader,
                               RowBatch& batch) {
  const auto version = static_cast<std::int64_t>(snapshot.value);
  RowFuse fuse(columns, batch);
  fuse.Begin();
  for (const auto& memtable : view->memtables) {
    if (fuse.complete()) break;
    if (Status status = memtable->Read(rowkey, version, reader, fuse); !status) {
      co_return Fail(status.error());
    }
  }
  FuseSink sink(fuse);
  for (const auto& sstable : view->sstables) {
    if (fuse.complete()) break;
    const Result<bool> cached = sstable->TryGet(rowkey, version, sink);
    if (!cached) co_return Fail(cached.error());
    if (*cached) continue;
    if (Status status = co_await sstable->Get(rowkey, version, sink); !status) {
      co_return Fail(status.error());
    }
  }
  co_return fuse.End();
}

io::Task<Result<std::int64_t>> NewestFlushedVersion(std::shared_ptr<const TabletView> view,
                                                    std::span<const Datum> rowkey) {
  std::int64_t newest = 0;
  for (const auto& sstable : view->sstables) {
    if (sstable->max_merged_trans_version() <= newest) continue;
    NewestSink sink;
    if (Status status = co_await sstable->Get(rowkey, Sstable::kNoSnapshot, sink); !status) {
      co_return Fail(status.error());
    }
    newest = std::max(newest, sink.version());
  }
  co_return newest;
}

void AddSources(const TabletView& view, const KeyRange& range, Direction direction, Scn snapshot,
                const TxHandle* reader, std::vector<std::unique_ptr<RowIterator>>& sources) {
  for (const auto& memtable : view.memtables) {
    if (memtable->row_count() == 0) continue;
    sources.push_back(memtable->Scan({.range = range,
                                      .direction = direction,
                                      .snapshot = static_cast<std::int64_t>(snapshot.value),
                                      .reader = reader,
                                      .stop_when_complete = true}));
  }
  for (const auto& sstable : view.sstables) {
    if (!sstable->is_empty()) sources.push_back(sstable->NewIterator(range, direction));
  }
}

}  // namespace obbak::engine
