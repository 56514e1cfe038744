#include "format/sstable_index_builder.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "format/crc32c.h"
#include "format/index_row.h"
#include "format/le_bytes.h"

namespace obbak::format {
namespace {

// ObMacroDataSeq: bits 43-45 are the kind of block.
constexpr std::int64_t kFirstIndexSeq = std::int64_t{1} << 43;
constexpr std::int64_t kFirstMetaSeq = std::int64_t{2} << 43;
constexpr std::size_t kMaxInlineRoot = 16384;
constexpr std::int64_t kMinRowsOfIndexBlock = 10;

const Compressor& NoCompression() { return **Compressor::Of(CompressorType::kNone); }

std::uint64_t StoreBits(const SealedMicroBlock& micro) {
  return (micro.header.flags & MicroBlockHeader::kAllLobInRow) != 0 ? IndexRowHeader::kAllLobInRow
                                                                    : 0;
}

// Meta rows are not split at the table's block size, only where a macro block ends.
std::size_t MaxMetaRowsSize(const SstableDesc& desc) {
  const std::size_t keys = desc.schema.rowkey_count;
  return std::min(MicroBlockWriter::kMaxSize,
                  desc.macro_block_size - MacroBlockHeaders::SizeFor(keys, keys + 1));
}

// Adds what `row` says to the row of its parent.
void AddTo(IndexRowValue& sum, const IndexRowValue& row) {
  sum.header.row_count += row.header.row_count;
  sum.header.macro_block_count += row.header.macro_block_count;
  sum.header.micro_block_count += row.header.micro_block_count;
  sum.header.pack |= row.header.pack & IndexRowHeader::kContainUncommittedRow;
  if (row.row_offset) sum.row_offset = row.row_offset;
  if (!row.minor) return;
  if (!sum.minor) sum.minor.emplace();
  sum.minor->max_merged_trans_version =
      std::max(sum.minor->max_merged_trans_version, row.minor->max_merged_trans_version);
  sum.minor->row_count_delta += row.minor->row_count_delta;
}

}  // namespace

IndexBlockWriter::IndexBlockWriter(const SstableDesc& desc, MacroBlockType type,
                                   MacroBlockSink& sink)
    : macro_(desc, type),
      sink_(&sink),
      next_data_seq_(type == MacroBlockType::kSstableIndex ? kFirstIndexSeq : kFirstMetaSeq) {}

Result<IndexBlockWriter::Place> IndexBlockWriter::Append(const SealedMicroBlock& micro) {
  if (macro_.is_open() && micro.bytes.size() > macro_.remaining()) {
    if (Status status = Finish(); !status) return Fail(std::move(status).error());
  }
  if (!macro_.is_open()) {
    const Result<MacroBlockId> place = sink_->Allocate();
    if (!place) return Fail(place.error());
    places_.push_back(*place);
    macro_.Open(next_data_seq_++);
  }
  if (micro.bytes.size() > macro_.remaining())
    return Fail(ErrorCode::kSizeOverflow, "an index micro block exceeds a macro block");
  return Place{places_.back(), static_cast<std::int32_t>(macro_.Append(micro))};
}

Status IndexBlockWriter::Finish() {
  if (!macro_.is_open()) return {};
  const Result<MacroBlockSink::Block> block = macro_.Finish(nullptr, nullptr);
  if (!block) return Fail(block.error());
  return sink_->Write(places_.back(), *block);
}

IndexLevels::IndexLevels(const SstableDesc& desc, bool is_data_tree, IndexBlockWriter& blocks,
                         const Compressor& compressor)
    : desc_(&desc), is_data_tree_(is_data_tree), blocks_(&blocks), compressor_(&compressor) {}

Status IndexLevels::Add(std::size_t index, std::span<const Datum> key, const IndexRowValue& row) {
  if (index == levels_.size()) {
    const std::size_t keys = desc_->schema.rowkey_count;
    levels_.push_back({.micro = {keys + 1, keys, desc_->has_column_checksums()},
                       .splitter = {desc_->micro_block_size, kMinRowsOfIndexBlock},
                       .last_key = {},
                       .sum = {}});
  }
  Level& level = levels_[index];
  // Unlike data micro blocks, these are closed before the row that follows a full one: a full
  // block with no successor stays the root.
  if (level.splitter.NeedsSplit(level.micro.size(), level.micro.row_count())) {
    if (Status status = Close(index); !status) return status;
  }
  const Result<Bytes> value = EncodeIndexRowValue(row);
  if (!value) return Fail(value.error());
  if (Status status = AppendKeyAndValue(level.micro, key, *value); !status) return status;
  level.last_key.Assign(key);
  AddTo(level.sum, row);
  return {};
}

Status IndexLevels::Close(std::size_t index) {
  Level& level = levels_[index];
  const Result<SealedMicroBlock> micro = level.micro.Seal(*compressor_);
  if (!micro) return Fail(micro.error());
  level.splitter.Note(level.micro.row_count(), static_cast<std::size_t>(micro->header.data_length),
                      static_cast<std::size_t>(micro->header.data_zlength));
  const Result<IndexBlockWriter::Place> place = blocks_->Append(*micro);
  if (!place) return Fail(place.error());

  IndexRowValue row = std::exchange(level.sum, {});
  row.header.pack = IndexRowHeader::Pack(
      RowStoreType::kFlat, desc_->compressor,
      (row.header.pack & IndexRowHeader::kContainUncommittedRow) | StoreBits(*micro) |
          (is_data_tree_ ? IndexRowHeader::kIsDataIndex : 0) |
          (desc_->is_major_node() ? IndexRowHeader::kIsMajorNode : 0));
  row.header.macro_id = place->macro_id;
  row.header.block_offset = place->offset;
  row.header.block_size = static_cast<std::int32_t>(micro->bytes.size());
  row.header.schema_version = desc_->schema_version;
  if (row.minor) row.minor->snapshot_version = desc_->end_scn;
  level.micro.Clear();
  return Add(index + 1, level.last_key.cells(), row);
}

Result<IndexRoot> IndexLevels::Finish() {
  assert(!levels_.empty());
  for (std::size_t i = 0; i + 1 < levels_.size(); ++i) {
    if (Status status = Close(i); !status) return Fail(std::move(status).error());
  }
  return MakeRoot(levels_.back());
}

Result<IndexRoot> IndexLevels::MakeRoot(Level& top) {
  IndexRoot root;
  // Data trees begin at the leaf index inside the data macro blocks.
  root.height = static_cast<std::int16_t>(levels_.size() + (is_data_tree_ ? 1 : 0));
  const bool is_inline = top.micro.size() < kMaxInlineRoot;
  const Result<SealedMicroBlock> micro = top.micro.Seal(is_inline ? NoCompression() : *compressor_);
  if (!micro) return Fail(micro.error());
  root.size = static_cast<std::int32_t>(micro->bytes.size());
  if (is_inline) {
    root.inline_block.assign(micro->bytes.begin(), micro->bytes.end());
    return root;
  }
  const Result<IndexBlockWriter::Place> place = blocks_->Append(*micro);
  if (!place) return Fail(place.error());
  root.place = *place;
  return root;
}

SstableIndexBuilder::SstableIndexBuilder(const SstableDesc& desc, MacroBlockSink& sink,
                                         const Compressor& compressor)
    : desc_(&desc),
      compressor_(&compressor),
      index_blocks_(desc, MacroBlockType::kSstableIndex, sink),
      meta_blocks_(desc, MacroBlockType::kSstableMacroMeta, sink),
      data_levels_(desc, true, index_blocks_, compressor),
      meta_levels_(desc, false, meta_blocks_, compressor),
      meta_rows_(desc.schema.rowkey_count + 1, desc.schema.rowkey_count,
                 desc.has_column_checksums(), MaxMetaRowsSize(desc)) {
  index_.column_checksums.assign(desc.schema.columns.size(), 0);
}

Status SstableIndexBuilder::Add(const DataBlockInfo& block) {
  if (!index_.data_blocks.empty() &&
      CompareKeys(desc_->schema.rowkey(), last_.end_key.cells(), block.end_key.cells()) >= 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "data macro blocks are not in the order of their keys");
  }
  const MacroMeta& meta = block.meta;
  index_.data_blocks.push_back(meta.macro_id);
  index_.row_count += meta.row_count;
  index_.micro_block_count += meta.micro_block_count;
  index_.occupy_size += meta.occupy_size;
  index_.original_size += meta.original_size;
  index_.max_merged_trans_version =
      std::max(index_.max_merged_trans_version, meta.max_merged_trans_version);
  index_.contain_uncommitted_row |= meta.contain_uncommitted_row;
  std::array<std::byte, 8> checksum;
  StoreLe(checksum.data(), meta.data_checksum);
  index_.data_checksum =
      static_cast<std::int64_t>(Crc64(checksum, static_cast<std::uint64_t>(index_.data_checksum)));
  for (std::size_t i = 0; i < index_.column_checksums.size() && i < meta.column_checksums.size();
       ++i) {
    index_.column_checksums[i] =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(index_.column_checksums[i]) +
                                  static_cast<std::uint64_t>(meta.column_checksums[i]));
  }
  last_ = block;
  if (Status status = AddIndexRow(block); !status) return status;
  return AddMetaRow(block);
}

// Unlike the levels above, these rows repeat what the block's own meta says.
Status SstableIndexBuilder::AddIndexRow(const DataBlockInfo& block) {
  const MacroMeta& meta = block.meta;
  IndexRowValue row;
  row.header.pack = IndexRowHeader::Pack(
      meta.row_store_type, meta.compressor_type,
      IndexRowHeader::kIsDataIndex | IndexRowHeader::kIsLeafBlock | IndexRowHeader::kIsMacroNode |
          (desc_->is_major_node() ? IndexRowHeader::kIsMajorNode : 0) |
          (meta.contain_uncommitted_row && !desc_->is_major_node()
               ? IndexRowHeader::kContainUncommittedRow
               : 0) |
          (meta.has_string_out_row ? IndexRowHeader::kHasStringOutRow : 0) |
          (meta.all_lob_in_row ? IndexRowHeader::kAllLobInRow : 0));
  row.header.macro_id = index_.data_blocks.back();
  row.header.block_offset = static_cast<std::int32_t>(meta.block_offset);
  row.header.block_size = static_cast<std::int32_t>(meta.block_size);
  row.header.row_count = static_cast<std::uint64_t>(meta.row_count);
  row.header.schema_version = meta.schema_version;
  row.header.macro_block_count = 1;
  row.header.micro_block_count = static_cast<std::uint64_t>(meta.micro_block_count);
  if (desc_->is_major_node()) {
    row.row_offset = index_.row_count - 1;
  } else {
    row.minor = IndexRowMinorMeta{.snapshot_version = meta.snapshot_version,
                                  .max_merged_trans_version = meta.max_merged_trans_version,
                                  .row_count_delta = meta.row_count_delta};
  }
  return data_levels_.Add(block.end_key.cells(), row);
}

Status SstableIndexBuilder::AddMetaRow(const DataBlockInfo& block) {
  const Result<Bytes> value = EncodeMacroMeta(block.meta);
  if (!value) return Fail(value.error());
  Status status = AppendKeyAndValue(meta_rows_, block.end_key.cells(), *value);
  if (status || status.error().code() != ErrorCode::kSizeOverflow || meta_rows_.row_count() == 0)
    return status;
  if (status = FlushMetaRows(); !status) return status;
  return AppendKeyAndValue(meta_rows_, block.end_key.cells(), *value);
}

IndexRowValue SstableIndexBuilder::MetaIndexRow(const SealedMicroBlock& micro) const {
  IndexRowValue row;
  row.header.pack =
      IndexRowHeader::Pack(RowStoreType::kFlat, desc_->compressor,
                           IndexRowHeader::kIsDataBlock | StoreBits(micro) |
                               (desc_->is_major_node() ? IndexRowHeader::kIsMajorNode : 0));
  row.header.block_size = static_cast<std::int32_t>(micro.bytes.size());
  row.header.row_count = micro.header.row_count;
  row.header.schema_version = desc_->schema_version;
  row.header.micro_block_count = 1;
  if (desc_->is_major_node())
    row.row_offset = flushed_meta_rows_ + std::int64_t{micro.header.row_count} - 1;
  return row;
}

Status SstableIndexBuilder::FlushMetaRows() {
  const Result<SealedMicroBlock> micro = meta_rows_.Seal(*compressor_);
  if (!micro) return Fail(micro.error());
  const Result<IndexBlockWriter::Place> place = meta_blocks_.Append(*micro);
  if (!place) return Fail(place.error());
  IndexRowValue row = MetaIndexRow(*micro);
  row.header.macro_id = place->macro_id;
  row.header.block_offset = place->offset;
  flushed_meta_rows_ += micro->header.row_count;
  // The last row in the block is that of the data block before the current one, or of the current
  // one at the end.
  const Result<FlatRow> last = FlatRow::Open(meta_rows_.LastRow());
  if (!last) return Fail(last.error());
  std::vector<Datum> key(desc_->schema.rowkey_count);
  if (Status status = last->ReadCells(key); !status) return status;
  if (Status status = meta_levels_.Add(key, row); !status) return status;
  meta_rows_.Clear();
  return {};
}

Status SstableIndexBuilder::FinishMetaTree() {
  if (flushed_meta_rows_ == 0 && meta_rows_.size() <= kMaxInlineRoot) {
    const Result<SealedMicroBlock> micro = meta_rows_.Seal(NoCompression());
    if (!micro) return Fail(micro.error());
    index_.is_meta_root = true;
    index_.meta_root.height = 1;
    index_.meta_root.size = static_cast<std::int32_t>(micro->bytes.size());
    index_.meta_root.inline_block.assign(micro->bytes.begin(), micro->bytes.end());
    return {};
  }
  if (index_.data_blocks.size() == 1) {
    // The row is already stored: in the data macro block itself.
    const Result<SealedMicroBlock> micro = meta_rows_.Seal(*compressor_);
    if (!micro) return Fail(micro.error());
    IndexRowValue row = MetaIndexRow(*micro);
    row.header.macro_id = index_.data_blocks.front();
    row.header.block_offset = last_.meta_block_offset;
    row.header.block_size = last_.meta_block_size;
    if (Status status = meta_levels_.Add(last_.end_key.cells(), row); !status) return status;
  } else if (Status status = FlushMetaRows(); !status) {
    return status;
  }
  Result<IndexRoot> root = meta_levels_.Finish();
  if (!root) return Fail(std::move(root).error());
  index_.meta_root = *std::move(root);
  return {};
}

Result<SstableIndex> SstableIndexBuilder::Finish() {
  assert(!index_.data_blocks.empty());
  Result<IndexRoot> root = data_levels_.Finish();
  if (!root) return Fail(std::move(root).error());
  index_.data_root = *std::move(root);
  if (Status status = index_blocks_.Finish(); !status) return Fail(std::move(status).error());
  if (Status status = FinishMetaTree(); !status) return Fail(std::move(status).error());
  if (Status status = meta_blocks_.Finish(); !status) return Fail(std::move(status).error());
  index_.other_blocks = index_blocks_.places();
  index_.other_blocks.insert(index_.other_blocks.end(), meta_blocks_.places().begin(),
                             meta_blocks_.places().end());
  return std::move(index_);
}

}  // namespace obbak::format
