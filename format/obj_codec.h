// Encoding of ObObj inside records; see format/record.h. docs/spec/clog-and-archive.md §12.1.
#pragma once

#include <fmt/format.h>

#include <bit>
#include <string_view>

#include "format/obj.h"
#include "format/record.h"

namespace obbak::format {

template <class Text>
struct Codec<BasicObj<Text>> {
  static constexpr FieldKind kKind = FieldKind::kRecord;
  static constexpr std::size_t kMinSize = 4;

  static void Encode(Encoder& out, const BasicObj<Text>& object) {
    EncodeValue(out, object.meta);
    switch (ValueKindOf(object.meta.type)) {
      case ObjValueKind::kInt8:
      case ObjValueKind::kUInt8:
        return out.Fixed8(static_cast<std::uint8_t>(object.number));
      case ObjValueKind::kInt32:
      case ObjValueKind::kUInt32:
      case ObjValueKind::kFloat:
        return out.Varint32(static_cast<std::uint32_t>(object.number));
      case ObjValueKind::kInt64:
      case ObjValueKind::kUInt64:
      case ObjValueKind::kDouble:
        return out.Varint64(object.number);
      case ObjValueKind::kString:
        return out.String(object.text);
      case ObjValueKind::kNumber:
        out.FixedBigEndian(object.number, 4);
        return out.Raw(AsByteView(object.text));
      case ObjValueKind::kDecimalInt:
        out.Varint32(static_cast<std::uint32_t>(object.text.size()));
        out.Varint32(static_cast<std::uint32_t>(object.number));
        return out.Raw(AsByteView(object.text));
      case ObjValueKind::kNone:
      case ObjValueKind::kUnknown:
        return;
    }
  }

  static void Decode(Decoder& in, BasicObj<Text>& object) {
    const std::size_t begin = in.position();
    VisitFields(object.meta, [&](std::string_view name, auto& field) {
      if (in.ok()) DecodeField(in, name, field);
    });
    const ObjValueKind kind = ValueKindOf(object.meta.type);
    if (!in.ok() || kind == ObjValueKind::kNone) return;
    Decoder::Scope scope(in, "value", FieldKind::kValue);
    DecodeValue(in, kind, object);
    if (kind == ObjValueKind::kUnknown) {
      in.Fail(
          ErrorCode::kNotSupported, begin,
          fmt::format("objects of type {} are not supported", static_cast<int>(object.meta.type)));
    }
    if (in.tracing()) scope.SetValue(TraceValue(kind, object), TraceText(kind, object));
  }

 private:
  static void DecodeValue(Decoder& in, ObjValueKind kind, BasicObj<Text>& object) {
    switch (kind) {
      case ObjValueKind::kInt8:
        object.number = Extend(static_cast<std::int8_t>(in.Fixed8()));
        return;
      case ObjValueKind::kUInt8:
        object.number = in.Fixed8();
        return;
      case ObjValueKind::kInt32:
        object.number = Extend(static_cast<std::int32_t>(in.Varint32()));
        return;
      case ObjValueKind::kUInt32:
      case ObjValueKind::kFloat:
        object.number = in.Varint32();
        return;
      case ObjValueKind::kInt64:
      case ObjValueKind::kUInt64:
      case ObjValueKind::kDouble:
        object.number = in.Varint64();
        return;
      case ObjValueKind::kString:
        object.text = in.String();
        return;
      case ObjValueKind::kNumber:
        object.number = in.FixedBigEndian(4);
        object.text = AsText(in.Take((object.number & 0xff) * 4));
        return;
      case ObjValueKind::kDecimalInt: {
        const std::uint32_t size = in.Varint32();
        object.number = Extend(static_cast<std::int32_t>(in.Varint32()));
        object.text = AsText(in.Take(size));
        return;
      }
      case ObjValueKind::kNone:
      case ObjValueKind::kUnknown:
        return;
    }
  }
  static std::uint64_t Extend(std::int64_t value) { return static_cast<std::uint64_t>(value); }

  static FieldValue TraceValue(ObjValueKind kind, const BasicObj<Text>& object) {
    switch (kind) {
      case ObjValueKind::kInt8:
      case ObjValueKind::kInt32:
      case ObjValueKind::kInt64:
        return static_cast<std::int64_t>(object.number);
      case ObjValueKind::kFloat:
        return double{std::bit_cast<float>(static_cast<std::uint32_t>(object.number))};
      case ObjValueKind::kDouble:
        return std::bit_cast<double>(object.number);
      case ObjValueKind::kString:
      case ObjValueKind::kNumber:
      case ObjValueKind::kDecimalInt:
        return std::string(object.text);
      default:
        return object.number;
    }
  }
  static std::string TraceText(ObjValueKind kind, const BasicObj<Text>& object) {
    if (kind == ObjValueKind::kNumber) return fmt::format("descriptor {:#010x}", object.number);
    if (kind == ObjValueKind::kDecimalInt) {
      return fmt::format("scale {}", static_cast<std::int64_t>(object.number));
    }
    return {};
  }
};

}  // namespace obbak::format
