#include "dest/data_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "format/backup_data_file.h"

namespace obbak::dest {
namespace {

using format::BackupDataFileId;
using format::BackupMacroBlockIndex;
using format::ByteRange;
using format::DataType;

ByteRange RangeOf(std::int64_t offset, std::int64_t length) {
  return {static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(length)};
}

}  // namespace

const DataFiles::OpenFile* DataFiles::FindOpen(DataType type, const BackupDataFileId& id) {
  const auto found = std::ranges::find_if(
      open_, [&](const OpenFile& file) { return file.type == type && file.id == id; });
  if (found == open_.end()) return nullptr;
  open_.splice(open_.begin(), open_, found);
  return &open_.front();
}

Result<format::BackupPath> DataFiles::PathOf(DataType type, const BackupDataFileId& id) const {
  const auto set = std::ranges::find(sets_, id.backup_set_id, &SetName::id);
  if (set == sets_.end()) {
    return Fail(Error(ErrorCode::kErrUnexpected,
                      fmt::format("an index names backup set {}, which the set does not depend on",
                                  id.backup_set_id.value))
                    .WithPath(store_.medium().location()));
  }
  return format::BackupPath{.kind = format::PathKind::kMacroBlockData,
                            .set = set->id,
                            .set_kind = set->kind,
                            .ls = id.ls_id,
                            .data_type = type,
                            .turn = id.turn_id,
                            .retry = id.retry_id,
                            .file = id.file_id};
}

Error DataFiles::Locate(Error error, DataType type, const BackupDataFileId& file,
                        std::uint64_t base) const {
  const Result<format::BackupPath> path = PathOf(type, file);
  error = std::move(error).ShiftOffset(base);
  return path ? std::move(error).WithPath(store_.FullPathOf(*path)) : std::move(error);
}

io::Task<Result<DataFiles::OpenFile>> DataFiles::Open(DataType type, BackupDataFileId id) {
  if (const OpenFile* file = FindOpen(type, id)) co_return *file;
  Result<format::BackupPath> path = PathOf(type, id);
  if (!path) co_return Fail(std::move(path).error());
  Result<std::shared_ptr<ObjectReader>> object =
      co_await ObjectReader::Open(store_, *std::move(path));
  if (!object) co_return Fail(std::move(object).error());
  // Another task may have opened it meanwhile.
  if (const OpenFile* file = FindOpen(type, id)) co_return *file;
  const std::uint64_t number = cache_ == nullptr ? 0 : cache_->NewFile();
  open_.push_front({type, id, *std::move(object), number});
  if (open_.size() > kMaxOpen) open_.pop_back();
  co_return open_.front();
}

io::Task<Result<std::shared_ptr<const Bytes>>> DataFiles::ReadIndexBlock(OpenFile file,
                                                                         ByteRange range) {
  if (cache_ != nullptr) {
    if (std::shared_ptr<const Bytes> block = cache_->Find(file.number, range.offset))
      co_return block;
  }
  if (range.length > format::kMaxIndexBlockSize) {
    co_return Fail(file.object->Locate(
        Error(ErrorCode::kErrUnexpected,
              fmt::format("an index names an index block of {} bytes here", range.length))
            .WithOffset(range.offset)));
  }
  Result<Bytes> bytes = co_await file.object->Read(range);
  if (!bytes) co_return Fail(std::move(bytes).error());
  std::shared_ptr<const Bytes> block = std::make_shared<const Bytes>(*std::move(bytes));
  if (cache_ != nullptr) cache_->Insert(file.number, range.offset, block);
  co_return block;
}

io::Task<Result<std::optional<BackupMacroBlockIndex>>> DataFiles::FindMacroBlock(
    MacroRangeIndexFile& index, DataType type, format::LogicMacroBlockId id) {
  const Result<std::optional<format::BackupMacroRangeIndex>> range = co_await index.Find(id);
  if (!range) co_return Fail(range.error());
  if (!*range) co_return std::optional<BackupMacroBlockIndex>();
  const Result<OpenFile> file = co_await Open(type, (*range)->file());
  if (!file) co_return Fail(file.error());
  const ByteRange block_range = RangeOf((*range)->offset, (*range)->length);
  const Result<std::shared_ptr<const Bytes>> block = co_await ReadIndexBlock(*file, block_range);
  if (!block) co_return Fail(block.error());
  const Result<std::vector<BackupMacroBlockIndex>> entries = format::DecodeMacroIndexBlock(**block);
  if (!entries) co_return Fail(file->object->Locate(entries.error(), block_range.offset));
  const auto found = std::ranges::find(*entries, id, &BackupMacroBlockIndex::logic_id);
  if (found == entries->end()) co_return std::optional<BackupMacroBlockIndex>();
  co_return std::optional(*found);
}

io::Task<Result<ByteView>> DataFiles::ReadMacroBlock(DataType type, BackupDataFileId id,
                                                     ByteRange record,
                                                     std::span<std::byte> buffer) {
  const Result<OpenFile> file = co_await Open(type, id);
  if (!file) co_return Fail(file.error());
  if (record.length > buffer.size()) {
    co_return Fail(file->object->Locate(
        Error(ErrorCode::kSizeOverflow, fmt::format("a macro block record of {} bytes, there is "
                                                    "room for {}",
                                                    record.length, buffer.size()))
            .WithOffset(record.offset)));
  }
  const std::span<std::byte> bytes = buffer.first(static_cast<std::size_t>(record.length));
  if (Status status = co_await file->object->Read(record.offset, bytes); !status)
    co_return Fail(std::move(status).error());
  Result<ByteView> payload = format::DecodeMacroRecord(bytes);
  if (!payload) co_return Fail(file->object->Locate(std::move(payload).error(), record.offset));
  co_return payload;
}

io::Task<Result<Bytes>> DataFiles::ReadMeta(DataType type, format::BackupMetaIndex entry) {
  const Result<OpenFile> file = co_await Open(type, entry.file());
  if (!file) co_return Fail(file.error());
  const ByteRange range = RangeOf(entry.offset, entry.length);
  const Result<Bytes> record = co_await file->object->Read(range);
  if (!record) co_return Fail(record.error());
  const Result<ByteView> payload = format::DecodeMetaRecord(*record);
  if (!payload) co_return Fail(file->object->Locate(payload.error(), range.offset));
  co_return Bytes(payload->begin(), payload->end());
}

}  // namespace obbak::dest
