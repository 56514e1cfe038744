#include "engine/index_cursor.h"

#include <fmt/format.h>

#include <cassert>
#include <utility>

#include "format/macro_block_header.h"

namespace obbak::engine {
namespace {

using format::IndexRowHeader;

MicroBlockAddress RootAddress(const format::SstableMeta& meta) {
  const format::MetaDiskAddr& addr = meta.data_root_info.addr;
  return {.macro_id = {.first = addr.first, .second = addr.second, .third = addr.third},
          .offset = static_cast<std::uint32_t>(addr.offset()),
          .size = static_cast<std::uint32_t>(addr.size()),
          .compressor = meta.basic_meta.compressor_type};
}

}  // namespace

void IndexCursor::Restart(Target target) {
  levels_.clear();
  target_ = target;
  at_root_ = !sstable_->is_empty();
}

void IndexCursor::Seek(std::span<const format::Datum> key, Bound bound) {
  key_ = key;
  bound_ = bound;
  Restart(Target::kKey);
}

void IndexCursor::Step(Direction direction) {
  assert(Valid());
  target_ = direction == Direction::kForward ? Target::kFirst : Target::kLast;
  while (!levels_.empty() && EntriesLeft(direction) == 1) levels_.pop_back();
  if (levels_.empty()) return;
  if (direction == Direction::kForward) {
    ++levels_.back().row;
  } else {
    --levels_.back().row;
  }
}

std::size_t IndexCursor::EntriesLeft(Direction direction) const {
  const Level& level = levels_.back();
  return direction == Direction::kForward ? level.reader.row_count() - level.row : level.row + 1;
}

Result<bool> IndexCursor::Continue(bool stop_above_leaf) {
  if (at_root_) {
    const Result<bool> entered = EnterRoot();
    if (!entered || !*entered) return entered;
    at_root_ = false;
  }
  while (!levels_.empty()) {
    if (Status status = ReadEntry(); !status) {
      return Fail(
          sstable_->store().blocks.Locate(std::move(status).error(), levels_.back().macro_id));
    }
    if (at_data_ || (at_macro_ && stop_above_leaf)) return true;
    const Result<bool> entered = Enter(child_);
    if (!entered || !*entered) return entered;
  }
  return true;
}

Result<bool> IndexCursor::EnterRoot() {
  const format::MicroBlockReader* const root = sstable_->index_root();
  if (root == nullptr) return Enter(RootAddress(sstable_->meta()));
  if (Status status = Push({}, *root, {}); !status) return Fail(std::move(status).error());
  return true;
}

Result<bool> IndexCursor::Enter(const MicroBlockAddress& address) {
  MicroBlockCache::Pin pin = std::exchange(supplied_, {});
  if (!pin) pin = sstable_->store().cache.Find(address);
  if (!pin) {
    missing_ = address;
    return false;
  }
  const format::MicroBlockReader reader = *pin;
  if (Status status = Push(std::move(pin), reader, address.macro_id); !status) {
    return Fail(sstable_->store().blocks.Locate(std::move(status).error(), address.macro_id,
                                                address.offset));
  }
  return true;
}

Status IndexCursor::Push(MicroBlockCache::Pin pin, const format::MicroBlockReader& reader,
                         const format::MacroBlockId& macro_id) {
  const format::RowSchema& schema = sstable_->schema();
  if (reader.header().rowkey_column_count != schema.rowkey_count ||
      reader.header().column_count != schema.rowkey_count + 1) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("an index of {} key columns, the SSTable has {}",
                            reader.header().rowkey_column_count, schema.rowkey_count));
  }
  if (levels_.size() == kMaxHeight)
    return Fail(ErrorCode::kInvalidData, "the index tree is too high");
  std::size_t row = target_ == Target::kLast ? reader.row_count() - 1 : 0;
  if (target_ == Target::kKey) {
    const Result<std::size_t> found = bound_ == Bound::kLower
                                          ? reader.LowerBound(schema.rowkey(), key_)
                                          : reader.UpperBound(schema.rowkey(), key_);
    if (!found) return Fail(found.error());
    row = *found;
    if (row == reader.row_count()) {
      if (levels_.empty()) return {};  // behind the last key
      return Fail(ErrorCode::kInvalidData, "an index block ends before the end key above it");
    }
  }
  levels_.push_back({std::move(pin), reader, macro_id, row});
  return {};
}

Status IndexCursor::ReadEntry() {
  const Level& level = levels_.back();
  const Result<format::FlatRow> row = level.reader.Row(level.row);
  if (!row) return Fail(row.error());
  const Result<format::Datum> cell = row->Cell(row->column_count() - 1);
  if (!cell) return Fail(cell.error());
  const Result<format::IndexRowValue> value = format::DecodeIndexRowValue(cell->bytes());
  if (!value) return Fail(value.error());
  const IndexRowHeader& header = value->header;
  at_data_ = header.Has(IndexRowHeader::kIsDataBlock);
  at_macro_ = header.Has(IndexRowHeader::kIsMacroNode);
  const std::int64_t end = std::int64_t{header.block_offset} + header.block_size;
  if (header.block_offset < 0 || header.block_size <= 0 ||
      end > static_cast<std::int64_t>(format::kMacroBlockSize)) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("an index row points at {} bytes at {} of a macro block",
                            header.block_size, header.block_offset));
  }
  child_ = {.macro_id =
                header.macro_id == format::MacroBlockId::Self() ? level.macro_id : header.macro_id,
            .offset = static_cast<std::uint32_t>(header.block_offset),
            .size = static_cast<std::uint32_t>(header.block_size),
            .compressor = header.compressor_type()};
  return {};
}

Status IndexCursor::ReadEndKey(std::span<format::Datum> key) const {
  const Level& level = levels_.back();
  const Result<format::FlatRow> row = level.reader.Row(level.row);
  if (!row) return Fail(row.error());
  return row->ReadCells(key);
}

}  // namespace obbak::engine
