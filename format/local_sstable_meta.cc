#include "format/local_sstable_meta.h"

#include <fmt/format.h>

#include <string_view>

#include "format/sstable_meta_codec.h"

namespace obbak::format {

template <>
struct Codec<RootBlockInfo> : FramedCodec<RootBlockInfo> {
  static void EncodeBody(Encoder& out, const RootBlockInfo& root) {
    EncodeValue(out, root.addr);
    out.Raw(root.block);
  }
  static void DecodeBody(Decoder& in, RootBlockInfo& root) {
    DecodeField(in, "addr", root.addr);
    if (!in.ok() || !root.addr.is_memory()) return;
    Decoder::Scope scope(in, "block", FieldKind::kValue);
    const ByteView block = in.Take(root.addr.size());
    root.block.assign(block.begin(), block.end());
    if (in.tracing()) scope.SetValue(std::string(AsText(block)), {});
  }
};

template <>
struct Codec<SstableMacroInfo> : FramedCodec<SstableMacroInfo> {
  static void DecodeBody(Decoder& in, SstableMacroInfo& info) {
    VisitFields(info, [&](std::string_view name, auto& field) {
      if (!in.ok()) return;
      if (name == "data_block_ids" && info.entry_id != MacroBlockId()) {
        return in.Fail(ErrorCode::kNotSupported, in.position(),
                       "the list of macro blocks lies in linked blocks");
      }
      DecodeField(in, name, field);
    });
  }
};

template <>
struct Codec<SstableMeta> : FramedCodec<SstableMeta> {};

namespace {

RootBlockInfo RootInfo(const IndexRoot& root) {
  const auto fourth = [&](std::uint64_t type, std::int32_t offset) {
    return type << MetaDiskAddr::kTypeShift |
           std::uint64_t{static_cast<std::uint32_t>(root.size)} << MetaDiskAddr::kSizeShift |
           static_cast<std::uint32_t>(offset);
  };
  if (root.is_inline())
    return {.addr = {.fourth = fourth(MetaDiskAddr::kMemory, 0)}, .block = root.inline_block};
  const MacroBlockId& id = root.place.macro_id;
  return {.addr = {.first = id.first,
                   .second = id.second,
                   .third = id.third,
                   .fourth = fourth(MetaDiskAddr::kBlock, root.place.offset)},
          .block = {}};
}

SstableBasicMeta BasicMeta(const SstableDesc& desc, const SstableIndex& index) {
  SstableBasicMeta meta;
  meta.row_count = index.row_count;
  meta.occupy_size = index.occupy_size;
  meta.original_size = index.original_size;
  meta.data_checksum = index.data_checksum;
  meta.rowkey_column_count = static_cast<std::int64_t>(desc.schema.rowkey_count);
  meta.column_cnt = static_cast<std::int64_t>(desc.schema.columns.size());
  meta.data_macro_block_count = static_cast<std::int64_t>(index.data_blocks.size());
  meta.data_micro_block_count = index.micro_block_count;
  meta.index_macro_block_count = static_cast<std::int64_t>(index.other_blocks.size());
  meta.schema_version = static_cast<std::int64_t>(desc.schema_version);
  if (desc.is_major_node()) meta.create_snapshot_version = desc.snapshot_version;
  meta.progressive_merge_round = desc.progressive_merge_round;
  if (!index.contain_uncommitted_row) meta.upper_trans_version = index.max_merged_trans_version;
  meta.max_merged_trans_version = index.max_merged_trans_version;
  meta.filled_tx_scn = Scn{static_cast<std::uint64_t>(desc.end_scn)};
  meta.data_index_tree_height = static_cast<std::int16_t>(index.data_root.height);
  meta.contain_uncommitted_row = index.contain_uncommitted_row;
  meta.compressor_type = desc.compressor;
  return meta;
}

}  // namespace

SstableMeta MakeSstableMeta(const SstableDesc& desc, const SstableIndex& index,
                            std::int64_t nested_offset, std::int64_t nested_size) {
  SstableMeta meta;
  meta.basic_meta = BasicMeta(desc, index);
  if (desc.is_major_node()) meta.column_checksums = index.column_checksums;
  meta.data_root_info = RootInfo(index.data_root);
  meta.macro_info.macro_meta_info = RootInfo(index.meta_root);
  meta.macro_info.data_block_ids = index.data_blocks;
  meta.macro_info.other_block_ids = index.other_blocks;
  meta.macro_info.is_meta_root = index.is_meta_root;
  meta.macro_info.nested_offset = {nested_offset};
  meta.macro_info.nested_size = {nested_size};
  return meta;
}

Result<Bytes> EncodeMeta(const SstableMeta& meta) { return EncodeRecord(meta); }

Result<SstableMeta> DecodeSstableMeta(ByteView bytes, Dissection* trace) {
  return DecodeRecord<SstableMeta>(bytes, trace);
}

}  // namespace obbak::format
