// Macro blocks from rows and rows from macro blocks, beside memcpy and Crc64 over the same number
// of bytes, in turns within one run, so that a busy machine slows all of them alike. Prints medians
// over the rounds: GB of row data (8-byte key, 100-byte value) per CPU second, and the ratio to
// memcpy of the same round.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "bench/cpu_turns.h"
#include "bench/macro_blocks.h"
#include "format/crc32c.h"
#include "format/macro_block_header.h"

namespace obbak::bench {
namespace {

using format::CompressorType;
using format::Crc64;
using format::kMacroBlockSize;
using format::MergeType;

constexpr int kRounds = 15;
constexpr std::size_t kRows = 60'000;
constexpr std::size_t kRowData = 8 + kBlockValueSize;

// GB of row data per CPU second of one run of `function` over all rows.
template <class Function>
double Turn(Function function) {
  const double start = CpuNanoseconds();
  function();
  return static_cast<double>(kRows * kRowData) / (CpuNanoseconds() - start);
}

void Scan(const std::vector<Bytes>& blocks) {
  if (ScanBlocks(blocks) != kRows) std::exit(1);
}

void Run() {
  Bytes values(kRows * kBlockValueSize);
  std::mt19937_64 random(1);
  for (std::byte& byte : values) byte = static_cast<std::byte>(random());
  Bytes data(kRows * kRowData, std::byte{0x5a});
  Bytes copy(data.size());
  KeepingSink kept;
  BuildBlocks(BlocksDesc(MergeType::kMinor, CompressorType::kNone), values, kept);

  struct Job {
    std::string_view name;
    std::vector<double> speed;
    std::vector<double> to_memcpy;
  };
  Job jobs[] = {{"memcpy", {}, {}},
                {"Crc64", {}, {}},
                {"build minor", {}, {}},
                {"build major", {}, {}},
                {"scan", {}, {}}};
  for (int round = 0; round < kRounds; ++round) {
    DroppingSink sink;
    const double speeds[] = {
        Turn([&] {
          // As one macro block after the other would be copied.
          for (std::size_t at = 0; at < data.size(); at += kMacroBlockSize) {
            std::memcpy(copy.data() + at, data.data() + at,
                        std::min(kMacroBlockSize, data.size() - at));
            benchmark::ClobberMemory();
          }
        }),
        Turn([&] { benchmark::DoNotOptimize(Crc64(data)); }), Turn([&] {
          BuildBlocks(BlocksDesc(MergeType::kMinor, CompressorType::kNone), values, sink);
        }),
        Turn([&] {
          BuildBlocks(BlocksDesc(MergeType::kMajor, CompressorType::kNone), values, sink);
        }),
        Turn([&] { Scan(kept.blocks); })};
    for (std::size_t i = 0; i < std::size(jobs); ++i) {
      jobs[i].speed.push_back(speeds[i]);
      jobs[i].to_memcpy.push_back(speeds[0] / speeds[i]);
    }
  }
  fmt::print("{:<12} {:>8} {:>16}\n", "", "GB/s", "time of memcpy x");
  for (const Job& job : jobs)
    fmt::print("{:<12} {:>8.2f} {:>16.1f}\n", job.name, Median(job.speed), Median(job.to_memcpy));
}

}  // namespace
}  // namespace obbak::bench

int main() {
  fmt::print("{} rows of {} bytes, no compression; medians of {} rounds, CPU time of one core\n",
             obbak::bench::kRows, obbak::bench::kRowData, obbak::bench::kRounds);
  obbak::bench::Run();
}
