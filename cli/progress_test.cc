#include "cli/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

namespace obbak::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using testing::HasSubstr;

struct Terminal {
  explicit Terminal(bool is_terminal)
      : console{.out = [](std::string_view) { ADD_FAILURE() << "progress on standard output"; },
                .err = [this](std::string_view text) { shown += text; },
                .err_is_terminal = is_terminal} {}

  std::string shown;
  Console console;
  nanoseconds now{0};
};

TEST(Progress, SaysHowFastAndHowLongStill) {
  Terminal terminal(true);
  {
    Progress progress(terminal.console, [&] { return terminal.now; }, "rows");
    progress.Update(10, 0.01);
    EXPECT_EQ(terminal.shown, "");  // too early to say anything
    terminal.now = milliseconds(2000);
    progress.Update(3000, 0.25);
    EXPECT_THAT(terminal.shown, HasSubstr("3.00 k rows, 1.50 k/s, 25%, 6.0 s left"));
    terminal.shown.clear();
    terminal.now += Progress::kInterval / 2;
    progress.Update(4000, 0.3);
    EXPECT_EQ(terminal.shown, "");
    terminal.now = milliseconds(4000);
    progress.Update(4000, std::nullopt);
    EXPECT_THAT(terminal.shown, HasSubstr("4.00 k rows, 1.00 k/s"));
    terminal.shown.clear();
  }
  EXPECT_EQ(terminal.shown, "\r\x1b[K");
}

TEST(Progress, APhaseHasItsOwnRateAndEnd) {
  Terminal terminal(true);
  Progress progress(terminal.console, [&] { return terminal.now; }, Progress::kBytes);
  progress.BeginPhase("BACKUP_DATA_MINOR");
  terminal.now = milliseconds(10000);
  progress.UpdateOf(500, 500);
  EXPECT_THAT(terminal.shown, HasSubstr("BACKUP_DATA_MINOR: 500 B, 50 B/s, 100%, 0.0 s left"));
  progress.BeginPhase("BACKUP_DATA_MAJOR");
  terminal.now += milliseconds(2000);
  progress.UpdateOf(3'000'000, 12'000'000);
  EXPECT_THAT(terminal.shown, HasSubstr("BACKUP_DATA_MAJOR: 3.00 MB, 1.50 MB/s, 25%, 6.0 s left"));
  terminal.now += milliseconds(1000);
  progress.UpdateOf(4'500'000, 0);
  EXPECT_THAT(terminal.shown, testing::EndsWith("BACKUP_DATA_MAJOR: 4.50 MB, 1.50 MB/s"));
}

TEST(Progress, IsNotInAPipe) {
  Terminal pipe(false);
  {
    Progress progress(pipe.console, [&] { return pipe.now; }, "rows");
    pipe.now = milliseconds(2000);
    progress.Update(3000, 0.25);
  }
  EXPECT_EQ(pipe.shown, "");
}

TEST(Progress, NumbersAndTimesAreShort) {
  EXPECT_EQ(ShortNumber(0), "0");
  EXPECT_EQ(ShortNumber(999), "999");
  EXPECT_EQ(ShortNumber(999.7), "1.00 k");
  EXPECT_EQ(ShortNumber(12345), "12.3 k");
  EXPECT_EQ(ShortNumber(4.56e9), "4.56 G");
  EXPECT_EQ(ShortDuration(milliseconds(4210)), "4.2 s");
  EXPECT_EQ(ShortDuration(std::chrono::seconds(187)), "3:07");
  EXPECT_EQ(ShortDuration(std::chrono::seconds(3723)), "1:02:03");
}

}  // namespace
}  // namespace obbak::cli
