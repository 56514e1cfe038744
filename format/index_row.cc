#include "format/index_row.h"

#include <fmt/format.h>

#include "format/macro_block_codec.h"
#include "format/record.h"

namespace obbak::format {
namespace {

Status CheckHeader(const IndexRowHeader& header) {
  const auto bad = [](std::size_t offset, std::string_view field, std::string message) {
    return Fail(Error(ErrorCode::kInvalidData, std::move(message))
                    .WithOffset(offset)
                    .WithField(std::string(field)));
  };
  if ((header.pack & 0xFF) != IndexRowHeader::kVersion)
    return bad(0, "pack", fmt::format("version is {}, not 1", header.pack & 0xFF));
  if (header.Has(IndexRowHeader::kIsPreAggregated)) {
    return Fail(Error(ErrorCode::kNotSupported, "index rows with aggregates are not implemented")
                    .WithOffset(0)
                    .WithField("pack"));
  }
  if (header.Has(IndexRowHeader::kIsDataIndex) && header.Has(IndexRowHeader::kIsDataBlock) &&
      header.macro_id != MacroBlockId::Self()) {
    return bad(8, "macro_id", "a leaf row must point into its own macro block");
  }
  if (header.block_offset < 0 || header.block_size < 0)
    return bad(32, "block_offset",
               fmt::format("{} bytes at {}", header.block_size, header.block_offset));
  return {};
}

}  // namespace

Result<Bytes> EncodeIndexRowValue(const IndexRowValue& value) {
  Encoder out;
  EncodeValue(out, value.header);
  if (value.minor) EncodeValue(out, *value.minor);
  if (value.row_offset) out.FixedBigEndian(static_cast<std::uint64_t>(*value.row_offset), 8);
  return std::move(out).Finish();
}

void DecodeIndexRowValue(Decoder& in, IndexRowValue& value) {
  const std::size_t begin = in.position();
  const Decoder::Scope scope(in, "value", FieldKind::kRecord);
  DecodeField(in, "header", value.header);
  if (!in.ok()) return;
  if (const Status status = CheckHeader(value.header); !status) {
    in.Fail(status.error().code(), begin + status.error().offset().value_or(0),
            status.error().message());
    return;
  }
  if (value.header.Has(IndexRowHeader::kIsMajorNode)) {
    Fixed<std::int64_t> row_offset;
    DecodeField(in, "row_offset", row_offset);
    value.row_offset = row_offset.value;
  } else if (value.header.Has(IndexRowHeader::kIsDataIndex)) {
    DecodeField(in, "minor_meta", value.minor.emplace());
  }
  if (in.ok() && in.remaining() > 0)
    in.Fail(ErrorCode::kInvalidData, in.position(), "bytes are left over in an index row");
}

Result<IndexRowValue> DecodeIndexRowValue(ByteView bytes) {
  IndexRowValue value;
  Decoder in(bytes);
  DecodeIndexRowValue(in, value);
  if (Status status = in.status(); !status) return Fail(std::move(status).error());
  return value;
}

}  // namespace obbak::format
