#include "backup/entry_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <type_traits>
#include <utility>

#include "format/backup_block.h"
#include "format/backup_file_headers.h"

namespace obbak::backup {

using format::BackupMacroRangeIndex;
using format::BackupMetaIndex;
using format::ByteRange;

namespace {

template <class Entry>
Result<std::uint64_t> ListBlockSize(ByteView head) {
  constexpr format::BlockSpec kSpec = std::is_same_v<Entry, BackupMacroRangeIndex>
                                          ? format::kMacroIndexList
                                          : format::kMetaIndexList;
  const Result<format::BackupCommonHeader> header = format::DecodeBlockHeader(head, kSpec);
  if (!header) return Fail(header.error());
  return format::BlockSizeOf(*header);
}

}  // namespace

// ---- BlockWalk

io::Task<Status> BlockWalk::Open(const dest::DestStore& store, format::BackupPath path) {
  path_ = store.FullPathOf(path);
  rest_ = {};
  auto reader = co_await store.medium().Open(store.PathOf(path));
  if (!reader) co_return Fail(std::move(reader).error());
  reader_ = *std::move(reader);
  co_return Status();
}

Error BlockWalk::Locate(Error error) const { return std::move(error).WithPath(path_); }

io::Task<Result<Bytes>> BlockWalk::Read(ByteRange range) {
  if (range.end() > file_size() || range.end() < range.offset) {
    co_return Fail(
        Error(ErrorCode::kErrUnexpected, fmt::format("{} bytes at {} are needed, the file has {}",
                                                     range.length, range.offset, file_size()))
            .WithPath(path_));
  }
  Bytes bytes(range.length);
  const Result<std::size_t> read = co_await reader_->Read(range.offset, bytes);
  if (!read) co_return Fail(read.error());
  if (*read != bytes.size()) {
    co_return Fail(Error(ErrorCode::kErrUnexpected, "the file became shorter while it was read")
                       .WithPath(path_));
  }
  co_return bytes;
}

io::Task<Result<ByteView>> BlockWalk::NextBlock(SizeOf size_of) {
  const std::uint64_t window = std::min<std::uint64_t>(rest_.length, format::kMaxIndexBlockSize);
  Result<Bytes> bytes = co_await Read({rest_.offset, window});
  if (!bytes) co_return Fail(std::move(bytes).error());
  buffer_ = *std::move(bytes);
  const Result<std::uint64_t> size = size_of(buffer_);
  if (!size) co_return Fail(Locate(Error(size.error()).ShiftOffset(rest_.offset)));
  if (*size > window) {
    co_return Fail(Locate(
        Error(ErrorCode::kInvalidData,
              fmt::format("an index block of {} bytes where {} are left", *size, rest_.length))
            .WithOffset(rest_.offset)));
  }
  range_ = {rest_.offset, *size};
  rest_ = {rest_.offset + *size, rest_.length - *size};
  co_return ByteView(buffer_).first(static_cast<std::size_t>(*size));
}

io::Task<Result<format::BackupDataFileTrailer>> ReadDataFileTrailer(BlockWalk& file) {
  constexpr std::uint64_t kSize = format::BackupDataFileTrailer::kSize;
  if (file.file_size() < kSize) {
    co_return Fail(file.Locate(
        Error(ErrorCode::kErrUnexpected, "the file is too short for a data file's trailer")));
  }
  const Result<Bytes> tail = co_await file.Read({file.file_size() - kSize, kSize});
  if (!tail) co_return Fail(tail.error());
  auto trailer = format::DecodeBackupDataFileTrailer(*tail, file.file_size());
  if (!trailer) co_return Fail(file.Locate(std::move(trailer).error()));
  co_return trailer;
}

// ---- AttemptStream

template <class Entry>
AttemptStream<Entry>::AttemptStream(const SetContext& context, FinishedAttempt attempt, Metas metas)
    : context_(context), attempt_(attempt), metas_(metas) {}

template <class Entry>
io::Task<Status> AttemptStream<Entry>::OpenFile() {
  format::BackupPath path = context_.Path(format::PathKind::kMacroBlockData, attempt_.id);
  path.file = next_file_++;
  Status status = co_await walk_.Open(context_.store, std::move(path));
  if (!status) {
    if (status.error().code() != ErrorCode::kFileNotExist) co_return status;
    co_return Fail(Error(ErrorCode::kBackupFileNotExist, status.error().message())
                       .WithPath(status.error().path()));
  }
  const auto trailer = co_await ReadDataFileTrailer(walk_);
  if (!trailer) co_return Fail(trailer.error());
  constexpr bool kIsMacro = std::is_same_v<Entry, BackupMacroRangeIndex>;
  const std::int64_t offset = kIsMacro ? trailer->macro_index_offset : trailer->meta_index_offset;
  const std::int64_t length = kIsMacro ? trailer->macro_index_length : trailer->meta_index_length;
  walk_.Begin({static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(length)});
  co_return Status();
}

template <class Entry>
Result<std::vector<Entry>> AttemptStream<Entry>::Decode(ByteView block) const {
  if constexpr (std::is_same_v<Entry, BackupMacroRangeIndex>) {
    const auto entries = format::DecodeMacroIndexBlock(block);
    if (!entries) return Fail(entries.error());
    return format::RangesOfIndexBlock(*entries, walk_.range());
  } else {
    Result<std::vector<BackupMetaIndex>> entries = format::DecodeMetaIndexBlock(block);
    if (!entries) return entries;
    std::erase_if(*entries, [&](const BackupMetaIndex& entry) {
      const bool is_mapping =
          entry.meta_key.meta_type == format::BackupMetaType::kMacroBlockIdMappingMeta;
      return is_mapping != (metas_ == Metas::kMappings);
    });
    return entries;
  }
}

template <class Entry>
io::Task<Status> AttemptStream<Entry>::LoadBlock() {
  const Result<ByteView> block = co_await walk_.NextBlock(ListBlockSize<Entry>);
  if (!block) co_return Fail(block.error());
  Result<std::vector<Entry>> entries = Decode(*block);
  if (!entries) {
    co_return Fail(walk_.Locate(std::move(entries).error().ShiftOffset(walk_.range().offset)));
  }
  entries_ = *std::move(entries);
  at_ = 0;
  co_return Status();
}

template <class Entry>
io::Task<Result<bool>> AttemptStream<Entry>::Next() {
  if (!entries_.empty()) ++at_;
  while (at_ >= entries_.size()) {
    if (walk_.at_end()) {
      if (next_file_ >= attempt_.files) co_return false;
      if (Status status = co_await OpenFile(); !status) co_return Fail(std::move(status).error());
      continue;
    }
    if (Status status = co_await LoadBlock(); !status) co_return Fail(std::move(status).error());
  }
  co_return true;
}

template class AttemptStream<BackupMacroRangeIndex>;
template class AttemptStream<BackupMetaIndex>;

// ---- IndexFileStream

template <class Entry>
io::Task<Status> IndexFileStream<Entry>::Open() {
  is_open_ = true;
  if (Status status = co_await walk_.Open(store_, path_); !status) co_return status;
  constexpr std::uint64_t kTrailer = format::BackupMultiLevelIndexTrailer::kSize;
  if (walk_.file_size() < format::kFileHeaderBlockSize + kTrailer) {
    co_return Fail(
        walk_.Locate(Error(ErrorCode::kErrUnexpected, "the file is too short for an index file")));
  }
  const std::uint64_t end = walk_.file_size() - kTrailer;
  walk_.Begin({format::kFileHeaderBlockSize, end - format::kFileHeaderBlockSize});
  co_return Status();
}

template <class Entry>
io::Task<Result<bool>> IndexFileStream<Entry>::Next() {
  if (!is_open_) {
    if (Status status = co_await Open(); !status) co_return Fail(std::move(status).error());
  } else if (at_ < block_.entries.size()) {
    ++at_;
  }
  while (at_ >= block_.entries.size()) {
    // The leaves come first.
    if (walk_.at_end() || block_.level != 0) co_return false;
    const Result<ByteView> bytes = co_await walk_.NextBlock(format::IndexBlockSize<Entry>);
    if (!bytes) co_return Fail(bytes.error());
    Result<format::IndexBlock<Entry>> block = format::DecodeIndexBlock<Entry>(*bytes);
    if (!block) {
      co_return Fail(walk_.Locate(std::move(block).error().ShiftOffset(walk_.range().offset)));
    }
    block_ = *std::move(block);
    at_ = 0;
  }
  co_return true;
}

template class IndexFileStream<BackupMacroRangeIndex>;
template class IndexFileStream<BackupMetaIndex>;

}  // namespace obbak::backup
