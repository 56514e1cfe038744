// MacroBlockWriter: rows in, data macro blocks out. docs/spec/macro-block.md §2-§7, §14.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "format/flat_row.h"
#include "format/macro_block_builder.h"
#include "format/macro_meta.h"
#include "format/micro_block_writer.h"
#include "format/micro_splitter.h"
#include "format/owned_key.h"
#include "format/sstable_desc.h"

namespace obbak::format {

// What the index of an SSTable must know about one data macro block.
struct DataBlockInfo {
  OwnedKey end_key;
  // As in the meta tree: macro_id is the block's real place.
  MacroMeta meta;
  // The macro meta micro block within the data macro block.
  std::int32_t meta_block_offset = 0;
  std::int32_t meta_block_size = 0;
};

// One task of a compaction. Rows come in ascending order of their full key, each with all columns
// of the schema (docs/spec/macro-block.md §5); memory use is bounded by the block sizes, except for
// the list of finished blocks.
class MacroBlockWriter {
 public:
  // `sink` and `compressor` must outlive the writer. `first_data_seq` is that of the first block;
  // the others follow. `compressor` null: the one that desc.compressor names.
  static Result<MacroBlockWriter> Create(SstableDesc desc, MacroBlockSink& sink,
                                         std::int64_t first_data_seq = 0,
                                         const Compressor* compressor = nullptr);

  // kInvalidArgument for a row that breaks the rules of §5, with nothing changed; errors of the
  // sink make the writer useless.
  Status Append(const RowView& row);
  // Ends the current micro block, whatever its size.
  Status FinishMicroBlock();
  // Ends the current micro and macro block, whatever their size, so that all rows are in blocks().
  // Further rows begin new ones.
  Status Finish();

  // Blocks handed to the sink so far, in key order.
  const std::vector<DataBlockInfo>& blocks() const { return blocks_; }
  std::vector<DataBlockInfo> TakeBlocks() { return std::move(blocks_); }

 private:
  // What a micro block's index row and a macro block's meta sum up.
  struct Versions {
    std::int64_t max_merged_trans_version = 0;
    std::int64_t row_count_delta = 0;
    bool contain_uncommitted_row = false;

    void Add(const RowView& row, std::size_t trans_version_column);
    void Add(const Versions& other);
  };

  // What the cells of a column must be; CheckCell and CheckKeyCell settled once.
  struct CellRule {
    std::uint32_t fixed_size;  // 0: any
    bool may_be_nop;
    bool order_may_be_unknown;  // CheckKeyCell decides by the cell's bytes
  };

  MacroBlockWriter(SstableDesc desc, MacroBlockSink& sink, std::int64_t first_data_seq,
                   const Compressor& compressor);

  Status Check(const RowView& row) const;
  Status CheckVersions(const RowView& row) const;
  Status CheckOrder(const RowView& row) const;
  // Whether the open macro block still has room for `micro`, its index row and the meta.
  bool Admits(const SealedMicroBlock& micro) const;
  std::size_t MaxLeafSize(std::size_t more_rows) const;
  std::size_t MaxMetaSize() const;
  bool ShouldSwitchNow() const;
  Status AppendLeafRow(const SealedMicroBlock& micro, std::size_t offset);
  Status FinishMacroBlock();
  MacroMeta MetaOfOpenBlock(const SealedMicroBlock& leaf) const;

  SstableDesc desc_;
  MacroBlockSink* sink_;
  const Compressor* compressor_;
  std::int64_t next_data_seq_;
  std::vector<CellRule> cell_rules_;  // of each column

  MicroBlockWriter micro_;
  MicroBlockWriter leaf_;
  MicroBlockWriter meta_;
  MicroSplitter splitter_;
  MacroBlockBuilder macro_;
  Versions micro_versions_;
  Versions macro_versions_;
  // Of the last row.
  OwnedKey last_key_;
  RowFlags last_flags_;
  // Of the last row in the open macro block.
  OwnedKey macro_end_key_;
  bool macro_ends_with_last_ = false;
  std::vector<DataBlockInfo> blocks_;
};

}  // namespace obbak::format
