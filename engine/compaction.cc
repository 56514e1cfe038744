#include "engine/compaction.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <limits>
#include <list>
#include <utility>

#include "engine/block_extent.h"
#include "engine/merge_input.h"
#include "engine/merge_sink.h"
#include "engine/merge_step.h"
#include "io/buffer_pool.h"
#include "io/loop.h"
#include "io/sync.h"

namespace obbak::engine {
namespace {

using Stop = MergeStep::Stop;
using InputState = MergeInput::State;

// About a millisecond of a worker's time.
constexpr std::size_t kSliceRows = 2000;
// Macro blocks of one input in memory: the one being read, and the next.
constexpr std::size_t kBlocksPerInput = 2;
constexpr std::int64_t kAnyVersion = std::numeric_limits<std::int64_t>::max();

// An SSTable that is merged, and its blocks on their way into memory.
struct Source {
  struct Block {
    std::size_t index;
    std::size_t size;
    io::Buffer buffer;
    bool is_loaded = false;
    bool is_supplied = false;
  };

  std::shared_ptr<const Sstable> sstable;
  std::vector<format::DataBlockInfo> infos;
  std::unique_ptr<BlockInput> input;
  bool is_reusable = false;
  std::list<Block> blocks;  // operations point into it
  std::size_t next_load = 0;

  bool needs_piece() const { return input->state() == InputState::kNeedsPiece; }
  bool has_next() const {
    return std::ranges::any_of(blocks, [this](const Block& block) {
      return block.index == input->next_piece() && block.is_loaded;
    });
  }
};

// One merge, from its inputs to the finished SSTable.
class Merge {
 public:
  Merge(const SstableStore& store, std::size_t max_inputs, std::stop_token stop)
      : store_(store),
        stop_(std::move(stop)),
        operations_(store.loop),
        progress_(store.loop),
        input_buffers_(store.loop, format::kMacroBlockSize,
                       std::max<std::size_t>(max_inputs * kBlocksPerInput, 1)),
        output_buffers_(store.loop, format::kMacroBlockSize,
                        MergeStep::kRoom + MergeStep::kOpenBlocks) {}
  Merge(const Merge&) = delete;
  Merge& operator=(const Merge&) = delete;

  // Before the merge: its inputs, oldest first.
  io::Task<Status> AddSstable(std::shared_ptr<const Sstable> sstable, bool is_reusable,
                              std::int64_t above, std::int64_t upto);
  void AddRows(const format::RowSchema& schema, RowIterator& rows);

  io::Task<Result<CompactionResult>> Run(MergeStep::Plan plan, format::TableKey key,
                                         format::SstableBasicMeta extra);

 private:
  struct Output {
    format::MacroBlockId id;
    io::Buffer buffer;
  };

  io::Task<Status> Drive();
  io::Task<Status> PrepareInputs(bool needs_input);
  io::Task<Status> FillBatch();
  io::Task<Status> AddRoom();
  bool Needs(const Source& source) const;
  void DropRead(Source& source);
  void StartLoads(Source& source, bool needs_input);
  void StartWrites();
  io::Task<void> LoadBlock(Source& source, Source::Block& block);
  io::Task<void> WriteBlock(MergeSink::Place place);
  Error Locate(Error error) const;
  format::SstableMeta MakeMeta(const format::SstableBasicMeta& extra) const;
  io::Task<Result<CompactionResult>> Finish(const format::TableKey& key,
                                            const format::SstableBasicMeta& extra);

  SstableStore store_;
  std::stop_token stop_;
  io::TaskGroup operations_;
  io::WaitQueue progress_;
  io::BufferPool input_buffers_;
  io::BufferPool output_buffers_;
  // The first error of an operation.
  Status failed_;

  std::list<Source> sources_;
  RowIterator* rows_ = nullptr;
  std::unique_ptr<MergeBatch> batch_;
  std::unique_ptr<BatchInput> batch_input_;
  std::vector<MergeInput*> inputs_;

  MergeSink sink_;
  std::list<Output> outputs_;
  std::size_t writes_ = 0;
  // Blocks that this merge refers to until the SSTable does.
  std::vector<format::MacroBlockId> owned_;
  std::unique_ptr<MergeStep> step_;
  CompactionStatistics statistics_;
};

io::Task<Status> Merge::AddSstable(std::shared_ptr<const Sstable> sstable, bool is_reusable,
                                   std::int64_t above, std::int64_t upto) {
  Result<std::vector<format::DataBlockInfo>> infos = co_await sstable->LoadDataBlocks();
  if (!infos) co_return Fail(std::move(infos).error());
  Source& source = sources_.emplace_back();
  source.input = std::make_unique<BlockInput>(sstable->schema(), infos->size(), sstable->is_major(),
                                              above, upto);
  source.infos = *std::move(infos);
  source.is_reusable = is_reusable;
  source.sstable = std::move(sstable);
  inputs_.push_back(source.input.get());
  co_return Status();
}

void Merge::AddRows(const format::RowSchema& schema, RowIterator& rows) {
  rows_ = &rows;
  batch_ = std::make_unique<MergeBatch>(schema);
  batch_input_ = std::make_unique<BatchInput>(schema);
  inputs_.push_back(batch_input_.get());
}

io::Task<Result<CompactionResult>> Merge::Run(MergeStep::Plan plan, format::TableKey key,
                                              format::SstableBasicMeta extra) {
  MergeStep::Reusable reusable;
  if (!sources_.empty() && sources_.front().is_reusable)
    reusable = {sources_.front().input.get(), sources_.front().infos};
  Result<std::unique_ptr<MergeStep>> step =
      MergeStep::Create(std::move(plan), inputs_, reusable, sink_);
  if (!step) co_return Fail(std::move(step).error());
  step_ = *std::move(step);

  Status status = co_await Drive();
  co_await operations_.Join();
  if (status) status = failed_;
  Result<CompactionResult> result;
  if (status) {
    result = co_await Finish(key, extra);
  } else {
    result = Fail(std::move(status).error());
  }
  for (const format::MacroBlockId& id : owned_) store_.blocks.Release(id);
  co_return result;
}

io::Task<Status> Merge::Drive() {
  Stop stop = Stop::kSlice;
  for (;;) {
    if (stop_.stop_requested()) co_return Fail(ErrorCode::kCanceled, "the compaction was stopped");
    if (Status status = co_await PrepareInputs(stop == Stop::kNeedsInput); !status)
      co_return status;
    while (stop == Stop::kNeedsRoom && writes_ > 0 &&
           output_buffers_.stats().in_use == output_buffers_.stats().count)
      co_await progress_.Wait();
    if (Status status = co_await AddRoom(); !status) co_return status;
    assert(stop != Stop::kNeedsRoom || sink_.room() > 0);
    if (!failed_) co_return failed_;
    const Result<Stop> next =
        co_await store_.loop.Offload([this] { return step_->Run(kSliceRows); });
    if (!next) co_return Fail(Locate(next.error()));
    StartWrites();
    stop = *next;
    if (stop == Stop::kDone) co_return Status();
  }
}

io::Task<Status> Merge::PrepareInputs(bool needs_input) {
  if (batch_input_ != nullptr && batch_input_->state() == InputState::kNeedsPiece)
    co_return co_await FillBatch();
  for (Source& source : sources_) {
    DropRead(source);
    StartLoads(source, needs_input);
  }
  for (Source& source : sources_) {
    while (needs_input && failed_ && Needs(source) && !source.has_next()) {
      co_await progress_.Wait();
      DropRead(source);
      StartLoads(source, needs_input);
    }
    for (Source::Block& block : source.blocks) {
      if (!block.is_loaded || block.is_supplied || block.index < source.input->next_piece())
        continue;
      source.input->Supply(block.index, block.buffer.span().first(block.size));
      block.is_supplied = true;
    }
  }
  co_return Status();
}

// The reusable SSTable's next block is not needed before it is known that it will not be reused:
// when all others are at a row, and the merge still asks for input.
bool Merge::Needs(const Source& source) const {
  if (!source.needs_piece()) return false;
  return !source.is_reusable || std::ranges::none_of(sources_, [](const Source& other) {
    return !other.is_reusable && other.needs_piece();
  });
}

void Merge::DropRead(Source& source) {
  const std::size_t next = source.input->next_piece();
  const std::size_t keep = source.input->state() == InputState::kRow ? next - 1 : next;
  source.blocks.remove_if(
      [keep](const Source::Block& block) { return block.is_loaded && block.index < keep; });
}

void Merge::StartLoads(Source& source, bool needs_input) {
  source.next_load = std::max(source.next_load, source.input->next_piece());
  while (source.next_load < source.infos.size() && source.blocks.size() < kBlocksPerInput) {
    if (source.is_reusable) {
      const bool is_next = source.next_load == source.input->next_piece();
      const bool is_wanted = (needs_input && Needs(source)) || source.input->reads_on();
      if (!is_next || !is_wanted) return;
    }
    const format::DataBlockInfo& info = source.infos[source.next_load];
    Source::Block& block = source.blocks.emplace_back(source.next_load++, MaxBlockEnd(info),
                                                      input_buffers_.TryAcquire());
    assert(!block.buffer.empty());
    operations_.Spawn(LoadBlock(source, block));
  }
}

io::Task<void> Merge::LoadBlock(Source& source, Source::Block& block) {
  Status status = co_await store_.blocks.Read(source.infos[block.index].meta.macro_id, 0,
                                              block.buffer.span().first(block.size));
  if (!status && failed_) failed_ = std::move(status);
  block.is_loaded = true;
  ++statistics_.blocks_read;
  progress_.WakeAll();
}

io::Task<Status> Merge::FillBatch() {
  batch_->Clear();
  while (!batch_->is_full()) {
    const Result<bool> moved = rows_->Next();
    if (!moved) co_return Fail(moved.error());
    if (!*moved) {
      if (Status status = co_await rows_->Load(); !status) co_return status;
      continue;
    }
    if (!rows_->Valid()) break;
    // A lock that its transaction has given up changes nothing.
    if (rows_->row().dml != format::DmlFlag::kLock) batch_->Add(rows_->row());
  }
  if (batch_->empty()) {
    batch_input_->Finish();
  } else {
    batch_input_->Supply(*batch_);
  }
  co_return Status();
}

io::Task<Status> Merge::AddRoom() {
  for (;;) {
    io::Buffer buffer = output_buffers_.TryAcquire();
    if (buffer.empty()) co_return Status();
    const Result<format::MacroBlockId> id = co_await store_.blocks.Allocate();
    if (!id) co_return Fail(id.error());
    owned_.push_back(*id);
    sink_.AddRoom(*id, buffer.span());
    outputs_.push_back({*id, std::move(buffer)});
  }
}

void Merge::StartWrites() {
  for (const MergeSink::Place& place : sink_.TakeFilled()) {
    ++writes_;
    operations_.Spawn(WriteBlock(place));
  }
}

io::Task<void> Merge::WriteBlock(MergeSink::Place place) {
  Status status = co_await store_.blocks.Write(place.id, place.buffer.first(place.filled));
  if (!status && failed_) failed_ = std::move(status);
  statistics_.bytes_written += place.filled;
  std::erase_if(outputs_, [&](const Output& output) { return output.id == place.id; });
  --writes_;
  progress_.WakeAll();
}

Error Merge::Locate(Error error) const {
  for (const Source& source : sources_) {
    if (const std::optional<std::size_t> block = source.input->failed_block())
      return store_.blocks.Locate(std::move(error), source.infos[*block].meta.macro_id);
  }
  return error;
}

format::SstableMeta Merge::MakeMeta(const format::SstableBasicMeta& extra) const {
  const format::SstableDesc& desc = step_->desc();
  const bool is_major = desc.merge_type == format::MergeType::kMajor;
  format::SstableIndex index = step_->index();
  const bool is_empty = index.data_blocks.empty();
  if (is_empty) {
    index.column_checksums.assign(desc.schema.columns.size(), 0);
    index.max_merged_trans_version = desc.snapshot_version;
  }
  format::SstableMeta meta = format::MakeSstableMeta(desc, index);
  if (is_empty) {
    meta.data_root_info = {};
    meta.macro_info.macro_meta_info = {};
  }
  format::SstableBasicMeta& basic = meta.basic_meta;
  basic.index_type = extra.index_type;
  basic.table_mode = extra.table_mode;
  basic.recycle_version = extra.recycle_version;
  basic.sstable_logic_seq = extra.sstable_logic_seq;
  basic.use_old_macro_block_count = static_cast<std::int64_t>(step_->counts().blocks_reused);
  if (is_major) {
    basic.upper_trans_version = desc.snapshot_version;
  } else {
    basic.progressive_merge_round = 0;
  }
  return meta;
}

io::Task<Result<CompactionResult>> Merge::Finish(const format::TableKey& key,
                                                 const format::SstableBasicMeta& extra) {
  if (Status status = co_await store_.blocks.Sync(); !status)
    co_return Fail(std::move(status).error());
  const MergeStep::Counts& counts = step_->counts();
  statistics_.rows_read = counts.rows_read;
  statistics_.rows_written = counts.rows_written;
  statistics_.blocks_reused = counts.blocks_reused;
  statistics_.blocks_written = step_->index().data_blocks.size() - counts.blocks_reused;
  Result<std::shared_ptr<const Sstable>> sstable =
      Sstable::Create(store_, key, MakeMeta(extra), step_->desc().schema);
  if (!sstable) co_return Fail(std::move(sstable).error());
  co_return CompactionResult{*std::move(sstable), statistics_};
}

format::SstableDesc Describe(const TabletFormat& format, format::MergeType type,
                             std::int64_t version) {
  const bool is_major = type == format::MergeType::kMajor;
  format::SstableDesc desc;
  desc.tablet_id = format.tablet_id;
  desc.merge_type = type;
  desc.schema = format.schema;
  desc.compressor = is_major || format.compressor == format::CompressorType::kNone
                        ? format.compressor
                        : format::CompressorType::kLz4;
  desc.snapshot_version = version;
  desc.end_scn = version;
  desc.schema_version = static_cast<std::uint64_t>(format.schema_version);
  desc.progressive_merge_round = format.progressive_merge_round;
  desc.micro_block_size = std::min(format.micro_block_size, format.macro_block_size);
  desc.macro_block_size = format.macro_block_size;
  constexpr std::int64_t kMaxFree = 50;
  constexpr std::int64_t kDefaultFree = 10;
  const std::int64_t free =
      format.pctfree >= 0 && format.pctfree <= kMaxFree ? format.pctfree : kDefaultFree;
  desc.macro_store_size = format.macro_block_size * static_cast<std::size_t>(100 - free) / 100;
  return desc;
}

format::SstableBasicMeta ExtraMeta(const TabletFormat& format) {
  format::SstableBasicMeta extra;
  extra.index_type = format.index_type;
  extra.table_mode = format.table_mode;
  return extra;
}

format::TableKey KeyOf(const TabletFormat& format, const format::ScnRange& range,
                       format::ITableType type) {
  return {
      .tablet_id = format.tablet_id, .scn_range = range, .column_group_idx = 0, .table_type = type};
}

std::int64_t Version(format::Scn scn) { return static_cast<std::int64_t>(scn.value); }

}  // namespace

Result<TabletFormat> TabletFormat::Of(format::TabletId tablet_id,
                                      const format::StorageSchema& schema) {
  const auto refuse = [](std::string_view what) {
    return Fail(ErrorCode::kNotSupported, fmt::format("a table {} is not stored", what));
  };
  if (schema.column_info_simplified()) return refuse("whose columns are left out");
  if (!schema.encryption.empty()) return refuse("that is encrypted");
  // Numbers of columns in the key begin here.
  constexpr std::uint32_t kFirstColumn = 16;
  std::vector<format::ObjMeta> columns;
  std::vector<bool> is_key(schema.column_array.size());
  for (const format::StorageRowkeyColumn& key : schema.rowkey_array) {
    const std::size_t index = key.column_idx - kFirstColumn;
    if (index >= is_key.size() || is_key[index]) return refuse("with an impossible key");
    if ((key.info & 1) != 0) return refuse("with a descending key");
    is_key[index] = true;
    columns.push_back(key.meta_type);
  }
  for (std::size_t i = 0; i < schema.column_array.size(); ++i) {
    const format::StorageColumn& column = schema.column_array[i];
    if (!is_key[i] && (column.info & format::StorageColumn::kIsStored) != 0)
      columns.push_back(column.meta_type);
  }
  Result<format::RowSchema> rows = format::RowSchema::Create(columns, schema.rowkey_array.size());
  if (!rows) return Fail(std::move(rows).error());
  TabletFormat format;
  format.tablet_id = tablet_id;
  format.schema = *std::move(rows);
  format.compressor = schema.compressor_type;
  format.schema_version = schema.schema_version;
  format.progressive_merge_round = schema.progressive_merge_round;
  format.index_type = schema.index_type;
  format.table_mode = schema.table_mode;
  constexpr std::int64_t kMinMicroBlock = 4096;
  format.micro_block_size = static_cast<std::size_t>(std::max(schema.block_size, kMinMicroBlock));
  format.pctfree = schema.pctfree;
  return format;
}

io::Task<Result<CompactionResult>> WriteMini(const SstableStore& store, const TabletFormat& format,
                                             format::ScnRange range, RowIterator& rows,
                                             std::stop_token stop) {
  Merge merge(store, 0, std::move(stop));
  merge.AddRows(format.schema, rows);
  MergeStep::Plan plan;
  plan.desc = Describe(format, format::MergeType::kMini, Version(range.end_scn));
  const format::TableKey key = KeyOf(format, range, format::ITableType::kMini);
  co_return co_await merge.Run(std::move(plan), key, ExtraMeta(format));
}

io::Task<Result<CompactionResult>> MergeMinor(const SstableStore& store, const TabletFormat& format,
                                              std::vector<std::shared_ptr<const Sstable>> inputs,
                                              std::int64_t recycle_version, std::stop_token stop) {
  if (inputs.empty()) co_return Fail(ErrorCode::kInvalidArgument, "a minor merge of nothing");
  Merge merge(store, inputs.size(), std::move(stop));
  format::ScnRange range = inputs.front()->key().scn_range;
  range.end_scn = range.start_scn;
  std::int32_t logic_seq = 0;
  for (const std::shared_ptr<const Sstable>& input : inputs) {
    const format::ScnRange& next = input->key().scn_range;
    if (input->is_major() || next.start_scn != range.end_scn) {
      co_return Fail(ErrorCode::kInvalidArgument,
                     fmt::format("an SSTable of ({}, {}] can't follow one that ends at {} in a "
                                 "minor merge",
                                 next.start_scn.value, next.end_scn.value, range.end_scn.value));
    }
    range.end_scn = next.end_scn;
    logic_seq = std::max(logic_seq, input->meta().basic_meta.sstable_logic_seq);
    if (Status status = co_await merge.AddSstable(input, false, -1, kAnyVersion); !status)
      co_return Fail(std::move(status).error());
  }
  // Blocks of the last input have the same version, so that the sequence must tell them apart.
  constexpr std::int32_t kMaxLogicSeq = 0x3FF;
  format::SstableBasicMeta extra = ExtraMeta(format);
  extra.sstable_logic_seq = (logic_seq + 1) & kMaxLogicSeq;
  extra.recycle_version = recycle_version;
  const format::MacroDataSeq first = format::MacroDataSeqOf(
      {.sstable_logic_seq = static_cast<std::uint16_t>(extra.sstable_logic_seq)});
  MergeStep::Plan plan;
  plan.desc = Describe(format, format::MergeType::kMinor, Version(range.end_scn));
  plan.first_data_seq = first.value;
  plan.recycle_version = recycle_version;
  const format::TableKey key = KeyOf(format, range, format::ITableType::kMinor);
  co_return co_await merge.Run(std::move(plan), key, extra);
}

io::Task<Result<CompactionResult>> MergeMajor(
    const SstableStore& store, const TabletFormat& format, std::shared_ptr<const Sstable> previous,
    std::vector<std::shared_ptr<const Sstable>> increments, std::int64_t snapshot,
    std::stop_token stop) {
  Merge merge(store, increments.size() + 1, std::move(stop));
  // The previous major has everything up to its own snapshot.
  std::int64_t above = -1;
  if (previous != nullptr) {
    above = Version(previous->key().snapshot_version());
    if (!previous->is_major() || above > snapshot) {
      co_return Fail(ErrorCode::kInvalidArgument,
                     fmt::format("a major merge at {} of an SSTable of {}", snapshot, above));
    }
    if (Status status = co_await merge.AddSstable(previous, true, -1, kAnyVersion); !status)
      co_return Fail(std::move(status).error());
  }
  for (const std::shared_ptr<const Sstable>& increment : increments) {
    if (increment->is_major())
      co_return Fail(ErrorCode::kInvalidArgument, "a major SSTable among increments");
    if (increment->max_merged_trans_version() <= above) continue;
    if (Status status = co_await merge.AddSstable(increment, false, above, snapshot); !status)
      co_return Fail(std::move(status).error());
  }
  MergeStep::Plan plan;
  plan.desc = Describe(format, format::MergeType::kMajor, snapshot);
  const format::ScnRange range{format::kMinScn, format::Scn{static_cast<std::uint64_t>(snapshot)}};
  const format::TableKey key = KeyOf(format, range, format::ITableType::kMajor);
  co_return co_await merge.Run(std::move(plan), key, ExtraMeta(format));
}

}  // namespace obbak::engine
