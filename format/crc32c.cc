#include "format/crc32c.h"

#include <algorithm>
#include <array>
#include <boost/endian/conversion.hpp>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <isa-l/crc.h>
#include <nmmintrin.h>
#endif

namespace obbak::format {
namespace {

constexpr std::uint32_t kReflectedPolynomial = 0x82F63B78;

using Table = std::array<std::uint32_t, 256>;

// kTables[k][b] is what byte b contributes to the checksum when k more bytes follow it in the word.
constexpr std::array<Table, 8> MakeTables() {
  std::array<Table, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? kReflectedPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < tables.size(); ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t shorter = tables[k - 1][byte];
      tables[k][byte] = (shorter >> 8) ^ tables[0][shorter & 0xff];
    }
  }
  return tables;
}

constexpr std::array<Table, 8> kTables = MakeTables();

std::uint64_t LoadLittle64(const std::byte* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof(word));
  return boost::endian::little_to_native(word);
}

#if defined(__x86_64__)

// Below this size the CRC instruction beats ISA-L's set-up cost; from here on ISA-L is ahead.
constexpr std::size_t kLongData = 256;
// ISA-L counts bytes in an int.
constexpr std::size_t kMaxChunk = std::size_t{1} << 30;

__attribute__((target("sse4.2"))) std::uint32_t CrcByInstruction(ByteView data, std::uint32_t crc) {
  std::uint64_t wide = crc;
  for (; data.size() >= 8; data = data.subspan(8)) {
    wide = _mm_crc32_u64(wide, LoadLittle64(data.data()));
  }
  crc = static_cast<std::uint32_t>(wide);
  for (std::byte byte : data) crc = _mm_crc32_u8(crc, std::to_integer<std::uint8_t>(byte));
  return crc;
}

std::uint32_t CrcByIsal(ByteView data, std::uint32_t crc) {
  while (!data.empty()) {
    const ByteView chunk = data.first(std::min(data.size(), kMaxChunk));
    // ISA-L only reads, but its parameter lacks the const.
    auto* bytes = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(chunk.data()));
    crc = crc32_iscsi(bytes, static_cast<int>(chunk.size()), crc);
    data = data.subspan(chunk.size());
  }
  return crc;
}

#endif

// Remainders are written with the highest power first, as the CRC has them: the top bit is x^0.
constexpr std::uint32_t kOne = std::uint32_t{1} << 31;

// The product of two remainders.
constexpr std::uint32_t Multiply(std::uint32_t a, std::uint32_t b) {
  std::uint32_t product = 0;
  for (std::uint32_t power = kOne; power != 0; power >>= 1) {
    if ((a & power) != 0) product ^= b;
    b = (b >> 1) ^ ((b & 1) != 0 ? kReflectedPolynomial : 0);
  }
  return product;
}

}  // namespace

std::uint64_t Crc64Combine(std::uint64_t first, std::uint64_t second, std::uint64_t second_size) {
  if (second_size == 0) return first;
  // What follows shifts the first part up by eight bits per byte: a product with x^(8 * size).
  std::uint32_t shift = kOne;
  std::uint32_t power = kOne >> 8;
  for (; second_size != 0; second_size >>= 1) {
    if ((second_size & 1) != 0) shift = Multiply(shift, power);
    power = Multiply(power, power);
  }
  return Multiply(static_cast<std::uint32_t>(first), shift) ^ static_cast<std::uint32_t>(second);
}

std::uint64_t Crc64(ByteView data, std::uint64_t seed) {
#if defined(__x86_64__)
  if (data.empty()) return seed;
  if (__builtin_cpu_supports("sse4.2")) {
    const auto crc = static_cast<std::uint32_t>(seed);
    return data.size() < kLongData ? CrcByInstruction(data, crc) : CrcByIsal(data, crc);
  }
#endif
  return Crc64Portable(data, seed);
}

std::uint64_t Crc64Portable(ByteView data, std::uint64_t seed) {
  if (data.empty()) return seed;
  auto crc = static_cast<std::uint32_t>(seed);
  for (; data.size() >= 8; data = data.subspan(8)) {
    const std::uint64_t word = LoadLittle64(data.data()) ^ crc;
    crc = 0;
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 8; ++i) crc ^= kTables[7 - i][(word >> (8 * i)) & 0xff];
  }
  for (std::byte byte : data) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xff];
  }
  return crc;
}

}  // namespace obbak::format
