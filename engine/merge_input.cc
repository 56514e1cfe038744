#include "engine/merge_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace obbak::engine {

using format::Datum;
using format::MvccFlags;

BlockInput::BlockInput(const format::RowSchema& schema, std::size_t blocks, bool is_major,
                       std::int64_t above, std::int64_t upto)
    : schema_(schema), blocks_(blocks), is_major_(is_major), above_(above), upto_(upto) {
  if (blocks_ == 0) state_ = State::kEnd;
}

void BlockInput::Supply(std::size_t index, ByteView block) { supplied_.push_back({index, block}); }

void BlockInput::ForgetSupplied() {
  std::erase_if(supplied_, [this](const Supplied& s) { return s.index <= next_piece_; });
}

void BlockInput::Skip() {
  assert(state_ == State::kNeedsPiece);
  ForgetSupplied();
  entered_in_a_row_ = 0;
  if (++next_piece_ == blocks_) state_ = State::kEnd;
}

Result<bool> BlockInput::Enter() {
  const auto found = std::ranges::find(supplied_, next_piece_, &Supplied::index);
  if (found == supplied_.end()) return false;
  const ByteView bytes = found->bytes;
  ForgetSupplied();
  ++next_piece_;
  ++entered_in_a_row_;
  if (Status status = Note(OpenBlock(bytes)); !status) return Fail(std::move(status).error());
  return true;
}

Status BlockInput::OpenBlock(ByteView bytes) {
  cursor_.reset();
  Result<format::MacroBlockReader> reader = format::MacroBlockReader::Open(bytes);
  if (!reader) return Fail(std::move(reader).error());
  const auto& header = reader->headers().sstable;
  if (header.column_count != static_cast<std::int32_t>(schema_.columns.size()) ||
      header.rowkey_column_count != static_cast<std::int32_t>(schema_.rowkey_count)) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("a macro block of {} columns with {} key columns; the SSTable has {} "
                            "with {}",
                            header.column_count, header.rowkey_column_count, schema_.columns.size(),
                            schema_.rowkey_count));
  }
  reader_ = *std::move(reader);
  cursor_.emplace(*reader_);
  if (Status status = cursor_->SeekToFirst(); !status) return status;
  return Settle();
}

Status BlockInput::Note(Status status) {
  if (!status) failed_block_ = next_piece_ - 1;
  return status;
}

Status BlockInput::Advance() {
  assert(state_ == State::kRow);
  if (Status status = cursor_->Next(); !status) return Note(std::move(status));
  return Note(Settle());
}

Status BlockInput::Settle() {
  constexpr std::uint8_t kNoVersion = MvccFlags::kShadow | MvccFlags::kGhost;
  for (; cursor_->Valid();) {
    if (!cursor_->flags().mvcc.Has(kNoVersion)) {
      if (Status status = TakeRow(); !status) return status;
      state_ = State::kRow;
      if (row_.version > above_ && row_.version <= upto_) return {};
    }
    if (Status status = cursor_->Next(); !status) return status;
  }
  state_ = next_piece_ == blocks_ ? State::kEnd : State::kNeedsPiece;
  return {};
}

Status BlockInput::TakeRow() {
  const format::RowFlags flags = cursor_->flags();
  const std::span<const Datum> cells = cursor_->cells();
  if (flags.mvcc.Has(MvccFlags::kUncommitted))
    return Fail(ErrorCode::kNotSupported, "the row had not been committed");
  for (std::size_t i = 0; i < schema_.rowkey_count; ++i) {
    if (Status status = format::CheckKeyCell(schema_.columns[i], cells[i]); !status) return status;
  }
  if (!cells[schema_.trans_version_column()].is_word())
    return Fail(ErrorCode::kInvalidData, "the row's trans_version is no number");
  row_ = {.cells = cells,
          .version = -cells[schema_.trans_version_column()].AsInt(),
          .dml = flags.dml,
          .insert_delete = flags.insert_delete,
          .is_only =
              is_major_ || (flags.mvcc.Has(MvccFlags::kFirst) && flags.mvcc.Has(MvccFlags::kLast))};
  return {};
}

void MergeBatch::Add(const RowVersion& row) {
  const auto copy = [this](const Datum& cell) {
    bytes_ += sizeof(Datum) + cell.size();
    if (!cell.is_value() || cell.is_word() || cell.size() == 0) {
      cells_.push_back(cell);
      return;
    }
    cells_.push_back(Datum::Of(values_.Copy(cell.bytes())));
  };
  const std::size_t key_columns = schema_.rowkey_count - format::RowSchema::kHiddenColumns;
  rows_.push_back({row.commit_version, row.dml});
  for (const Datum& cell : row.cells.first(key_columns)) copy(cell);
  cells_.push_back(Datum::Int(-row.commit_version));
  cells_.push_back(Datum::Int(0));
  for (const Datum& cell : row.cells.subspan(key_columns)) copy(cell);
}

void MergeBatch::Clear() {
  rows_.clear();
  cells_.clear();
  bytes_ = 0;
  values_.Clear();
}

std::span<const Datum> MergeBatch::Cells(std::size_t row) const {
  const std::size_t columns = schema_.columns.size();
  return std::span(cells_).subspan(row * columns, columns);
}

std::span<const Datum> MergeBatch::Key(std::size_t row) const {
  return Cells(row).first(schema_.rowkey_count - format::RowSchema::kHiddenColumns);
}

Result<bool> BatchInput::Enter() {
  if (supplied_ == nullptr) return false;
  batch_ = std::exchange(supplied_, nullptr);
  at_ = 0;
  ++next_piece_;
  TakeRow();
  return true;
}

Status BatchInput::Advance() {
  assert(state_ == State::kRow);
  if (++at_ == batch_->rows_.size()) {
    state_ = State::kNeedsPiece;
  } else {
    TakeRow();
  }
  return {};
}

void BatchInput::TakeRow() {
  const auto differs = [this](std::size_t other) {
    return format::CompareKeys(schema_.rowkey(), batch_->Key(at_), batch_->Key(other)) != 0;
  };
  state_ = State::kRow;
  row_ = {
      .cells = batch_->Cells(at_),
      .version = batch_->rows_[at_].version,
      .dml = batch_->rows_[at_].dml,
      .insert_delete = false,
      // Of the first and the last row of a batch it is not known.
      .is_only = at_ > 0 && at_ + 1 < batch_->rows_.size() && differs(at_ - 1) && differs(at_ + 1)};
}

}  // namespace obbak::engine
