// Macro blocks of rows with an 8-byte key and 100 bytes, for benchmarks: what reading and building
// them costs without anything around it.
#pragma once

#include <cstddef>
#include <vector>

#include "base/bytes.h"
#include "format/compressor.h"
#include "format/field_types.h"
#include "format/sstable_desc.h"

namespace obbak::bench {

inline constexpr std::size_t kBlockValueSize = 100;

// Forgets what it is given.
class DroppingSink final : public format::MacroBlockSink {
 public:
  Result<format::MacroBlockId> Allocate() override { return format::MacroBlockId{1, 1, 0}; }
  Status Write(const format::MacroBlockId& id, const Block& block) override;
};

class KeepingSink final : public format::MacroBlockSink {
 public:
  Result<format::MacroBlockId> Allocate() override { return format::MacroBlockId{1, 1, 0}; }
  Status Write(const format::MacroBlockId& id, const Block& block) override;
  std::vector<Bytes> blocks;
};

format::SstableDesc BlocksDesc(format::MergeType merge, format::CompressorType compressor);
// A row for each kBlockValueSize bytes of `values`. Ends the program on a failure, as does:
void BuildBlocks(const format::SstableDesc& desc, ByteView values, format::MacroBlockSink& sink);
// The number of rows.
std::size_t ScanBlocks(const std::vector<Bytes>& blocks);

}  // namespace obbak::bench
