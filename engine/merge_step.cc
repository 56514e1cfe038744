#include "engine/merge_step.h"

#include <cassert>
#include <utility>

#include "format/macro_meta.h"

namespace obbak::engine {

using format::Datum;
using format::DmlFlag;
using format::MvccFlags;
using State = MergeInput::State;

Result<std::unique_ptr<MergeStep>> MergeStep::Create(Plan plan, std::vector<MergeInput*> inputs,
                                                     Reusable reusable, MergeSink& sink) {
  if (Status status = plan.desc.Check(); !status) return Fail(std::move(status).error());
  const Result<const format::Compressor*> compressor = format::Compressor::Of(plan.desc.compressor);
  if (!compressor) return Fail(compressor.error());
  return std::unique_ptr<MergeStep>(
      new MergeStep(std::move(plan), std::move(inputs), reusable, sink, **compressor));
}

MergeStep::MergeStep(Plan plan, std::vector<MergeInput*> inputs, Reusable reusable, MergeSink& sink,
                     const format::Compressor& compressor)
    : plan_(std::move(plan)),
      inputs_(std::move(inputs)),
      reusable_(reusable),
      sink_(&sink),
      // What could be wrong with these arguments, Create has checked.
      writer_(
          *format::MacroBlockWriter::Create(plan_.desc, sink, plan_.first_data_seq, &compressor)),
      builder_(plan_.desc, sink, compressor),
      chain_(plan_.desc.schema) {}

Result<MergeStep::Stop> MergeStep::Run(std::size_t rows) {
  if (!rows_done_) {
    const Result<Stop> stop = MergeRows(rows);
    if (!stop || *stop != Stop::kDone) return stop;
    if (Status status = writer_.Finish(); !status) return Fail(std::move(status).error());
    TakeBlocks();
    rows_done_ = true;
  }
  return BuildIndex();
}

Result<MergeStep::Stop> MergeStep::MergeRows(std::size_t rows) {
  rows_left_ = rows;
  for (;;) {
    if (sink_->room() < kRoomForRow) return Stop::kNeedsRoom;
    Status status;
    if (chain_written_) {
      if (*chain_written_ == chain_.rows().size()) {
        chain_.Clear();
        chain_written_.reset();
      } else {
        status = WriteRow(chain_.rows()[(*chain_written_)++]);
      }
    } else {
      if (rows_left_ == 0) return Stop::kSlice;
      const Result<std::optional<Stop>> stop = EnterPieces();
      if (!stop) return Fail(stop.error());
      if (*stop) return **stop;
      status = MergeNext();
    }
    if (!status) return Fail(std::move(status).error());
  }
}

Result<std::optional<MergeStep::Stop>> MergeStep::EnterPieces() {
  bool has_row = !chain_.empty();
  for (MergeInput* const input : inputs_) {
    if (input == reusable_.input) continue;
    // Not every piece has a row that matters.
    while (input->state() == State::kNeedsPiece) {
      const Result<bool> entered = input->Enter();
      if (!entered) return Fail(entered.error());
      if (!*entered) return Stop::kNeedsInput;
    }
    has_row |= input->state() == State::kRow;
  }
  if (reusable_.input != nullptr && chain_.empty()) {
    const Result<std::optional<Stop>> stop = EnterReusable();
    if (!stop || *stop) return stop;
    has_row |= reusable_.input->state() == State::kRow;
  }
  if (!has_row) return Stop::kDone;
  return std::nullopt;
}

Result<std::optional<MergeStep::Stop>> MergeStep::EnterReusable() {
  BlockInput& input = *reusable_.input;
  while (input.state() == State::kNeedsPiece) {
    if (CanReuse()) {
      if (sink_->room() < kRoomForRow) return Stop::kNeedsRoom;
      if (Status status = ReuseBlock(); !status) return Fail(std::move(status).error());
      continue;
    }
    const Result<bool> entered = input.Enter();
    if (!entered) return Fail(entered.error());
    if (!*entered) return Stop::kNeedsInput;
  }
  return std::nullopt;
}

bool MergeStep::CanReuse() const {
  const format::DataBlockInfo& block = reusable_.blocks[reusable_.input->next_piece()];
  // A block that is not half full joins the rows before it, so that blocks do not get ever smaller.
  if (block_is_open_ &&
      static_cast<std::size_t>(block.meta.occupy_size) < plan_.desc.macro_store_size / 2) {
    return false;
  }
  if (format::MaxMacroMetaSize(block.meta.column_checksums.size(), true) +
          format::MaxFlatRowSize(block.end_key.cells()) >
      kMaxReusableMeta) {
    return false;
  }
  // Everything else is at a row: is the first change behind this block?
  for (const MergeInput* const input : inputs_) {
    if (input == reusable_.input || input->state() == State::kEnd) continue;
    if (Compare(input->row(), block.end_key.cells()) <= 0) return false;
  }
  return true;
}

Status MergeStep::ReuseBlock() {
  if (Status status = writer_.Finish(); !status) return status;
  block_is_open_ = false;
  TakeBlocks();
  blocks_.push_back(reusable_.blocks[reusable_.input->next_piece()]);
  reusable_.input->Skip();
  ++counts_.blocks_reused;
  return {};
}

void MergeStep::TakeBlocks() {
  for (format::DataBlockInfo& block : writer_.TakeBlocks()) blocks_.push_back(std::move(block));
}

int MergeStep::Compare(const MergeRow& left, std::span<const Datum> right) const {
  const format::RowSchema& schema = plan_.desc.schema;
  return format::CompareKeys(schema.rowkey().first(schema.trans_version_column()), left.cells,
                             right);
}

Result<bool> MergeStep::ExtendChain() {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    MergeInput& input = *inputs_[i];
    if (input.state() != State::kRow || Compare(input.row(), chain_.key()) != 0) continue;
    chain_.Add(input.row(), i);
    --rows_left_;
    ++counts_.rows_read;
    if (Status status = input.Advance(); !status) return Fail(std::move(status).error());
    return true;
  }
  return false;
}

Status MergeStep::ArrangeChain() {
  chain_written_ = 0;
  return plan_.desc.merge_type == format::MergeType::kMajor
             ? chain_.ArrangeBaseline()
             : chain_.ArrangeVersions(plan_.recycle_version);
}

Status MergeStep::MergeNext() {
  if (!chain_.empty()) {
    const Result<bool> extended = ExtendChain();
    if (!extended) return Fail(extended.error());
    return *extended ? Status() : ArrangeChain();
  }
  std::size_t least = inputs_.size();
  bool is_shared = false;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i]->state() != State::kRow) continue;
    const int order =
        least == inputs_.size() ? -1 : Compare(inputs_[i]->row(), inputs_[least]->row().cells);
    if (order < 0) least = i;
    is_shared = order == 0 || (is_shared && order > 0);
  }
  MergeInput& input = *inputs_[least];
  const MergeRow& row = input.row();
  --rows_left_;
  ++counts_.rows_read;
  if (is_shared || !row.is_only || !IsFinal(row)) {
    chain_.Add(row, least);
  } else {
    format::RowFlags flags;
    if (plan_.desc.is_multi_version()) {
      flags = {.dml = row.dml,
               .insert_delete = row.insert_delete,
               .mvcc = {MvccFlags::kFirst | MvccFlags::kCompacted | MvccFlags::kLast}};
    }
    if (Status status = WriteRow({flags, row.cells}); !status) return status;
  }
  return input.Advance();
}

bool MergeStep::IsFinal(const MergeRow& row) const {
  return row.dml != DmlFlag::kDelete && IsComplete(plan_.desc.schema, DmlFlag::kUpdate, row.cells);
}

Status MergeStep::WriteRow(const format::RowView& row) {
  ++counts_.rows_written;
  block_is_open_ = true;
  return writer_.Append(row);
}

Result<MergeStep::Stop> MergeStep::BuildIndex() {
  for (; indexed_ < blocks_.size(); ++indexed_) {
    if (sink_->room() < kRoomForRow) return Stop::kNeedsRoom;
    if (Status status = builder_.Add(blocks_[indexed_]); !status)
      return Fail(std::move(status).error());
  }
  if (blocks_.empty()) return Stop::kDone;
  if (sink_->room() < kRoom) return Stop::kNeedsRoom;
  Result<format::SstableIndex> index = builder_.Finish();
  if (!index) return Fail(std::move(index).error());
  index_ = *std::move(index);
  return Stop::kDone;
}

}  // namespace obbak::engine
