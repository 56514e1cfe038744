#include "format/checksum.h"

#include <cstddef>

namespace obbak::format {
namespace {

// Up to eight bytes, the first one lowest.
std::uint64_t LoadLittle(ByteView bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  }
  return value;
}

}  // namespace

std::uint16_t Crc16(ByteView data, std::uint16_t seed) {
  constexpr std::uint32_t kReflectedPolynomial = 0xA001;
  std::uint32_t crc = seed;
  for (std::byte byte : data) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? kReflectedPolynomial : 0);
  }
  return static_cast<std::uint16_t>(crc);
}

std::uint64_t MurmurHash64A(ByteView data, std::uint64_t seed) {
  constexpr std::uint64_t kMultiplier = 0xc6a4a7935bd1e995;
  constexpr int kShift = 47;
  std::uint64_t hash = seed ^ (data.size() * kMultiplier);
  for (; data.size() >= 8; data = data.subspan(8)) {
    std::uint64_t word = LoadLittle(data.first(8)) * kMultiplier;
    word ^= word >> kShift;
    hash = (hash ^ (word * kMultiplier)) * kMultiplier;
  }
  if (!data.empty()) hash = (hash ^ LoadLittle(data)) * kMultiplier;
  hash ^= hash >> kShift;
  hash *= kMultiplier;
  return hash ^ (hash >> kShift);
}

}  // namespace obbak::format
