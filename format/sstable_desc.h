// SstableDesc: everything about an SSTable that its writers need to know. ObDataStoreDesc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "format/column.h"
#include "format/compressor.h"
#include "format/field_types.h"
#include "format/ids.h"
#include "format/index_row.h"
#include "format/macro_block_header.h"

namespace obbak::format {

// Which compaction makes the SSTable. docs/spec/macro-block.md §5.1, §14.2.
enum class MergeType : std::uint8_t { kMajor, kMetaMajor, kMinor, kMini };

// When a macro block is given up for the next one (§14.2, "store size").
enum class MacroSwitchRule : std::uint8_t {
  // Merges: when the next micro block does not fit; with a store size below the block size also
  // behind the micro block that reaches it.
  kWhenFull,
  // Direct load: behind a micro block, when less than 16 KiB is left and another row follows.
  kActive,
};

struct SstableDesc {
  TabletId tablet_id;
  MergeType merge_type = MergeType::kMinor;
  RowSchema schema;
  // What OceanBase writes: mini and minor SSTables use none or lz4_1.0 only.
  CompressorType compressor = CompressorType::kNone;
  std::int64_t snapshot_version = 0;
  // Of a mini or minor SSTable.
  std::int64_t end_scn = 0;
  std::uint64_t schema_version = 0;
  std::int64_t progressive_merge_round = 0;
  std::size_t micro_block_size = 16384;
  std::size_t macro_block_size = kMacroBlockSize;
  std::size_t macro_store_size = kMacroBlockSize;
  MacroSwitchRule switch_rule = MacroSwitchRule::kWhenFull;

  // Index rows carry ordinals instead of version ranges.
  bool is_major_node() const {
    return merge_type == MergeType::kMajor || merge_type == MergeType::kMetaMajor;
  }
  // Micro blocks carry column checksums; not so in meta major SSTables.
  bool has_column_checksums() const { return merge_type == MergeType::kMajor; }
  bool is_multi_version() const { return merge_type != MergeType::kMajor; }
  std::int64_t logical_version() const { return is_major_node() ? snapshot_version : end_scn; }

  // kInvalidArgument when nothing sensible can be written from this.
  Status Check() const;
};

// Where finished macro blocks go. Called by the writers as blocks begin and end.
class MacroBlockSink {
 public:
  // A finished block; the view lives during the call. `bytes` are padded with zeros to
  // kMacroBlockAlignment, of which `used` are the block proper.
  struct Block {
    MacroBlockType type;
    ByteView bytes;
    std::size_t used;
  };

  // Reserves the place of the next block.
  virtual Result<MacroBlockId> Allocate() = 0;
  virtual Status Write(const MacroBlockId& place, const Block& block) = 0;

 protected:
  ~MacroBlockSink() = default;
};

}  // namespace obbak::format
