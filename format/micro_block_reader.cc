#include "format/micro_block_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "format/crc32c.h"
#include "format/le_bytes.h"

namespace obbak::format {
namespace {

// No micro block is larger than the macro block that holds it.
constexpr std::size_t kMaxMicroBlockPayload = 2 << 20;

std::unexpected<Error> Damaged(std::size_t offset, std::string_view field, std::string message) {
  return Fail(Error(ErrorCode::kInvalidData, std::move(message))
                  .WithOffset(offset)
                  .WithField(std::string(field)));
}

// Row offsets ascend from 0 to the row index itself.
Status CheckRowIndex(ByteView payload, std::size_t index_begin, std::size_t row_count,
                     std::size_t header_size) {
  std::uint32_t previous = 0;
  for (std::size_t i = 0; i <= row_count; ++i) {
    const std::size_t at = index_begin + 4 * i;
    const auto offset = LoadLe<std::uint32_t>(payload.data() + at);
    const bool ok = i == 0 ? offset == 0 : offset > previous;
    if (!ok || (i == row_count && offset != index_begin)) {
      return Damaged(
          header_size + at, fmt::format("row_index[{}]", i),
          fmt::format("is {} behind {}; the rows have {} bytes", offset, previous, index_begin));
    }
    previous = offset;
  }
  return {};
}

}  // namespace

Result<ByteView> ReadMicroBlockPayload(const MicroBlockHeader& header, ByteView bytes,
                                       CompressorType compressor, Bytes& scratch) {
  const ByteView stored =
      bytes.subspan(header.header_size, static_cast<std::size_t>(header.data_zlength));
  const std::uint64_t checksum = Crc64(stored);
  if (checksum != static_cast<std::uint64_t>(header.data_checksum)) {
    return Fail(Error(ErrorCode::kChecksumError,
                      fmt::format("payload checksum is {:#x}, the header says {:#x}", checksum,
                                  static_cast<std::uint64_t>(header.data_checksum)))
                    .WithOffset(48)
                    .WithField("data_checksum"));
  }
  if (!header.is_compressed()) return stored;
  const auto size = static_cast<std::size_t>(header.data_length);
  if (size > kMaxMicroBlockPayload) {
    return Damaged(40, "data_length", fmt::format("{} bytes exceed every micro block", size));
  }
  const Result<const Compressor*> codec = Compressor::Of(compressor);
  if (!codec) return Fail(codec.error());
  if (scratch.size() < size) scratch.resize(size);
  const std::span<std::byte> plain = std::span(scratch).first(size);
  if (Status status = (*codec)->Decompress(stored, plain); !status)
    return Fail(std::move(status).error().WithOffset(header.header_size).WithField("payload"));
  return plain;
}

Result<MicroBlockReader> MicroBlockReader::Open(ByteView bytes, CompressorType compressor,
                                                Bytes& scratch) {
  const Result<MicroBlockHeader> header = ReadMicroBlockHeader(bytes);
  if (!header) return Fail(header.error());
  if (header->row_store_type != RowStoreType::kFlat) {
    return Fail(
        Error(ErrorCode::kNotSupported, fmt::format("row store {} is not implemented, only FLAT is",
                                                    NameOf(header->row_store_type)))
            .WithOffset(20)
            .WithField("row_store_type"));
  }
  const Result<ByteView> payload = ReadMicroBlockPayload(*header, bytes, compressor, scratch);
  if (!payload) return Fail(payload.error());

  MicroBlockReader reader;
  reader.header_ = *header;
  reader.row_count_ = header->row_count;
  reader.payload_ = *payload;
  const std::uint64_t index_size = 4 * (std::uint64_t{header->row_count} + 1);
  if (header->row_count == 0 || header->row_offset < header->header_size ||
      header->row_offset - header->header_size + index_size > payload->size()) {
    return Damaged(24, "row_offset",
                   fmt::format("{} rows indexed at {} do not fit into {} bytes of payload",
                               header->row_count, header->row_offset, payload->size()));
  }
  reader.index_begin_ = header->row_offset - header->header_size;
  const std::size_t behind = payload->size() - reader.index_begin_ - index_size;
  const bool has_hash_index = (header->flags & MicroBlockHeader::kContainsHashIndex) != 0;
  if (behind != 0 && !has_hash_index) {
    return Damaged(header->header_size + payload->size() - behind, "payload",
                   fmt::format("{} bytes behind the row index", behind));
  }
  if (Status status =
          CheckRowIndex(*payload, reader.index_begin_, reader.row_count_, header->header_size);
      !status) {
    return Fail(std::move(status).error());
  }
  return reader;
}

ByteView MicroBlockReader::RowBytes(std::size_t row) const {
  assert(row < row_count_);
  const std::byte* const entry = payload_.data() + index_begin_ + 4 * row;
  const auto begin = LoadLe<std::uint32_t>(entry);
  return payload_.subspan(begin, LoadLe<std::uint32_t>(entry + 4) - begin);
}

Result<FlatRow> MicroBlockReader::Row(std::size_t row) const {
  Result<FlatRow> read(std::in_place);
  if (Status status = ReadRow(row, *read); !status) read = Fail(std::move(status).error());
  return read;
}

Status MicroBlockReader::ReadRow(std::size_t row, FlatRow& read) const {
  const ByteView bytes = RowBytes(row);
  const auto offset = [&] {
    return header_.header_size + static_cast<std::size_t>(bytes.data() - payload_.data());
  };
  if (Status status = read.Reset(bytes); !status)
    return Fail(std::move(status).error().ShiftOffset(offset()));
  if (read.column_count() != header_.column_count ||
      read.rowkey_count() != header_.rowkey_column_count) {
    return Damaged(offset(), "column_cnt",
                   fmt::format("row {} has {} columns with {} key columns, the micro block {} "
                               "with {}",
                               row, read.column_count(), read.rowkey_count(), header_.column_count,
                               header_.rowkey_column_count));
  }
  return {};
}

Result<std::size_t> MicroBlockReader::LowerBound(std::span<const ObjMeta> rowkey,
                                                 std::span<const Datum> key) const {
  return Bound(rowkey, key, 0);
}

Result<std::size_t> MicroBlockReader::UpperBound(std::span<const ObjMeta> rowkey,
                                                 std::span<const Datum> key) const {
  return Bound(rowkey, key, 1);
}

Result<std::size_t> MicroBlockReader::Bound(std::span<const ObjMeta> rowkey,
                                            std::span<const Datum> key, int order) const {
  std::array<Datum, kMaxFlatRowkeyColumns> cells;
  const std::size_t count =
      std::min<std::size_t>({key.size(), rowkey.size(), header_.rowkey_column_count});
  const std::span<Datum> row_key = std::span(cells).first(count);
  // Rows lie apart, and the search waits for memory more than for anything else.
  const auto prefetch = [this](std::size_t begin, std::size_t end) {
    if (begin == end) return;
    const ByteView bytes = RowBytes(begin + (end - begin) / 2);
    __builtin_prefetch(bytes.data());
    __builtin_prefetch(bytes.data() + bytes.size() - 1);
  };
  FlatRow row;
  std::size_t low = 0;
  std::size_t high = row_count_;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    prefetch(low, middle);
    prefetch(middle + 1, high);
    if (Status status = ReadRow(middle, row); !status) return Fail(std::move(status).error());
    if (Status status = row.ReadCells(row_key); !status) return Fail(std::move(status).error());
    for (std::size_t i = 0; i < count; ++i) {
      if (Status status = CheckKeyCell(rowkey[i], row_key[i]); !status)
        return Fail(std::move(status).error());
    }
    if (CompareKeys(rowkey, row_key, key) < order) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Result<std::vector<std::int64_t>> ComputeColumnChecksums(const MicroBlockReader& block) {
  std::vector<std::int64_t> sums(block.header().column_count);
  std::vector<Datum> cells(sums.size());
  FlatRow row;
  for (std::size_t r = 0; r < block.row_count(); ++r) {
    if (Status status = block.ReadRow(r, row); !status) return Fail(std::move(status).error());
    if (Status status = row.ReadCells(cells); !status) return Fail(std::move(status).error());
    for (std::size_t i = 0; i < sums.size(); ++i) {
      sums[i] =
          static_cast<std::int64_t>(static_cast<std::uint64_t>(sums[i]) + CellChecksum(cells[i]));
    }
  }
  return sums;
}

}  // namespace obbak::format
