// A process that is killed at any moment loses nothing that it has acknowledged. On the real
// device: the kernel keeps what was written, so this is about the order of writes, not about their
// durability (tenant_crash_test.cc).
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/clog_test_support.h"
#include "engine/ledger_test_support.h"
#include "engine/tenant.h"
#include "engine/tenant_core.h"
#include "io/clock.h"
#include "io/host_driver.h"
#include "io/loop.h"
#include "io/sync.h"
#include "io/victim_test_support.h"

namespace obbak::engine {
namespace {

constexpr int kRounds = 50;
constexpr int kClients = 4;
// Numbers of one round's clients.
constexpr std::int64_t kNumbersPerRound = 1'000'000;
constexpr const char* kDirectoryVariable = "OBBAK_KILLED_DIRECTORY";
constexpr const char* kRoundVariable = "OBBAK_KILLED_ROUND";

EngineOptions Busy() {
  EngineOptions options;
  options.freeze_trigger = 64 << 10;
  options.minor_trigger = 2;
  options.block_cache = std::size_t{8} << 20;
  options.scan_buffers = 4;
  options.keep_alive_interval = std::chrono::milliseconds(5);
  options.clog.zero_ahead = 64 << 10;
  options.clog.tail_search = format::kMaxGroupEntrySize;
  return options;
}

// A tenant on the real device.
class Host {
 public:
  Host() : loop_(io::MakeDriver({.queue_depth = 32, .workers = 1, .transfer_threads = 2}, {})) {}

  io::Loop& loop() { return loop_; }
  template <class T>
  T Run(io::Task<T> task) {
    return loop_.Run(std::move(task));
  }
  Env env() {
    return {.loop = loop_, .disk = loop_.disk(), .clock = clock_, .random = random_, .log = {}};
  }

 private:
  io::SystemClock clock_;
  io::Random random_{1};
  io::Loop loop_;
};

// ---- Who is killed

// Reports each transfer that is committed, for ever.
io::Task<void> Client(Tenant& tenant, std::int64_t first, std::uint64_t seed) {
  io::Random random(seed);
  for (std::int64_t number = first;; ++number) {
    const auto end = random.OneIn(8) ? Ledger::End::kRollback : Ledger::End::kCommit;
    const auto version = co_await Ledger::Execute(tenant, number, Ledger::Draw(random), end);
    if (!version) std::_Exit(3);
    if (!version->has_value()) continue;
    if (write(io::Victim::kReportFd, &number, sizeof number) != sizeof number) std::_Exit(0);
  }
}

io::Task<void> Maintenance(Tenant& tenant, std::uint64_t seed) {
  io::Random random(seed);
  for (;;) {
    Status status;
    if (random.OneIn(3)) {
      const auto compacted = co_await tenant.CompactMinor();
      if (!compacted) std::_Exit(4);
    } else if (random.OneIn(3)) {
      const auto table = tenant.catalog().ResolveTable(Ledger::kAccountsName);
      if (!table) std::_Exit(5);
      const auto& tablets = (*table)->tablets();
      const format::TabletId tablet = tablets[random.Below(tablets.size())];
      const std::int64_t from = tenant.catalog().LsOf(tablet)->value;
      status = co_await tenant.MoveTablet(tablet, format::LsId{from == 1001 ? 1002 : 1001});
    } else {
      status = co_await tenant.Flush();
    }
    if (!status) std::_Exit(6);
  }
}

io::Task<void> WorkForEver(Host& host, Tenant& tenant, std::int64_t round) {
  io::TaskGroup tasks(host.loop());
  const auto seed = static_cast<std::uint64_t>(round * 100);
  for (int client = 0; client < kClients; ++client) {
    const std::int64_t first = round * kNumbersPerRound + client * (kNumbersPerRound / kClients);
    tasks.Spawn(Client(tenant, first, seed + static_cast<std::uint64_t>(client)));
  }
  tasks.Spawn(Maintenance(tenant, seed + 99));
  co_await tasks.Join();
}

// Not a test: what the test below starts as a process of its own.
TEST(ProcessKill, DISABLED_Victim) {
  const char* directory = std::getenv(kDirectoryVariable);
  const char* round = std::getenv(kRoundVariable);
  if (directory == nullptr || round == nullptr) GTEST_SKIP();
  alarm(60);  // should nobody do it
  Host host;
  auto tenant = host.Run(Tenant::Open(host.env(), directory, Busy()));
  if (!tenant) std::_Exit(2);
  host.Run(WorkForEver(host, **tenant, std::atoll(round)));
}

// ---- Who kills

// A victim with its reports.
class Killed {
 public:
  Killed(const std::string& directory, int round)
      : victim_("ProcessKill.DISABLED_Victim",
                {std::string(kDirectoryVariable) + "=" + directory,
                 std::string(kRoundVariable) + "=" + std::to_string(round)}) {}

  bool began() const { return victim_.began(); }
  // Waits for its first word: then it is at work.
  void ReadOne() { Read(1); }
  // Returns how it ended.
  int Kill() {
    const int status = victim_.Kill();
    Read(~std::size_t{0});
    return status;
  }
  const std::vector<std::int64_t>& acknowledged() const { return acknowledged_; }

 private:
  // Writes to a pipe of so few bytes are whole.
  void Read(std::size_t count) {
    std::int64_t number = 0;
    for (; count > 0 && read(victim_.reports(), &number, sizeof number) == sizeof number; --count) {
      acknowledged_.push_back(number);
    }
  }

  io::Victim victim_;
  std::vector<std::int64_t> acknowledged_;
};

// What must be in the journal, and what it is known to hold.
void CheckSurvivors(const std::string& directory, const std::vector<std::int64_t>& acknowledged,
                    Ledger::Journal& known) {
  Host host;
  auto tenant = host.Run(Tenant::Open(host.env(), directory, Busy()));
  ASSERT_OK(tenant);
  const auto journal = host.Run(Ledger::Audit(**tenant, (*tenant)->snapshot()));
  if (journal) {
    for (const std::int64_t number : acknowledged) {
      EXPECT_TRUE(journal->contains(number)) << "transfer " << number << " is lost";
    }
    EXPECT_TRUE(std::ranges::includes(
        *journal, known, {}, [](const auto& entry) { return entry.first; },
        [](const auto& entry) { return entry.first; }));
    known = *journal;
  }
  ASSERT_OK(host.Run((*tenant)->Close()));
  ASSERT_OK(journal);
}

TEST(ProcessKill, AtAnyMomentLosesNothingAcknowledged) {
  std::string name = std::filesystem::temp_directory_path() / "obbak_killed.XXXXXX";
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  const std::string directory = name + "/tenant";
  {
    Host host;
    auto tenant = host.Run(Tenant::Create(host.env(), directory, {}, Busy()));
    ASSERT_OK(tenant);
    ASSERT_OK(host.Run(Ledger::Open(**tenant)));
    ASSERT_OK(host.Run((*tenant)->Close()));
  }
  io::Random random(1);
  Ledger::Journal known;
  std::size_t acknowledged = 0;
  for (int round = 1; round <= kRounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    Killed victim(directory, round);
    ASSERT_TRUE(victim.began());
    // Some are killed while they recover.
    if (!random.OneIn(5)) victim.ReadOne();
    std::this_thread::sleep_for(std::chrono::microseconds(random.Below(120'000)));
    ASSERT_TRUE(io::WasKilled(victim.Kill())) << "it ended by itself";
    acknowledged += victim.acknowledged().size();
    CheckSurvivors(directory, victim.acknowledged(), known);
    if (HasFailure()) break;
  }
  EXPECT_GT(acknowledged, static_cast<std::size_t>(kRounds));
  std::filesystem::remove_all(name);
}

}  // namespace
}  // namespace obbak::engine
