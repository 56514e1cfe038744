#include "engine/sstable_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <list>
#include <string_view>
#include <utility>

#include "engine/merge_step.h"
#include "format/compressor.h"
#include "format/local_sstable_meta.h"
#include "format/macro_block_reader.h"
#include "format/sstable_index_builder.h"
#include "io/aligned_bytes.h"
#include "io/sync.h"

namespace obbak::engine {
namespace {

using format::MacroBlockId;

// Index and meta macro blocks; few, as each stands for thousands of data blocks. Writes one after
// the other, when the builder has come to rest.
class TreeSink final : public format::MacroBlockSink {
 public:
  struct Block {
    MacroBlockId place;
    io::AlignedBytes bytes;
  };

  void AddRoom(const MacroBlockId& place) { room_.push_back(place); }
  std::size_t room() const { return room_.size(); }
  std::vector<Block> TakeWritten() { return std::exchange(written_, {}); }

  Result<MacroBlockId> Allocate() override {
    if (room_.empty()) return Fail(ErrorCode::kErrUnexpected, "an index has more blocks than room");
    const MacroBlockId place = room_.back();
    room_.pop_back();
    return place;
  }
  Status Write(const MacroBlockId& place, const MacroBlockSink::Block& block) override {
    written_.push_back({place, io::AlignedBytes(block.bytes.size())});
    std::memcpy(written_.back().bytes.span().data(), block.bytes.data(), block.bytes.size());
    return {};
  }

 private:
  std::vector<MacroBlockId> room_;
  std::vector<Block> written_;
};

Result<format::MergeType> MergeTypeOf(format::ITableType type) {
  switch (type) {
    case format::ITableType::kMajor:
      return format::MergeType::kMajor;
    case format::ITableType::kMinor:
      return format::MergeType::kMinor;
    case format::ITableType::kMini:
      return format::MergeType::kMini;
    default:
      return Fail(Error(ErrorCode::kNotSupported,
                        fmt::format("SSTables of type {} are not stored", static_cast<int>(type)))
                      .WithField("table_type"));
  }
}

Result<format::SstableDesc> DescOf(const TabletFormat& format,
                                   const format::MigrationSstableParam& param) {
  const Result<format::MergeType> type = MergeTypeOf(param.table_key.table_type);
  if (!type) return Fail(type.error());
  const format::SstableBasicMeta& basic = param.basic_meta;
  format::SstableDesc desc;
  desc.tablet_id = param.table_key.tablet_id;
  desc.merge_type = *type;
  desc.schema = format.schema;
  desc.compressor = basic.compressor_type;
  desc.snapshot_version = desc.end_scn =
      static_cast<std::int64_t>(param.table_key.scn_range.end_scn.value);
  desc.schema_version = static_cast<std::uint64_t>(basic.schema_version);
  desc.progressive_merge_round = basic.progressive_merge_round;
  desc.micro_block_size = format.micro_block_size;
  if (Status status = desc.Check(); !status) return Fail(std::move(status).error());
  return desc;
}

// What the trees must know of the block that fills `bytes`; `size` becomes the block's bytes.
Result<format::DataBlockInfo> Inspect(ByteView bytes, const format::LogicMacroBlockId& id,
                                      const format::RowSchema& schema, std::size_t& size) {
  const Result<format::MacroBlockReader> reader = format::MacroBlockReader::Open(bytes);
  if (!reader) return Fail(reader.error());
  if (reader->type() != format::MacroBlockType::kSstableData || !reader->meta()) {
    return Fail(ErrorCode::kInvalidData, "it is no complete data macro block");
  }
  if (reader->meta()->logic_id != id) {
    return Fail(
        ErrorCode::kInvalidData,
        fmt::format("it is another block: data_seq {}, logic_version {} of tablet {}",
                    reader->meta()->logic_id.data_seq.value, reader->meta()->logic_id.logic_version,
                    reader->meta()->logic_id.tablet_id));
  }
  if (!std::ranges::equal(reader->rowkey(), schema.rowkey()) ||
      reader->headers().sstable.column_count != std::ssize(schema.columns)) {
    return Fail(ErrorCode::kInvalidData, "its columns are not those of the tablet");
  }
  format::MacroBlockCursor cursor(*reader);
  if (Status status = cursor.SeekToLast(); !status) return Fail(std::move(status).error());
  const format::MacroBlockHeaders& headers = reader->headers();
  format::DataBlockInfo info;
  info.end_key.Assign(cursor.cells().first(schema.rowkey_count));
  info.meta = *reader->meta();
  info.meta_block_offset = headers.sstable.meta_block_offset;
  info.meta_block_size = headers.sstable.meta_block_size;
  size = static_cast<std::size_t>(headers.common.header_size) +
         static_cast<std::size_t>(headers.common.payload_size);
  if (size > format::kMacroBlockSize) {
    return Fail(Error(ErrorCode::kInvalidData,
                      fmt::format("it has {} bytes, more than a macro block may have", size))
                    .WithField("header.payload_size"));
  }
  return info;
}

// One SSTable, from its blocks to the object.
class Import {
 public:
  Import(SstableStore store, TabletFormat format, format::BackupSstableMeta meta,
         MacroBlockSource& source, io::BufferPool& buffers)
      : store_(store),
        format_(std::move(format)),
        meta_(std::move(meta)),
        source_(&source),
        buffers_(&buffers),
        blocks_(meta_.logic_id_list.size()),
        operations_(store.loop) {}
  Import(const Import&) = delete;
  Import& operator=(const Import&) = delete;

  io::Task<Result<std::shared_ptr<const Sstable>>> Run() {
    Result<std::shared_ptr<const Sstable>> result = co_await Build();
    for (const MacroBlockId& id : owned_) store_.blocks.Release(id);
    co_return result;
  }

 private:
  io::Task<Result<std::shared_ptr<const Sstable>>> Build();
  // As many blocks at a time as there are buffers.
  io::Task<Status> TakeBlocks();
  io::Task<void> TakeBlock(std::size_t index, io::Buffer buffer);
  io::Task<Status> CopyBlock(std::size_t index, std::span<std::byte> buffer);
  io::Task<Result<format::SstableIndex>> BuildTrees(const format::SstableDesc& desc);
  io::Task<Status> MakeRoom(TreeSink& sink);
  io::Task<Status> WriteTrees(TreeSink& sink);
  Status Compare(const format::SstableIndex& index) const;
  io::Task<Result<MacroBlockId>> Allocate();

  SstableStore store_;
  TabletFormat format_;
  format::BackupSstableMeta meta_;
  MacroBlockSource* source_;
  io::BufferPool* buffers_;
  std::vector<format::DataBlockInfo> blocks_;
  io::TaskGroup operations_;
  // The first error of an operation.
  Status failed_;
  // Blocks that this refers to until the SSTable does.
  std::vector<MacroBlockId> owned_;
};

io::Task<Result<MacroBlockId>> Import::Allocate() {
  const Result<MacroBlockId> id = co_await store_.blocks.Allocate();
  if (id) owned_.push_back(*id);
  co_return id;
}

io::Task<Status> Import::TakeBlocks() {
  for (std::size_t i = 0; i < blocks_.size() && failed_; ++i) {
    operations_.Spawn(TakeBlock(i, co_await buffers_->Acquire()));
  }
  co_await operations_.Join();
  co_return failed_;
}

io::Task<void> Import::TakeBlock(std::size_t index, io::Buffer buffer) {
  Status status = co_await CopyBlock(index, buffer.span());
  if (status || !failed_) co_return;
  failed_ = std::move(status);
}

io::Task<Status> Import::CopyBlock(std::size_t index, std::span<std::byte> buffer) {
  const Result<ByteView> read = co_await source_->Read(index, buffer);
  if (!read) co_return Fail(read.error());
  const ByteView bytes = *read;
  std::size_t size = 0;
  // Also moves the block to the buffer's begin, which is aligned.
  const auto inspect = [&]() -> Result<format::DataBlockInfo> {
    Result<format::DataBlockInfo> info =
        Inspect(bytes, meta_.logic_id_list[index], format_.schema, size);
    if (!info) return info;
    std::memmove(buffer.data(), bytes.data(), size);
    std::ranges::fill(buffer.subspan(size, io::AlignUp(size) - size), std::byte{});
    return info;
  };
  Result<format::DataBlockInfo> info = co_await store_.loop.Offload(inspect);
  if (!info) co_return Fail(source_->Locate(std::move(info).error(), index));
  const Result<MacroBlockId> place = co_await Allocate();
  if (!place) co_return Fail(place.error());
  blocks_[index] = *std::move(info);
  blocks_[index].meta.macro_id = *place;
  co_return co_await store_.blocks.Write(*place, buffer.first(io::AlignUp(size)));
}

io::Task<Status> Import::MakeRoom(TreeSink& sink) {
  while (sink.room() < MergeStep::kRoom) {
    const Result<MacroBlockId> id = co_await Allocate();
    if (!id) co_return Fail(id.error());
    sink.AddRoom(*id);
  }
  co_return Status();
}

io::Task<Status> Import::WriteTrees(TreeSink& sink) {
  const std::vector<TreeSink::Block> written = sink.TakeWritten();
  for (const TreeSink::Block& block : written) {
    Status status = co_await store_.blocks.Write(block.place, block.bytes.span());
    if (!status) co_return status;
  }
  co_return Status();
}

io::Task<Result<format::SstableIndex>> Import::BuildTrees(const format::SstableDesc& desc) {
  if (blocks_.empty()) co_return format::SstableIndex();
  const Result<const format::Compressor*> compressor = format::Compressor::Of(desc.compressor);
  if (!compressor) co_return Fail(compressor.error());
  TreeSink sink;
  format::SstableIndexBuilder builder(desc, sink, **compressor);
  Status status = co_await MakeRoom(sink);
  for (std::size_t i = 0; i < blocks_.size() && status; ++i) {
    status = builder.Add(blocks_[i]);
    if (!status) status = Fail(source_->Locate(std::move(status).error(), i));
    if (status) status = co_await WriteTrees(sink);
    if (status) status = co_await MakeRoom(sink);
  }
  if (!status) co_return Fail(std::move(status).error());
  Result<format::SstableIndex> index = builder.Finish();
  if (!index) co_return index;
  status = co_await WriteTrees(sink);
  if (!status) co_return Fail(std::move(status).error());
  co_return index;
}

Status Import::Compare(const format::SstableIndex& index) const {
  const format::MigrationSstableParam& param = meta_.sstable_meta;
  const format::SstableBasicMeta& basic = param.basic_meta;
  struct Sum {
    std::string_view name;
    std::int64_t said;
    std::int64_t found;
  };
  const std::vector<Sum> sums{
      {"row_count", basic.row_count, index.row_count},
      {"occupy_size", basic.occupy_size, index.occupy_size},
      {"data_checksum", basic.data_checksum, index.data_checksum},
      {"rowkey_column_count", basic.rowkey_column_count,
       static_cast<std::int64_t>(format_.schema.rowkey_count)},
      {"index_type", basic.index_type, format_.index_type},
      {"data_macro_block_count", basic.data_macro_block_count, std::ssize(index.data_blocks)},
      {"column_cnt", basic.column_cnt, std::ssize(format_.schema.columns)},
  };
  for (const Sum& sum : sums) {
    if (sum.said == sum.found) continue;
    return Fail(Error(ErrorCode::kChecksumError,
                      fmt::format("the SSTable's meta says {}, its macro blocks make {}", sum.said,
                                  sum.found))
                    .WithField(std::string(sum.name)));
  }
  if (format::IsMajor(param.table_key.table_type) && !blocks_.empty() &&
      param.column_checksums != index.column_checksums) {
    return Fail(Error(ErrorCode::kChecksumError,
                      "those in the SSTable's meta are not those of its macro blocks")
                    .WithField("column_checksums"));
  }
  if (index.contain_uncommitted_row) {
    return Fail(ErrorCode::kNotSupported, "the SSTable holds rows that are not committed");
  }
  return {};
}

io::Task<Result<std::shared_ptr<const Sstable>>> Import::Build() {
  const format::MigrationSstableParam& param = meta_.sstable_meta;
  const Result<format::SstableDesc> desc = DescOf(format_, param);
  if (!desc) co_return Fail(desc.error());
  if (Status status = co_await TakeBlocks(); !status) co_return Fail(std::move(status).error());
  Result<format::SstableIndex> index = co_await BuildTrees(*desc);
  if (!index) co_return Fail(std::move(index).error());
  if (Status status = Compare(*index); !status) co_return Fail(std::move(status).error());

  format::SstableMeta made;
  if (!blocks_.empty()) made = format::MakeSstableMeta(*desc, *index);
  // What the trees are like is ours; everything else is as it was.
  const format::SstableBasicMeta trees = made.basic_meta;
  made.basic_meta = param.basic_meta;
  made.basic_meta.index_macro_block_count = trees.index_macro_block_count;
  made.basic_meta.data_index_tree_height = trees.data_index_tree_height;
  made.basic_meta.root_row_store_type = trees.root_row_store_type;
  made.column_checksums = param.column_checksums;
  co_return Sstable::Create(store_, param.table_key, std::move(made), format_.schema);
}

}  // namespace

io::Task<Result<std::shared_ptr<const Sstable>>> ImportSstable(SstableStore store,
                                                               TabletFormat format,
                                                               format::BackupSstableMeta meta,
                                                               MacroBlockSource& source,
                                                               io::BufferPool& buffers) {
  Import import(store, std::move(format), std::move(meta), source, buffers);
  co_return co_await import.Run();
}

}  // namespace obbak::engine
