// Laying out one macro block from finished micro blocks. docs/spec/macro-block.md §2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/macro_block_header.h"
#include "format/micro_block_writer.h"
#include "format/sstable_desc.h"

namespace obbak::format {

// Builds one block after the other in a buffer of its own. Knows nothing of rows and keys.
class MacroBlockBuilder {
 public:
  // Sums over the data micro blocks of the open block.
  struct Totals {
    std::int32_t row_count = 0;
    std::int32_t micro_block_count = 0;
    std::int64_t data_size = 0;
    std::int64_t data_zsize = 0;
    std::int64_t original_size = 0;
    // Running Crc64 over the micro blocks' checksums.
    std::uint64_t data_checksum = 0;
    std::vector<std::int64_t> column_checksums;
  };

  // `type` is kSstableData, kSstableIndex or kSstableMacroMeta; the latter two have the columns of
  // index rows. Precondition: desc.Check() succeeds.
  MacroBlockBuilder(const SstableDesc& desc, MacroBlockType type);

  // Begins a block; precondition: none is open.
  void Open(std::int64_t data_seq);
  bool is_open() const { return is_open_; }
  // Of the open block.
  std::int64_t data_seq() const { return headers_.sstable.data_seq; }

  // Used bytes, headers included, and bytes left.
  std::size_t size() const { return end_; }
  std::size_t remaining() const { return capacity_ - end_; }
  const Totals& totals() const { return totals_; }

  // Appends a data micro block and returns its offset. Precondition: it fits.
  std::size_t Append(const SealedMicroBlock& micro);
  // Appends leaf index and macro meta, if there are any, writes the headers and closes the block.
  // The view lives until the next Open. Precondition: they fit, and there is a data micro block.
  Result<MacroBlockSink::Block> Finish(const SealedMicroBlock* leaf_index,
                                       const SealedMicroBlock* macro_meta);

 private:
  std::size_t Put(const SealedMicroBlock& micro);

  std::size_t capacity_;
  MacroBlockHeaders headers_;
  Bytes buffer_;
  std::size_t end_ = 0;
  bool is_open_ = false;
  Totals totals_;
};

}  // namespace obbak::format
