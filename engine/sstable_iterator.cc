#include "engine/sstable_iterator.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "format/column.h"
#include "format/flat_row.h"
#include "format/index_row.h"
#include "io/aligned_bytes.h"

namespace obbak::engine {
namespace {

Status CheckBound(const format::RowSchema& schema, std::span<const format::Datum> bound) {
  if (bound.size() + format::RowSchema::kHiddenColumns > schema.rowkey_count)
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("a bound of {} columns, the key has {}", bound.size(),
                            schema.rowkey_count - format::RowSchema::kHiddenColumns));
  for (std::size_t i = 0; i < bound.size(); ++i) {
    if (Status status = format::CheckKeyCell(schema.columns[i], bound[i]); !status) return status;
  }
  return {};
}

// Whether a key that compares to the bound where a scan stops as `order` is out of its range.
bool IsBehind(Direction direction, int order, const KeyBound& bound) {
  if (order == 0) return !bound.inclusive;
  return (order > 0) == (direction == Direction::kForward);
}

}  // namespace

ScanFetcher::ScanFetcher(std::shared_ptr<const Sstable> sstable, const KeyRange& range,
                         Direction direction)
    : sstable_(std::move(sstable)),
      lower_(range.begin),
      upper_(range.end),
      lower_inclusive_(range.begin_included),
      upper_inclusive_(range.end_included),
      direction_(direction),
      cursor_(*sstable_) {}

io::Task<Status> ScanFetcher::Continue(bool stop_above_leaf) {
  for (;;) {
    const Result<bool> there = cursor_.Continue(stop_above_leaf);
    if (!there) co_return Fail(there.error());
    if (*there) co_return Status();
    Result<MicroBlockCache::Pin> block =
        co_await LoadMicroBlock(sstable_->store(), cursor_.missing());
    if (!block) co_return Fail(std::move(block).error());
    cursor_.Supply(*std::move(block));
  }
}

io::Task<Status> ScanFetcher::Begin() {
  begun_ = true;
  for (const KeyBound& bound : {lower(), upper()}) {
    if (Status status = CheckBound(sstable_->schema(), bound.key); !status) co_return status;
  }
  const bool forward = direction_ == Direction::kForward;
  const KeyBound from = start();
  if (!from.key.empty()) {
    const bool behind_equal = from.inclusive != forward;
    cursor_.Seek(from.key, behind_equal ? IndexCursor::Bound::kUpper : IndexCursor::Bound::kLower);
    if (Status status = co_await Continue(false); !status) co_return status;
    // Backward, a start behind all keys is no reason to stop.
    if (forward || cursor_.Valid()) co_return Status();
  }
  if (forward) {
    cursor_.SeekToFirst();
  } else {
    cursor_.SeekToLast();
  }
  co_return co_await Continue(false);
}

io::Task<Result<ScanRun>> ScanFetcher::Fetch() {
  if (ended_) co_return ScanRun();
  Status status;
  if (!begun_) {
    status = co_await Begin();
  } else {
    cursor_.Step(direction_);
    status = co_await Continue(reads_large());
  }
  if (!status) co_return Fail(std::move(status).error());
  ended_ = !cursor_.Valid();
  if (!ended_ && direction_ == Direction::kBackward) {
    const Result<bool> before = EntryEndsRange();
    if (!before) co_return Fail(before.error());
    ended_ = *before;
  }
  if (ended_) co_return ScanRun();
  if (reads_large() && (!cursor_.at_data() || cursor_.EntriesLeft(direction_) > 1)) {
    if (io::Buffer buffer = sstable_->store().scan_buffers.TryAcquire(); !buffer.empty()) {
      if (cursor_.at_data()) co_return co_await FetchRestOfMacro(std::move(buffer));
      co_return co_await FetchMacro(std::move(buffer));
    }
    if (status = co_await Continue(false); !status) co_return Fail(std::move(status).error());
  }
  co_return co_await FetchMicro();
}

Result<bool> ScanFetcher::EntryEndsRange() {
  const KeyBound bound = stop();
  if (bound.key.empty()) return false;
  boost::container::small_vector<format::Datum, 8> key(bound.key.size());
  if (Status status = cursor_.ReadEndKey(key); !status) return Fail(std::move(status).error());
  const int order = format::CompareKeys(sstable_->schema().rowkey(), key, bound.key);
  // Forward, a prefix may go on in the next entry; backward, the entry ends before the range.
  return IsBehind(direction_, order, bound);
}

io::Task<Result<ScanRun>> ScanFetcher::FetchMicro() {
  const MicroBlockAddress address = cursor_.child();
  ScanRun run;
  run.macro_id = address.macro_id;
  run.micros.push_back({address.offset, address.size});
  run.pin = sstable_->store().cache.Find(address);
  if (!run.pin) {
    Result<MicroBlockCache::Pin> block = co_await LoadMicroBlock(sstable_->store(), address);
    if (!block) co_return Fail(std::move(block).error());
    run.pin = *std::move(block);
  }
  fetched_ += address.size;
  if (direction_ == Direction::kForward) {
    const Result<bool> last = EntryEndsRange();
    if (!last) co_return Fail(last.error());
    run.is_last = ended_ = *last;
  }
  co_return run;
}

io::Task<Result<ScanRun>> ScanFetcher::FetchRestOfMacro(io::Buffer buffer) {
  ScanRun run;
  run.buffer = std::move(buffer);
  run.macro_id = cursor_.child().macro_id;
  run.compressor = cursor_.child().compressor;
  std::size_t begin = format::kMacroBlockSize;
  std::size_t end = 0;
  for (;;) {
    const MicroBlockAddress& micro = cursor_.child();
    run.micros.push_back({micro.offset, micro.size});
    begin = std::min<std::size_t>(begin, micro.offset);
    end = std::max<std::size_t>(end, std::size_t{micro.offset} + micro.size);
    if (direction_ == Direction::kForward) {
      const Result<bool> last = EntryEndsRange();
      if (!last) co_return Fail(last.error());
      run.is_last = ended_ = *last;
    }
    if (run.is_last || cursor_.EntriesLeft(direction_) == 1) break;
    cursor_.Step(direction_);
    if (Status status = co_await Continue(false); !status)
      co_return Fail(std::move(status).error());
  }
  if (Status status = co_await ReadInto(run, begin, end); !status)
    co_return Fail(std::move(status).error());
  co_return run;
}

io::Task<Result<ScanRun>> ScanFetcher::FetchMacro(io::Buffer buffer) {
  const MicroBlockAddress leaf = cursor_.child();
  ScanRun run;
  run.buffer = std::move(buffer);
  run.macro_id = leaf.macro_id;
  run.compressor = leaf.compressor;
  // The leaf index is behind the micro blocks that it lists.
  if (Status status = co_await ReadInto(run, 0, std::size_t{leaf.offset} + leaf.size); !status)
    co_return Fail(std::move(status).error());
  if (Status status = ListMicros(leaf, run); !status) {
    co_return Fail(sstable_->store().blocks.Locate(std::move(status).error(), leaf.macro_id));
  }
  if (direction_ == Direction::kForward) {
    const Result<bool> last = EntryEndsRange();
    if (!last) co_return Fail(last.error());
    run.is_last = ended_ = *last;
  }
  co_return run;
}

io::Task<Status> ScanFetcher::ReadInto(ScanRun& run, std::size_t begin, std::size_t end) {
  run.base = io::AlignDown(begin);
  fetched_ += end - begin;
  co_return co_await sstable_->store().blocks.Read(
      run.macro_id, run.base, run.buffer.span().first(io::AlignUp(end) - run.base));
}

Status ScanFetcher::ListMicros(const MicroBlockAddress& leaf, ScanRun& run) const {
  Bytes scratch;
  const Result<format::MicroBlockReader> rows = format::MicroBlockReader::Open(
      run.buffer.span().subspan(leaf.offset, leaf.size), leaf.compressor, scratch);
  if (!rows) return Fail(Error(rows.error()).WithOffset(0).ShiftOffset(leaf.offset));
  for (std::size_t i = 0; i < rows->row_count(); ++i) {
    const Result<format::FlatRow> row = rows->Row(i);
    if (!row) return Fail(row.error());
    const Result<format::Datum> cell = row->Cell(row->column_count() - 1);
    if (!cell) return Fail(cell.error());
    const Result<format::IndexRowValue> value = format::DecodeIndexRowValue(cell->bytes());
    if (!value) return Fail(value.error());
    const format::IndexRowHeader& header = value->header;
    const std::int64_t end = std::int64_t{header.block_offset} + header.block_size;
    if (header.block_offset < 0 || header.block_size <= 0 || end > std::int64_t{leaf.offset}) {
      return Fail(
          Error(ErrorCode::kInvalidData, fmt::format("the leaf index points at {} bytes at {}",
                                                     header.block_size, header.block_offset))
              .WithOffset(leaf.offset));
    }
    run.micros.push_back({static_cast<std::size_t>(header.block_offset),
                          static_cast<std::size_t>(header.block_size)});
  }
  if (direction_ == Direction::kBackward) std::ranges::reverse(run.micros);
  return {};
}

SstableIterator::SstableIterator(std::shared_ptr<const Sstable> sstable, const KeyRange& range,
                                 Direction direction)
    : fetcher_(std::make_shared<ScanFetcher>(std::move(sstable), range, direction)),
      row_(fetcher_->sstable().schema()),
      in_range_(fetcher_->start().key.empty()) {}

io::Task<void> SstableIterator::FetchAhead(std::shared_ptr<ScanFetcher> fetcher,
                                           std::shared_ptr<Ahead> ahead) {
  ahead->run.emplace(co_await fetcher->Fetch());
  ahead->done.Set();
}

io::Task<Status> SstableIterator::Load() {
  const SstableStore& store = fetcher_->sstable().store();
  run_ = ScanRun();
  micro_ = format::MicroBlockReader();
  next_micro_ = 0;
  visited_ = 0;
  if (ahead_ == nullptr) {
    ahead_ = std::make_shared<Ahead>(store.loop);
    co_await FetchAhead(fetcher_, ahead_);
  } else {
    co_await ahead_->done.Wait();
  }
  const std::shared_ptr<Ahead> fetched = std::exchange(ahead_, nullptr);
  if (!*fetched->run) co_return Fail(fetched->run->error());
  run_ = std::move(**fetched->run);
  ended_ = run_.micros.empty();
  if (!ended_ && !run_.is_last && fetcher_->reads_large()) {
    ahead_ = std::make_shared<Ahead>(store.loop);
    store.background.Spawn(FetchAhead(fetcher_, ahead_));
  }
  co_return Status();
}

Status SstableIterator::EnterMicro() {
  const ScanRun::Micro& micro = run_.micros[next_micro_++];
  visited_ = 0;
  if (run_.pin) {
    micro_ = *run_.pin;
  } else {
    const Result<format::MicroBlockReader> reader = format::MicroBlockReader::Open(
        run_.buffer.span().subspan(micro.offset - run_.base, micro.size), run_.compressor,
        scratch_);
    if (!reader) return Fail(reader.error());
    micro_ = *reader;
  }
  if (in_range_) return {};
  in_range_ = true;
  const std::span<const format::ObjMeta> rowkey = fetcher_->sstable().schema().rowkey();
  const bool forward = fetcher_->direction() == Direction::kForward;
  const KeyBound from = fetcher_->start();
  const bool behind_equal = from.inclusive != forward;
  const Result<std::size_t> row =
      behind_equal ? micro_.UpperBound(rowkey, from.key) : micro_.LowerBound(rowkey, from.key);
  if (!row) return Fail(row.error());
  visited_ = forward ? *row : micro_.row_count() - *row;
  return {};
}

bool SstableIterator::IsBehindRange() const {
  const bool forward = fetcher_->direction() == Direction::kForward;
  const KeyBound bound = fetcher_->stop();
  if (bound.key.empty() || (forward && !run_.is_last)) return false;
  return IsBehind(fetcher_->direction(),
                  format::CompareKeys(fetcher_->sstable().schema().rowkey(), row_.key(), bound.key),
                  bound);
}

Result<bool> SstableIterator::Advance() {
  for (;;) {
    if (ended_) {
      valid_ = false;
      return true;
    }
    if (visited_ == micro_.row_count()) {
      if (next_micro_ == run_.micros.size()) {
        if (!run_.is_last) return false;
        ended_ = true;
      } else if (Status status = EnterMicro(); !status) {
        return Fail(std::move(status).error());
      }
      continue;
    }
    const bool forward = fetcher_->direction() == Direction::kForward;
    const std::size_t row = forward ? visited_ : micro_.row_count() - 1 - visited_;
    ++visited_;
    if (Status status = row_.Read(micro_, row); !status) return Fail(std::move(status).error());
    if (row_.is_shadow() || row_.is_ghost()) continue;
    ended_ = IsBehindRange();
    valid_ = !ended_;
    return true;
  }
}

Result<bool> SstableIterator::Next() {
  Result<bool> moved = Advance();
  if (moved || next_micro_ == 0) return moved;
  return Fail(fetcher_->sstable().store().blocks.Locate(std::move(moved).error(), run_.macro_id,
                                                        run_.micros[next_micro_ - 1].offset));
}

}  // namespace obbak::engine
