// Speed of the MemTable: a BIGINT key and a text of 100 bytes per row. Times are per row.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/memtable.h"
#include "engine/snapshot_reader.h"
#include "format/datum.h"
#include "format/obj.h"
#include "format/tx_ids.h"
#include "io/sim_world.h"

namespace obbak::engine {
namespace {

using format::Datum;

enum class Order { kAscending, kRandom };

StoredColumns Columns() { return {{format::ObjMeta::BigInt(), format::ObjMeta::Varchar()}, 1}; }

std::vector<std::int64_t> Keys(std::int64_t count, Order order) {
  std::vector<std::int64_t> keys(static_cast<std::size_t>(count));
  std::iota(keys.begin(), keys.end(), 0);
  if (order == Order::kRandom) std::shuffle(keys.begin(), keys.end(), std::mt19937_64(1));
  return keys;
}

// Transactions of 100 rows.
std::unique_ptr<MemTable> Filled(const std::vector<std::int64_t>& keys) {
  auto table = std::make_unique<MemTable>(Columns());
  const std::string text(100, 'x');
  std::uint64_t version = 1;
  TxHandle tx{.id = {1}, .snapshot = format::kMaxScn, .writes = {}};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto row = std::to_array({Datum::Int(keys[i]), Datum::Of(AsByteView(text))});
    const auto seq = format::MakeTxSeq(static_cast<std::int64_t>(i) + 1);
    if (!table->Write(tx, seq, format::DmlFlag::kInsert, row)) std::abort();
    if (i % 100 == 99) CommitWrites(tx, {++version});
  }
  CommitWrites(tx, {++version});
  return table;
}

void SetRows(benchmark::State& state, std::int64_t rows) {
  state.SetItemsProcessed(state.iterations() * rows);
  state.counters["per_row"] =
      benchmark::Counter(static_cast<double>(state.iterations() * rows),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

template <Order kOrder>
void Insert(benchmark::State& state) {
  const auto keys = Keys(state.range(0), kOrder);
  double bytes = 0;
  for (auto _ : state) {
    auto table = Filled(keys);
    bytes = static_cast<double>(table->bytes());
    state.PauseTiming();
    table.reset();
    state.ResumeTiming();
  }
  SetRows(state, state.range(0));
  state.counters["bytes_per_row"] = bytes / static_cast<double>(keys.size());
}

void PointRead(benchmark::State& state) {
  const auto keys = Keys(state.range(0), Order::kRandom);
  const auto table = Filled(keys);
  RowBatch batch(2);
  RowFuse fuse(table->columns(), batch);
  for (auto _ : state) {
    for (const std::int64_t key : keys) {
      batch.Clear();
      fuse.Begin();
      const auto cell = std::to_array({Datum::Int(key)});
      if (!table->Read(cell, RowVersion::kOwnWrite, nullptr, fuse) || !fuse.End()) std::abort();
    }
  }
  SetRows(state, state.range(0));
}

// With another MemTable that has one row, if `sources` is 2.
void Scan(benchmark::State& state, Direction direction, int source_count) {
  const auto table = Filled(Keys(state.range(0), Order::kRandom));
  const auto small = Filled({state.range(0)});
  io::SimWorld world(1);
  RowBatch batch(2);
  for (auto _ : state) {
    std::vector<std::unique_ptr<RowIterator>> sources;
    MemTable::ScanOptions options;
    options.direction = direction;
    options.stop_when_complete = true;
    sources.push_back(table->Scan(options));
    if (source_count == 2) sources.push_back(small->Scan(options));
    SnapshotScan scan(table->columns(), direction, options.snapshot, std::move(sources));
    for (bool more = true; more;) {
      batch.Clear();
      more = world.loop().Run(scan.Fetch(batch, 1000, 1 << 20)).value();
      benchmark::DoNotOptimize(batch.size());
    }
  }
  SetRows(state, state.range(0));
}

constexpr std::int64_t kRows = 1'000'000;
BENCHMARK(Insert<Order::kAscending>)->Arg(kRows)->Unit(benchmark::kMillisecond);
BENCHMARK(Insert<Order::kRandom>)->Arg(kRows)->Unit(benchmark::kMillisecond);
BENCHMARK(PointRead)->Arg(kRows)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Scan, forward, Direction::kForward, 1)->Arg(kRows)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Scan, backward, Direction::kBackward, 1)
    ->Arg(kRows)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Scan, two_sources, Direction::kForward, 2)
    ->Arg(kRows)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace obbak::engine

BENCHMARK_MAIN();
