// Reading and writing the log. The reading of whole groups, everything verified, is compared with
// Crc64 over the same bytes, in turns within one run, so that a busy machine slows both alike.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "bench/cpu_turns.h"
#include "format/crc32c.h"
#include "format/log_reader.h"
#include "format/log_test_support.h"

namespace obbak::format {
namespace {

using bench::CpuNanoseconds;
using bench::Median;

constexpr std::size_t kLogSize = std::size_t{2} << 20;
constexpr int kRounds = 31;
constexpr int kReadingsPerTurn = 16;

// `entries` entries a group that has `group_size` bytes in all.
struct Shape {
  std::size_t group_size;
  std::size_t entries;
};
constexpr Shape kShapes[] = {{256, 1},  {1024, 1},  {1024, 4},   {2048, 1},   {4096, 1},
                             {4096, 8}, {16384, 1}, {16384, 16}, {262144, 64}};

TestLog MakeLog(Shape shape) {
  TestLog log;
  const std::size_t payload =
      (shape.group_size - LogGroupEntryHeader::kSize) / shape.entries - LogEntryHeader::kSize;
  while (log.bytes().size() < kLogSize) {
    for (std::size_t i = 0; i < shape.entries; ++i) log.Append(log.Payload(payload));
    log.Seal();
  }
  return log;
}

std::uint64_t ReadAll(const TestLog& log) {
  LogReader reader(log.start(), LogMedium::kAppended);
  std::uint64_t entries = 0;
  ByteView rest = log.bytes();
  while (reader.Next(rest, true) == LogReader::Outcome::kGroup) {
    for (const LogEntry& entry : reader.group().entries()) entries += entry.payload.size();
    rest = rest.subspan(reader.group().bytes.size());
  }
  if (!rest.empty()) std::abort();
  return entries;
}

std::uint64_t CrcOfPayloads(const TestLog& log) {
  std::uint64_t sum = 0;
  const ByteView bytes = log.bytes();
  for (const TestLog::Entry& entry : log.entries()) {
    sum += Crc64(bytes.subspan(entry.lsn.value + LogEntryHeader::kSize, entry.payload.size()));
  }
  return sum;
}

void ReadLog(benchmark::State& state) {
  const TestLog log = MakeLog({.group_size = static_cast<std::size_t>(state.range(0)),
                               .entries = static_cast<std::size_t>(state.range(1))});
  for (auto _ : state) benchmark::DoNotOptimize(ReadAll(log));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(log.bytes().size()));
  state.counters["groups/s"] =
      benchmark::Counter(static_cast<double>(log.group_ends().size() * state.iterations()),
                         benchmark::Counter::kIsRate);
}

void WriteLog(benchmark::State& state) {
  const auto entries = static_cast<std::size_t>(state.range(1));
  TestLog source;
  const Bytes payload = source.Payload(
      (static_cast<std::size_t>(state.range(0)) - LogGroupEntryHeader::kSize) / entries -
      LogEntryHeader::kSize);
  std::int64_t bytes = 0;
  GroupEntryBuilder builder(PalfBaseInfo(), 1);
  for (auto _ : state) {
    for (std::size_t i = 0; i < entries; ++i) {
      if (builder.RoomFor(payload.size()) != GroupEntryBuilder::Room::kFits ||
          !builder.Append(kMinScn, payload)) {
        builder = GroupEntryBuilder(PalfBaseInfo(), 1);  // the block is full
        break;
      }
    }
    if (!builder.has_entries()) continue;
    const ByteView group = builder.Seal(Lsn{0});
    bytes += static_cast<std::int64_t>(group.size());
    benchmark::DoNotOptimize(group.data());
  }
  state.SetBytesProcessed(bytes);
}

void Shapes(benchmark::internal::Benchmark* benchmark) {
  for (const Shape& shape : kShapes)
    benchmark->Args(
        {static_cast<std::int64_t>(shape.group_size), static_cast<std::int64_t>(shape.entries)});
}
BENCHMARK(ReadLog)->Apply(Shapes);
BENCHMARK(WriteLog)->Apply(Shapes);

// Bytes per nanosecond of one turn.
template <class Function>
double Turn(const TestLog& log, Function function) {
  const double start = CpuNanoseconds();
  for (int i = 0; i < kReadingsPerTurn; ++i) benchmark::DoNotOptimize(function(log));
  return static_cast<double>(log.bytes().size()) * kReadingsPerTurn / (CpuNanoseconds() - start);
}

void Compare(Shape shape) {
  const TestLog log = MakeLog(shape);
  std::vector<double> reading, payloads, whole, to_payloads, to_whole;
  for (int round = 0; round < kRounds; ++round) {
    reading.push_back(Turn(log, ReadAll));
    payloads.push_back(Turn(log, CrcOfPayloads));
    whole.push_back(Turn(log, [](const TestLog& l) { return Crc64(l.bytes()); }));
    to_payloads.push_back(reading.back() / payloads.back());
    to_whole.push_back(reading.back() / whole.back());
  }
  fmt::print("{:>8} {:>8} {:>9.2f} {:>9.2f} {:>9.2f} {:>14.2f} {:>11.2f}\n", shape.group_size,
             shape.entries, Median(reading), Median(payloads), Median(whole), Median(to_payloads),
             Median(to_whole));
}

}  // namespace
}  // namespace obbak::format

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  fmt::print(
      "\nbytes per CPU ns, medians of {} rounds: LogReader with all checks, Crc64 of each payload "
      "alone, Crc64 of all bytes in one call\n",
      obbak::format::kRounds);
  fmt::print("{:>8} {:>8} {:>9} {:>9} {:>9} {:>14} {:>11}\n", "group", "entries", "reader",
             "payloads", "one call", "reader/payload", "reader/one");
  for (const obbak::format::Shape shape : obbak::format::kShapes) obbak::format::Compare(shape);
}
