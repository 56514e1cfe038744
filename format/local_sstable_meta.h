// What a server keeps of a finished SSTable: sums, and the roots of its trees.
// docs/spec/macro-block.md §8, §14.
#pragma once

#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/dissection.h"
#include "format/field_types.h"
#include "format/macro_block_ids.h"
#include "format/sstable_desc.h"
#include "format/sstable_index_builder.h"
#include "format/sstable_meta.h"

namespace obbak::format {

// ObMetaDiskAddr.
struct MetaDiskAddr {
  static constexpr std::uint64_t kBlock = 2;   // type: in a macro block; no vector has one
  static constexpr std::uint64_t kMemory = 3;  // type: the bytes follow
  static constexpr int kSizeShift = 30;
  static constexpr int kTypeShift = 60;
  static constexpr std::uint64_t kSizeMask = (std::uint64_t{1} << kSizeShift) - 1;

  std::int64_t first = 0;
  std::int64_t second = 0;
  std::int64_t third = 0;
  std::uint64_t fourth = 0;  // bits 0-29 offset, 30-59 size, 60-63 type

  std::size_t offset() const { return static_cast<std::size_t>(fourth & kSizeMask); }
  std::size_t size() const { return static_cast<std::size_t>(fourth >> kSizeShift & kSizeMask); }
  bool is_memory() const { return fourth >> kTypeShift == kMemory; }
  bool operator==(const MetaDiskAddr&) const = default;
};
BOOST_DESCRIBE_STRUCT(MetaDiskAddr, (), (first, second, third, fourth))

// ObRootBlockInfo. The root's micro block follows the address when it lies in memory.
struct RootBlockInfo {
  MetaDiskAddr addr;
  Bytes block;
  bool operator==(const RootBlockInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(RootBlockInfo, (), (addr, block))

// ObSSTableMacroInfo, with its lists of blocks inside; kNotSupported for lists in linked blocks.
struct SstableMacroInfo {
  RootBlockInfo macro_meta_info;
  MacroBlockId entry_id;  // of the linked blocks; MacroBlockId() when there are none
  std::vector<MacroBlockId> data_block_ids;
  std::vector<MacroBlockId> other_block_ids;
  bool is_meta_root = false;
  Fixed<std::int64_t> nested_offset;
  Fixed<std::int64_t> nested_size{static_cast<std::int64_t>(kMacroBlockSize)};
  bool operator==(const SstableMacroInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(SstableMacroInfo, (),
                      (macro_meta_info, entry_id, data_block_ids, other_block_ids, is_meta_root,
                       nested_offset, nested_size))

// ObSSTableMeta of an SSTable that is not column-oriented.
struct SstableMeta {
  SstableBasicMeta basic_meta;
  std::vector<std::int64_t> column_checksums;
  RootBlockInfo data_root_info;
  SstableMacroInfo macro_info;
  Fixed<std::int64_t> column_group_count;  // 0
  bool is_column_groups_loaded = false;
  bool operator==(const SstableMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(SstableMeta, (),
                      (basic_meta, column_checksums, data_root_info, macro_info, column_group_count,
                       is_column_groups_loaded))

// The meta of the SSTable that `desc` describes and whose blocks gave `index`. `nested_offset` is
// where the data macro block of a small SSTable lies in a shared one, otherwise 0; `nested_size`
// its padded bytes there.
SstableMeta MakeSstableMeta(const SstableDesc& desc, const SstableIndex& index,
                            std::int64_t nested_offset = 0,
                            std::int64_t nested_size = std::int64_t{kMacroBlockSize});

Result<Bytes> EncodeMeta(const SstableMeta& meta);
// The meta that fills `bytes`. `trace` receives its fields below "record".
Result<SstableMeta> DecodeSstableMeta(ByteView bytes, Dissection* trace = nullptr);

}  // namespace obbak::format
