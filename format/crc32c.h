// The checksum of every OceanBase format that obbak reads or writes:
// docs/spec/encoding-and-metadata.md §3.1.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace obbak::format {

// OceanBase's `ob_crc64`: CRC-32C without inversion before or after, widened to 64 bits. Only the
// low 32 bits of `seed` count, except that empty data returns the whole seed unchanged.
// Incremental: Crc64(b, Crc64(a)) == Crc64(a followed by b).
//
// On x86-64 with SSE4.2, short data runs through the CRC instruction and long data through ISA-L,
// which folds by carry-less multiplication in the widest registers that the CPU has; everywhere
// else Crc64Portable does the work. CPU time on one core of an AMD EPYC with AVX-512
// (bench/crc_ratio_bench.cc): ISA-L 56 bytes/ns from 16 KiB up, the instruction 9.9 at any size and
// therefore not worth interleaving by hand; but below 256 bytes - headers, log entries - it needs
// only 65 to 80 % of ISA-L's time.
std::uint64_t Crc64(ByteView data, std::uint64_t seed = 0);

// The checksum of data in two parts, from those of the parts: Crc64Combine(Crc64(a), Crc64(b), size
// of b) == Crc64(a followed by b). Some hundred steps, whatever the size.
std::uint64_t Crc64Combine(std::uint64_t first, std::uint64_t second, std::uint64_t second_size);

// Crc64 in plain C++ (eight table look-ups per eight bytes), for other CPUs and as the
// second opinion in tests.
std::uint64_t Crc64Portable(ByteView data, std::uint64_t seed = 0);

}  // namespace obbak::format
