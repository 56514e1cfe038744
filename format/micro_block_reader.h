// Reading a flat micro block in place. docs/spec/macro-block.md §3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/column.h"
#include "format/compressor.h"
#include "format/flat_row.h"
#include "format/micro_block_header.h"

namespace obbak::format {

// The payload of a micro block, checked, and decompressed if need be. Default-constructed: no rows.
class MicroBlockReader {
 public:
  MicroBlockReader() = default;

  // `bytes` begin with the micro block and may go on behind it. Checks header, payload checksum and
  // row index; decompresses with `compressor` into `scratch`. Both must outlive the reader; an
  // uncompressed block leaves `scratch` alone. kNotSupported for encoded (PAX) blocks.
  static Result<MicroBlockReader> Open(ByteView bytes, CompressorType compressor, Bytes& scratch);

  const MicroBlockHeader& header() const { return header_; }
  std::size_t row_count() const { return row_count_; }
  // Rows and row index, uncompressed.
  ByteView payload() const { return payload_; }
  // Bytes of one row within payload(). Precondition: row < row_count().
  ByteView RowBytes(std::size_t row) const;

  // Precondition: row < row_count(). Fails also when the row's columns are not those of the header.
  Result<FlatRow> Row(std::size_t row) const;
  // The same into a row that is used again and again; see FlatRow::Reset.
  Status ReadRow(std::size_t row, FlatRow& read) const;
  // First row whose key is not below `key`, which may be a prefix of it; row_count() if all are
  // below.
  Result<std::size_t> LowerBound(std::span<const ObjMeta> rowkey, std::span<const Datum> key) const;
  // First row whose key is above `key`; those that begin with a prefix are not.
  Result<std::size_t> UpperBound(std::span<const ObjMeta> rowkey, std::span<const Datum> key) const;

 private:
  // First row whose key compares to `key` as at least `order`.
  Result<std::size_t> Bound(std::span<const ObjMeta> rowkey, std::span<const Datum> key,
                            int order) const;

  MicroBlockHeader header_;
  std::size_t row_count_ = 0;
  ByteView payload_;
  // Offset of the row index in payload_.
  std::size_t index_begin_ = 0;
};

// The payload of the micro block at the begin of `bytes`, whose `header` was accepted: checked
// against its checksum, decompressed into `scratch` if need be.
Result<ByteView> ReadMicroBlockPayload(const MicroBlockHeader& header, ByteView bytes,
                                       CompressorType compressor, Bytes& scratch);

// Sums of CellChecksum per column over all rows, as a major SSTable's header has them.
Result<std::vector<std::int64_t>> ComputeColumnChecksums(const MicroBlockReader& block);

}  // namespace obbak::format
