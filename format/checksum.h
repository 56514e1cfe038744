// The smaller checksums beside Crc64 (format/crc32c.h): docs/spec/encoding-and-metadata.md §3.2.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include "base/bytes.h"

namespace obbak::format {

// XOR of the 16-bit words of `value` (`format_i64`, `format_i32`): what a field adds to the header
// checksum of docs/spec/encoding-and-metadata.md §4.2 and of the macro and micro block headers. The
// width counts: a negative i32 folds two words, not four.
template <std::integral T>
constexpr std::uint16_t Fold16(T value) {
  auto words = static_cast<std::uint64_t>(static_cast<std::make_unsigned_t<T>>(value));
  words ^= words >> 32;
  words ^= words >> 16;
  return static_cast<std::uint16_t>(words);
}

// `parity_check`: true when an odd number of bits is set.
template <std::unsigned_integral T>
constexpr bool ParityCheck(T value) {
  return std::popcount(value) % 2 != 0;
}

// `ob_crc16`: CRC-16/ARC. Incremental like Crc64.
std::uint16_t Crc16(ByteView data, std::uint16_t seed = 0);

// `murmurhash64A`: Austin Appleby's MurmurHash64A, words read little-endian. Not incremental.
std::uint64_t MurmurHash64A(ByteView data, std::uint64_t seed = 0);

}  // namespace obbak::format
