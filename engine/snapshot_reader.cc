#include "engine/snapshot_reader.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "format/column.h"

namespace obbak::engine {

using format::Datum;
using format::DmlFlag;

void RowBatch::Clear() {
  row_count_ = 0;
  bytes_ = 0;
  values_.Clear();
}

std::span<Datum> RowFuse::cells() const {
  return std::span(batch_.cells_)
      .subspan(batch_.row_count_ * batch_.column_count_, batch_.column_count_);
}

std::span<const Datum> RowFuse::key() const { return cells().first(columns_.key_count); }

void RowFuse::Begin() {
  assert(!is_open_ && batch_.column_count_ == columns_.size());
  const std::size_t end = (batch_.row_count_ + 1) * batch_.column_count_;
  if (batch_.cells_.size() < end) batch_.cells_.resize(2 * end);
  std::ranges::fill(cells(), Datum::Nop());
  begin_ = batch_.values_.mark();
  missing_ = batch_.column_count_;
  is_open_ = true;
  exists_ = complete_ = false;
}

void RowFuse::Merge(std::span<const Datum> from, Keep keep) {
  const std::span<Datum> to = cells();
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i].is_nop()) continue;
    if (to[i].is_nop()) {
      --missing_;
    } else if (keep == Keep::kPresent) {
      continue;
    }
    const bool points_out = !from[i].is_word() && from[i].size() > 0;
    to[i] = points_out ? Datum::Of(batch_.values_.Copy(from[i].bytes())) : from[i];
  }
}

void RowFuse::AddOlder(const RowVersion& version) {
  if (complete_) return;
  if (version.dml == DmlFlag::kDelete) {
    Merge(version.cells.first(columns_.key_count), Keep::kPresent);
    complete_ = true;
    return;
  }
  Merge(version.cells, Keep::kPresent);
  exists_ = true;
  complete_ = version.dml == DmlFlag::kInsert || missing_ == 0;
}

void RowFuse::AddNewer(const RowVersion& version) {
  const bool is_deletion = version.dml == DmlFlag::kDelete;
  complete_ = is_deletion || version.dml == DmlFlag::kInsert;
  if (complete_) {
    std::ranges::fill(cells(), Datum::Nop());
    missing_ = batch_.column_count_;
  }
  Merge(is_deletion ? version.cells.first(columns_.key_count) : version.cells, Keep::kNothing);
  exists_ = !is_deletion;
}

Result<bool> RowFuse::End() {
  assert(is_open_);
  is_open_ = false;
  if (exists_ && missing_ == 0) {
    for (const Datum& cell : cells()) batch_.bytes_ += cell.size();
    ++batch_.row_count_;
    return true;
  }
  batch_.values_.Rewind(begin_);
  if (!exists_) return false;
  return Fail(ErrorCode::kInvalidData,
              "a row has updates, but no source has the version that they update");
}

SnapshotScan::SnapshotScan(const StoredColumns& columns, Direction direction, std::int64_t snapshot,
                           std::vector<std::unique_ptr<RowIterator>> sources)
    : columns_(columns), direction_(direction), snapshot_(snapshot), sources_(std::move(sources)) {
  for (std::size_t i = 0; i < sources_.size(); ++i) to_move_.push_back(i);
}

bool SnapshotScan::IsVisible(const RowVersion& version) const {
  return version.commit_version <= snapshot_ || version.commit_version == RowVersion::kOwnWrite;
}

bool SnapshotScan::IsBefore(std::size_t left, std::size_t right) const {
  const RowVersion& left_row = sources_[left]->row();
  const RowVersion& right_row = sources_[right]->row();
  const bool forward = direction_ == Direction::kForward;
  const int order = format::CompareKeys(columns_.key(), left_row.cells, right_row.cells);
  if (order != 0) return (order < 0) == forward;
  // Newer versions first.
  if (left_row.commit_version != right_row.commit_version) {
    return (left_row.commit_version > right_row.commit_version) == forward;
  }
  if (left_row.sequence != right_row.sequence) {
    return (left_row.sequence > right_row.sequence) == forward;
  }
  return (left < right) == forward;
}

Result<bool> SnapshotScan::MoveSources() {
  while (!to_move_.empty()) {
    const std::size_t source = to_move_.back();
    Result<bool> moved = sources_[source]->Next();
    if (!moved || !*moved) return moved;
    to_move_.pop_back();
    if (!sources_[source]->Valid()) continue;
    // Mostly the same source comes next again.
    auto place = ordered_.end();
    while (place != ordered_.begin() && IsBefore(*std::prev(place), source)) --place;
    ordered_.insert(place, source);
  }
  return true;
}

Result<SnapshotScan::Progress> SnapshotScan::Fill(RowBatch& batch, RowFuse& fuse,
                                                  const Limits& limits) {
  for (;;) {
    const Result<bool> moved = MoveSources();
    if (!moved) return Fail(moved.error());
    if (!*moved) return Progress::kNeedsLoad;
    const RowVersion* version = ordered_.empty() ? nullptr : &sources_[ordered_.back()]->row();
    const bool row_ends =
        fuse.is_open() && (version == nullptr ||
                           format::CompareKeys(columns_.key(), fuse.key(), version->cells) != 0);
    if (row_ends) {
      if (Result<bool> exists = fuse.End(); !exists) return Fail(exists.error());
      if (version != nullptr && (batch.size() >= limits.rows || batch.bytes() >= limits.bytes)) {
        return Progress::kFull;
      }
    }
    if (version == nullptr) return Progress::kEnd;
    if (IsVisible(*version)) {
      if (!fuse.is_open()) fuse.Begin();
      direction_ == Direction::kForward ? fuse.AddOlder(*version) : fuse.AddNewer(*version);
    }
    to_move_.push_back(ordered_.back());
    ordered_.pop_back();
  }
}

io::Task<Result<bool>> SnapshotScan::Fetch(RowBatch& batch, std::size_t max_rows,
                                           std::size_t max_bytes) {
  assert(max_rows > 0);
  RowFuse fuse(columns_, batch);
  for (;;) {
    const Result<Progress> progress = Fill(batch, fuse, {max_rows, max_bytes});
    if (!progress) co_return Fail(progress.error());
    if (*progress != Progress::kNeedsLoad) co_return *progress == Progress::kFull;
    const Status loaded = co_await sources_[to_move_.back()]->Load();
    if (!loaded) co_return Fail(loaded.error());
  }
}

}  // namespace obbak::engine
