// Fixed-width little-endian numbers in bytes whose bounds the caller has checked.
#pragma once

#include <boost/endian/conversion.hpp>
#include <concepts>
#include <cstddef>
#include <cstring>

namespace obbak::format {

template <std::integral T>
T LoadLe(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return boost::endian::little_to_native(value);
}

template <std::integral T>
void StoreLe(std::byte* to, T value) {
  value = boost::endian::native_to_little(value);
  std::memcpy(to, &value, sizeof(value));
}

}  // namespace obbak::format
