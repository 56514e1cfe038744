// The engine beside RocksDB: the same rows with the same durability, in turns within one run, so
// that a busy machine slows both alike. Prints medians over the rounds: rows per second, their
// ratio in the same round, and the CPU time per row of all threads of the process.
//
//   engine_bench [--rows=N] [--rounds=N] [--dir=DIR] [--only=memory|commit|load|read|recovery]
//
// Rows have an 8-byte key, in random order, and 100 bytes that don't compress. Beside durable
// commits by one writer stands the disk itself. RocksDB's bulk load is not durable when it returns
// (sync=false); ours is. Compaction stands beside what reading and building its blocks costs
// without anything around it.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bench/check.h"
#include "bench/comparison.h"
#include "bench/macro_blocks.h"
#include "bench/raw_disk.h"
#include "bench/side.h"

namespace obbak::bench {
namespace {

namespace fs = std::filesystem;

struct Contender {
  std::string dir;
  std::unique_ptr<Side> side;
};

class Comparison {
 public:
  explicit Comparison(const Flags& flags) : flags_(flags), scratch_(flags.dir) {
    sides_[0].side = MakeObbakSide();
    sides_[1].side = MakeRocksDbSide();
    sides_[0].dir = scratch_.Free("obbak");
    sides_[1].dir = scratch_.Free("rocksdb");
  }

  void Run() {
    const std::pair<std::string_view, void (Comparison::*)()> steps[] = {
        {"memory", &Comparison::MemoryLimit},
        {"commit", &Comparison::Commits},
        {"load", &Comparison::LoadsAndCompactions},
        {"read", &Comparison::Reads},
        {"recovery", &Comparison::Recovery}};
    for (const auto& [name, step] : steps) {
      if (flags_.Wants(name)) (this->*step)();
    }
  }

 private:
  void CreateBoth(const Memory& memory) {
    for (Contender& contender : sides_) {
      contender.dir = scratch_.Free(fs::path(contender.dir).filename());
      contender.side->Create(contender.dir, memory);
    }
  }
  void CloseBoth() {
    for (Contender& contender : sides_) contender.side->Close();
  }
  void ReopenBoth(const Memory& memory) {
    CloseBoth();
    for (Contender& contender : sides_) {
      DropFromPageCache(contender.dir);
      contender.side->Open(contender.dir, memory);
    }
  }
  // Does the same with both, in turns.
  template <class Function>
  void Turn(Line& line, Function function) {
    const Cost ours = Measure([&] { function(*sides_[0].side); });
    line.Add(ours, Measure([&] { function(*sides_[1].side); }));
  }

  void MemoryLimit();
  void Commits();
  void LoadsAndCompactions();
  void Reads();
  void Recovery();

  Flags flags_;
  ScratchDir scratch_;
  Rows rows_;
  Contender sides_[2];
};

// ---- Memory

void Comparison::MemoryLimit() {
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  const Memory memory{
      .write_buffer = 16 * kMiB, .write_limit = 64 * kMiB, .block_cache = 16 * kMiB};
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak begins anew
  const std::size_t before = StatusBytes("VmRSS:");
  Contender& ours = sides_[0];
  ours.side->Create(ours.dir, memory);
  ours.side->Load(rows_, {0, flags_.rows}, 100);
  ours.side->Compact();
  if (ours.side->Scan() != flags_.rows) Die("rows are missing");
  const std::size_t peak = StatusBytes("VmHWM:") - before;
  ours.side->Close();
  // Buffers of scans and merges and the backlog of the log: defaults of engine::EngineOptions.
  const std::size_t limit = memory.write_limit + memory.block_cache + (32 + 16) * kMiB;
  fmt::print(
      "memory: {} MiB of rows loaded, compacted and scanned; limits {} MiB (MemTables {}, "
      "cache {}, buffers 32, log 16), peak {} MiB above the start\n",
      flags_.rows * (8 + Rows::kValueSize) / kMiB, limit / kMiB, memory.write_limit / kMiB,
      memory.block_cache / kMiB, peak / kMiB);
}

// ---- Commits

void PrintLatencies(std::string_view name, std::vector<double> seconds) {
  const auto at = [&](double part) {
    const auto place = static_cast<std::ptrdiff_t>(part * static_cast<double>(seconds.size() - 1));
    std::nth_element(seconds.begin(), seconds.begin() + place, seconds.end());
    return seconds[static_cast<std::size_t>(place)] * 1e6;
  };
  fmt::print("  {:<28} p50 {:>6.0f}  p99 {:>6.0f} us\n", name, at(0.5), at(0.99));
}

void Comparison::Commits() {
  constexpr int kWriters[] = {1, 8, 64};
  constexpr std::uint64_t kCommits[] = {3000, 12'000, 24'000};
  CreateBoth({});
  Line disk("commit, 1 writer : disk", 0.8, kCommits[0]);
  std::vector<Line> lines;
  std::vector<double> latencies[2];
  std::vector<double> disk_latencies;
  for (std::size_t i = 0; i < std::size(kWriters); ++i) {
    lines.emplace_back(fmt::format("commit, {} writers : RocksDB", kWriters[i]), i == 0 ? 1 : 2,
                       kCommits[i]);
  }
  Range range;
  for (int round = 0; round < flags_.rounds; ++round) {
    for (std::size_t i = 0; i < std::size(kWriters); ++i) {
      range = {range.begin + range.count, kCommits[i]};
      std::size_t which = 0;
      Cost costs[2];
      for (Contender& contender : sides_) {
        std::vector<double> seconds;
        costs[which] =
            Measure([&] { seconds = contender.side->Commit(rows_, range, kWriters[i]); });
        if (i == 0) latencies[which].insert(latencies[which].end(), seconds.begin(), seconds.end());
        ++which;
      }
      lines[i].Add(costs[0], costs[1]);
      if (i > 0) continue;
      // Only the writes count, not what prepares the file.
      const double cpu = ProcessCpuSeconds();
      const std::vector<double> seconds = OverwriteDurably(scratch_.Free("disk"), kCommits[0]);
      Cost cost{0, ProcessCpuSeconds() - cpu};
      for (const double one : seconds) cost.seconds += one;
      disk_latencies.insert(disk_latencies.end(), seconds.begin(), seconds.end());
      disk.Add(costs[0], cost);
    }
  }
  CloseBoth();
  disk.Print();
  for (const Line& line : lines) line.Print();
  PrintLatencies("obbak, 1 writer", latencies[0]);
  PrintLatencies("disk", disk_latencies);
  PrintLatencies("RocksDB, 1 writer", latencies[1]);
}

// ---- Loads and compactions

// CPU time of reading `rows` rows from blocks as minor SSTables have them and building those of a
// major one.
Cost ReadAndBuild(std::uint64_t rows) {
  constexpr std::size_t kRows = 60'000;
  Bytes values(kRows * kBlockValueSize);
  std::mt19937_64 random(1);
  for (std::byte& byte : values) byte = static_cast<std::byte>(random());
  KeepingSink kept;
  BuildBlocks(BlocksDesc(format::MergeType::kMinor, format::CompressorType::kLz4), values, kept);
  const format::SstableDesc major =
      BlocksDesc(format::MergeType::kMajor, format::CompressorType::kZstd138);
  const Cost once = Measure([&] {
    DroppingSink sink;
    if (ScanBlocks(kept.blocks) != kRows) Die("rows are missing");
    BuildBlocks(major, values, sink);
  });
  const double times = static_cast<double>(rows) / static_cast<double>(kRows);
  // On one thread, and no I/O: wall time is CPU time.
  return {once.cpu_seconds * times, once.cpu_seconds * times};
}

void Comparison::LoadsAndCompactions() {
  Line load("bulk load, 100 a transaction", 1, flags_.rows);
  Line flush("- flush the rest", 1, flags_.rows);
  Line compact("major compaction : RocksDB", 1, flags_.rows);
  Line format_cost("major compaction : format", 0.7, flags_.rows);
  for (int round = 0; round < flags_.rounds; ++round) {
    CreateBoth({});
    Turn(load, [&](Side& side) { side.Load(rows_, {0, flags_.rows}, 100); });
    Turn(flush, [&](Side& side) { side.Flush(); });
    const Cost ours = Measure([&] { sides_[0].side->Compact(); });
    compact.Add(ours, Measure([&] { sides_[1].side->Compact(); }));
    // The rest of the time is the disk's.
    format_cost.Add({ours.cpu_seconds, ours.cpu_seconds}, ReadAndBuild(flags_.rows));
    CloseBoth();
  }
  for (const Line* line : {&load, &flush, &compact, &format_cost}) line->Print();
}

// ---- Reads

void Comparison::Reads() {
  constexpr std::uint64_t kGets = 20'000;
  Line cold_get("point reads, cold", 1, kGets);
  Line warm_get("point reads, warm", 1, kGets);
  Line cold_scan("full scan, cold", 1, flags_.rows);
  Line warm_scan("full scan, warm", 1, flags_.rows);
  CreateBoth({});
  for (Contender& contender : sides_) {
    contender.side->Load(rows_, {0, flags_.rows}, 100);
    contender.side->Compact();
  }
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> indexes(kGets);
  for (std::uint64_t& index : indexes) index = random() % flags_.rows;
  const auto get = [&](Side& side) { side.Get(rows_, indexes); };
  const auto scan = [&](Side& side) {
    if (side.Scan() != flags_.rows) Die("rows are missing");
  };
  for (int round = 0; round < flags_.rounds; ++round) {
    ReopenBoth({});
    Turn(cold_get, get);
    Turn(warm_get, get);
    ReopenBoth({});
    Turn(cold_scan, scan);
    Turn(warm_scan, scan);
  }
  CloseBoth();
  for (const Line* line : {&cold_get, &warm_get, &cold_scan, &warm_scan}) line->Print();
}

// ---- Recovery

void Comparison::Recovery() {
  constexpr std::size_t kEnough = std::size_t{4} << 30;
  const Memory memory{.write_buffer = kEnough, .write_limit = kEnough, .block_cache = 0};
  Line line("recovery, 10 a transaction", 2, flags_.rows);
  CreateBoth(memory);
  for (Contender& contender : sides_) contender.side->Load(rows_, {0, flags_.rows}, 10);
  CloseBoth();
  for (int round = 0; round < flags_.rounds; ++round) {
    Cost costs[2];
    std::size_t which = 0;
    for (Contender& contender : sides_) {
      DropFromPageCache(contender.dir);
      costs[which++] = Measure([&] { contender.side->Open(contender.dir, memory); });
    }
    line.Add(costs[0], costs[1]);
    CloseBoth();
  }
  line.Print();
}

}  // namespace
}  // namespace obbak::bench

int main(int argc, char** argv) {
  using namespace obbak::bench;
  Flags flags = ParseFlags(std::span(argv, static_cast<std::size_t>(argc)).subspan(1), 400'000);
  flags.rows -= flags.rows % 8;  // every loader gets as many
  fmt::print("{} rows of 8 + 100 bytes, medians of {} rounds; obbak beside RocksDB 7.8\n",
             flags.rows, flags.rounds);
  Line::PrintHead();
  Comparison(flags).Run();
}
