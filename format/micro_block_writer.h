// Building one flat micro block from rows. docs/spec/macro-block.md §3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/compressor.h"
#include "format/flat_row.h"
#include "format/micro_block_header.h"

namespace obbak::format {

// A finished micro block, header first. The views live until the writer gets its next row.
struct SealedMicroBlock {
  MicroBlockHeader header;
  std::span<const std::int64_t> column_checksums;
  ByteView bytes;
};

// Collects rows and seals them into micro blocks, one after the other, in buffers that it reuses.
class MicroBlockWriter {
 public:
  // Header, rows and row index of one micro block never exceed this (§1).
  static constexpr std::size_t kMaxSize = 2'097'152 - 24 - 128 - 1024;

  // `major_header`: with column checksums and the flags of a major SSTable. `max_size` may lower
  // the limit.
  MicroBlockWriter(std::size_t column_count, std::size_t rowkey_count, bool major_header,
                   std::size_t max_size = kMaxSize);

  // Adds one row. The order of rows is the caller's business. kSizeOverflow, with nothing changed,
  // when the block would exceed its limit; kInvalidArgument for a row that the format can't hold.
  Status Append(const RowView& row);

  std::size_t row_count() const { return row_offsets_.size(); }
  // Uncompressed size, were the block sealed now: what the split rules look at.
  std::size_t size() const { return SizeWith(row_count(), payload_size()); }
  std::size_t payload_size() const { return end_ - header_size_; }

  // Precondition: row_count() > 0.
  ByteView LastRow() const;

  // Completes the block: row index, compression, header. The header's max_merged_trans_version is
  // the argument. Precondition: row_count() > 0.
  Result<SealedMicroBlock> Seal(const Compressor& compressor,
                                std::int64_t max_merged_trans_version = 0);
  // Forgets all rows, sealed or not.
  void Clear();

 private:
  std::size_t SizeWith(std::size_t rows, std::size_t row_bytes) const {
    return header_size_ + row_bytes + 4 * (rows + 1);
  }
  void NoteFlags(const RowFlags& flags);
  void AddColumnChecksums(std::span<const Datum> cells);

  std::size_t column_count_;
  std::size_t rowkey_count_;
  bool major_header_;
  std::size_t max_size_;
  std::size_t header_size_;
  // Header space, rows, and after Seal the row index.
  Bytes plain_;
  std::size_t end_;
  // Header space and compressed payload.
  Bytes packed_;
  std::vector<std::uint32_t> row_offsets_;
  std::vector<std::int64_t> column_checksums_;
  bool single_version_rows_ = true;
  bool contain_uncommitted_rows_ = false;
  bool last_row_has_last_flag_ = false;
};

// Appends a row of an index or meta micro block: a key and one binary value.
Status AppendKeyAndValue(MicroBlockWriter& micro, std::span<const Datum> key, ByteView value);

}  // namespace obbak::format
