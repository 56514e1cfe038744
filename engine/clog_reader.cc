#include "engine/clog_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/clog.h"
#include "engine/clog_files.h"
#include "format/log_group.h"
#include "format/log_reader.h"
#include "io/aligned_bytes.h"

namespace obbak::engine {
namespace {

using format::LogReader;

// Read at a time; any group fits.
constexpr std::size_t kBatch = std::size_t{4} << 20;
static_assert(kBatch >= format::kMaxGroupEntrySize + 2 * io::Disk::kAlignment);

}  // namespace

struct ClogReader::State {
  State(Clog& the_clog, format::Lsn start)
      : clog(the_clog), reader(start, format::LogMedium::kAppended) {}

  Status Parse(ByteView data);
  Status CheckNotRecycled() const;

  Clog& clog;
  LogReader reader;
  std::unique_ptr<io::File> file;  // the block of file_block
  std::uint64_t file_block = 0;
  io::AlignedBytes memory;
  std::vector<format::LogGroup> groups;
};

ClogReader::ClogReader(Clog& clog, format::Lsn start)
    : state_(std::make_unique<State>(clog, start)) {}
ClogReader::~ClogReader() = default;

format::Lsn ClogReader::lsn() const { return state_->reader.lsn(); }

Status ClogReader::State::CheckNotRecycled() const {
  if (reader.lsn() >= clog.base_lsn()) return {};
  return Fail(ErrorCode::kErrOutOfLowerBound,
              fmt::format("the log at LSN {} has been recycled, it now begins at {}",
                          reader.lsn().value, clog.base_lsn().value));
}

io::Task<Result<std::span<const format::LogGroup>>> ClogReader::Read() {
  State& state = *state_;
  state.groups.clear();
  const format::Lsn begin = lsn();
  if (Status there = state.CheckNotRecycled(); !there) co_return Fail(std::move(there).error());
  if (begin >= state.clog.durable_end_lsn()) co_return std::span<const format::LogGroup>();

  const std::uint64_t block_id = BlockIdOf(begin);
  if (state.file == nullptr || state.file_block != block_id) {
    Result<std::unique_ptr<io::File>> file = co_await state.clog.files_->Open(block_id, true);
    // Removed while it was being opened, perhaps.
    if (Status there = state.CheckNotRecycled(); !there) co_return Fail(std::move(there).error());
    if (!file) co_return Fail(std::move(file).error());
    state.file = *std::move(file);
    state.file_block = block_id;
  }
  const std::uint64_t offset = OffsetInClogFile(begin);
  const std::uint64_t available =
      std::min(BytesLeftInBlock(begin), state.clog.durable_end_lsn() - begin);
  const std::uint64_t from = io::AlignDown(offset);
  const std::size_t size = std::min<std::size_t>(io::AlignUp(offset + available) - from, kBatch);
  if (state.memory.size() < size) state.memory = io::AlignedBytes(size);
  Result<std::size_t> read = co_await state.file->Read(from, state.memory.span().first(size));
  // The file may be in use for another block by now.
  if (Status there = state.CheckNotRecycled(); !there) co_return Fail(std::move(there).error());
  if (!read) co_return Fail(std::move(read).error());
  const ByteView bytes = state.memory.span().first(*read);
  const ByteView data = bytes.subspan(std::min<std::size_t>(offset - from, bytes.size()));
  if (Status parsed = state.Parse(data.first(std::min<std::size_t>(data.size(), available)));
      !parsed) {
    co_return Fail(std::move(parsed).error().ShiftOffset(offset).WithPath(
        state.clog.files_->PathOf(block_id)));
  }
  co_return std::span<const format::LogGroup>(state.groups);
}

// Errors have offsets in `data`.
Status ClogReader::State::Parse(ByteView data) {
  ByteView rest = data;
  LogReader::Outcome outcome = reader.Next(rest, false);
  while (outcome == LogReader::Outcome::kGroup) {
    groups.push_back(reader.group());
    rest = rest.subspan(reader.group().bytes.size());
    // Behind a block's end nothing of this file follows.
    if (rest.empty()) return {};
    outcome = reader.Next(rest, false);
  }
  // The caller gets what is good; the next Read says what is not.
  if (!groups.empty()) return {};
  if (outcome == LogReader::Outcome::kDamaged) return Fail(reader.error());
  return Fail(Error(ErrorCode::kInvalidData, "the log ends inside a group").WithOffset(0));
}

}  // namespace obbak::engine
