#include "format/macro_meta.h"

#include <fmt/format.h>

#include <limits>

#include "format/macro_block_codec.h"
#include "format/record.h"

namespace obbak::format {

template <>
struct Codec<CountedBytes> : LeafCodec {
  static constexpr std::size_t kMinSize = 1;
  static void Encode(Encoder& out, const CountedBytes& bytes) {
    out.Varint64(bytes.value.size());
    out.Raw(bytes.value);
  }
  static void Decode(Decoder& in, CountedBytes& bytes) {
    const ByteView view = in.Take(in.Varint64());
    bytes.value.assign(view.begin(), view.end());
  }
  static FieldValue Value(const CountedBytes& bytes) { return std::string(AsText(bytes.value)); }
};

namespace {

Status Check(const MacroMeta& meta, std::size_t size) {
  const auto require = [](bool holds, std::string_view field, std::string_view must) -> Status {
    if (holds) return {};
    return Fail(Error(ErrorCode::kInvalidData, std::string(must)).WithField(std::string(field)));
  };
  constexpr std::int64_t kNoBlock = std::numeric_limits<std::int64_t>::max();
  const auto first = static_cast<std::uint64_t>(meta.macro_id.first);
  const bool counts_hold = meta.rowkey_count >= 0 && meta.micro_block_count >= 0 &&
                           meta.occupy_size >= 0 && meta.data_size >= 0 && meta.data_zsize >= 0 &&
                           meta.block_offset >= 0 && meta.block_size >= 0 && meta.row_count >= 0 &&
                           meta.original_size >= 0;
  for (const Status& status :
       {require(meta.version.value == 1, "version", "must be 1"),
        require(meta.length.value >= 0 && static_cast<std::size_t>(meta.length.value) == size,
                "length", "must be the size of the value"),
        require(counts_hold, "row_count", "and the other counts must not be negative"),
        require(meta.column_count > 0, "column_count", "must be greater than 0"),
        require(static_cast<int>(meta.compressor_type) > 0, "compressor_type",
                "must be greater than 0"),
        require(meta.row_store_type <= RowStoreType::kCsEncoding, "row_store_type",
                "must be less than 4"),
        require(meta.logic_id.data_seq.value >= 0 &&
                    static_cast<std::int64_t>(meta.logic_id.logic_version) > 0 &&
                    meta.logic_id.tablet_id > 0,
                "logic_id", "must have a sequence, a version and a tablet"),
        require(first >> 60 == 0 && ((first >> 52) & 0xFF) < 2 && meta.macro_id.second >= -1 &&
                    meta.macro_id.second < kNoBlock && meta.macro_id.third == 0,
                "macro_id", "must be a place of version 0")}) {
    if (!status) return status;
  }
  return {};
}

}  // namespace

Result<Bytes> EncodeMacroMeta(const MacroMeta& meta) {
  Result<Bytes> bytes = EncodeRecord(meta);
  if (!bytes) return bytes;
  Encoder length;
  length.FixedBigEndian(bytes->size(), 4);
  constexpr std::size_t kLengthBegin = 4;
  std::ranges::copy(length.bytes(), bytes->begin() + kLengthBegin);
  return bytes;
}

void DecodeMacroMeta(Decoder& in, MacroMeta& meta) {
  const std::size_t begin = in.position();
  DecodeField(in, "value", meta);
  if (!in.ok()) return;
  if (const Status status = Check(meta, in.position() - begin); !status) {
    in.Fail(status.error().code(), begin,
            fmt::format("{} {}", status.error().field(), status.error().message()));
  } else if (in.remaining() > 0) {
    in.Fail(ErrorCode::kInvalidData, in.position(), "bytes are left over in a macro meta");
  }
}

Result<MacroMeta> DecodeMacroMeta(ByteView bytes) {
  MacroMeta meta;
  Decoder in(bytes);
  DecodeMacroMeta(in, meta);
  if (Status status = in.status(); !status) return Fail(std::move(status).error());
  return meta;
}

}  // namespace obbak::format
