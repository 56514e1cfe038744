// Crc64 against ISA-L's crc32_iscsi and memcpy, in turns within one run, so that a busy machine
// slows all of them alike. Prints medians over the rounds: CPU time per KiB, and the ratios of the
// same round.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <isa-l/crc.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "base/bytes.h"
#include "bench/cpu_turns.h"
#include "format/crc32c.h"

namespace obbak::format {
namespace {

using bench::CpuNanoseconds;
using bench::Median;

constexpr int kRounds = 31;
constexpr std::size_t kBytesPerTurn = std::size_t{32} << 20;
// Each call costs some nanoseconds whatever its size, so short data need not fill a whole turn.
constexpr std::size_t kMaxCallsPerTurn = 200'000;

// CPU nanoseconds per KiB of one turn of `function`.
template <class Function>
double Turn(std::size_t size, Function function) {
  const std::size_t calls = std::clamp(kBytesPerTurn / size, std::size_t{1}, kMaxCallsPerTurn);
  const double start = CpuNanoseconds();
  for (std::size_t i = 0; i < calls; ++i) benchmark::DoNotOptimize(function());
  return (CpuNanoseconds() - start) * 1024 / static_cast<double>(calls * size);
}

void Compare(std::size_t size) {
  Bytes data(size, std::byte{0x5a});
  Bytes copy(size);
  std::vector<double> ours;
  std::vector<double> isal;
  std::vector<double> memory;
  std::vector<double> to_isal;
  std::vector<double> to_memory;
  for (int round = 0; round < kRounds; ++round) {
    ours.push_back(Turn(size, [&] { return Crc64(data); }));
    isal.push_back(Turn(size, [&] {
      return crc32_iscsi(reinterpret_cast<unsigned char*>(data.data()), static_cast<int>(size), 0);
    }));
    memory.push_back(Turn(size, [&] {
      std::memcpy(copy.data(), data.data(), size);
      benchmark::ClobberMemory();
      return copy.data();
    }));
    to_isal.push_back(ours.back() / isal.back());
    to_memory.push_back(ours.back() / memory.back());
  }
  fmt::print("{:>8} {:>10.2f} {:>10.2f} {:>10.2f} {:>11.2f} {:>12.2f}\n", size, Median(ours),
             Median(isal), Median(memory), Median(to_isal), Median(to_memory));
}

}  // namespace
}  // namespace obbak::format

int main() {
  fmt::print("CPU ns per KiB, medians of {} rounds; a ratio below 1 means Crc64 is faster\n",
             obbak::format::kRounds);
  fmt::print("{:>8} {:>10} {:>10} {:>10} {:>11} {:>12}\n", "bytes", "Crc64", "ISA-L", "memcpy",
             "Crc64/ISA-L", "Crc64/memcpy");
  for (std::size_t size : {48, 100, 200, 255, 256, 1024, 4096, 16384, 2 << 20}) {
    obbak::format::Compare(size);
  }
}
