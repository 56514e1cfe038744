#include "dest/index_file.h"

#include <algorithm>
#include <utility>

#include "format/common_header.h"
#include "format/random_access.h"

namespace obbak::dest {
namespace {

using format::BackupCommonHeader;
using format::BackupMultiLevelIndexTrailer;
using format::ByteRange;

// The trailer of the file, which ends with `tail`.
Result<BackupMultiLevelIndexTrailer> TrailerIn(ByteView tail, std::uint64_t file_size) {
  const format::RandomAccess file(file_size, [tail](ByteRange range) -> Result<Bytes> {
    const ByteView bytes = tail.last(static_cast<std::size_t>(range.length));
    return Bytes(bytes.begin(), bytes.end());
  });
  return format::ReadIndexTrailer(file);
}

}  // namespace

template <class Entry>
IndexFile<Entry>::IndexFile(std::shared_ptr<ObjectReader> object,
                            BackupMultiLevelIndexTrailer trailer, BlockCache* cache)
    : object_(std::move(object)),
      trailer_(trailer),
      cache_(cache),
      number_(cache == nullptr ? 0 : cache->NewFile()) {}

template <class Entry>
io::Task<Result<std::unique_ptr<IndexFile<Entry>>>> IndexFile<Entry>::Open(DestStore store,
                                                                           format::BackupPath path,
                                                                           BlockCache* cache) {
  Result<std::shared_ptr<ObjectReader>> object =
      co_await ObjectReader::Open(std::move(store), std::move(path));
  if (!object) co_return Fail(std::move(object).error());
  const std::uint64_t size = (*object)->size();
  const auto tail_size = std::min<std::uint64_t>(size, BackupMultiLevelIndexTrailer::kSize);
  const Result<Bytes> tail = co_await (*object)->Read(ByteRange{size - tail_size, tail_size});
  if (!tail) co_return Fail(tail.error());
  Result<BackupMultiLevelIndexTrailer> trailer = TrailerIn(*tail, size);
  if (!trailer) co_return Fail((*object)->Locate(std::move(trailer).error()));
  co_return std::unique_ptr<IndexFile>(new IndexFile(*std::move(object), *trailer, cache));
}

template <class Entry>
io::Task<Result<std::shared_ptr<const Bytes>>> IndexFile<Entry>::ReadBlock(ByteRange range) {
  if (cache_ != nullptr) {
    if (std::shared_ptr<const Bytes> block = cache_->Find(number_, range.offset)) co_return block;
  }
  Result<Bytes> bytes = co_await object_->Read(range);
  if (!bytes) co_return Fail(std::move(bytes).error());
  std::shared_ptr<const Bytes> block = std::make_shared<const Bytes>(*std::move(bytes));
  if (cache_ != nullptr) cache_->Insert(number_, range.offset, block);
  co_return block;
}

template <class Entry>
io::Task<Result<std::optional<Entry>>> IndexFile<Entry>::Find(typename Entry::Key key) {
  format::IndexSearch<Entry> search(trailer_, key);
  while (const std::optional<ByteRange> range = search.needed()) {
    Result<std::shared_ptr<const Bytes>> block = co_await ReadBlock(*range);
    if (!block) co_return Fail(std::move(block).error());
    if (Status status = search.Feed(**block); !status)
      co_return Fail(object_->Locate(std::move(status).error()));
  }
  co_return search.found();
}

template <class Entry>
IndexScan<Entry>::IndexScan(const IndexFile<Entry>& file)
    : reader_(file.object_, ByteRange{format::kFileHeaderBlockSize,
                                      file.object_->size() - format::kFileHeaderBlockSize -
                                          BackupMultiLevelIndexTrailer::kSize}) {}

template <class Entry>
io::Task<Result<std::vector<Entry>>> IndexScan<Entry>::Next() {
  const std::uint64_t at = reader_.offset();
  const auto fails = [&](const Error& error) { return Fail(reader_.object().Locate(error, at)); };
  Result<ByteView> bytes = co_await reader_.Peek(BackupCommonHeader::kSize);
  if (!bytes) co_return Fail(std::move(bytes).error());
  if (bytes->empty()) co_return std::vector<Entry>();
  const Result<std::uint64_t> size = format::IndexBlockSize<Entry>(*bytes);
  if (!size) co_return fails(size.error());
  bytes = co_await reader_.Peek(static_cast<std::size_t>(*size));
  if (!bytes) co_return Fail(std::move(bytes).error());
  const ByteView block_bytes = bytes->first(std::min<std::size_t>(*size, bytes->size()));
  Result<format::IndexBlock<Entry>> block = format::DecodeIndexBlock<Entry>(block_bytes);
  if (!block) co_return fails(block.error());
  // Leaves come first.
  if (block->level > 0) co_return std::vector<Entry>();
  reader_.Consume(block_bytes.size());
  co_return std::move(block->entries);
}

template class IndexFile<format::BackupMacroRangeIndex>;
template class IndexFile<format::BackupMetaIndex>;
template class IndexScan<format::BackupMacroRangeIndex>;
template class IndexScan<format::BackupMetaIndex>;

}  // namespace obbak::dest
