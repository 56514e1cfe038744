#include "format/macro_block_builder.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "format/crc32c.h"
#include "format/le_bytes.h"

namespace obbak::format {

MacroBlockBuilder::MacroBlockBuilder(const SstableDesc& desc, MacroBlockType type)
    : capacity_(desc.macro_block_size) {
  const bool has_rows = type == MacroBlockType::kSstableData;
  const std::size_t columns = has_rows ? desc.schema.columns.size() : desc.schema.rowkey_count + 1;
  headers_.common.attr = type;
  SstableMacroHeader& header = headers_.sstable;
  header.tablet_id = desc.tablet_id;
  header.logical_version = desc.logical_version();
  header.column_count = static_cast<std::int32_t>(columns);
  header.rowkey_column_count = static_cast<std::int32_t>(desc.schema.rowkey_count);
  header.compressor_type = desc.compressor;
  headers_.column_types.assign(desc.schema.rowkey().begin(), desc.schema.rowkey().end());
  headers_.column_orders.assign(desc.schema.rowkey_count, 0);
  headers_.column_checksums.assign(columns, 0);
}

void MacroBlockBuilder::Open(std::int64_t data_seq) {
  assert(!is_open_);
  is_open_ = true;
  buffer_.resize(capacity_);
  headers_.sstable.data_seq = data_seq;
  end_ = MacroBlockHeaders::SizeFor(headers_.column_types.size(), headers_.column_checksums.size());
  totals_ = {};
  totals_.column_checksums.assign(headers_.column_checksums.size(), 0);
}

std::size_t MacroBlockBuilder::Put(const SealedMicroBlock& micro) {
  assert(micro.bytes.size() <= remaining());
  const std::size_t offset = end_;
  std::memcpy(buffer_.data() + offset, micro.bytes.data(), micro.bytes.size());
  end_ += micro.bytes.size();
  return offset;
}

std::size_t MacroBlockBuilder::Append(const SealedMicroBlock& micro) {
  assert(is_open_);
  const MicroBlockHeader& header = micro.header;
  totals_.row_count += static_cast<std::int32_t>(header.row_count);
  ++totals_.micro_block_count;
  totals_.data_size += header.data_length;
  totals_.data_zsize += header.data_zlength;
  totals_.original_size += header.original_length;
  std::array<std::byte, 8> checksum;
  StoreLe(checksum.data(), header.data_checksum);
  totals_.data_checksum = Crc64(checksum, totals_.data_checksum);
  for (std::size_t i = 0; i < micro.column_checksums.size(); ++i) {
    totals_.column_checksums[i] =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(totals_.column_checksums[i]) +
                                  static_cast<std::uint64_t>(micro.column_checksums[i]));
  }
  return Put(micro);
}

Result<MacroBlockSink::Block> MacroBlockBuilder::Finish(const SealedMicroBlock* leaf_index,
                                                        const SealedMicroBlock* macro_meta) {
  assert(is_open_ && totals_.micro_block_count > 0);
  is_open_ = false;
  const auto place = [this](const SealedMicroBlock* micro, std::int32_t& offset,
                            std::int32_t& size) {
    offset = micro == nullptr ? 0 : static_cast<std::int32_t>(Put(*micro));
    size = micro == nullptr ? 0 : static_cast<std::int32_t>(micro->bytes.size());
  };
  SstableMacroHeader& header = headers_.sstable;
  header.row_count = totals_.row_count;
  header.micro_block_count = totals_.micro_block_count;
  header.occupy_size = static_cast<std::int32_t>(end_);
  header.data_checksum = static_cast<std::int64_t>(totals_.data_checksum);
  headers_.column_checksums = totals_.column_checksums;
  place(leaf_index, header.idx_block_offset, header.idx_block_size);
  place(macro_meta, header.meta_block_offset, header.meta_block_size);

  const std::size_t data_begin =
      MacroBlockHeaders::SizeFor(headers_.column_types.size(), headers_.column_checksums.size());
  header.header_size = static_cast<std::uint32_t>(data_begin - MacroBlockCommonHeader::kSize);
  header.micro_block_data_offset = static_cast<std::int32_t>(data_begin);
  header.micro_block_data_size = header.occupy_size - header.micro_block_data_offset;
  headers_.common.payload_size = static_cast<std::int32_t>(end_ - MacroBlockCommonHeader::kSize);

  // The checksum covers the second header, so that one is laid out first.
  Result<Bytes> head = EncodeMacroBlockHeaders(headers_);
  if (!head) return Fail(head.error());
  std::memcpy(buffer_.data(), head->data(), head->size());
  const ByteView payload = ByteView(buffer_).subspan(MacroBlockCommonHeader::kSize,
                                                     end_ - MacroBlockCommonHeader::kSize);
  const auto checksum = static_cast<std::uint32_t>(Crc64(payload));
  headers_.common.payload_checksum = static_cast<std::int32_t>(checksum);
  constexpr std::size_t kChecksumOffset = 20;
  StoreLe(buffer_.data() + kChecksumOffset, checksum);

  const std::size_t padded =
      (end_ + kMacroBlockAlignment - 1) / kMacroBlockAlignment * kMacroBlockAlignment;
  std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(end_),
            buffer_.begin() + static_cast<std::ptrdiff_t>(padded), std::byte{0});
  return MacroBlockSink::Block{headers_.common.attr, ByteView(buffer_).first(padded), end_};
}

}  // namespace obbak::format
