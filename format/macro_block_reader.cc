#include "format/macro_block_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "format/crc32c.h"
#include "format/index_row.h"
#include "format/le_bytes.h"

namespace obbak::format {
namespace {

constexpr std::size_t kNoMicroBlock = SIZE_MAX;

std::unexpected<Error> Damaged(std::string_view field, std::string message) {
  return Fail(Error(ErrorCode::kInvalidData, std::move(message)).WithField(std::string(field)));
}

template <class T>
Result<T> Shifted(Result<T> result, std::size_t base) {
  if (result) return result;
  return Fail(std::move(result).error().ShiftOffset(base));
}

Status AddColumnChecksums(const std::vector<std::int64_t>& from, std::vector<std::int64_t>& sums) {
  if (from.size() != sums.size()) {
    return Damaged("column_checksums", fmt::format("{} in a micro block of a macro block with {}",
                                                   from.size(), sums.size()));
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    sums[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(sums[i]) +
                                        static_cast<std::uint64_t>(from[i]));
  }
  return {};
}

// The value of an index or meta row: its last column.
Result<ByteView> RowValue(const MicroBlockReader& micro, std::size_t index, Datum& keep) {
  const Result<FlatRow> row = micro.Row(index);
  if (!row) return Fail(row.error());
  const Result<Datum> cell = row->Cell(row->column_count() - 1);
  if (!cell) return Fail(cell.error());
  keep = *cell;
  return keep.bytes();
}

}  // namespace

Result<MacroBlockReader> MacroBlockReader::Open(ByteView block) {
  Result<MacroBlockHeaders> headers = ReadMacroBlockHeaders(block);
  if (!headers) return Fail(std::move(headers).error());
  MacroBlockReader reader;
  reader.headers_ = *std::move(headers);
  reader.block_ = block.first(MacroBlockCommonHeader::kSize +
                              static_cast<std::size_t>(reader.headers_.common.payload_size));
  if (Status status = reader.WalkMicroBlocks(); !status) return Fail(std::move(status).error());
  if (reader.headers_.sstable.idx_block_size != 0) {
    if (Status status = reader.CheckLeafIndex(); !status) return Fail(std::move(status).error());
  }
  if (reader.headers_.sstable.meta_block_size != 0) {
    if (Status status = reader.ReadMeta(); !status) return Fail(std::move(status).error());
  }
  return reader;
}

std::span<const ObjMeta> MacroBlockReader::rowkey() const {
  return std::span(headers_.column_types)
      .first(static_cast<std::size_t>(headers_.sstable.rowkey_column_count));
}

Status MacroBlockReader::WalkMicroBlocks() {
  const SstableMacroHeader& header = headers_.sstable;
  const auto end = static_cast<std::size_t>(header.occupy_size);
  auto at = static_cast<std::size_t>(header.micro_block_data_offset);
  const auto count = static_cast<std::size_t>(header.micro_block_count);
  // A header is the least that a micro block takes.
  if (count > (end - at) / MicroBlockHeader::kSize) {
    return Damaged("micro_block_count",
                   fmt::format("{} micro blocks in {} bytes", count, end - at));
  }
  micro_blocks_.reserve(count);
  std::uint64_t rows = 0;
  std::uint64_t checksum = 0;
  std::vector<std::int64_t> sums(headers_.column_checksums.size());
  for (std::size_t i = 0; i < count; ++i) {
    const ByteView rest = block_.subspan(at, end - at);
    const Result<MicroBlockHeader> micro = Shifted(ReadMicroBlockHeader(rest), at);
    if (!micro) return Fail(micro.error());
    if (micro->column_count != header.column_count ||
        micro->rowkey_column_count != header.rowkey_column_count ||
        static_cast<std::int32_t>(micro->row_store_type) != header.row_store_type) {
      return Damaged(fmt::format("micro_blocks[{}]", i),
                     "columns or row store are not those of the macro block");
    }
    const bool has_checksums = micro->has_column_checksum();
    if (i > 0 && has_checksums != has_column_checksums_)
      return Damaged(fmt::format("micro_blocks[{}]", i), "only some have column checksums");
    has_column_checksums_ = has_checksums;
    if (has_checksums) {
      if (Status status = AddColumnChecksums(ReadColumnChecksums(*micro, rest), sums); !status)
        return status;
    }
    std::array<std::byte, 8> chained;
    StoreLe(chained.data(), micro->data_checksum);
    checksum = Crc64(chained, checksum);
    rows += micro->row_count;
    micro_blocks_.push_back({at, micro->block_size(), micro->row_count});
    at += micro->block_size();
  }
  if (at != end)
    return Damaged("micro_block_count",
                   fmt::format("{} micro blocks end at {}, not {}", count, at, end));
  if (rows != static_cast<std::uint64_t>(header.row_count))
    return Damaged("row_count",
                   fmt::format("is {}, the micro blocks have {} rows", header.row_count, rows));
  if (checksum != static_cast<std::uint64_t>(header.data_checksum)) {
    return Fail(Error(ErrorCode::kChecksumError,
                      fmt::format("is {:#x}, the micro blocks give {:#x}",
                                  static_cast<std::uint64_t>(header.data_checksum), checksum))
                    .WithField("data_checksum"));
  }
  if (sums != headers_.column_checksums)
    return Fail(Error(ErrorCode::kChecksumError, "are not the sums of the micro blocks'")
                    .WithField("column_checksums"));
  return {};
}

Result<MicroBlockReader> MacroBlockReader::OpenMicroBlock(std::size_t index, Bytes& scratch) const {
  assert(index < micro_blocks_.size());
  const MicroBlock& micro = micro_blocks_[index];
  return Shifted(MicroBlockReader::Open(block_.subspan(micro.offset, micro.size),
                                        headers_.sstable.compressor_type, scratch),
                 micro.offset);
}

Result<MicroBlockReader> MacroBlockReader::OpenLeafIndex(Bytes& scratch) const {
  const SstableMacroHeader& header = headers_.sstable;
  if (header.idx_block_size == 0)
    return Fail(ErrorCode::kEntryNotExist, "the macro block has no leaf index");
  const auto begin = static_cast<std::size_t>(header.idx_block_offset);
  const auto size = static_cast<std::size_t>(header.idx_block_size);
  Result<MicroBlockReader> leaf = Shifted(
      MicroBlockReader::Open(block_.subspan(begin, size), header.compressor_type, scratch), begin);
  if (!leaf) return leaf;
  if (leaf->header().block_size() != size || leaf->row_count() != micro_blocks_.size() ||
      leaf->header().rowkey_column_count != header.rowkey_column_count ||
      leaf->header().column_count != header.rowkey_column_count + 1) {
    return Damaged("leaf_index",
                   fmt::format("{} rows of {} columns in {} bytes; the macro block has {} micro "
                               "blocks and {} bytes for it",
                               leaf->row_count(), leaf->header().column_count,
                               leaf->header().block_size(), micro_blocks_.size(), size));
  }
  return leaf;
}

Status MacroBlockReader::CheckLeafIndex() const {
  Bytes scratch;
  const Result<MicroBlockReader> leaf = OpenLeafIndex(scratch);
  if (!leaf) return Fail(leaf.error());
  for (std::size_t i = 0; i < leaf->row_count(); ++i) {
    Datum keep;
    const Result<ByteView> bytes = RowValue(*leaf, i, keep);
    if (!bytes) return Fail(bytes.error());
    const Result<IndexRowValue> value = DecodeIndexRowValue(*bytes);
    if (!value) return Fail(value.error());
    const MicroBlock& micro = micro_blocks_[i];
    if (static_cast<std::size_t>(value->header.block_offset) != micro.offset ||
        static_cast<std::size_t>(value->header.block_size) != micro.size ||
        value->header.row_count != micro.row_count) {
      return Damaged(
          fmt::format("leaf_index.rows[{}]", i),
          fmt::format("{} rows in {} bytes at {}; the micro block has {} in {} at {}",
                      value->header.row_count, value->header.block_size, value->header.block_offset,
                      micro.row_count, micro.size, micro.offset));
    }
  }
  return {};
}

Status MacroBlockReader::ReadMeta() {
  const SstableMacroHeader& header = headers_.sstable;
  const auto begin = static_cast<std::size_t>(header.meta_block_offset);
  const auto size = static_cast<std::size_t>(header.meta_block_size);
  Bytes scratch;
  const Result<MicroBlockReader> micro = Shifted(
      MicroBlockReader::Open(block_.subspan(begin, size), header.compressor_type, scratch), begin);
  if (!micro) return Fail(micro.error());
  if (micro->row_count() != 1 || micro->header().block_size() != size)
    return Damaged("macro_meta", fmt::format("{} rows in {} bytes, not 1 in {}", micro->row_count(),
                                             micro->header().block_size(), size));
  Datum keep;
  const Result<ByteView> bytes = RowValue(*micro, 0, keep);
  if (!bytes) return Fail(bytes.error());
  Result<MacroMeta> meta = DecodeMacroMeta(*bytes);
  if (!meta) return Fail(std::move(meta).error());
  if (meta->data_checksum != header.data_checksum || meta->row_count != header.row_count ||
      meta->occupy_size != header.occupy_size ||
      meta->micro_block_count != header.micro_block_count ||
      meta->block_offset != header.idx_block_offset || meta->block_size != header.idx_block_size ||
      meta->logic_id.data_seq.value != header.data_seq ||
      meta->logic_id.logic_version != static_cast<std::uint64_t>(header.logical_version) ||
      meta->logic_id.tablet_id != header.tablet_id.value ||
      meta->column_checksums != headers_.column_checksums) {
    return Damaged("macro_meta", "contradicts the macro block's header");
  }
  meta_ = *std::move(meta);
  return {};
}

Status MacroBlockReader::VerifyColumnChecksums() const {
  if (!has_column_checksums_) return {};
  Bytes scratch;
  for (std::size_t i = 0; i < micro_blocks_.size(); ++i) {
    const Result<MicroBlockReader> micro = OpenMicroBlock(i, scratch);
    if (!micro) return Fail(micro.error());
    const Result<std::vector<std::int64_t>> sums = ComputeColumnChecksums(*micro);
    if (!sums) return Fail(sums.error());
    if (*sums != ReadColumnChecksums(micro->header(), block_.subspan(micro_blocks_[i].offset))) {
      return Fail(Error(ErrorCode::kChecksumError, "are not those of the rows")
                      .WithField(fmt::format("micro_blocks[{}].column_checksums", i)));
    }
  }
  return {};
}

MacroBlockCursor::MacroBlockCursor(const MacroBlockReader& reader)
    : reader_(&reader),
      micro_block_(kNoMicroBlock),
      cells_(static_cast<std::size_t>(reader.headers().sstable.column_count)) {}

Status MacroBlockCursor::Enter(std::size_t micro_block) {
  if (micro_block == micro_block_) return {};
  micro_block_ = kNoMicroBlock;
  Result<MicroBlockReader> micro = reader_->OpenMicroBlock(micro_block, scratch_);
  if (!micro) return Fail(std::move(micro).error());
  micro_ = *micro;
  micro_block_ = micro_block;
  return {};
}

Status MacroBlockCursor::Load(std::size_t row) {
  valid_ = false;
  if (Status status = micro_.ReadRow(row, flat_row_); !status) return status;
  if (Status status = flat_row_.ReadCells(cells_); !status) return status;
  flags_ = flat_row_.flags();
  row_ = row;
  valid_ = true;
  return {};
}

Status MacroBlockCursor::SeekToFirst() {
  valid_ = false;
  if (Status status = Enter(0); !status) return status;
  return Load(0);
}

Status MacroBlockCursor::SeekToLast() {
  valid_ = false;
  if (Status status = Enter(reader_->micro_blocks().size() - 1); !status) return status;
  return Load(micro_.row_count() - 1);
}

Status MacroBlockCursor::Seek(std::span<const Datum> key) {
  valid_ = false;
  const std::span<const ObjMeta> rowkey = reader_->rowkey();
  if (!std::ranges::all_of(rowkey, HasKnownOrder))
    return Fail(ErrorCode::kNotSupported, "a key column's order is unknown");
  for (std::size_t i = 0; i < std::min(key.size(), rowkey.size()); ++i) {
    if (Status status = CheckKeyCell(rowkey[i], key[i]); !status) return status;
  }
  // End keys: the first micro block that ends at or behind the key has the row, if any has.
  Bytes leaf_scratch;
  const Result<MicroBlockReader> leaf = reader_->OpenLeafIndex(leaf_scratch);
  if (!leaf) return Fail(leaf.error());
  const Result<std::size_t> micro_block = leaf->LowerBound(rowkey, key);
  if (!micro_block) return Fail(micro_block.error());
  if (*micro_block == leaf->row_count()) return {};
  if (Status status = Enter(*micro_block); !status) return status;
  const Result<std::size_t> row = micro_.LowerBound(rowkey, key);
  if (!row) return Fail(row.error());
  if (*row == micro_.row_count())
    return Damaged(fmt::format("leaf_index.rows[{}]", *micro_block),
                   "the end key is behind every row of its micro block");
  return Load(*row);
}

Status MacroBlockCursor::Next() {
  assert(valid_);
  if (row_ + 1 < micro_.row_count()) return Load(row_ + 1);
  valid_ = false;
  if (micro_block_ + 1 == reader_->micro_blocks().size()) return {};
  if (Status status = Enter(micro_block_ + 1); !status) return status;
  return Load(0);
}

Status MacroBlockCursor::Prev() {
  assert(valid_);
  if (row_ > 0) return Load(row_ - 1);
  valid_ = false;
  if (micro_block_ == 0) return {};
  if (Status status = Enter(micro_block_ - 1); !status) return status;
  return Load(micro_.row_count() - 1);
}

}  // namespace obbak::format
