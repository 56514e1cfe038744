// SstableIndexBuilder: from the metas of data macro blocks to the two trees of an SSTable.
// docs/spec/macro-block.md §6.2, §6.3, §8, §14.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/macro_block_builder.h"
#include "format/macro_block_writer.h"
#include "format/micro_block_writer.h"
#include "format/micro_splitter.h"
#include "format/owned_key.h"
#include "format/sstable_desc.h"

namespace obbak::format {

// Micro blocks of index or meta rows on their way into macro blocks.
class IndexBlockWriter {
 public:
  struct Place {
    MacroBlockId macro_id;
    std::int32_t offset = 0;
  };

  IndexBlockWriter(const SstableDesc& desc, MacroBlockType type, MacroBlockSink& sink);

  Result<Place> Append(const SealedMicroBlock& micro);
  // Writes the open macro block, if there is one.
  Status Finish();
  // Of all blocks begun so far.
  const std::vector<MacroBlockId>& places() const { return places_; }

 private:
  MacroBlockBuilder macro_;
  MacroBlockSink* sink_;
  std::int64_t next_data_seq_;
  std::vector<MacroBlockId> places_;
};

// The topmost micro block of a tree.
struct IndexRoot {
  // The root itself, uncompressed, if it is kept inside the SSTable's meta.
  Bytes inline_block;
  // Otherwise where it lies.
  IndexBlockWriter::Place place;
  std::int32_t size = 0;
  std::int16_t height = 0;

  bool is_inline() const { return !inline_block.empty(); }
};

// The levels of an index above some rows; each closed micro block becomes a row one level up.
class IndexLevels {
 public:
  // `is_data_tree`: rows for data macro blocks; otherwise for micro blocks of macro meta rows.
  IndexLevels(const SstableDesc& desc, bool is_data_tree, IndexBlockWriter& blocks,
              const Compressor& compressor);

  // A row of the lowest level; keys ascend.
  Status Add(std::span<const Datum> key, const IndexRowValue& row) { return Add(0, key, row); }
  // Precondition: there is a row.
  Result<IndexRoot> Finish();

 private:
  struct Level {
    MicroBlockWriter micro;
    MicroSplitter splitter;
    OwnedKey last_key;
    // Counts and versions summed over the open micro block.
    IndexRowValue sum;
  };

  Status Add(std::size_t level, std::span<const Datum> key, const IndexRowValue& row);
  // Hands the open micro block of a level to its macro block and its row to the next level.
  Status Close(std::size_t level);
  Result<IndexRoot> MakeRoot(Level& top);

  const SstableDesc* desc_;
  bool is_data_tree_;
  IndexBlockWriter* blocks_;
  const Compressor* compressor_;
  // References to levels stay valid while levels are added.
  std::deque<Level> levels_;
};

// What the SSTable meta says, as far as it follows from the blocks (§8).
struct SstableIndex {
  IndexRoot data_root;
  IndexRoot meta_root;
  // The meta root holds meta rows itself.
  bool is_meta_root = false;
  std::vector<MacroBlockId> data_blocks;
  // Index macro blocks, then meta macro blocks.
  std::vector<MacroBlockId> other_blocks;

  std::int64_t row_count = 0;
  std::int64_t micro_block_count = 0;
  std::int64_t occupy_size = 0;
  std::int64_t original_size = 0;
  // Running Crc64 over the macro blocks' checksums.
  std::int64_t data_checksum = 0;
  // Sums; all zero unless the SSTable is major.
  std::vector<std::int64_t> column_checksums;
  std::int64_t max_merged_trans_version = 0;
  bool contain_uncommitted_row = false;
};

class SstableIndexBuilder {
 public:
  // Precondition: desc.Check() succeeds. All arguments must outlive the builder.
  SstableIndexBuilder(const SstableDesc& desc, MacroBlockSink& sink, const Compressor& compressor);

  SstableIndexBuilder(const SstableIndexBuilder&) = delete;
  SstableIndexBuilder& operator=(const SstableIndexBuilder&) = delete;
  ~SstableIndexBuilder() = default;

  // The next data macro block in key order; of parallel tasks, one task after the other.
  // kInvalidArgument when the keys don't ascend.
  Status Add(const DataBlockInfo& block);
  // Precondition: there is a block. Nothing can be added afterwards.
  Result<SstableIndex> Finish();

 private:
  Status AddIndexRow(const DataBlockInfo& block);
  Status AddMetaRow(const DataBlockInfo& block);
  Status FlushMetaRows();
  Status FinishMetaTree();
  IndexRowValue MetaIndexRow(const SealedMicroBlock& micro) const;

  const SstableDesc* desc_;
  const Compressor* compressor_;
  IndexBlockWriter index_blocks_;
  IndexBlockWriter meta_blocks_;
  IndexLevels data_levels_;
  IndexLevels meta_levels_;
  MicroBlockWriter meta_rows_;
  std::int64_t flushed_meta_rows_ = 0;
  DataBlockInfo last_;
  SstableIndex index_;
};

}  // namespace obbak::format
