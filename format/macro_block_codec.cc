#include "format/macro_block_codec.h"

#include <fmt/format.h>

#include "format/micro_block_header.h"
#include "format/record.h"

namespace obbak::format {
namespace {

// Fails unless `holds`; `offset` is that of the field in the SSTable header.
void Expect(Decoder& in, bool holds, std::size_t offset, std::string_view field,
            std::int64_t found) {
  if (!holds) {
    in.Fail(ErrorCode::kInvalidData, MacroBlockCommonHeader::kSize + offset,
            fmt::format("{} is {}", field, found));
  }
}

void CheckFields(Decoder& in, const SstableMacroHeader& header) {
  Expect(in, header.version == 1 || header.version == 2, 4, "version", header.version);
  Expect(in, header.magic == SstableMacroHeader::kMagic, 6, "magic", header.magic);
  Expect(in, header.tablet_id.value != 0, 8, "tablet_id", 0);
  Expect(in, header.logical_version >= 0, 16, "logical_version", header.logical_version);
  Expect(in, header.column_count > 0 && header.column_count <= 65535, 32, "column_count",
         header.column_count);
  Expect(in, header.rowkey_column_count >= 0 && header.rowkey_column_count <= header.column_count,
         36, "rowkey_column_count", header.rowkey_column_count);
  Expect(in,
         header.row_store_type >= 0 &&
             header.row_store_type <= static_cast<std::int32_t>(RowStoreType::kCsEncoding),
         40, "row_store_type", header.row_store_type);
  Expect(in, header.row_count > 0, 44, "row_count", header.row_count);
  Expect(in, header.occupy_size > 0, 48, "occupy_size", header.occupy_size);
  Expect(in, header.micro_block_count > 0, 52, "micro_block_count", header.micro_block_count);
  Expect(in, header.data_checksum >= 0, 80, "data_checksum", header.data_checksum);
  Expect(in, header.encrypt_id >= 0, 88, "encrypt_id", header.encrypt_id);
  Expect(in, header.master_key_id >= -1, 96, "master_key_id", header.master_key_id);
  Expect(in, static_cast<int>(header.compressor_type) > 0, 104, "compressor_type", 0);
  const std::size_t arrays =
      8 * header.typed_columns() + 8 * static_cast<std::size_t>(header.column_count);
  Expect(in,
         header.header_size == SstableMacroHeader::kSize + arrays ||
             header.header_size == SstableMacroHeader::kSize + arrays + 1,
         0, "header_size", header.header_size);
  Expect(in,
         header.micro_block_data_offset ==
             static_cast<std::int64_t>(MacroBlockCommonHeader::kSize) + header.header_size,
         56, "micro_block_data_offset", header.micro_block_data_offset);
}

// `count` elements of a packed array. The header's size, checked before, bounds the count; the
// buffer bounds what is read.
template <class T>
void DecodeArray(Decoder& in, std::string_view name, std::size_t count, std::vector<T>& items) {
  const Decoder::Scope scope(in, name, FieldKind::kArray);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    if constexpr (Record<T>) {
      DecodeField(in, index, items.emplace_back());
    } else {
      PackedCodec<RecordLayout::kPackedLittleEndian>::Decode(in, index, items.emplace_back());
    }
  }
}

}  // namespace

void DecodeMacroBlockHeaders(Decoder& in, MacroBlockHeaders& headers) {
  DecodeField(in, "common_header", headers.common);
  if (!in.ok()) return;
  const Decoder::Scope scope(in, "macro_header", FieldKind::kRecord);
  SstableMacroHeader& header = headers.sstable;
  Codec<SstableMacroHeader>::Decode(in, header);
  if (in.ok()) CheckFields(in, header);
  if (!in.ok()) return;
  const auto columns = static_cast<std::size_t>(header.column_count);
  const std::size_t arrays = 8 * header.typed_columns() + 8 * columns;
  headers.has_normal_cg = header.header_size > SstableMacroHeader::kSize + arrays;
  DecodeArray(in, "column_types", header.typed_columns(), headers.column_types);
  DecodeArray(in, "column_orders", header.typed_columns(), headers.column_orders);
  DecodeArray(in, "column_checksums", columns, headers.column_checksums);
  if (headers.has_normal_cg) DecodeField(in, "is_normal_cg", headers.is_normal_cg);
}

}  // namespace obbak::format
