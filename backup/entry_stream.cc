#include "backup/entry_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "format/backup_block.h"
#include "format/backup_file_headers.h"

namespace obbak::backup {

using format::BackupMacroBlockIndex;
using format::BackupMacroRangeIndex;
using format::BackupMetaIndex;
using format::ByteRange;

template <class Entry>
io::Task<Result<bool>> EntryStream<Entry>::Next() {
  if (at_ < entries_.size()) ++at_;
  while (at_ >= entries_.size()) {
    Result<std::optional<std::vector<Entry>>> more = co_await Load();
    if (!more) co_return Fail(std::move(more).error());
    if (!more->has_value()) co_return false;
    entries_ = **std::move(more);
    at_ = 0;
  }
  co_return true;
}

template class EntryStream<BackupMacroBlockIndex>;
template class EntryStream<BackupMacroRangeIndex>;
template class EntryStream<BackupMetaIndex>;

// ---- AttemptStream

namespace {

// A missing file of an attempt is not just any missing file.
Error AsBackupFile(Error error) {
  if (error.code() != ErrorCode::kFileNotExist) return error;
  return Error(ErrorCode::kBackupFileNotExist, error.message()).WithPath(error.path());
}

io::Task<Result<format::BackupDataFileTrailer>> ReadTrailer(dest::ObjectReader& file) {
  constexpr std::uint64_t kSize = format::BackupDataFileTrailer::kSize;
  const std::uint64_t at = file.size() < kSize ? 0 : file.size() - kSize;
  const ByteRange range{at, kSize};
  const Result<Bytes> tail = co_await file.Read(range);
  if (!tail) co_return Fail(tail.error());
  auto trailer = format::DecodeBackupDataFileTrailer(*tail, file.size());
  if (!trailer) co_return Fail(file.Locate(std::move(trailer).error(), at));
  co_return trailer;
}

Result<std::size_t> ListBlockSize(ByteView head, ListKind kind) {
  const format::BlockSpec& spec =
      kind == ListKind::kMacros ? format::kMacroIndexList : format::kMetaIndexList;
  const Result<format::BackupCommonHeader> header = format::DecodeBlockHeader(head, spec);
  if (!header) return Fail(header.error());
  return static_cast<std::size_t>(
      std::min<std::uint64_t>(format::BlockSizeOf(*header), format::kMaxIndexBlockSize));
}

}  // namespace

template <class Entry>
io::Task<Status> AttemptStream<Entry>::OpenFile() {
  format::BackupPath path = context_.Path(format::PathKind::kMacroBlockData, attempt_.id);
  path.file = next_file_++;
  auto file = co_await dest::ObjectReader::Open(context_.store, std::move(path));
  if (!file) co_return Fail(AsBackupFile(std::move(file).error()));
  const auto trailer = co_await ReadTrailer(**file);
  if (!trailer) co_return Fail(trailer.error());
  const bool is_macro = kind_ == ListKind::kMacros;
  const std::int64_t offset = is_macro ? trailer->macro_index_offset : trailer->meta_index_offset;
  const std::int64_t length = is_macro ? trailer->macro_index_length : trailer->meta_index_length;
  const ByteRange range{static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(length)};
  list_.emplace(*std::move(file), range);
  co_return Status();
}

template <class Entry>
Result<std::vector<Entry>> AttemptStream<Entry>::Decode(ByteView block, ByteRange range) const {
  if constexpr (std::is_same_v<Entry, BackupMacroRangeIndex>) {
    const auto entries = format::DecodeMacroIndexBlock(block);
    if (!entries) return Fail(entries.error());
    return format::RangesOfIndexBlock(*entries, range);
  } else if constexpr (std::is_same_v<Entry, BackupMacroBlockIndex>) {
    return format::DecodeMacroIndexBlock(block);
  } else {
    Result<std::vector<BackupMetaIndex>> entries = format::DecodeMetaIndexBlock(block);
    if (!entries) return entries;
    std::erase_if(*entries, [&](const BackupMetaIndex& entry) {
      const bool is_mapping =
          entry.meta_key.meta_type == format::BackupMetaType::kMacroBlockIdMappingMeta;
      return is_mapping != (kind_ == ListKind::kMappings);
    });
    return entries;
  }
}

template <class Entry>
io::Task<Result<std::optional<std::vector<Entry>>>> AttemptStream<Entry>::Load() {
  while (!list_ || list_->remaining() == 0) {
    if (next_file_ >= attempt_.files) co_return std::optional<std::vector<Entry>>();
    if (Status status = co_await OpenFile(); !status) co_return Fail(std::move(status).error());
  }
  const std::uint64_t at = list_->offset();
  Result<ByteView> bytes = co_await list_->Peek(format::BackupCommonHeader::kSize);
  if (!bytes) co_return Fail(std::move(bytes).error());
  const Result<std::size_t> size = ListBlockSize(*bytes, kind_);
  if (!size) co_return Fail(list_->object().Locate(size.error(), at));
  bytes = co_await list_->Peek(*size);
  if (!bytes) co_return Fail(std::move(bytes).error());
  Result<std::vector<Entry>> entries =
      Decode(bytes->first(std::min(bytes->size(), *size)), {at, *size});
  if (!entries) co_return Fail(list_->object().Locate(std::move(entries).error(), at));
  list_->Consume(*size);
  co_return std::optional<std::vector<Entry>>(*std::move(entries));
}

template class AttemptStream<BackupMacroBlockIndex>;
template class AttemptStream<BackupMacroRangeIndex>;
template class AttemptStream<BackupMetaIndex>;

// ---- IndexFileStream

template <class Entry>
io::Task<Result<std::optional<std::vector<Entry>>>> IndexFileStream<Entry>::Load() {
  Result<std::vector<Entry>> entries = co_await scan_.Next();
  if (!entries) co_return Fail(std::move(entries).error());
  if (entries->empty()) co_return std::optional<std::vector<Entry>>();
  co_return std::optional<std::vector<Entry>>(*std::move(entries));
}

template class IndexFileStream<BackupMacroRangeIndex>;
template class IndexFileStream<BackupMetaIndex>;

}  // namespace obbak::backup
