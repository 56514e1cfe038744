// Encoding of mutator rows inside records; see format/record.h. docs/spec/clog-and-archive.md §12.
#pragma once

#include <string>
#include <string_view>

#include "format/mutator.h"
#include "format/obj_codec.h"
#include "format/record.h"

namespace obbak::format {

template <>
struct Codec<Rowkey> {
  static constexpr FieldKind kKind = FieldKind::kArray;
  static constexpr std::size_t kMinSize = 1;
  static void Encode(Encoder& out, const Rowkey& rowkey) {
    out.Varint64(rowkey.count);
    out.Raw(rowkey.objects);
  }
  static void Decode(Decoder& in, Rowkey& rowkey) {
    const std::uint64_t count = in.Count(Codec<ObjView>::kMinSize);
    const std::size_t begin = in.position();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      ObjView object;
      DecodeField(in, static_cast<std::int64_t>(i), object);
    }
    if (in.ok()) rowkey = {count, in.ReadSince(begin)};
  }
};

template <>
struct Codec<RowImage> : LeafCodec {
  static constexpr std::size_t kMinSize = 1;
  static void Encode(Encoder& out, const RowImage& image) {
    out.Varint32(static_cast<std::uint32_t>(image.bytes.size()));
    out.Raw(image.bytes);
  }
  static void Decode(Decoder& in, RowImage& image) { image.bytes = in.Take(in.Varint32()); }
  static FieldValue Value(const RowImage& image) { return std::string(AsText(image.bytes)); }
  static std::string Text(const RowImage& image) {
    return fmt::format("{} bytes", image.bytes.size());
  }
};

// A row's body is its size, four bytes that count themselves, and the fields.
inline constexpr std::size_t kRowSizeWidth = 4;

// The section that follows is the rest of the row.
std::uint64_t DecodeRowSize(Decoder& in);
void PatchRowSize(Encoder& out, std::size_t row_begin);

template <class Row>
void EncodeRowBody(Encoder& out, const Row& row) {
  const std::size_t begin = out.bytes().size();
  out.FixedBigEndian(0, kRowSizeWidth);
  VisitFields(row, [&](std::string_view, const auto& field) { EncodeValue(out, field); });
  PatchRowSize(out, begin);
}

template <class Row>
void DecodeRowBody(Decoder& in, Row& row) {
  const Decoder::Scope scope(in, "row", FieldKind::kRecord);
  const Decoder::Section rest(in, DecodeRowSize(in), Decoder::Leftover::kSkip);
  std::size_t index = 0;
  VisitFields(row, [&](std::string_view name, auto& field) {
    const bool required = index++ < Row::kRequiredFields;
    if (required ? in.ok() : rest.HasMore()) DecodeField(in, name, field);
  });
}

// Checks and names all of a mutator whose first byte is the next one; leaves what lies behind its
// data.
void DissectMutator(Decoder& in);

}  // namespace obbak::format
