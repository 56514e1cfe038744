// Sample SSTables: table accounts of the sample tenant, as macro blocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/compressor.h"
#include "format/macro_block_writer.h"
#include "format/sample_destination.h"
#include "format/sstable_desc.h"
#include "format/sstable_index_builder.h"
#include "format/storage_schema.h"

namespace obbak::format {

namespace sample {
inline constexpr std::uint64_t kTableId = 500'002;
// Microseconds: when the table was created.
inline constexpr std::int64_t kSchemaVersion = 1'673'436'640'000'000;
}  // namespace sample

// accounts (id BIGINT PRIMARY KEY, owner VARCHAR, balance BIGINT).
StorageSchema SampleStorageSchema();
std::string SampleOwner(std::int64_t account);
std::int64_t SampleBalance(std::int64_t account);

struct SampleBlock {
  MacroBlockType type;
  Bytes bytes;           // padded
  std::size_t used = 0;  // without padding
};

struct SampleSstable {
  SstableDesc desc;
  std::vector<DataBlockInfo> data_blocks;
  SstableIndex index;
  std::vector<SampleBlock> blocks;  // data blocks first, then those of both trees
};

// An SSTable of accounts 1 to `rows` in blocks as small as the format allows.
Result<SampleSstable> BuildSampleSstable(MergeType merge, CompressorType compressor,
                                         std::int64_t rows);

// Below `engine/macro_block/`: a block of each type for each kind of SSTable that obbak writes,
// with their padding. How lz4 and zstd compress depends on the version of their libraries.
Result<std::vector<SampleFile>> SampleMacroBlocks();

}  // namespace obbak::format
