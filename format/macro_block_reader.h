// Reading macro blocks. docs/spec/macro-block.md §2, §9.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/flat_row.h"
#include "format/macro_block_header.h"
#include "format/macro_meta.h"
#include "format/micro_block_reader.h"

namespace obbak::format {

// One macro block of an SSTable (data, index or macro meta), read in place.
class MacroBlockReader {
 public:
  struct MicroBlock {
    std::size_t offset;
    std::size_t size;
    std::size_t row_count;
  };

  // `block` must outlive the reader; bytes behind its payload are ignored. Checks everything that
  // can be checked without looking at rows: all headers and checksums of headers, the payload's
  // checksum, that counts and sums agree, and that leaf index and macro meta say the same.
  static Result<MacroBlockReader> Open(ByteView block);

  const MacroBlockHeaders& headers() const { return headers_; }
  MacroBlockType type() const { return headers_.common.attr; }
  std::size_t row_count() const { return static_cast<std::size_t>(headers_.sstable.row_count); }
  std::span<const ObjMeta> rowkey() const;
  // In order; at least one.
  std::span<const MicroBlock> micro_blocks() const { return micro_blocks_; }
  // What the block says about itself; absent in blocks that are not of data, and in incomplete
  // ones.
  const std::optional<MacroMeta>& meta() const { return meta_; }

  // Micro block `index` (precondition: it exists), decompressed into `scratch` if need be.
  Result<MicroBlockReader> OpenMicroBlock(std::size_t index, Bytes& scratch) const;
  // The leaf index, one row per micro block. kEntryNotExist when the block has none.
  Result<MicroBlockReader> OpenLeafIndex(Bytes& scratch) const;

  // The logical check of a major SSTable's block: that the column checksums are those of its rows.
  // Success for blocks that have none.
  Status VerifyColumnChecksums() const;

 private:
  Status WalkMicroBlocks();
  Status CheckLeafIndex() const;
  Status ReadMeta();

  ByteView block_;
  MacroBlockHeaders headers_;
  std::vector<MicroBlock> micro_blocks_;
  bool has_column_checksums_ = false;
  std::optional<MacroMeta> meta_;
};

// Walks the rows of a macro block in either direction. At most one micro block is decompressed at a
// time; cells of uncompressed ones point into the macro block.
class MacroBlockCursor {
 public:
  // `reader` must outlive the cursor.
  explicit MacroBlockCursor(const MacroBlockReader& reader);
  MacroBlockCursor(const MacroBlockCursor&) = delete;
  MacroBlockCursor& operator=(const MacroBlockCursor&) = delete;
  ~MacroBlockCursor() = default;

  // Whether the cursor is at a row. After a failed move it is not.
  bool Valid() const { return valid_; }
  // Precondition: Valid(). The cells live until the cursor moves.
  RowFlags flags() const { return flags_; }
  std::span<const Datum> cells() const { return cells_; }
  RowView row() const { return {flags_, cells_}; }

  Status SeekToFirst();
  Status SeekToLast();
  // The first row whose key is not below `key`, which may be a prefix. kNotSupported when a key
  // column's order is unknown; kEntryNotExist when the block has no leaf index.
  Status Seek(std::span<const Datum> key);
  // Precondition: Valid(). Behind the last (before the first) row the cursor is not valid.
  Status Next();
  Status Prev();

 private:
  Status Enter(std::size_t micro_block);
  Status Load(std::size_t row);

  const MacroBlockReader* reader_;
  Bytes scratch_;
  std::size_t micro_block_;
  MicroBlockReader micro_;
  FlatRow flat_row_;
  std::size_t row_ = 0;
  bool valid_ = false;
  RowFlags flags_;
  std::vector<Datum> cells_;
};

}  // namespace obbak::format
