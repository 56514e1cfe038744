#include "engine/sstable.h"

#include <fmt/format.h>

#include <utility>

#include "engine/point_read.h"
#include "engine/sstable_iterator.h"
#include "format/index_row.h"
#include "format/macro_meta.h"
#include "io/aligned_bytes.h"

namespace obbak::engine {
namespace {

// The cell of the last column, which is the value of an index or meta row.
Result<format::Datum> RowValue(const format::FlatRow& row) {
  return row.Cell(row.column_count() - 1);
}

// A micro block of the meta tree, which may be as large as a macro block: past the cache.
struct MetaBlock {
  io::AlignedBytes buffer;
  Bytes scratch;
  format::MicroBlockReader reader;
};

io::Task<Status> ReadMetaBlock(BlockFile& blocks, format::MacroBlockId id,
                               format::IndexRowHeader entry, MetaBlock& block) {
  const auto offset = static_cast<std::size_t>(entry.block_offset);
  const std::size_t begin = io::AlignDown(offset);
  const std::size_t end = offset + static_cast<std::size_t>(entry.block_size);
  if (entry.block_offset < 0 || entry.block_size <= 0 || end > format::kMacroBlockSize) {
    co_return Fail(blocks.Locate(
        Error(ErrorCode::kInvalidData, fmt::format("the meta tree points at {} bytes at {}",
                                                   entry.block_size, entry.block_offset)),
        id));
  }
  block.buffer = io::AlignedBytes(end - begin);
  if (Status status = co_await blocks.Read(id, begin, block.buffer.span()); !status)
    co_return status;
  const Result<format::MicroBlockReader> reader =
      format::MicroBlockReader::Open(block.buffer.span().subspan(offset - begin, end - offset),
                                     entry.compressor_type(), block.scratch);
  if (!reader) co_return Fail(blocks.Locate(Error(reader.error()), id, offset));
  block.reader = *reader;
  co_return Status();
}

// Walks the meta tree in key order.
class MetaWalk {
 public:
  MetaWalk(BlockFile& blocks, const format::RowSchema& schema,
           std::vector<format::DataBlockInfo>& found)
      : blocks_(blocks), schema_(schema), found_(found) {}

  Status AddMetaRows(const format::MicroBlockReader& rows) {
    std::vector<format::Datum> key(schema_.rowkey_count);
    for (std::size_t i = 0; i < rows.row_count(); ++i) {
      const Result<format::FlatRow> row = Row(rows, i);
      if (!row) return Fail(row.error());
      if (Status status = row->ReadCells(key); !status) return status;
      const Result<format::Datum> value = RowValue(*row);
      if (!value) return Fail(value.error());
      Result<format::MacroMeta> meta = format::DecodeMacroMeta(value->bytes());
      if (!meta) return Fail(std::move(meta).error());
      // The block's own meta lies behind its leaf index; its size is known to the block alone.
      found_.push_back({.end_key = format::OwnedKey(key),
                        .meta = *std::move(meta),
                        .meta_block_offset = 0,
                        .meta_block_size = 0});
    }
    return {};
  }

  io::Task<Status> Descend(const format::MicroBlockReader& index, std::size_t height) {
    if (height == kMaxHeight) co_return Fail(ErrorCode::kInvalidData, "the meta tree is too high");
    for (std::size_t i = 0; i < index.row_count(); ++i) {
      const Result<format::FlatRow> row = Row(index, i);
      if (!row) co_return Fail(row.error());
      const Result<format::Datum> value = RowValue(*row);
      if (!value) co_return Fail(value.error());
      const Result<format::IndexRowValue> entry = format::DecodeIndexRowValue(value->bytes());
      if (!entry) co_return Fail(entry.error());
      MetaBlock block;
      const format::MacroBlockId id = entry->header.macro_id;
      if (Status status = co_await ReadMetaBlock(blocks_, id, entry->header, block); !status)
        co_return status;
      Status status;
      if (entry->header.Has(format::IndexRowHeader::kIsDataBlock)) {
        status = AddMetaRows(block.reader);
      } else {
        status = co_await Descend(block.reader, height + 1);
      }
      if (!status) co_return Fail(blocks_.Locate(std::move(status).error(), id));
    }
    co_return Status();
  }

 private:
  static constexpr std::size_t kMaxHeight = 20;

  Result<format::FlatRow> Row(const format::MicroBlockReader& rows, std::size_t i) const {
    Result<format::FlatRow> row = rows.Row(i);
    if (row && row->column_count() != schema_.rowkey_count + 1) {
      row =
          Fail(ErrorCode::kInvalidData, fmt::format("a row of the meta tree has {} columns, not {}",
                                                    row->column_count(), schema_.rowkey_count + 1));
    }
    return row;
  }

  BlockFile& blocks_;
  const format::RowSchema& schema_;
  std::vector<format::DataBlockInfo>& found_;
};

}  // namespace

Result<std::shared_ptr<const Sstable>> Sstable::Create(const SstableStore& store,
                                                       format::TableKey key,
                                                       format::SstableMeta meta,
                                                       format::RowSchema schema) {
  std::shared_ptr<Sstable> sstable(new Sstable(store, key, std::move(meta), std::move(schema)));
  if (Status status = sstable->Check(); !status) return Fail(std::move(status).error());
  if (Status status = sstable->OpenIndexRoot(); !status) return Fail(std::move(status).error());
  if (Status status = sstable->AddReferences(); !status) return Fail(std::move(status).error());
  return sstable;
}

Result<std::shared_ptr<const Sstable>> Sstable::Open(const SstableStore& store,
                                                     format::TableKey key, ByteView encoded_meta,
                                                     format::RowSchema schema) {
  Result<format::SstableMeta> meta = format::DecodeSstableMeta(encoded_meta);
  if (!meta) return Fail(std::move(meta).error());
  return Create(store, key, *std::move(meta), std::move(schema));
}

Sstable::Sstable(const SstableStore& store, format::TableKey key, format::SstableMeta meta,
                 format::RowSchema schema)
    : store_(store), key_(key), meta_(std::move(meta)), schema_(std::move(schema)) {}

Sstable::~Sstable() {
  const auto release = [this](const std::vector<format::MacroBlockId>& ids) {
    for (const format::MacroBlockId& id : ids) {
      if (references_ == 0) return;
      store_.blocks.Release(id);
      --references_;
    }
  };
  release(meta_.macro_info.data_block_ids);
  release(meta_.macro_info.other_block_ids);
}

Status Sstable::Check() const {
  const format::SstableBasicMeta& basic = meta_.basic_meta;
  if (basic.column_cnt != static_cast<std::int64_t>(schema_.columns.size()) ||
      basic.rowkey_column_count != static_cast<std::int64_t>(schema_.rowkey_count)) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("an SSTable of {} columns with {} key columns in a table that stores "
                            "{} with {}",
                            basic.column_cnt, basic.rowkey_column_count, schema_.columns.size(),
                            schema_.rowkey_count));
  }
  if ((basic.row_count == 0) != meta_.macro_info.data_block_ids.empty()) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("an SSTable of {} rows in {} macro blocks", basic.row_count,
                            meta_.macro_info.data_block_ids.size()));
  }
  return {};
}

Status Sstable::OpenIndexRoot() {
  const format::RootBlockInfo& root = meta_.data_root_info;
  if (is_empty() || !root.addr.is_memory()) return {};
  Bytes scratch;
  const Result<format::MicroBlockReader> reader =
      format::MicroBlockReader::Open(root.block, meta_.basic_meta.compressor_type, scratch);
  if (!reader) return Fail(reader.error());
  if (reader->header().is_compressed())
    return Fail(ErrorCode::kInvalidData, "the index root in the SSTable's meta is compressed");
  index_root_ = *reader;
  return {};
}

Status Sstable::AddReferences() {
  for (const auto* ids : {&meta_.macro_info.data_block_ids, &meta_.macro_info.other_block_ids}) {
    for (const format::MacroBlockId& id : *ids) {
      if (Status status = store_.blocks.AddReference(id); !status) return status;
      ++references_;
    }
  }
  return {};
}

Status Sstable::CheckKey(std::span<const format::Datum> key) const {
  if (key.size() + format::RowSchema::kHiddenColumns != schema_.rowkey_count) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("a key of {} columns, the table's has {}", key.size(),
                            schema_.rowkey_count - format::RowSchema::kHiddenColumns));
  }
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (Status status = format::CheckKeyCell(schema_.columns[i], key[i]); !status) return status;
  }
  return {};
}

Result<bool> Sstable::TryGet(std::span<const format::Datum> key, std::int64_t snapshot,
                             VersionSink& sink) const {
  if (Status status = CheckKey(key); !status) return Fail(std::move(status).error());
  if (is_empty()) return true;
  PointRead read(*this, key);
  const Result<bool> collected = read.Collect();
  if (!collected || !*collected) return collected;
  if (Status status = read.Visit(snapshot, sink); !status) return Fail(std::move(status).error());
  return true;
}

io::Task<Status> Sstable::Get(std::span<const format::Datum> key, std::int64_t snapshot,
                              VersionSink& sink) const {
  if (Status status = CheckKey(key); !status) co_return status;
  if (is_empty()) co_return Status();
  // The caller may let the SSTable go meanwhile.
  const std::shared_ptr<const Sstable> self = shared_from_this();
  PointRead read(*this, key);
  for (;;) {
    const Result<bool> collected = read.Collect();
    if (!collected) co_return Fail(collected.error());
    if (*collected) break;
    Result<MicroBlockCache::Pin> block = co_await LoadMicroBlock(store_, read.missing());
    if (!block) co_return Fail(std::move(block).error());
    read.Supply(*std::move(block));
  }
  co_return read.Visit(snapshot, sink);
}

std::unique_ptr<RowIterator> Sstable::NewIterator(const KeyRange& range,
                                                  Direction direction) const {
  return std::make_unique<SstableIterator>(shared_from_this(), range, direction);
}

io::Task<Result<std::vector<format::DataBlockInfo>>> Sstable::LoadDataBlocks() const {
  std::vector<format::DataBlockInfo> found;
  if (is_empty()) co_return found;
  const std::shared_ptr<const Sstable> self = shared_from_this();
  found.reserve(data_block_count());
  MetaWalk walk(store_.blocks, schema_, found);
  const format::RootBlockInfo& root = meta_.macro_info.macro_meta_info;
  Status status;
  MetaBlock block;
  if (root.addr.is_memory()) {
    const Result<format::MicroBlockReader> reader =
        format::MicroBlockReader::Open(root.block, meta_.basic_meta.compressor_type, block.scratch);
    if (!reader) co_return Fail(reader.error());
    block.reader = *reader;
  } else {
    format::IndexRowHeader entry;
    entry.pack = format::IndexRowHeader::Pack(format::RowStoreType::kFlat,
                                              meta_.basic_meta.compressor_type, 0);
    entry.block_offset = static_cast<std::int32_t>(root.addr.offset());
    entry.block_size = static_cast<std::int32_t>(root.addr.size());
    const format::MacroBlockId id{root.addr.first, root.addr.second, root.addr.third};
    status = co_await ReadMetaBlock(store_.blocks, id, entry, block);
    if (!status) co_return Fail(std::move(status).error());
  }
  if (meta_.macro_info.is_meta_root) {
    status = walk.AddMetaRows(block.reader);
  } else {
    status = co_await walk.Descend(block.reader, 0);
  }
  if (!status) co_return Fail(std::move(status).error());
  if (found.size() != data_block_count()) {
    co_return Fail(ErrorCode::kInvalidData,
                   fmt::format("the meta tree has {} data macro blocks, the SSTable {}",
                               found.size(), data_block_count()));
  }
  co_return found;
}

}  // namespace obbak::engine
