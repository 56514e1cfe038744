// Every crash survived, on the real device: `obbak` is killed at random moments while it archives,
// backs up and restores; the same command run again does its work. What power failures add to this
// is in crash_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/thoroughness_test_support.h"
#include "cli/obbak_test_support.h"
#include "io/random.h"
#include "io/victim_test_support.h"

namespace obbak::e2e {
namespace {

using Arguments = std::vector<std::string>;
using testing::HasSubstr;

constexpr int kRounds = kIsSlow ? 6 : 20;
constexpr const char* kCommandVariable = "OBBAK_KILLED_COMMAND";

// Words of a command line in one environment variable.
constexpr char kSeparator = '\x1f';

// Not a test: what the tests below start as a process of its own.
TEST(ProcessToKill, DISABLED_Obbak) {
  const char* command = std::getenv(kCommandVariable);
  if (command == nullptr) GTEST_SKIP();
  Arguments arguments(1);
  for (const char* at = command; *at != '\0'; ++at) {
    if (*at == kSeparator) {
      arguments.emplace_back();
    } else {
      arguments.back() += *at;
    }
  }
  const auto drop = [](std::string_view) {};
  std::_Exit(cli::RunObbak(arguments, "1.2.3", {.out = drop, .err = drop}));
}

class ProcessKill : public cli::ObbakTest {
 protected:
  ProcessKill() {
    Out({"tenant", "create", "shop"});
    Out({"archive", "start", "--dest",
         "LOCATION=" + Archive() + " PIECE_SWITCH_INTERVAL=1s BINDING=MANDATORY",
         "--allow-short-pieces"});
    Out({"workload", "run", "bank", "--operations", "200"});
    Run({"backup", "full", "--dest", Data()});
  }

  std::string Archive() const { return (directory_ / "archive").string(); }
  std::string Data() const { return (directory_ / "backup").string(); }

  // Starts the command, and kills it within that time if it has not ended until then. Returns
  // whether it was killed.
  bool Kill(const Arguments& arguments, std::chrono::microseconds within) {
    std::string command = "--data-dir";
    command += kSeparator + DataDir();
    for (const std::string& argument : arguments) command += kSeparator + argument;
    io::Victim victim("ProcessToKill.DISABLED_Obbak",
                      {std::string(kCommandVariable) + "=" + command});
    EXPECT_TRUE(victim.began());
    std::this_thread::sleep_for(
        std::chrono::microseconds(random_.Below(static_cast<std::uint64_t>(within.count()))));
    const bool was_killed = io::WasKilled(victim.Kill());
    killed_ += was_killed ? 1 : 0;
    return was_killed;
  }

  // Nothing in the destinations is broken, or looks like something that it is not.
  void ExpectSound() {
    const cli::CommandResult report = Run({"validate", Data(), Archive()});
    EXPECT_EQ(report.status, cli::kSuccess) << report.out;
    EXPECT_THAT(report.err, HasSubstr("sound: "));
  }

  io::Random random_{1};
  int killed_ = 0;
};

// The value of `"name": "..."` in what a command printed as JSON.
std::string ValueOf(std::string_view json, const std::string& name) {
  const std::string before = "\"" + name + "\": \"";
  const std::size_t at = json.find(before);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + before.size();
  return std::string(json.substr(begin, json.find('"', begin) - begin));
}

TEST_F(ProcessKill, ArchiveAndBackupGoOnWhenTheyAreRunAgain) {
  const Arguments commands[] = {
      {"workload", "run", "bank", "--duration", "60", "--users", "4"},
      {"backup", "full"},
      {"backup", "incremental"},
      {"backup", "incremental", "--plus-archivelog"},
      {"compact", "major"},
  };
  for (int round = 1; round <= kRounds; ++round) {
    const Arguments& command = commands[random_.Below(std::size(commands))];
    SCOPED_TRACE("round " + std::to_string(round) + ": " + command[0] + " " + command.back());
    Kill(command, std::chrono::milliseconds(kIsSlow ? 3000 : 600));
    // Brings the archive up to date.
    Out({"workload", "run", "bank", "--operations", "20"});
    ExpectSound();
    if (HasFailure()) return;
  }
  EXPECT_GT(killed_, kRounds / 3);

  const cli::CommandResult set = Run({"backup", "incremental"});
  EXPECT_EQ(set.status, cli::kSuccess) << set.err;
  Out({"workload", "run", "bank", "--operations", "200"});
  ExpectSound();
  const cli::CommandResult restored =
      Run({"restore", "--from", Data() + "," + Archive(), "--tenant", "rescued", "--json"});
  ASSERT_EQ(restored.status, cli::kSuccess) << restored.err;
  const std::string scn = ValueOf(restored.out, "restore_scn");
  ASSERT_NE(scn, "") << restored.out;
  EXPECT_EQ(Out({"scan", "bank", "--tenant", "rescued"}),
            Out({"scan", "bank", "--tenant", "shop", "--at", scn}));
}

TEST_F(ProcessKill, ARestoreIsBegunAgainAndGoesFurther) {
  Out({"workload", "run", "bank", "--operations", "5000", "--users", "32"});
  const std::string from = Data() + "," + Archive();
  const std::string expected = Out({"scan", "bank", "--tenant", "shop"});
  const auto begin = std::chrono::steady_clock::now();
  Out({"restore", "--from", from, "--tenant", "rescued"});
  // As long as one takes here.
  const auto within = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - begin);
  for (int round = 1; round <= kRounds / 2; ++round) {
    const std::string name = "rescued" + std::to_string(round);
    SCOPED_TRACE(name);
    const Arguments restore{"restore", "--from", from, "--tenant", name};
    const bool was_killed = Kill(restore, within);
    if (was_killed) {
      // Can't be taken for a tenant until it is one.
      const cli::CommandResult early = Run({"scan", "bank", "--tenant", name});
      if (early.status != cli::kSuccess) {
        const cli::CommandResult again = Run(restore);
        EXPECT_EQ(again.status, cli::kSuccess) << early.err << again.err;
      }
    }
    EXPECT_EQ(Out({"scan", "bank", "--tenant", name}), expected);
    Kill({"activate", "--tenant", name}, within / 4);
    const cli::CommandResult activated = Run({"activate", "--tenant", name});
    EXPECT_EQ(activated.status, cli::kSuccess) << activated.err;
    EXPECT_EQ(Out({"scan", "bank", "--tenant", name}), expected);
    if (HasFailure()) return;
  }
  EXPECT_GT(killed_, kRounds / 4);
  ExpectSound();
}

}  // namespace
}  // namespace obbak::e2e
