#include "engine/wide_integer.h"

#include <algorithm>
#include <ranges>

namespace obbak::engine {
namespace {

constexpr std::size_t kWordBytes = sizeof(std::uint32_t);

}  // namespace

WideInteger::WideInteger(ByteView bytes) {
  const bool negative = !bytes.empty() && (bytes.back() & std::byte{0x80}) != std::byte{0};
  for (std::size_t i = 0; i < kBytes; ++i) {
    const std::byte fill = negative ? std::byte{0xFF} : std::byte{0};
    const auto byte = std::to_integer<std::uint32_t>(i < bytes.size() ? bytes[i] : fill);
    words_[i / kWordBytes] |= byte << i % kWordBytes * 8;
  }
}

void WideInteger::Negate() {
  std::uint64_t carry = 1;
  for (std::uint32_t& word : words_) {
    carry += std::uint32_t{~word};
    word = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
}

void WideInteger::AppendDigit(unsigned digit) {
  std::uint64_t carry = digit;
  for (std::uint32_t& word : words_) {
    carry += std::uint64_t{word} * 10;
    word = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
}

unsigned WideInteger::TakeDigit() {
  std::uint64_t remainder = 0;
  for (std::uint32_t& word : std::views::reverse(words_)) {
    remainder = remainder << 32 | word;
    word = static_cast<std::uint32_t>(remainder / 10);
    remainder %= 10;
  }
  return static_cast<unsigned>(remainder);
}

bool WideInteger::IsZero() const {
  return std::ranges::all_of(words_, [](std::uint32_t word) { return word == 0; });
}

Bytes WideInteger::ToBytes(std::size_t size) const {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>(words_[i / kWordBytes] >> i % kWordBytes * 8);
  }
  return bytes;
}

}  // namespace obbak::engine
