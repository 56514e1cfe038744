// Speed of the format room. One section per job; run with --benchmark_filter=<section>.
#include <benchmark/benchmark.h>
#include <isa-l/crc.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>

#include "base/bytes.h"
#include "format/crc32c.h"

namespace obbak::format {
namespace {

Bytes RandomBytes(std::size_t size) {
  std::mt19937_64 random(size);
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

// --- Crc64: a header, a micro block, a common log buffer, a macro block ---

template <class Function>
void OverBytes(benchmark::State& state, Function function) {
  Bytes data = RandomBytes(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(function(data));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void Crc64Ours(benchmark::State& state) {
  OverBytes(state, [](Bytes& data) { return Crc64(data); });
}
void Crc64Table(benchmark::State& state) {
  OverBytes(state, [](Bytes& data) { return Crc64Portable(data); });
}
void Crc64Isal(benchmark::State& state) {
  OverBytes(state, [](Bytes& data) {
    return crc32_iscsi(reinterpret_cast<unsigned char*>(data.data()), static_cast<int>(data.size()),
                       0);
  });
}
void Crc64BesideMemcpy(benchmark::State& state) {
  Bytes copy(static_cast<std::size_t>(state.range(0)));
  OverBytes(state, [&copy](Bytes& data) {
    std::memcpy(copy.data(), data.data(), data.size());
    benchmark::ClobberMemory();
    return copy.data();
  });
}

void Crc64Sizes(benchmark::internal::Benchmark* benchmark) {
  for (int size : {48, 4 << 10, 16 << 10, 2 << 20}) benchmark->Arg(size);
}
BENCHMARK(Crc64Ours)->Apply(Crc64Sizes);
BENCHMARK(Crc64Isal)->Apply(Crc64Sizes);
BENCHMARK(Crc64Table)->Apply(Crc64Sizes);
BENCHMARK(Crc64BesideMemcpy)->Apply(Crc64Sizes);

}  // namespace
}  // namespace obbak::format

BENCHMARK_MAIN();
