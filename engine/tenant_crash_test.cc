// The tenant's promises across power failures, on the simulated device: what was acknowledged is
// there, what was not is there as a whole or not at all, and the tenant works on.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/thoroughness_test_support.h"
#include "engine/clog_test_support.h"
#include "engine/ddl_payloads.h"
#include "engine/disk_reading_test_support.h"
#include "engine/ledger_test_support.h"
#include "engine/tenant.h"
#include "engine/tenant_core.h"
#include "engine/tenant_test_support.h"
#include "format/log_payload.h"
#include "format/tx_log_block.h"
#include "io/sim_world.h"
#include "io/sync.h"

namespace obbak::engine {
namespace {

using format::LsId;
using format::Scn;
using io::SimImage;
using io::SimWorld;

constexpr const char* kDir = "/t";
constexpr LsId kFirstLs{1001};
constexpr LsId kSecondLs{1002};

std::string ClogDirOf(LsId ls) { return std::string(kDir) + "/clog/" + std::to_string(ls.value); }

EngineOptions Quiet() { return SmallEngine(); }

// Everything that can happen by itself does, often.
EngineOptions Busy() {
  EngineOptions options = SmallEngine();
  options.background = true;
  options.freeze_trigger = 64 << 10;
  options.memstore_limit = 512 << 10;
  options.minor_trigger = 2;
  options.keep_alive_interval = std::chrono::milliseconds(2);
  options.clog.zero_ahead = 64 << 10;
  return options;
}

// What the clients asked for and were told.
struct Told {
  Ledger::Journal begun;
  std::map<std::int64_t, Scn> committed;
  std::set<std::int64_t> rolled_back;
  // Tables of DDL: there or not; nothing: a change was begun and not acknowledged.
  std::map<std::string, std::optional<bool>> tables;
  std::map<std::string, std::set<std::int64_t>> keys;
  // Snapshots below are not promised: a major compaction was begun.
  Scn discarded{0};
};

// A crash may have been in the middle of any of these; every one ends with the first error.

io::Task<void> Transfers(Tenant& tenant, Told& told, std::int64_t first, std::int64_t count,
                         std::uint64_t seed) {
  io::Random random(seed);
  for (std::int64_t number = first; number < first + count; ++number) {
    const Ledger::Transfer transfer = Ledger::Draw(random);
    const auto end = random.OneIn(6) ? Ledger::End::kRollback : Ledger::End::kCommit;
    told.begun[number] = transfer;
    const auto version = co_await Ledger::Execute(tenant, number, transfer, end);
    if (!version) co_return;
    if (version->has_value()) {
      told.committed[number] = **version;
    } else {
      told.rolled_back.insert(number);
    }
  }
}

io::Task<Status> CreateAndFill(Tenant& tenant, Told& told, std::string name) {
  told.tables[name] = std::nullopt;
  const TableSchemaPtr table = co_await CreateTestTable(tenant, name, 3);
  if (table == nullptr) co_return Fail(ErrorCode::kIoError, "no table");
  told.tables[name] = true;
  for (std::int64_t key = 0; key < 5; ++key) {
    if (Status status = co_await PutRow(tenant, *table, key, key); !status) co_return status;
    told.keys[name].insert(key);
  }
  co_return Status();
}

io::Task<Status> Drop(Tenant& tenant, Told& told, std::string name) {
  told.tables[name] = std::nullopt;
  Status status = co_await tenant.DropTable(name);
  if (status) told.tables[name] = false;
  co_return status;
}

// The first tablet of a table goes to the other log stream.
io::Task<Status> Move(Tenant& tenant, std::string name) {
  const auto table = tenant.catalog().ResolveTable(name);
  if (!table) co_return Fail(table.error());
  const format::TabletId tablet = (*table)->tablets().front();
  const LsId from = *tenant.catalog().LsOf(tablet);
  co_return co_await tenant.MoveTablet(tablet, from == kFirstLs ? kSecondLs : kFirstLs);
}

io::Task<Status> CompactMajor(Tenant& tenant, Told& told) {
  told.discarded = Scn{Scn::kMaxValue};
  const auto compacted = co_await tenant.CompactMajor();
  if (!compacted) co_return Fail(compacted.error());
  told.discarded = compacted->first;
  co_return Status();
}

io::Task<Status> CompactMinor(Tenant& tenant) {
  const auto compacted = co_await tenant.CompactMinor();
  if (!compacted) co_return Fail(compacted.error());
  co_return Status();
}

io::Task<void> Maintenance(Tenant& tenant, Told& told) {
  Status status = co_await tenant.Flush();
  if (status) status = co_await CreateAndFill(tenant, told, "one");
  if (status) status = co_await Move(tenant, Ledger::kAccountsName);
  if (status) status = co_await CreateAndFill(tenant, told, "two");
  if (status) status = co_await Move(tenant, "two");
  if (status) status = co_await CompactMinor(tenant);
  if (status) status = co_await Drop(tenant, told, "one");
  if (status) status = co_await Move(tenant, Ledger::kAccountsName);
  if (status) status = co_await Drop(tenant, told, "two");
  if (status) status = co_await tenant.Flush();
  if (status) status = co_await CompactMajor(tenant, told);
  if (status) status = co_await CreateAndFill(tenant, told, "three");
  if (status) status = co_await Move(tenant, Ledger::kJournalName);
}

// A few hundred operations, some beside each other.
io::Task<void> Work(Tenant& tenant, Told& told, SimWorld& world, std::uint64_t seed) {
  io::TaskGroup tasks(world.loop());
  for (std::int64_t client = 0; client < 3; ++client) {
    tasks.Spawn(
        Transfers(tenant, told, 1000 * client, 25, seed + static_cast<std::uint64_t>(client)));
  }
  tasks.Spawn(Maintenance(tenant, told));
  co_await tasks.Join();
}

// A tenant with a bank that has worked a little; closed.
SimImage NewLedger(Told& told) {
  SimWorld world(1);
  auto tenant = world.loop().Run(Tenant::Create(EnvOf(world), kDir, {}, Quiet()));
  EXPECT_TRUE(tenant) << tenant.error().ToString();
  if (!tenant) return {};
  const Status opened = world.loop().Run(Ledger::Open(**tenant));
  EXPECT_TRUE(opened) << opened.error().ToString();
  world.loop().Run(Transfers(**tenant, told, 100'000, 5, 1));
  const Status closed = world.loop().Run((*tenant)->Close());
  EXPECT_TRUE(closed) << closed.error().ToString();
  return world.disk().image();
}

// ---- What must hold afterwards

void CheckJournal(const Ledger::Journal& journal, const Told& told, Scn snapshot) {
  for (const auto& [number, version] : told.committed) {
    EXPECT_EQ(journal.contains(number), version <= snapshot)
        << "transfer " << number << " of version " << version.value << " at " << snapshot.value;
  }
  for (const auto& [number, transfer] : journal) {
    EXPECT_FALSE(told.rolled_back.contains(number)) << "transfer " << number;
    const auto begun = told.begun.find(number);
    ASSERT_NE(begun, told.begun.end()) << "transfer " << number;
    EXPECT_TRUE(begun->second == transfer) << "transfer " << number;
  }
}

// Tables and tablets belong to each other; what was told of tables is so.
void CheckCatalog(SimWorld& world, Tenant& tenant, const Told& told) {
  const Catalog& catalog = tenant.catalog();
  for (const auto& [id, table] : catalog.tables()) {
    for (const format::TabletId tablet : table->tablets()) {
      const auto found = tenant.core().FindTablet(tablet);
      EXPECT_TRUE(found) << found.error().ToString();
    }
  }
  for (const auto& [ls, stream] : tenant.core().streams) {
    for (const auto& [id, tablet] : stream->tablets()) {
      if (IsInnerTablet(id)) continue;
      const auto place = catalog.LsOf(id);
      ASSERT_TRUE(place) << "tablet " << id.value << " is left over on log stream " << ls.value;
      EXPECT_EQ(*place, ls) << "tablet " << id.value;
    }
    EXPECT_TRUE(stream->contexts().empty());
  }
  for (const auto& [name, exists] : told.tables) {
    const auto table = catalog.ResolveTable(name);
    if (exists.has_value()) {
      EXPECT_EQ(table.has_value(), *exists) << name;
    }
    if (!table) continue;
    const auto rows = world.loop().Run(ReadAll(tenant, *table, tenant.snapshot()));
    const auto keys = told.keys.find(name);
    if (keys == told.keys.end()) continue;
    for (const std::int64_t key : keys->second) EXPECT_TRUE(rows.contains(key)) << name;
  }
}

// The bank's balances hold at every snapshot that is still promised.
void CheckHistory(SimWorld& world, Tenant& tenant, const Told& told) {
  io::Random random(told.committed.size());
  for (const auto& [number, version] : told.committed) {
    if (!random.OneIn(8)) continue;
    const Scn snapshot{version.value - random.Below(2)};
    const auto journal = world.loop().Run(Ledger::Audit(tenant, snapshot));
    if (!journal) {
      EXPECT_EQ(journal.error().code(), ErrorCode::kSnapshotDiscarded)
          << journal.error().ToString();
      EXPECT_LT(snapshot, told.discarded);
      continue;
    }
    CheckJournal(*journal, told, snapshot);
  }
}

struct Opened {
  std::unique_ptr<SimWorld> world;
  std::unique_ptr<Tenant> tenant;

  template <class T>
  T Run(io::Task<T> task) {
    return world->loop().Run(std::move(task));
  }
  void Close() {
    ASSERT_OK(Run(tenant->Close()));
    tenant.reset();
  }
};

Opened Open(const SimImage& image, std::uint64_t seed, EngineOptions options) {
  // Each second time the clock has stepped back by years.
  const std::uint64_t now = SimWorld::kStartNs + (seed % 2 == 0 ? 0 : 3'600'000'000'000);
  Opened opened{.world = std::make_unique<SimWorld>(seed, image, now), .tenant = nullptr};
  auto tenant = opened.Run(Tenant::Open(EnvOf(*opened.world), kDir, std::move(options)));
  EXPECT_TRUE(tenant) << tenant.error().ToString();
  if (tenant) opened.tenant = *std::move(tenant);
  return opened;
}

// Opens what a crash has left, checks it, works on, and checks that again after another crash.
void CheckSurvival(const SimImage& image, const Told& before, std::uint64_t seed) {
  Told told = before;
  Opened opened = Open(image, seed, Quiet());
  ASSERT_NE(opened.tenant, nullptr);
  const auto journal = opened.Run(Ledger::Audit(*opened.tenant, opened.tenant->snapshot()));
  ASSERT_OK(journal);
  CheckJournal(*journal, told, opened.tenant->snapshot());
  CheckCatalog(*opened.world, *opened.tenant, told);
  CheckHistory(*opened.world, *opened.tenant, told);
  if (testing::Test::HasFailure()) return;

  // Whatever was found stays.
  for (const auto& [number, transfer] : *journal) {
    told.committed.try_emplace(number, opened.tenant->snapshot());
  }
  opened.Run(Transfers(*opened.tenant, told, 200'000, 3, seed));
  ASSERT_OK(opened.Run(opened.tenant->Flush()));
  opened.Run(Transfers(*opened.tenant, told, 300'000, 3, seed + 1));
  ASSERT_TRUE(opened.tenant->core().CheckUsable());
  const SimImage again = opened.world->disk().CrashImage(seed);
  opened.Close();

  Opened reopened = Open(again, seed + 1, Quiet());
  ASSERT_NE(reopened.tenant, nullptr);
  const auto after = reopened.Run(Ledger::Audit(*reopened.tenant, reopened.tenant->snapshot()));
  ASSERT_OK(after);
  CheckJournal(*after, told, reopened.tenant->snapshot());
  CheckCatalog(*reopened.world, *reopened.tenant, told);
  reopened.Close();
}

struct Crash {
  // The power was gone before the workload's end.
  bool happened = false;
  Told told;
  std::unique_ptr<SimWorld> world;
};

// Opens `image`, works, and loses power at operation `stop`.
Crash RunUntil(const SimImage& image, const Told& before, std::uint64_t stop, std::uint64_t seed,
               EngineOptions options) {
  Crash crash{.told = before, .world = std::make_unique<SimWorld>(seed, image)};
  SimWorld& world = *crash.world;
  world.disk().StopAtOperation(stop);
  auto tenant = world.loop().Run(Tenant::Open(EnvOf(world), kDir, std::move(options)));
  if (tenant) {
    world.loop().Run(Work(**tenant, crash.told, world, seed));
    static_cast<void>(world.loop().Run((*tenant)->Close()));
  }
  crash.happened = !world.disk().powered();
  return crash;
}

void CrashEverywhere(std::uint64_t seed, std::uint64_t images, std::uint64_t stride,
                     const EngineOptions& options) {
  Told told;
  const SimImage image = NewLedger(told);
  if (testing::Test::HasFailure()) return;
  std::uint64_t crashes = 0;
  for (std::uint64_t stop = 1;; stop += stride) {
    const Crash crash = RunUntil(image, told, stop, seed, options);
    if (!crash.happened) {
      EXPECT_EQ(crash.told.tables.size(), 3U) << "the workload stopped early";
      break;
    }
    ++crashes;
    for (std::uint64_t i = 0; i < images; ++i) {
      const std::uint64_t image_seed = i < 2 ? (i + crashes) % 2 : i + 100 * stop;
      SCOPED_TRACE("operation " + std::to_string(stop) + ", image " + std::to_string(image_seed));
      CheckSurvival(crash.world->disk().CrashImage(image_seed), crash.told, image_seed);
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(crashes, 10U);
}

TEST(TenantCrash, APowerFailureAtAnyOperationTakesNothingAcknowledgedAndLeavesNoHalves) {
  CrashEverywhere(/*seed=*/3, /*images=*/2, CrashStride(1, 37), Quiet());
}

TEST(TenantCrash, APowerFailureBesideBackgroundWorkTakesNothingAcknowledgedAndLeavesNoHalves) {
  CrashEverywhere(/*seed=*/4, /*images=*/2, CrashStride(29, 53), Busy());
}

TEST(TenantCrash, APowerFailureWhileRecoveringTakesNothing) {
  Told told;
  const SimImage image = NewLedger(told);
  ASSERT_FALSE(HasFailure());
  const std::uint64_t stride = CrashStride(17, 17);
  const std::uint64_t operations =
      RunUntil(image, told, io::SimDisk::kNever, 1, Quiet()).world->disk().operations();
  std::uint64_t crashes = 0;
  for (const std::uint64_t first : {operations / 4, operations / 2, operations * 3 / 4}) {
    const Crash crash = RunUntil(image, told, first, first, Quiet());
    ASSERT_TRUE(crash.happened);
    const SimImage torn = crash.world->disk().CrashImage(first);
    for (std::uint64_t stop = 1;; stop += stride) {
      SimWorld world(stop, torn);
      world.disk().StopAtOperation(stop);
      auto tenant = world.loop().Run(Tenant::Open(EnvOf(world), kDir, Quiet()));
      if (tenant) static_cast<void>(world.loop().Run((*tenant)->Close()));
      if (world.disk().powered()) break;
      ++crashes;
      SCOPED_TRACE("operation " + std::to_string(first) + ", then " + std::to_string(stop));
      CheckSurvival(world.disk().CrashImage(stop % 3), crash.told, stop);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(crashes, 10U);
}

TEST(TenantCrash, ATenantWhoseCreationWasCutIsRefusedOrWhole) {
  const std::uint64_t stride = CrashStride(9, 9);
  std::set<ErrorCode> refusals;
  for (std::uint64_t stop = 1;; stop += stride) {
    SimWorld world(stop);
    world.disk().StopAtOperation(stop);
    auto created = world.loop().Run(Tenant::Create(EnvOf(world), kDir, {}, Quiet()));
    if (created) static_cast<void>(world.loop().Run((*created)->Close()));
    for (const std::uint64_t image : {std::uint64_t{0}, std::uint64_t{1}, stop + 2}) {
      SimWorld after(image, world.disk().CrashImage(image));
      auto opened = after.loop().Run(Tenant::Open(EnvOf(after), kDir, Quiet()));
      if (opened) {
        ASSERT_OK(after.loop().Run(Ledger::Open(**opened)));
        ASSERT_OK(after.loop().Run((*opened)->Close()));
        continue;
      }
      EXPECT_FALSE(created) << "created, but: " << opened.error().ToString();
      refusals.insert(opened.error().code());
    }
    if (world.disk().powered()) break;
  }
  EXPECT_EQ(refusals, (std::set{ErrorCode::kFileNotExist, ErrorCode::kStateNotMatch}));
}

// ---- The seams of two-phase commit

// For each transaction in the logs of both log streams, the last that is there of each.
std::set<std::string> SeamsOf(const SimImage& image) {
  std::map<std::int64_t, std::map<LsId, std::string>> last;
  for (const LsId ls : {kFirstLs, kSecondLs}) {
    const auto visit = [&](const format::LogGroup& group) {
      if (group.header.IsPadding()) return;
      for (const format::LogEntry& entry : group.entries()) {
        const auto header = format::LoadBaseHeader(entry.payload);
        if (!header || header->log_type != format::LogBaseType::kTransService) continue;
        const auto block = format::TxLogBlockReader::Open(entry.payload);
        for (const format::TxLog& log : TxLogsOf(entry.payload)) {
          std::string& state = last[block->header().tx_id.value.value][ls];
          if (std::holds_alternative<format::TxPrepareLog>(log)) state = "prepare";
          if (std::holds_alternative<format::TxCommitLog>(log)) state = "commit";
          if (std::holds_alternative<format::TxClearLog>(log)) state = "clear";
        }
      }
    };
    ReadClog(image, ClogDirOf(ls), visit, /*limit=*/1 << 20);
  }
  std::set<std::string> seams;
  for (auto& [tx, states] : last) seams.insert(states[kFirstLs] + "/" + states[kSecondLs]);
  return seams;
}

// One transaction over both log streams, with a checkpoint beside it.
io::Task<void> CommitBesideFlush(Tenant& tenant, Told& told, SimWorld& world) {
  io::TaskGroup tasks(world.loop());
  tasks.Spawn(Transfers(tenant, told, 0, 2, 77));
  tasks.Spawn(Transfers(tenant, told, 1000, 2, 78));
  tasks.Spawn([](Tenant& of) -> io::Task<void> { static_cast<void>(co_await of.Flush()); }(tenant));
  co_await tasks.Join();
}

TEST(TenantCrash, TwoPhaseCommitIsAtomicAtEachOfItsSeams) {
  Told before;
  const SimImage image = NewLedger(before);
  ASSERT_FALSE(HasFailure());
  std::set<std::string> seams;
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    for (std::uint64_t stop = 1;; stop += CrashStride(1, 3)) {
      SimWorld world(seed, image);
      auto tenant = world.loop().Run(Tenant::Open(EnvOf(world), kDir, Quiet()));
      ASSERT_OK(tenant);
      Told told = before;
      world.disk().StopAtOperation(world.disk().operations() + stop);
      world.loop().Run(CommitBesideFlush(**tenant, told, world));
      static_cast<void>(world.loop().Run((*tenant)->Close()));
      if (world.disk().powered()) break;
      for (std::uint64_t i = 0; i < 3; ++i) {
        const std::uint64_t image_seed = i < 2 ? i : stop + 10 * seed;
        SCOPED_TRACE("seed " + std::to_string(seed) + ", operation " + std::to_string(stop) +
                     ", image " + std::to_string(image_seed));
        const SimImage left = world.disk().CrashImage(image_seed);
        seams.merge(SeamsOf(left));
        CheckSurvival(left, told, image_seed);
        if (HasFailure()) return;
      }
    }
  }
  // The seams were met.
  if (kIsSlow) return;
  for (const char* seam : {"prepare/", "/prepare", "prepare/prepare", "prepare/commit",
                           "commit/prepare", "commit/commit", "commit/clear"}) {
    EXPECT_TRUE(seams.contains(seam)) << seam << " among " << testing::PrintToString(seams);
  }
}

}  // namespace
}  // namespace obbak::engine
