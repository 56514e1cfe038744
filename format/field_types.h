// Field types whose encoding differs from that of the value they hold, and the names of enum
// values.
//
// Everything a record's declaration needs; the encoding itself is in format/record.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace obbak::format {

// ObFixedLengthString<N>: at most N-1 characters, no NUL among them.
template <std::size_t N>
struct FixedString {
  std::string value;
  bool operator==(const FixedString&) const = default;
};
// ObBackupPathString.
using BackupPathString = FixedString<2048>;

// A value in an envelope of its own.
template <class T>
struct Enveloped {
  T value{};
  bool operator==(const Enveloped&) const = default;
};

// A number or SCN that is written big-endian in its full width instead of as a varint.
template <class T>
struct Fixed {
  T value{};
  bool operator==(const Fixed&) const = default;
};

// An enumeration written as one raw byte.
template <class E>
struct RawByte {
  E value{};
  bool operator==(const RawByte&) const = default;
};

// An enumeration written as a 64-bit varint (kept as int64 by OceanBase).
template <class E>
struct VarintEnum {
  E value{};
  bool operator==(const VarintEnum&) const = default;
};

// An array that is always written with its count and all N elements.
template <class T, std::size_t N>
struct CountedArray {
  std::array<T, N> items{};
  bool operator==(const CountedArray&) const = default;
};

// A value of an enumeration with OceanBase's own word for it.
template <class E>
struct NamedValue {
  E value;
  std::string_view name;
};

// Every enumeration E has an overload `EnumNames(E)` beside it that lists its legal values; other
// values can be decoded and are kept, but have no name.
template <class E>
constexpr std::string_view NameOf(E value) {
  for (const NamedValue<E>& named : EnumNames(value)) {
    if (named.value == value) return named.name;
  }
  return {};
}

template <class E>
constexpr bool IsNamed(E value) {
  return !NameOf(value).empty();
}

}  // namespace obbak::format
