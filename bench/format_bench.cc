// Speed of the format room. One section per job; run with --benchmark_filter=<section>.
#include <benchmark/benchmark.h>
#include <isa-l/crc.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <utility>

#include "base/bytes.h"
#include "format/backup_set_records.h"
#include "format/crc32c.h"
#include "format/metadata_file.h"

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

// --- Metadata: the two files that grow with the tenant; bytes are those of the file ---

// The tablet map of a set: 20 log streams, the given number of tablets.
BackupDataTabletToLsDesc TabletMap(std::int64_t tablets) {
  constexpr std::int64_t kStreams = 20;
  BackupDataTabletToLsDesc desc{.backup_scn = Scn{1'700'000'000'123'456'789}, .tablet_to_ls = {}};
  for (std::int64_t ls = 0; ls < kStreams; ++ls) {
    BackupDataTabletToLsInfo info{.ls_id = LsId{1001 + ls}, .tablet_id_list = {}};
    for (std::int64_t i = 0; i < tablets / kStreams; ++i) {
      info.tablet_id_list.push_back(
          TabletId{200'001 + static_cast<std::uint64_t>(ls * tablets + i)});
    }
    desc.tablet_to_ls.push_back(std::move(info));
  }
  return desc;
}

// The catalogue of a tenant that has the given number of backup sets.
TenantBackupSetInfosDesc SetCatalogue(std::int64_t sets) {
  TenantBackupSetInfosDesc desc;
  for (std::int64_t i = 1; i <= sets; ++i) {
    BackupSetFileDesc set;
    set.backup_set_id = BackupSetId{i};
    set.tenant_id = TenantId{1002};
    set.dest_id = DestId{1001};
    set.backup_type.value = i % 7 == 1 ? BackupType::kFull : BackupType::kInc;
    set.stats.input_bytes = i * 1'000'000'007;
    set.start_time = Timestamp{1'700'000'000'000'000 + i};
    set.end_time = Timestamp{1'700'000'100'000'000 + i};
    set.status = BackupSetStatus::kSuccess;
    set.backup_path.value = "file:///data/nfs/backup";
    set.start_replay_scn = Scn{1'700'000'000'123'456'789};
    set.min_restore_scn = Scn{1'700'000'100'123'456'789};
    set.consistent_scn = Scn{1'700'000'050'123'456'789};
    desc.backup_set_infos.push_back(set);
  }
  return desc;
}

template <class R>
void WriteFile(benchmark::State& state, const R& record) {
  std::size_t size = 0;
  for (auto _ : state) {
    const Result<Bytes> file = MetadataFile<R>::Write(record);
    size = file->size();
    benchmark::DoNotOptimize(file);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
}
template <class R>
void ReadFile(benchmark::State& state, const R& record) {
  const Bytes file = MetadataFile<R>::Write(record).value();
  for (auto _ : state) benchmark::DoNotOptimize(MetadataFile<R>::Read(file));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(file.size()));
}

void WriteTabletMap(benchmark::State& state) { WriteFile(state, TabletMap(state.range(0))); }
void ReadTabletMap(benchmark::State& state) { ReadFile(state, TabletMap(state.range(0))); }
void WriteSetCatalogue(benchmark::State& state) { WriteFile(state, SetCatalogue(state.range(0))); }
void ReadSetCatalogue(benchmark::State& state) { ReadFile(state, SetCatalogue(state.range(0))); }
BENCHMARK(WriteTabletMap)->Arg(1'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK(ReadTabletMap)->Arg(1'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK(WriteSetCatalogue)->Arg(1'000)->Unit(benchmark::kMillisecond);
BENCHMARK(ReadSetCatalogue)->Arg(1'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace obbak::format

BENCHMARK_MAIN();
