#include "format/micro_block_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "format/crc32c.h"
#include "format/le_bytes.h"
#include "format/record.h"

namespace obbak::format {
namespace {

constexpr std::size_t kFirstBuffer = 32 << 10;

// A buffer that keeps its size: vectors only grow here, so bytes are zeroed once.
void MakeRoom(Bytes& buffer, std::size_t size) {
  if (buffer.size() < size) buffer.resize(std::max(size, 2 * buffer.size()));
}

}  // namespace

MicroBlockWriter::MicroBlockWriter(std::size_t column_count, std::size_t rowkey_count,
                                   bool major_header, std::size_t max_size)
    : column_count_(column_count),
      rowkey_count_(rowkey_count),
      major_header_(major_header),
      max_size_(max_size),
      header_size_(MicroBlockHeader::kSize + (major_header ? 8 * column_count : 0)),
      end_(header_size_),
      column_checksums_(major_header ? column_count : 0) {
  assert(column_count > 0 && column_count <= kMaxFlatRowColumns);
  assert(rowkey_count <= column_count && rowkey_count <= kMaxFlatRowkeyColumns);
  MakeRoom(plain_, kFirstBuffer);
}

Status MicroBlockWriter::Append(const RowView& row) {
  if (row.cells.size() != column_count_) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("a row of {} cells, the table has {}",
                                                         row.cells.size(), column_count_));
  }
  if (row.flags.insert_delete && row.flags.dml != DmlFlag::kDelete)
    return Fail(ErrorCode::kInvalidArgument, "only a delete can be an insert and delete in one");
  const std::size_t room = MaxFlatRowSize(row.cells);
  if (room > 2 * kMaxSize) {
    return Fail(ErrorCode::kSizeOverflow, fmt::format("a row of {} bytes", room));
  }
  MakeRoom(plain_, end_ + room);
  const std::size_t size = WriteFlatRow(row, rowkey_count_, std::span(plain_).subspan(end_));
  if (SizeWith(row_count() + 1, payload_size() + size) > max_size_) {
    return Fail(
        ErrorCode::kSizeOverflow,
        fmt::format("a row of {} bytes behind {} rows with {} bytes; a micro block holds {}", size,
                    row_count(), payload_size(), max_size_));
  }
  row_offsets_.push_back(static_cast<std::uint32_t>(payload_size()));
  end_ += size;
  NoteFlags(row.flags);
  if (major_header_) AddColumnChecksums(row.cells);
  return {};
}

ByteView MicroBlockWriter::LastRow() const {
  assert(row_count() > 0);
  const std::size_t begin = header_size_ + row_offsets_.back();
  return ByteView(plain_).subspan(begin, end_ - begin);
}

void MicroBlockWriter::NoteFlags(const RowFlags& flags) {
  const bool uncommitted = flags.mvcc.Has(MvccFlags::kUncommitted);
  const bool changes = flags.dml == DmlFlag::kInsert || flags.dml == DmlFlag::kUpdate;
  last_row_has_last_flag_ = flags.mvcc.Has(MvccFlags::kLast);
  contain_uncommitted_rows_ |= uncommitted;
  single_version_rows_ &=
      changes && !uncommitted && !flags.mvcc.Has(MvccFlags::kGhost) && last_row_has_last_flag_;
}

void MicroBlockWriter::AddColumnChecksums(std::span<const Datum> cells) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    column_checksums_[i] = static_cast<std::int64_t>(
        static_cast<std::uint64_t>(column_checksums_[i]) + CellChecksum(cells[i]));
  }
}

Result<SealedMicroBlock> MicroBlockWriter::Seal(const Compressor& compressor,
                                                std::int64_t max_merged_trans_version) {
  assert(row_count() > 0);
  const std::size_t index_begin = end_;
  MakeRoom(plain_, end_ + 4 * (row_count() + 1));
  std::byte* at = plain_.data() + end_;
  for (const std::uint32_t offset : row_offsets_) {
    StoreLe(at, offset);
    at += 4;
  }
  StoreLe(at, static_cast<std::uint32_t>(payload_size()));
  const ByteView payload =
      ByteView(plain_).subspan(header_size_, payload_size() + 4 * (row_count() + 1));

  std::span<std::byte> image(plain_.data(), header_size_ + payload.size());
  if (compressor.type() != CompressorType::kNone) {
    MakeRoom(packed_, header_size_ + compressor.Bound(payload.size()));
    const Result<std::size_t> size =
        compressor.Compress(payload, std::span(packed_).subspan(header_size_));
    if (!size) return Fail(size.error());
    if (*size < payload.size()) image = std::span(packed_).first(header_size_ + *size);
  }

  MicroBlockHeader header;
  header.header_size = static_cast<std::uint32_t>(header_size_);
  header.column_count = static_cast<std::uint16_t>(column_count_);
  header.rowkey_column_count = static_cast<std::uint16_t>(rowkey_count_);
  if (major_header_)
    header.flags = MicroBlockHeader::kHasColumnChecksum | MicroBlockHeader::kAllLobInRow;
  header.row_count = static_cast<std::uint32_t>(row_count());
  header.opt = static_cast<std::uint8_t>(
      (single_version_rows_ ? MicroBlockHeader::kSingleVersionRows : 0) |
      (contain_uncommitted_rows_ ? MicroBlockHeader::kContainUncommittedRows : 0) |
      (last_row_has_last_flag_ ? MicroBlockHeader::kIsLastRowLastFlag : 0));
  header.row_offset = static_cast<std::uint32_t>(index_begin);
  header.original_length = static_cast<std::int32_t>(payload.size());
  header.max_merged_trans_version = max_merged_trans_version;
  header.data_length = header.original_length;
  header.data_zlength = static_cast<std::int32_t>(image.size() - header_size_);
  header.data_checksum = static_cast<std::int64_t>(Crc64(image.subspan(header_size_)));
  header.header_checksum = header.ComputeChecksum(column_checksums_);

  const Result<Bytes> head = EncodeRecord(header);
  if (!head) return Fail(head.error());
  std::memcpy(image.data(), head->data(), head->size());
  for (std::size_t i = 0; i < column_checksums_.size(); ++i) {
    StoreLe(image.data() + MicroBlockHeader::kSize + 8 * i, column_checksums_[i]);
  }
  return SealedMicroBlock{header, column_checksums_, image};
}

void MicroBlockWriter::Clear() {
  end_ = header_size_;
  row_offsets_.clear();
  std::ranges::fill(column_checksums_, 0);
  single_version_rows_ = true;
  contain_uncommitted_rows_ = false;
  last_row_has_last_flag_ = false;
}

Status AppendKeyAndValue(MicroBlockWriter& micro, std::span<const Datum> key, ByteView value) {
  std::array<Datum, kMaxFlatRowkeyColumns + 1> cells;
  assert(key.size() < cells.size());
  *std::ranges::copy(key, cells.begin()).out = Datum::Of(value);
  return micro.Append({.flags = {}, .cells = std::span(cells).first(key.size() + 1)});
}

}  // namespace obbak::format
