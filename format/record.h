// Records: one field list per struct, and what follows from it.
//
// A record is a plain struct that BOOST_DESCRIBE_STRUCT lists in serialization order (or, where
// fields depend on others, a static member `Fields(self, visitor)` that calls `visitor(name,
// member)` for each). From that list follow encoding, decoding, dissection with byte ranges, JSON,
// and random values for property tests. Members choose their encoding by their type
// (docs/spec/encoding-and-metadata.md §1); the struct chooses its frame by `kLayout`.
//
// This header is for the files that define records and instantiate these templates, not for their
// users.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/decoder.h"
#include "format/encoder.h"
#include "format/field_types.h"
#include "format/ids.h"
#include "format/record_layout.h"

namespace obbak::format {

template <class T>
consteval RecordLayout LayoutOf() {
  if constexpr (requires { T::kLayout; }) {
    return T::kLayout;
  } else {
    return RecordLayout::kEnveloped;
  }
}

template <class T>
consteval std::uint64_t VersionOf() {
  if constexpr (requires { T::kVersion; }) {
    return T::kVersion;
  } else {
    return 1;
  }
}

struct AnyFieldVisitor {
  void operator()(std::string_view, auto&) const {}
};

template <class T>
concept HasFieldsFunction =
    requires(T& record, AnyFieldVisitor visitor) { T::Fields(record, visitor); };

template <class T>
concept Record =
    std::is_class_v<T> && (boost::describe::has_describe_members<T>::value || HasFieldsFunction<T>);

// Calls `visitor(name, member)` for each field in serialization order.
template <class T, class Visitor>
void VisitFields(T& record, Visitor&& visitor) {
  using Plain = std::remove_const_t<T>;
  if constexpr (HasFieldsFunction<Plain>) {
    Plain::Fields(record, visitor);
  } else {
    using Members = boost::describe::describe_members<Plain, boost::describe::mod_public>;
    boost::mp11::mp_for_each<Members>(
        [&](auto member) { visitor(member.name, record.*member.pointer); });
  }
}

// Encoding of one value inside a record. `kMinSize` is the shortest encoding, which bounds array
// counts; `kKind` the kind of its node in a dissection. Decode leaves the value untouched or zero
// after a failure.
template <class T>
struct Codec;

// Codec of a type that is one leaf: `kKind`, and a value and text for the dissection.
struct LeafCodec {
  static constexpr FieldKind kKind = FieldKind::kValue;
};

template <class T>
concept VarintScalar =
    std::is_integral_v<T> && (sizeof(T) == 8 || sizeof(T) == 4 || sizeof(T) == 2);
template <class T>
concept ByteScalar = std::is_integral_v<T> && sizeof(T) == 1 && !std::is_same_v<T, bool>;

template <class T>
FieldValue NumberValue(T value) {
  if constexpr (std::is_signed_v<T>) {
    return std::int64_t{value};
  } else {
    return std::uint64_t{value};
  }
}

// 64-bit numbers as varint of 64 bits; shorter ones are widened to 32 bits first (sign-extended if
// signed).
template <VarintScalar T>
struct Codec<T> : LeafCodec {
  static constexpr std::size_t kMinSize = 1;
  static void Encode(Encoder& out, T value) {
    if constexpr (sizeof(T) == 8) {
      out.Varint64(static_cast<std::uint64_t>(value));
    } else {
      using Wide = std::conditional_t<std::is_signed_v<T>, std::int32_t, std::uint32_t>;
      out.Varint32(static_cast<std::uint32_t>(static_cast<Wide>(value)));
    }
  }
  static void Decode(Decoder& in, T& value) {
    value = sizeof(T) == 8 ? static_cast<T>(in.Varint64()) : static_cast<T>(in.Varint32());
  }
  static FieldValue Value(T value) { return NumberValue(value); }
};

template <ByteScalar T>
struct Codec<T> : LeafCodec {
  static constexpr std::size_t kMinSize = 1;
  static void Encode(Encoder& out, T value) { out.Fixed8(static_cast<std::uint8_t>(value)); }
  static void Decode(Decoder& in, T& value) { value = static_cast<T>(in.Fixed8()); }
  static FieldValue Value(T value) { return NumberValue(value); }
};

template <>
struct Codec<bool> : LeafCodec {
  static constexpr std::size_t kMinSize = 1;
  static void Encode(Encoder& out, bool value) { out.Fixed8(value ? 1 : 0); }
  static void Decode(Decoder& in, bool& value) { value = in.Fixed8() != 0; }
  static FieldValue Value(bool value) { return value; }
};

// The bit pattern as a varint of its width.
template <std::floating_point T>
struct Codec<T> : LeafCodec {
  using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
  static constexpr std::size_t kMinSize = 1;
  static void Encode(Encoder& out, T value) {
    Codec<Bits>::Encode(out, std::bit_cast<Bits>(value));
  }
  static void Decode(Decoder& in, T& value) {
    Bits bits = 0;
    Codec<Bits>::Decode(in, bits);
    value = std::bit_cast<T>(bits);
  }
  static FieldValue Value(T value) { return double{value}; }
};

// Any enumeration: its value as a 32-bit varint, whatever the underlying type.
template <class T>
  requires std::is_enum_v<T>
struct Codec<T> : LeafCodec {
  static constexpr std::size_t kMinSize = 1;
  static void Encode(Encoder& out, T value) {
    out.Varint32(static_cast<std::uint32_t>(static_cast<std::int32_t>(value)));
  }
  static void Decode(Decoder& in, T& value) {
    const std::size_t begin = in.position();
    const auto stored = static_cast<std::int32_t>(in.Varint32());
    value = static_cast<T>(stored);
    if (static_cast<std::int32_t>(value) != stored)
      in.Fail(ErrorCode::kDeserializeError, begin, "the number exceeds its enumeration");
  }
  static FieldValue Value(T value) { return NumberValue(static_cast<std::int32_t>(value)); }
  static std::string Text(T value) { return std::string(NameOf(value)); }
};

template <class E>
struct Codec<RawByte<E>> : LeafCodec {
  static constexpr std::size_t kMinSize = 1;
  static void Encode(Encoder& out, RawByte<E> value) {
    out.Fixed8(static_cast<std::uint8_t>(value.value));
  }
  static void Decode(Decoder& in, RawByte<E>& value) { value.value = static_cast<E>(in.Fixed8()); }
  static FieldValue Value(RawByte<E> value) {
    return NumberValue(static_cast<std::uint8_t>(value.value));
  }
  static std::string Text(RawByte<E> value) { return std::string(NameOf(value.value)); }
};

template <class E>
struct Codec<VarintEnum<E>> : LeafCodec {
  static constexpr std::size_t kMinSize = 1;
  static void Encode(Encoder& out, VarintEnum<E> value) {
    out.Varint64(static_cast<std::uint64_t>(value.value));
  }
  static void Decode(Decoder& in, VarintEnum<E>& value) {
    value.value = static_cast<E>(in.Varint64());
  }
  static FieldValue Value(VarintEnum<E> value) {
    return NumberValue(static_cast<std::int64_t>(value.value));
  }
  static std::string Text(VarintEnum<E> value) { return std::string(NameOf(value.value)); }
};

template <class Tag>
struct Codec<StrongId<Tag>> : LeafCodec {
  using Rep = typename Tag::Rep;
  static constexpr bool kFixed = Tag::kEncoding == IdEncoding::kFixed64;
  static constexpr std::size_t kMinSize = kFixed ? 8 : 1;
  static void Encode(Encoder& out, StrongId<Tag> id) {
    const auto raw = static_cast<std::uint64_t>(id.value);
    kFixed ? out.FixedBigEndian(raw, 8) : out.Varint64(raw);
  }
  static void Decode(Decoder& in, StrongId<Tag>& id) {
    id.value = static_cast<Rep>(kFixed ? in.FixedBigEndian(8) : in.Varint64());
  }
  static FieldValue Value(StrongId<Tag> id) { return NumberValue(id.value); }
  static std::string Text(StrongId<Tag> id)
    requires requires { Tag::Text(id.value); }
  {
    return Tag::Text(id.value);
  }
};

// Integers and SCNs in their full width, big-endian.
template <class T>
struct Codec<Fixed<T>> : LeafCodec {
  using Bits = std::conditional_t<std::is_integral_v<T>, T, std::uint64_t>;
  static constexpr std::size_t kMinSize = sizeof(Bits);
  static void Encode(Encoder& out, const Fixed<T>& field) {
    out.FixedBigEndian(ToBits(field.value), sizeof(Bits));
  }
  static void Decode(Decoder& in, Fixed<T>& field) {
    const std::uint64_t bits = in.FixedBigEndian(sizeof(Bits));
    if constexpr (std::is_integral_v<T>) {
      field.value = static_cast<T>(bits);
    } else {
      field.value = ScnFromStored(bits);
    }
  }
  static FieldValue Value(const Fixed<T>& field) { return Codec<T>::Value(field.value); }
  static std::string Text(const Fixed<T>& field) {
    if constexpr (requires { Codec<T>::Text(field.value); }) return Codec<T>::Text(field.value);
    return {};
  }

 private:
  static std::uint64_t ToBits(T value) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<std::uint64_t>(value);
    } else {
      return value.value;
    }
  }
};

template <>
struct Codec<Scn> : LeafCodec {
  static constexpr std::size_t kMinSize = 1;
  static void Encode(Encoder& out, Scn scn) { out.Varint64(scn.value); }
  static void Decode(Decoder& in, Scn& scn) { scn = ScnFromStored(in.Varint64()); }
  static FieldValue Value(Scn scn) { return scn.value; }
  static std::string Text(Scn scn) { return ToText(scn); }
};

template <>
struct Codec<Timestamp> : LeafCodec {
  static constexpr std::size_t kMinSize = 1;
  static void Encode(Encoder& out, Timestamp time) {
    out.Varint64(static_cast<std::uint64_t>(time.value));
  }
  static void Decode(Decoder& in, Timestamp& time) {
    time.value = static_cast<std::int64_t>(in.Varint64());
  }
  static FieldValue Value(Timestamp time) { return time.value; }
  static std::string Text(Timestamp time) { return ToText(time); }
};

template <>
struct Codec<DataVersion> : LeafCodec {
  static constexpr std::size_t kMinSize = 1;
  static void Encode(Encoder& out, DataVersion version) { out.Varint64(version.value); }
  static void Decode(Decoder& in, DataVersion& version) { version.value = in.Varint64(); }
  static FieldValue Value(DataVersion version) { return version.value; }
  static std::string Text(DataVersion version) { return ToText(version); }
};

// ObString.
template <>
struct Codec<std::string> : LeafCodec {
  static constexpr std::size_t kMinSize = 2;
  static void Encode(Encoder& out, const std::string& text) { out.String(text); }
  static void Decode(Decoder& in, std::string& text) { text = in.String(); }
  static FieldValue Value(const std::string& text) { return text; }
};

// Bytes as they are, such as an encryption key.
template <std::size_t N>
struct Codec<std::array<std::byte, N>> : LeafCodec {
  static constexpr std::size_t kMinSize = N;
  static void Encode(Encoder& out, const std::array<std::byte, N>& bytes) { out.Raw(bytes); }
  static void Decode(Decoder& in, std::array<std::byte, N>& bytes) {
    std::ranges::copy(in.Take(N), bytes.begin());
  }
  static FieldValue Value(const std::array<std::byte, N>& bytes) {
    return std::string(AsText(bytes));
  }
};

// ObFixedLengthString<N>: an envelope around a char array of N bytes.
template <std::size_t N>
struct Codec<FixedString<N>> : LeafCodec {
  static constexpr std::size_t kMinSize = 8;
  static void Encode(Encoder& out, const FixedString<N>& text) {
    const std::size_t envelope = out.BeginEnvelope(1);
    out.CString(text.value, N);
    out.EndEnvelope(envelope);
  }
  static void Decode(Decoder& in, FixedString<N>& text) {
    const Decoder::Envelope envelope(in, 1);
    if (envelope.HasMore()) text.value = in.CString(N);
  }
  static FieldValue Value(const FixedString<N>& text) { return text.value; }
};

template <class T>
void EncodeValue(Encoder& out, const T& value) {
  Codec<T>::Encode(out, value);
}

// `name` is a std::string_view or the index of an array element.
template <class Name, class T>
void DecodeField(Decoder& in, Name name, T& value) {
  Decoder::Scope scope(in, name, Codec<T>::kKind);
  Codec<T>::Decode(in, value);
  if constexpr (Codec<T>::kKind == FieldKind::kValue) {
    if (in.tracing()) {
      if constexpr (requires { Codec<T>::Text(value); }) {
        scope.SetValue(Codec<T>::Value(value), Codec<T>::Text(value));
      } else {
        scope.SetValue(Codec<T>::Value(value), {});
      }
    }
  }
}

// ObArray, ObSArray, ObSEArray and friends: count, elements.
template <class T>
struct Codec<std::vector<T>> {
  static constexpr FieldKind kKind = FieldKind::kArray;
  static constexpr std::size_t kMinSize = 1;
  static void Encode(Encoder& out, const std::vector<T>& items) {
    out.Varint64(items.size());
    for (const T& item : items) EncodeValue(out, item);
  }
  static void Decode(Decoder& in, std::vector<T>& items) {
    items.clear();
    const std::uint64_t count = in.Count(Codec<T>::kMinSize);
    // Elements that are not larger in memory than in the file: the file's size justifies the
    // allocation.
    if constexpr (sizeof(T) <= Codec<T>::kMinSize) items.reserve(count);
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      DecodeField(in, static_cast<std::int64_t>(i), items.emplace_back());
    }
  }
};

// A counted array whose writer always has N elements. A reader keeps the first N; with fewer, the
// rest keep their defaults; with more, the envelope around it skips them.
template <class T, std::size_t N>
struct Codec<CountedArray<T, N>> {
  static constexpr FieldKind kKind = FieldKind::kArray;
  static constexpr std::size_t kMinSize = 1;
  static void Encode(Encoder& out, const CountedArray<T, N>& array) {
    out.Varint64(N);
    for (const T& item : array.items) EncodeValue(out, item);
  }
  static void Decode(Decoder& in, CountedArray<T, N>& array) {
    const std::uint64_t count = in.Count(Codec<T>::kMinSize);
    for (std::size_t i = 0; i < N && i < count && in.ok(); ++i) {
      DecodeField(in, static_cast<std::int64_t>(i), array.items[i]);
    }
  }
};

// A value in an envelope of its own: OceanBase wraps many enums and flags in one-member classes.
template <class T>
struct Codec<Enveloped<T>> {
  static constexpr FieldKind kKind = Codec<T>::kKind;
  static constexpr std::size_t kMinSize = 6;
  static void Encode(Encoder& out, const Enveloped<T>& wrapped) {
    const std::size_t envelope = out.BeginEnvelope(1);
    EncodeValue(out, wrapped.value);
    out.EndEnvelope(envelope);
  }
  static void Decode(Decoder& in, Enveloped<T>& wrapped) {
    const Decoder::Envelope envelope(in, 1);
    if (envelope.HasMore()) Codec<T>::Decode(in, wrapped.value);
  }
  static FieldValue Value(const Enveloped<T>& wrapped) { return Codec<T>::Value(wrapped.value); }
  static std::string Text(const Enveloped<T>& wrapped) {
    if constexpr (requires { Codec<T>::Text(wrapped.value); }) return Codec<T>::Text(wrapped.value);
    return {};
  }
};

template <Record T>
  requires(LayoutOf<T>() == RecordLayout::kEnveloped)
struct Codec<T> {
  static constexpr FieldKind kKind = FieldKind::kRecord;
  static constexpr std::size_t kMinSize = 6;
  static void Encode(Encoder& out, const T& record) {
    const std::size_t envelope = out.BeginEnvelope(VersionOf<T>());
    VisitFields(record, [&](std::string_view, const auto& field) { EncodeValue(out, field); });
    out.EndEnvelope(envelope);
  }
  static void Decode(Decoder& in, T& record) {
    const Decoder::Envelope envelope(in, VersionOf<T>());
    VisitFields(record, [&](std::string_view name, auto& field) {
      if (envelope.HasMore()) DecodeField(in, name, field);
    });
  }
};

template <Record T>
  requires(LayoutOf<T>() == RecordLayout::kBare)
struct Codec<T> {
  static constexpr FieldKind kKind = FieldKind::kRecord;
  static constexpr std::size_t kMinSize = 1;
  static void Encode(Encoder& out, const T& record) {
    VisitFields(record, [&](std::string_view, const auto& field) { EncodeValue(out, field); });
  }
  static void Decode(Decoder& in, T& record) {
    VisitFields(record, [&](std::string_view name, auto& field) {
      if (in.ok()) DecodeField(in, name, field);
    });
  }
};

// Number types inside a packed record: `Raw` gives the bits, `FromRaw` takes them back.
template <class T>
struct PackedNumber {
  using Bits = T;
  static std::uint64_t Raw(T value) { return static_cast<std::uint64_t>(value); }
  static T FromRaw(std::uint64_t raw) { return static_cast<T>(raw); }
};
template <class T>
  requires std::is_enum_v<T>
struct PackedNumber<T> {
  using Bits = std::underlying_type_t<T>;
  static std::uint64_t Raw(T value) { return static_cast<std::uint64_t>(value); }
  static T FromRaw(std::uint64_t raw) { return static_cast<T>(static_cast<Bits>(raw)); }
};
template <class Tag>
struct PackedNumber<StrongId<Tag>> {
  using Bits = typename Tag::Rep;
  static std::uint64_t Raw(StrongId<Tag> id) { return static_cast<std::uint64_t>(id.value); }
  static StrongId<Tag> FromRaw(std::uint64_t raw) { return {static_cast<Bits>(raw)}; }
};
template <>
struct PackedNumber<Scn> {
  using Bits = std::uint64_t;
  static std::uint64_t Raw(Scn scn) { return scn.value; }
  static Scn FromRaw(std::uint64_t raw) { return ScnFromStored(raw); }
};

template <RecordLayout Layout>
struct PackedCodec {
  static constexpr bool kBigEndian = Layout == RecordLayout::kPackedBigEndian;

  template <class T>
  static void Encode(Encoder& out, const T& value) {
    const std::uint64_t raw = PackedNumber<T>::Raw(value);
    constexpr std::size_t kWidth = sizeof(typename PackedNumber<T>::Bits);
    kBigEndian ? out.FixedBigEndian(raw, kWidth) : out.FixedLittleEndian(raw, kWidth);
  }
  // A record within a packed one has the outer layout.
  template <Record T>
  static void Encode(Encoder& out, const T& record) {
    VisitFields(record, [&](std::string_view, const auto& field) { Encode(out, field); });
  }
  template <class Name, Record T>
  static void Decode(Decoder& in, Name name, T& record) {
    const Decoder::Scope scope(in, name, FieldKind::kRecord);
    VisitFields(record, [&](std::string_view field_name, auto& field) {
      if (in.ok()) Decode(in, field_name, field);
    });
  }
  template <std::size_t N>
  static void Encode(Encoder& out, const std::array<std::byte, N>& bytes) {
    out.Raw(bytes);
  }
  template <std::size_t N>
  static void Decode(Decoder& in, std::string_view name, std::array<std::byte, N>& bytes) {
    DecodeField(in, name, bytes);
  }
  template <class T, std::size_t N>
  static void Encode(Encoder& out, const std::array<T, N>& items) {
    for (const T& item : items) Encode(out, item);
  }
  template <class Name, class T>
  static void Decode(Decoder& in, Name name, T& value) {
    Decoder::Scope scope(in, name, FieldKind::kValue);
    constexpr std::size_t kWidth = sizeof(typename PackedNumber<T>::Bits);
    value = PackedNumber<T>::FromRaw(kBigEndian ? in.FixedBigEndian(kWidth)
                                                : in.FixedLittleEndian(kWidth));
    if (!in.tracing()) return;
    if constexpr (requires { Codec<T>::Text(value); }) {
      scope.SetValue(Codec<T>::Value(value), Codec<T>::Text(value));
    } else {
      scope.SetValue(Codec<T>::Value(value), {});
    }
  }
  template <class T, std::size_t N>
  static void Decode(Decoder& in, std::string_view name, std::array<T, N>& items) {
    const Decoder::Scope scope(in, name, FieldKind::kArray);
    for (std::size_t i = 0; i < N; ++i) Decode(in, static_cast<std::int64_t>(i), items[i]);
  }
};

template <Record T>
  requires(LayoutOf<T>() == RecordLayout::kPackedBigEndian ||
           LayoutOf<T>() == RecordLayout::kPackedLittleEndian)
struct Codec<T> {
  static constexpr FieldKind kKind = FieldKind::kRecord;
  // A packed record states its size; a test beside it checks that the fields add up.
  static constexpr std::size_t kMinSize = T::kSize;
  static void Encode(Encoder& out, const T& record) {
    VisitFields(record, [&](std::string_view, const auto& field) {
      PackedCodec<LayoutOf<T>()>::Encode(out, field);
    });
  }
  static void Decode(Decoder& in, T& record) {
    VisitFields(record, [&](std::string_view name, auto& field) {
      if (in.ok()) PackedCodec<LayoutOf<T>()>::Decode(in, name, field);
    });
  }
};

// The bytes of `record`. Fails when a text does not fit into its field.
template <class T>
Result<Bytes> EncodeRecord(const T& record) {
  Encoder out;
  EncodeValue(out, record);
  return std::move(out).Finish();
}

// The record that `bytes` hold from their first to their last byte; `trace` receives its fields
// below a node `name`.
template <class T>
Result<T> DecodeRecord(ByteView bytes, Dissection* trace = nullptr,
                       std::string_view name = "record") {
  Decoder in(bytes, trace);
  T record;
  DecodeField(in, name, record);
  if (in.ok() && in.remaining() > 0) {
    in.Fail(ErrorCode::kDeserializeError, in.position(), "bytes are left over after the record");
  }
  if (Status status = in.status(); !status) return Fail(std::move(status).error());
  return record;
}

}  // namespace obbak::format
