// WideInteger: two's complement of 256 bits, as far as decimals of 65 digits need it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace obbak::engine {

class WideInteger {
 public:
  static constexpr std::size_t kBytes = 32;

  WideInteger() = default;
  // Sign-extends `bytes`, at most kBytes of them, little-endian.
  explicit WideInteger(ByteView bytes);

  bool is_negative() const { return words_.back() >> 31 != 0; }
  void Negate();
  // *this = *this * 10 + digit. Precondition: it is not negative, and the result fits.
  void AppendDigit(unsigned digit);
  // Divides by ten, returns the remainder. Precondition: it is not negative.
  unsigned TakeDigit();
  bool IsZero() const;

  // The lowest `size` bytes, little-endian.
  Bytes ToBytes(std::size_t size) const;

 private:
  std::array<std::uint32_t, kBytes / 4> words_ = {};
};

}  // namespace obbak::engine
