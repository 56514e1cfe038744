#include "engine/memtable.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <cassert>
#include <iterator>
#include <memory>
#include <utility>

#include "engine/memtable_iterator.h"
#include "engine/snapshot_reader.h"
#include "format/column.h"
#include "format/mutator.h"

namespace obbak::engine {
namespace {

using format::Datum;
using format::DmlFlag;

// The cells of most rows, without asking the heap.
using CellBuffer = boost::container::small_vector<Datum, 32>;

bool IsComplete(DmlFlag dml, std::span<const Datum> cells) {
  switch (dml) {
    case DmlFlag::kInsert:
    case DmlFlag::kDelete:
      return true;
    case DmlFlag::kUpdate:
      return std::ranges::none_of(cells, &Datum::is_nop);
    case DmlFlag::kLock:
    case DmlFlag::kNotExist:
      return false;
  }
  return false;
}

// The checksum that a change of `row` in the redo must have; nothing when the change before it is
// not here, which a log that is replayed from its middle allows.
std::optional<std::uint32_t> ExpectedChecksum(const MemRow& row, const MemTable::Redo& redo) {
  if (redo.acc_checksum == 0) return std::nullopt;  // an old writer's row
  std::uint32_t previous = 0;
  if (redo.modify_count > 0) {
    if (row.newest == nullptr || row.newest->modify_count + 1 != redo.modify_count) {
      return std::nullopt;
    }
    previous = row.newest->acc_checksum;
  }
  return format::AccumulateRowChecksum(previous, redo.dml, redo.image);
}

Status CheckRedo(const StoredColumns& columns, const MemTable::Redo& redo, std::span<Datum> cells) {
  if (Status status = DecodeRowImage(columns, redo.dml, redo.image, cells); !status) return status;
  if (redo.key.size() == columns.key_count &&
      format::CompareKeys(columns.key(), redo.key, cells) == 0) {
    return {};
  }
  return Fail(ErrorCode::kInvalidData, "the redo's key is not that of its row image");
}

}  // namespace

void CommitWrites(TxHandle& tx, format::Scn version) {
  while (!tx.writes.empty()) {
    WriteNode& node = tx.writes.front();
    node.row->table->Commit(node, version);
  }
}

void RollbackWrites(TxHandle& tx, format::TxSeq to) {
  for (auto next = tx.writes.end(); next != tx.writes.begin();) {
    WriteNode& node = *std::prev(next);
    if (node.seq > to) {
      node.row->table->Rollback(node);
    } else {
      --next;
    }
  }
}

MemTable::KeyOrder::KeyOrder(const StoredColumns& columns)
    : key_types_(columns.key()),
      prefix_decides_(columns.key_count == 1 && format::OrderPrefixDecides(columns.types[0])) {}

absl::weak_ordering MemTable::KeyOrder::CompareCells(std::span<const Datum> left,
                                                     std::span<const Datum> right) const {
  const int order = format::CompareKeys(key_types_, left, right);
  if (order == 0) return absl::weak_ordering::equivalent;
  return order < 0 ? absl::weak_ordering::less : absl::weak_ordering::greater;
}

MemTable::Probe MemTable::KeyOrder::ProbeFor(std::span<const Datum> key) const {
  return {format::OrderPrefix(key_types_[0], key[0]), key};
}

MemTable::MemTable(StoredColumns columns)
    : columns_(std::move(columns)), order_(columns_), rows_(order_, ArenaAllocator<Slot>(tree_arena_)) {}

MemTable::Rows::const_iterator MemTable::LowerBound(const Probe& probe) const {
  // Keys that ascend are common, and then only the last one counts.
  if (rows_.empty() || order_(*rows_.rbegin(), probe) < 0) return rows_.end();
  return rows_.lower_bound(probe);
}

bool MemTable::IsAt(Rows::const_iterator position, const Probe& probe) const {
  return position != rows_.end() && order_(*position, probe) == 0;
}

MemRow& MemTable::AddRow(Rows::const_iterator position, const Probe& probe) {
  auto* row = std::construct_at(
      reinterpret_cast<MemRow*>(arena_.Allocate(sizeof(MemRow), alignof(MemRow))));
  auto* key =
      reinterpret_cast<Datum*>(arena_.Allocate(probe.key.size() * sizeof(Datum), alignof(Datum)));
  for (std::size_t i = 0; i < probe.key.size(); ++i) {
    const Datum& cell = probe.key[i];
    const bool points_out = !cell.is_word() && cell.size() > 0;
    std::construct_at(key + i, points_out ? Datum::Of(arena_.Copy(cell.bytes())) : cell);
  }
  row->table = this;
  row->key = {key, probe.key.size()};
  rows_.insert(position, Slot{probe.prefix, row});
  return *row;
}

WriteNode& MemTable::Push(MemRow& row, TxHandle& tx, const WriteNode& node) {
  auto* pushed = std::construct_at(
      reinterpret_cast<WriteNode*>(arena_.Allocate(sizeof(WriteNode), alignof(WriteNode))), node);
  pushed->row = &row;
  pushed->older = row.newest;
  pushed->owner = &tx;
  row.newest = pushed;
  tx.writes.push_back(*pushed);
  ++version_count_;
  ++undecided_count_;
  return *pushed;
}

Status MemTable::CheckConflict(const TxHandle& tx, const MemRow& row) const {
  for (const WriteNode* node = row.newest; node != nullptr; node = node->older) {
    if (node->IsUndecided()) {
      if (node->owner->id == tx.id) return {};
      return Fail(ErrorCode::kTryLockRowConflict,
                  fmt::format("transaction {} has changed or locked the row and is undecided",
                              node->owner->id.value));
    }
    if (node->dml == DmlFlag::kLock) continue;
    if (static_cast<std::uint64_t>(node->commit_version) <= tx.snapshot.value) return {};
    return Fail(ErrorCode::kTransactionSetViolation,
                fmt::format("the row was changed at SCN {}, above the transaction's snapshot {}",
                            node->commit_version, tx.snapshot.value));
  }
  return {};
}

Status MemTable::CheckConflict(const TxHandle& tx, std::span<const Datum> key) const {
  const MemRow* row = Find(key);
  return row == nullptr ? Status{} : CheckConflict(tx, *row);
}

Result<WriteNode*> MemTable::Write(TxHandle& tx, format::TxSeq seq, DmlFlag dml,
                                   std::span<const Datum> cells) {
  if (Status status = CheckRow(columns_, dml, cells); !status) return Fail(status.error());
  const Probe probe = order_.ProbeFor(cells.first(columns_.key_count));
  const auto position = LowerBound(probe);
  const bool exists = IsAt(position, probe);
  if (exists) {
    if (Status status = CheckConflict(tx, *position->row); !status) return Fail(status.error());
  }
  MemRow& row = exists ? *position->row : AddRow(position, probe);
  WriteNode node;
  node.image = EncodeRowImage(columns_, dml, cells, arena_);
  node.seq = seq;
  node.dml = dml;
  node.is_complete = IsComplete(dml, cells);
  node.modify_count = row.newest == nullptr ? 0 : row.newest->modify_count + 1;
  node.acc_checksum = format::AccumulateRowChecksum(
      row.newest == nullptr ? 0 : row.newest->acc_checksum, dml, node.image);
  return &Push(row, tx, node);
}

Result<WriteNode*> MemTable::Replay(TxHandle& tx, const Redo& redo) {
  CellBuffer cells(columns_.size());
  if (Status status = CheckRedo(columns_, redo, cells); !status) return Fail(status.error());
  const Probe probe = order_.ProbeFor(redo.key);
  const auto position = LowerBound(probe);
  MemRow& row = IsAt(position, probe) ? *position->row : AddRow(position, probe);
  const std::optional<std::uint32_t> expected = ExpectedChecksum(row, redo);
  if (expected && *expected != redo.acc_checksum) {
    return Fail(ErrorCode::kChecksumError,
                fmt::format("acc_checksum of change {} of a row is {:#x}, its changes make {:#x}",
                            redo.modify_count, redo.acc_checksum, *expected));
  }
  WriteNode node;
  node.image = arena_.Copy(redo.image);
  node.seq = redo.seq;
  node.dml = redo.dml;
  node.is_complete = IsComplete(redo.dml, cells);
  node.modify_count = redo.modify_count;
  node.acc_checksum = redo.acc_checksum;
  return &Push(row, tx, node);
}

void MemTable::Decide(WriteNode& node) {
  assert(node.IsUndecided() && node.row->table == this);
  node.owner->writes.erase(TxHandle::Writes::s_iterator_to(node));
  node.owner = nullptr;
  --undecided_count_;
}

void MemTable::Commit(WriteNode& node, format::Scn version) {
  assert(version.IsValid() && version > format::kMinScn);
  Decide(node);
  node.commit_version = static_cast<std::int64_t>(version.value);
  max_commit_version_ = std::max(max_commit_version_, node.commit_version);
}

void MemTable::Rollback(WriteNode& node) {
  Decide(node);
  WriteNode** link = &node.row->newest;
  while (*link != &node) link = &(*link)->older;
  // The node's own link stays: an iterator may stand on it.
  *link = node.older;
  --version_count_;
}

const MemRow* MemTable::Find(std::span<const Datum> key) const {
  const Probe probe = order_.ProbeFor(key);
  const auto position = LowerBound(probe);
  return IsAt(position, probe) ? position->row : nullptr;
}

Status MemTable::Read(std::span<const Datum> key, std::int64_t snapshot, const TxHandle* reader,
                      RowFuse& fuse) const {
  const MemRow* row = Find(key);
  if (row == nullptr) return {};
  const VersionFilter filter{snapshot, reader};
  RowImageReader images(columns_);
  CellBuffer cells(columns_.size());
  for (const WriteNode* node = row->newest; node != nullptr && !fuse.complete();
       node = node->older) {
    if (!filter.Shows(*node)) continue;
    if (Status status = images.Read(node->dml, node->image, cells); !status) return status;
    fuse.AddOlder(filter.VersionOf(*node, cells));
  }
  return {};
}

std::unique_ptr<RowIterator> MemTable::Scan(const ScanOptions& options) const {
  return std::make_unique<MemTableIterator>(*this, options);
}

}  // namespace obbak::engine
