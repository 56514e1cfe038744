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
#include "format/crc32c.h"
#include "format/macro_block_reader.h"
#include "format/macro_block_writer.h"

namespace obbak::format {
namespace {

using bench::CpuNanoseconds;
using bench::Median;

constexpr int kRounds = 15;
constexpr std::size_t kRows = 60'000;
constexpr std::size_t kValueSize = 100;
constexpr std::size_t kRowData = 8 + kValueSize;

// GB of row data per CPU second of one run of `function` over all rows.
template <class Function>
double Turn(Function function) {
  const double start = CpuNanoseconds();
  function();
  return static_cast<double>(kRows * kRowData) / (CpuNanoseconds() - start);
}

[[noreturn]] void Die(const Error& error) {
  fmt::print(stderr, "{}\n", error.ToString());
  std::exit(1);
}

class DroppingSink final : public MacroBlockSink {
 public:
  Result<MacroBlockId> Allocate() override { return MacroBlockId{1, 1, 0}; }
  Status Write(const MacroBlockId&, const Block& block) override {
    benchmark::DoNotOptimize(block.bytes.data());
    return {};
  }
};

class KeepingSink final : public MacroBlockSink {
 public:
  Result<MacroBlockId> Allocate() override { return MacroBlockId{1, 1, 0}; }
  Status Write(const MacroBlockId&, const Block& block) override {
    blocks.emplace_back(block.bytes.begin(), block.bytes.end());
    return {};
  }
  std::vector<Bytes> blocks;
};

SstableDesc Desc(MergeType merge) {
  const ObjMeta columns[] = {ObjMeta::BigInt(), ObjMeta::Varbinary()};
  SstableDesc desc;
  desc.tablet_id = {200001};
  desc.merge_type = merge;
  desc.schema = *RowSchema::Create(columns, 1);
  desc.snapshot_version = 1'700'000'000'000'000'000;
  desc.end_scn = desc.snapshot_version;
  return desc;
}

void Build(const SstableDesc& desc, ByteView values, MacroBlockSink& sink) {
  Result<MacroBlockWriter> writer = MacroBlockWriter::Create(desc, sink);
  if (!writer) Die(writer.error());
  RowFlags flags;
  if (desc.is_multi_version())
    flags.mvcc.bits = MvccFlags::kFirst | MvccFlags::kCompacted | MvccFlags::kLast;
  for (std::size_t i = 0; i < kRows; ++i) {
    const Datum cells[] = {Datum::Int(static_cast<std::int64_t>(i)),
                           Datum::Int(-1'600'000'000'000'000'000), Datum::Int(0),
                           Datum::Of(values.subspan(i * kValueSize, kValueSize))};
    if (Status status = writer->Append({flags, cells}); !status) Die(status.error());
  }
  if (Status status = writer->Finish(); !status) Die(status.error());
}

void Scan(const std::vector<Bytes>& blocks) {
  std::size_t rows = 0;
  for (const Bytes& block : blocks) {
    const Result<MacroBlockReader> reader = MacroBlockReader::Open(block);
    if (!reader) Die(reader.error());
    MacroBlockCursor cursor(*reader);
    Status status = cursor.SeekToFirst();
    for (; status && cursor.Valid(); status = cursor.Next()) {
      benchmark::DoNotOptimize(cursor.cells().data());
      ++rows;
    }
    if (!status) Die(status.error());
  }
  if (rows != kRows) std::exit(1);
}

void Run() {
  Bytes values(kRows * kValueSize);
  std::mt19937_64 random(1);
  for (std::byte& byte : values) byte = static_cast<std::byte>(random());
  Bytes data(kRows * kRowData, std::byte{0x5a});
  Bytes copy(data.size());
  KeepingSink kept;
  Build(Desc(MergeType::kMinor), values, kept);

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
    const double speeds[] = {Turn([&] {
                               // As one macro block after the other would be copied.
                               for (std::size_t at = 0; at < data.size(); at += kMacroBlockSize) {
                                 std::memcpy(copy.data() + at, data.data() + at,
                                             std::min(kMacroBlockSize, data.size() - at));
                                 benchmark::ClobberMemory();
                               }
                             }),
                             Turn([&] { benchmark::DoNotOptimize(Crc64(data)); }),
                             Turn([&] { Build(Desc(MergeType::kMinor), values, sink); }),
                             Turn([&] { Build(Desc(MergeType::kMajor), values, sink); }),
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
}  // namespace obbak::format

int main() {
  fmt::print("{} rows of {} bytes, no compression; medians of {} rounds, CPU time of one core\n",
             obbak::format::kRows, obbak::format::kRowData, obbak::format::kRounds);
  obbak::format::Run();
}
