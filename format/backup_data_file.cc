#include "format/backup_data_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "format/backup_list_blocks.h"
#include "format/record.h"

namespace obbak::format {
namespace {

template <class Entry>
Result<std::vector<Entry>> DecodeListBlock(ByteView block, const BlockSpec& spec) {
  const Result<BackupBlock> parts = DecodeBlock(block, spec);
  if (!parts) return Fail(parts.error());
  std::vector<Entry> entries;
  Decoder in(block.first(BackupCommonHeader::kSize + parts->payload.size()), nullptr,
             BackupCommonHeader::kSize);
  DecodeEntries(in, entries);
  if (Status status = in.status(); !status) return Fail(std::move(status).error());
  return entries;
}

// All entries of the list in `range`, block by block; every block but the last is full.
template <class Entry>
Result<std::vector<Entry>> ReadList(const RandomAccess& file, ByteRange range,
                                    const BlockSpec& spec) {
  std::vector<Entry> all;
  const auto within = [&](Error error, std::uint64_t base) {
    return Fail(std::move(error).ShiftOffset(base));
  };
  while (range.length > 0) {
    if (all.size() % kIndexEntriesPerBlock != 0) {
      return within(Error(ErrorCode::kInvalidData, "a block follows one that is not full"),
                    range.offset);
    }
    const Result<Bytes> head =
        file.Read({range.offset, std::min<std::uint64_t>(range.length, BackupCommonHeader::kSize)});
    if (!head) return Fail(head.error());
    const Result<BackupCommonHeader> header = DecodeBlockHeader(*head, spec);
    if (!header) return within(header.error(), range.offset);
    const std::uint64_t size = BlockSizeOf(*header);
    if (size > range.length || size > kMaxIndexBlockSize) {
      return within(
          Error(ErrorCode::kInvalidArgument,
                fmt::format("index block of {} bytes where {} are left", size, range.length)),
          range.offset);
    }
    const Result<Bytes> block = file.Read({range.offset, size});
    if (!block) return Fail(block.error());
    const Result<std::vector<Entry>> entries = DecodeListBlock<Entry>(*block, spec);
    if (!entries) return within(entries.error(), range.offset);
    all.insert(all.end(), entries->begin(), entries->end());
    range = {range.offset + size, range.length - size};
  }
  return all;
}

Status ExpectCount(std::size_t found, std::int64_t expected, std::string_view field) {
  if (found == static_cast<std::uint64_t>(expected)) return {};
  return Fail(
      Error(ErrorCode::kInvalidData, fmt::format("is {}, the list has {} entries", expected, found))
          .WithField(fmt::format("trailer.{}", field)));
}

// The records must follow each other without gap from `at`; returns where they end.
template <class Index>
Result<std::int64_t> Tile(const std::vector<Index>& list, std::int64_t at,
                          std::optional<BackupDataFileId>& file) {
  for (const Index& index : list) {
    if (!file) file = index.file();
    if (*file != index.file()) {
      return Fail(ErrorCode::kInvalidData, "index entries of one data file name different files");
    }
    if (index.offset != at) {
      return Fail(Error(ErrorCode::kInvalidData,
                        fmt::format("an index entry names offset {}, the record before it ends at "
                                    "{}",
                                    index.offset, at))
                      .WithOffset(static_cast<std::uint64_t>(at)));
    }
    if (index.length > std::numeric_limits<std::int64_t>::max() - at) {
      return Fail(ErrorCode::kInvalidData, "an index entry reaches beyond every file");
    }
    at += index.length;
  }
  return at;
}

Status CheckTiling(const BackupDataFileIndex& index) {
  std::optional<BackupDataFileId> file;
  Result<std::int64_t> end = Tile(index.macro_blocks, kFileHeaderBlockSize, file);
  if (end) end = Tile(index.metas, *end, file);
  if (!end) return Fail(std::move(end).error());
  if (*end != index.trailer.macro_index_offset) {
    return Fail(Error(ErrorCode::kInvalidData, fmt::format("is {}, the records end at {}",
                                                           index.trailer.macro_index_offset, *end))
                    .WithField("trailer.macro_index_offset"));
  }
  return {};
}

ByteRange RangeOf(std::int64_t offset, std::int64_t length) {
  return {static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(length)};
}

}  // namespace

BackupDataFileWriter::BackupDataFileWriter(const BackupDataFileId& file, ByteSink sink)
    : file_(file),
      sink_(std::move(sink)),
      macro_list_{.spec = kMacroIndexList, .blocks = {}, .payload = {}},
      meta_list_{.spec = kMetaIndexList, .blocks = {}, .payload = {}} {}

Status BackupDataFileWriter::Emit(ByteView bytes) {
  if (finished_ || failed_) {
    return Fail(ErrorCode::kStateNotMatch, "the data file is finished or has failed");
  }
  // Until the sink has taken the bytes, what follows would land in the wrong place.
  failed_ = true;
  if (offset_ == 0) {
    const Bytes header = EncodeFileHeaderBlock(BackupDataFileType::kData);
    if (Status status = sink_(header); !status) return status;
    offset_ = header.size();
  }
  if (Status status = sink_(bytes); !status) return status;
  offset_ += bytes.size();
  failed_ = false;
  return {};
}

void BackupDataFileWriter::CloseBlock(IndexList& list) {
  if (list.in_block == 0) return;
  const Bytes block = EncodeBlock(list.spec, list.payload);
  list.blocks.insert(list.blocks.end(), block.begin(), block.end());
  list.payload.clear();
  list.in_block = 0;
}

template <class Index>
Status BackupDataFileWriter::AddToList(IndexList& list, const Index& index) {
  const Result<Bytes> entry = EncodeRecord(index);
  if (!entry) return Fail(entry.error());
  list.payload.insert(list.payload.end(), entry->begin(), entry->end());
  ++list.count;
  if (++list.in_block == kIndexEntriesPerBlock) CloseBlock(list);
  return {};
}

template <class Index>
Status BackupDataFileWriter::Locate(std::size_t payload_size, const BlockSpec& record,
                                    Index& index) const {
  index.backup_set_id = file_.backup_set_id;
  index.ls_id = file_.ls_id;
  index.turn_id = file_.turn_id;
  index.retry_id = file_.retry_id;
  index.file_id = file_.file_id;
  index.offset = static_cast<std::int64_t>(std::max<std::uint64_t>(offset_, kFileHeaderBlockSize));
  index.length = static_cast<std::int64_t>(BlockSize(payload_size, record.padding));
  Rules rules;
  CheckRules(file_, rules);
  CheckRules(index, rules);
  return rules.ToStatus(ErrorCode::kInvalidArgument);
}

template <class Index>
Result<Index> BackupDataFileWriter::AppendRecord(Index index, IndexList& list,
                                                 const BlockSpec& record, ByteView payload) {
  Status status = Locate(payload.size(), record, index);
  if (status) status = Emit(EncodeBlock(record, payload));
  if (status) status = AddToList(list, index);
  if (!status) {
    failed_ = true;
    return Fail(std::move(status).error());
  }
  return index;
}

Status BackupDataFileWriter::CheckMacroBlock(std::size_t size) const {
  if (meta_list_.count > 0) {
    return Fail(ErrorCode::kStateNotMatch, "macro blocks come before all metas of a data file");
  }
  if (BlockSize(size, BlockPadding::kAligned) > kMaxBackupRecordSize) {
    return Fail(ErrorCode::kSizeOverflow,
                fmt::format("a macro block of {} bytes does not fit into a record of 2 MiB", size));
  }
  return {};
}

Result<BackupMacroBlockIndex> BackupDataFileWriter::AppendMacroBlock(const LogicMacroBlockId& id,
                                                                     ByteView macro_block) {
  if (Status status = CheckMacroBlock(macro_block.size()); !status) return Fail(status.error());
  BackupMacroBlockIndex index;
  index.logic_id = id;
  return AppendRecord(index, macro_list_, kMacroRecord, macro_block);
}

Result<BackupDataFileWriter::Place> BackupDataFileWriter::PlaceMacroBlock(
    const LogicMacroBlockId& id, std::size_t size, std::uint64_t checksum) {
  if (Status status = CheckMacroBlock(size); !status) return Fail(status.error());
  Place place;
  place.index.logic_id = id;
  Status status = Locate(size, kMacroRecord, place.index);
  if (status) status = Emit(EncodeBlockHeader(kMacroRecord, size, checksum));
  if (status) status = AddToList(macro_list_, place.index);
  if (!status) {
    failed_ = true;
    return Fail(std::move(status).error());
  }
  place.padding = static_cast<std::size_t>(place.index.length) - BackupCommonHeader::kSize - size;
  offset_ += size + place.padding;
  return place;
}

Result<BackupMetaIndex> BackupDataFileWriter::AppendMeta(const BackupMetaKey& key,
                                                         ByteView payload) {
  BackupMetaIndex index;
  index.meta_key = key;
  return AppendRecord(index, meta_list_, kMetaRecord, payload);
}

Result<BackupDataFileTrailer> BackupDataFileWriter::Finish() {
  CloseBlock(macro_list_);
  CloseBlock(meta_list_);
  Status status = Emit(macro_list_.blocks);
  if (status) status = Emit(meta_list_.blocks);
  if (!status) return Fail(std::move(status).error());
  BackupDataFileTrailer trailer;
  trailer.macro_block_count = macro_list_.count;
  trailer.meta_count = meta_list_.count;
  trailer.offset = static_cast<std::int64_t>(offset_);
  trailer.length = BackupDataFileTrailer::kSize;
  trailer.macro_index_length = static_cast<std::int64_t>(macro_list_.blocks.size());
  trailer.meta_index_length = static_cast<std::int64_t>(meta_list_.blocks.size());
  trailer.meta_index_offset = trailer.offset - trailer.meta_index_length;
  trailer.macro_index_offset = trailer.meta_index_offset - trailer.macro_index_length;
  trailer.trailer_checksum = trailer.ComputeChecksum();
  if (status = Emit(EncodeTrailer(trailer)); !status) return Fail(std::move(status).error());
  finished_ = true;
  return trailer;
}

Result<BackupDataFileTrailer> DecodeBackupDataFileTrailer(ByteView tail, std::uint64_t file_size) {
  Result<BackupDataFileTrailer> trailer = DecodeTrailer<BackupDataFileTrailer>(tail);
  if (!trailer) return trailer;
  if (static_cast<std::uint64_t>(trailer->offset) + BackupDataFileTrailer::kSize != file_size) {
    return Fail(Error(ErrorCode::kInvalidData,
                      fmt::format("is {}, the file has {} bytes", trailer->offset, file_size))
                    .WithField("trailer.offset"));
  }
  return trailer;
}

Result<std::vector<BackupMacroBlockIndex>> DecodeMacroIndexBlock(ByteView block) {
  return DecodeListBlock<BackupMacroBlockIndex>(block, kMacroIndexList);
}

Result<std::vector<BackupMetaIndex>> DecodeMetaIndexBlock(ByteView block) {
  return DecodeListBlock<BackupMetaIndex>(block, kMetaIndexList);
}

Result<ByteView> DecodeMacroRecord(ByteView record) {
  const Result<BackupBlock> block = DecodeBlock(record, kMacroRecord);
  if (!block) return Fail(block.error());
  return block->payload;
}

Result<ByteView> DecodeMetaRecord(ByteView record) {
  const Result<BackupBlock> block = DecodeBlock(record, kMetaRecord);
  if (!block) return Fail(block.error());
  return block->payload;
}

Result<BackupDataFileIndex> ReadBackupDataFileIndex(const RandomAccess& file) {
  constexpr std::uint64_t kTrailerSize = BackupDataFileTrailer::kSize;
  if (file.size() < kFileHeaderBlockSize + kTrailerSize) {
    return Fail(ErrorCode::kErrUnexpected,
                fmt::format("a data file has at least {} bytes, this one {}",
                            kFileHeaderBlockSize + kTrailerSize, file.size()));
  }
  const std::uint64_t trailer_at = file.size() - kTrailerSize;
  const Result<Bytes> tail = file.Read({trailer_at, kTrailerSize});
  if (!tail) return Fail(tail.error());
  const Result<BackupDataFileTrailer> trailer = DecodeBackupDataFileTrailer(*tail, file.size());
  if (!trailer) return Fail(Error(trailer.error()).ShiftOffset(trailer_at));

  BackupDataFileIndex index{.trailer = *trailer, .macro_blocks = {}, .metas = {}};
  auto macro_blocks = ReadList<BackupMacroBlockIndex>(
      file, RangeOf(trailer->macro_index_offset, trailer->macro_index_length), kMacroIndexList);
  if (!macro_blocks) return Fail(std::move(macro_blocks).error());
  auto metas = ReadList<BackupMetaIndex>(
      file, RangeOf(trailer->meta_index_offset, trailer->meta_index_length), kMetaIndexList);
  if (!metas) return Fail(std::move(metas).error());
  index.macro_blocks = std::move(*macro_blocks);
  index.metas = std::move(*metas);

  Status status =
      ExpectCount(index.macro_blocks.size(), trailer->macro_block_count, "macro_block_count");
  if (status) status = ExpectCount(index.metas.size(), trailer->meta_count, "meta_count");
  if (status) status = CheckTiling(index);
  if (!status) return Fail(std::move(status).error());
  return index;
}

std::vector<BackupMacroRangeIndex> RangesOfIndexBlock(
    const std::vector<BackupMacroBlockIndex>& entries, ByteRange block_range) {
  std::vector<BackupMacroRangeIndex> ranges;
  for (const BackupMacroBlockIndex& entry : entries) {
    if (!ranges.empty() && ranges.back().end_key.tablet_id == entry.logic_id.tablet_id) {
      ranges.back().end_key = entry.logic_id;
      continue;
    }
    ranges.push_back({.start_key = entry.logic_id,
                      .end_key = entry.logic_id,
                      .backup_set_id = entry.backup_set_id,
                      .ls_id = entry.ls_id,
                      .turn_id = entry.turn_id,
                      .retry_id = entry.retry_id,
                      .file_id = entry.file_id,
                      .offset = static_cast<std::int64_t>(block_range.offset),
                      .length = static_cast<std::int64_t>(block_range.length)});
  }
  return ranges;
}

}  // namespace obbak::format
