#include "engine/block_extent.h"

#include <algorithm>

#include "format/flat_row.h"
#include "format/macro_block_header.h"
#include "format/macro_meta.h"
#include "format/micro_block_header.h"
#include "io/disk.h"

namespace obbak::engine {

std::size_t MaxBlockEnd(const format::DataBlockInfo& block) {
  const format::MacroMeta& meta = block.meta;
  const auto key_columns = static_cast<std::size_t>(meta.rowkey_count);
  const std::size_t header = format::MicroBlockHeader::kSize + 8 * (key_columns + 1);
  constexpr std::size_t kRowAndIndex = 16;
  const std::size_t end = static_cast<std::size_t>(meta.block_offset + meta.block_size) + header +
                          format::MaxFlatRowSize(block.end_key.cells()) +
                          format::MaxMacroMetaSize(meta.column_checksums.size(), true) +
                          kRowAndIndex;
  return std::min((end + io::Disk::kAlignment - 1) / io::Disk::kAlignment * io::Disk::kAlignment,
                  format::kMacroBlockSize);
}

}  // namespace obbak::engine
