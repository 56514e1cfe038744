// Codec of records whose body begins with bits that say which fields follow.
// docs/spec/clog-and-archive.md §11, "Compat bytes".
//
// A field is written when it differs from its default, so that a field's default must be the value
// that means "unset". `kAlwaysWritten`, bit k for field k counted from 0, lists the fields that are
// written in any case. Like format/record.h this is for the files that instantiate the codec.
#pragma once

#include <fmt/format.h>

#include <boost/mp11.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "format/record.h"

namespace obbak::format {

// A field that may be absent, in a record of kCompatible layout: the bit alone tells.
template <class T>
struct Codec<std::optional<T>> : LeafCodec {
  static constexpr std::size_t kMinSize = Codec<T>::kMinSize;
  static void Encode(Encoder& out, const std::optional<T>& value) { EncodeValue(out, *value); }
  static void Decode(Decoder& in, std::optional<T>& value) {
    Codec<T>::Decode(in, value.emplace());
  }
  static FieldValue Value(const std::optional<T>& value) { return Codec<T>::Value(*value); }
};

// "1, 3, 4" for the bits 0, 2 and 3.
inline std::string MemberNumbers(std::uint64_t members) {
  std::string text;
  for (int bit = 0; bit < 64; ++bit) {
    if ((members >> bit & 1) == 0) continue;
    if (!text.empty()) text += ", ";
    text += fmt::to_string(bit + 1);
  }
  return text.empty() ? "none" : text;
}

template <Record T>
  requires(LayoutOf<T>() == RecordLayout::kCompatible)
struct Codec<T> {
  static constexpr FieldKind kKind = FieldKind::kRecord;
  static constexpr std::size_t kMinSize = 7;
  static constexpr std::size_t kBitsPerByte = 7;

  static void Encode(Encoder& out, const T& record) {
    const std::size_t envelope = out.BeginEnvelope(1);
    const std::uint64_t written = Written(record);
    for (std::size_t bit = 0; bit < Members(); bit += kBitsPerByte) {
      const unsigned more = bit + kBitsPerByte < Members() ? 0x80 : 0;
      out.Fixed8(static_cast<std::uint8_t>((written >> bit & 0x7f) | more));
    }
    std::size_t bit = 0;
    VisitFields(record, [&](std::string_view, const auto& field) {
      if ((written >> bit++ & 1) != 0) EncodeValue(out, field);
    });
    out.EndEnvelope(envelope);
  }

  static void Decode(Decoder& in, T& record) {
    const Decoder::Envelope envelope(in, 1);
    const std::uint64_t members = DecodeMembers(in);
    std::size_t bit = 0;
    VisitFields(record, [&](std::string_view name, auto& field) {
      if ((members >> bit++ & 1) != 0 && in.ok()) DecodeField(in, name, field);
    });
  }

 private:
  using Described = boost::describe::describe_members<T, boost::describe::mod_public>;

  static constexpr std::uint64_t Always() {
    if constexpr (requires { T::kAlwaysWritten; }) return T::kAlwaysWritten;
    return 0;
  }
  // Fields, or more where the writer counts members that do not exist.
  static constexpr std::size_t Members() {
    return std::max(boost::mp11::mp_size<Described>::value,
                    static_cast<std::size_t>(std::bit_width(Always())));
  }
  static_assert(Members() <= 63);

  static std::uint64_t Written(const T& record) {
    const T unset{};
    std::uint64_t written = Always();
    std::uint64_t bit = 1;
    boost::mp11::mp_for_each<Described>([&](auto member) {
      if (!(record.*member.pointer == unset.*member.pointer)) written |= bit;
      bit <<= 1;
    });
    return written;
  }

  static std::uint64_t DecodeMembers(Decoder& in) {
    const std::size_t begin = in.position();
    std::uint64_t members = 0;
    for (std::size_t bit = 0; in.ok(); bit += kBitsPerByte) {
      const std::uint64_t byte = in.Fixed8();
      // Members beyond those are unknown anyway: the envelope skips them.
      if (bit < 63) members |= (byte & 0x7f) << bit;
      if ((byte & 0x80) == 0) break;
    }
    if (in.tracing()) in.Frame("members", begin, MemberNumbers(members));
    return members;
  }
};

}  // namespace obbak::format
