// A process that is killed at any moment loses nothing that it has acknowledged. On the real
// device: the kernel keeps what was written, so this is about the order of writes, not about their
// durability (tenant_crash_test.cc).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <string_view>
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

extern char** environ;

namespace obbak::engine {
namespace {

constexpr int kRounds = 50;
constexpr int kClients = 4;
// Numbers of one round's clients.
constexpr std::int64_t kNumbersPerRound = 1'000'000;
constexpr int kReportFd = 3;
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
    if (write(kReportFd, &number, sizeof number) != sizeof number) std::_Exit(0);
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

class Victim {
 public:
  Victim(const std::string& directory, int round) {
    std::array<int, 2> pipe_ends{};
    if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return;
    reports_ = pipe_ends[0];
    const std::string directory_entry = std::string(kDirectoryVariable) + "=" + directory;
    const std::string round_entry = std::string(kRoundVariable) + "=" + std::to_string(round);
    std::vector<std::string> arguments{"engine_test", "--gtest_also_run_disabled_tests",
                                       "--gtest_filter=ProcessKill.DISABLED_Victim"};
    std::vector<std::string> variables{directory_entry, round_entry};
    // Not which part of the tests this process runs.
    for (char** variable = environ; *variable != nullptr; ++variable) {
      if (!std::string_view(*variable).starts_with("GTEST_")) variables.emplace_back(*variable);
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], kReportFd);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, Pointers(arguments).data(),
                    Pointers(variables).data()) != 0) {
      pid_ = 0;
    }
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_ends[1]);
  }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  ~Victim() {
    Kill();
    close(reports_);
  }

  bool began() const { return pid_ != 0; }
  // Waits for its first word: then it is at work.
  void ReadOne() { Read(1); }
  // Returns how it ended.
  int Kill() {
    if (pid_ == 0) return status_;
    kill(pid_, SIGKILL);
    while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    Read(~std::size_t{0});
    return status_;
  }
  const std::vector<std::int64_t>& acknowledged() const { return acknowledged_; }

 private:
  static std::vector<char*> Pointers(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
  }
  // Writes to a pipe of so few bytes are whole.
  void Read(std::size_t count) {
    std::int64_t number = 0;
    for (; count > 0 && read(reports_, &number, sizeof number) == sizeof number; --count) {
      acknowledged_.push_back(number);
    }
  }

  int reports_ = -1;
  pid_t pid_ = 0;
  int status_ = 0;
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
    Victim victim(directory, round);
    ASSERT_TRUE(victim.began());
    // Some are killed while they recover.
    if (!random.OneIn(5)) victim.ReadOne();
    std::this_thread::sleep_for(std::chrono::microseconds(random.Below(120'000)));
    const int status = victim.Kill();
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "it ended by itself";
    acknowledged += victim.acknowledged().size();
    CheckSurvivors(directory, victim.acknowledged(), known);
    if (HasFailure()) break;
  }
  EXPECT_GT(acknowledged, static_cast<std::size_t>(kRounds));
  std::filesystem::remove_all(name);
}

}  // namespace
}  // namespace obbak::engine
