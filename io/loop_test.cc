#include "io/loop.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "io/sim_world.h"
#include "io/sync.h"
#include "io/test_device.h"

namespace obbak::io {
namespace {

using std::chrono::milliseconds;

class LoopTest : public DeviceTest {};
OBBAK_ON_ALL_DEVICES(LoopTest);

Task<void> CountTo(Loop& loop, int n, int& count, int& most_apart, const int& other) {
  for (int i = 0; i < n; ++i) {
    ++count;
    most_apart = std::max(most_apart, count - other);
    co_await loop.Yield();
  }
}

TEST_P(LoopTest, YieldLetsTheOthersRun) {
  int first = 0;
  int second = 0;
  int most_apart = 0;
  const auto both = [&]() -> Task<void> {
    TaskGroup group(loop());
    group.Spawn(CountTo(loop(), 1000, first, most_apart, second));
    group.Spawn(CountTo(loop(), 1000, second, most_apart, first));
    co_await group.Join();
  };
  loop().Run(both());
  EXPECT_EQ(first, 1000);
  EXPECT_EQ(second, 1000);
  // Each runs once a turn, in either order.
  EXPECT_LE(most_apart, 2);
}

TEST_P(LoopTest, SleepersWakeInTheOrderOfTheirTimesAndNotEarly) {
  std::vector<int> woken;
  const auto sleeper = [&](int i) -> Task<void> {
    const auto begin = loop().SteadyNow();
    const Status slept = co_await loop().Sleep(milliseconds(10 * i));
    EXPECT_TRUE(slept.has_value());
    EXPECT_GE(loop().SteadyNow() - begin, milliseconds(10 * i));
    woken.push_back(i);
  };
  const auto all = [&]() -> Task<void> {
    TaskGroup group(loop());
    for (const int i : {3, 1, 4, 0, 2}) group.Spawn(sleeper(i));
    co_await group.Join();
  };
  loop().Run(all());
  EXPECT_EQ(woken, (std::vector{0, 1, 2, 3, 4}));
}

TEST_P(LoopTest, ARequestToStopEndsASleepAtOnce) {
  std::stop_source stop;
  const auto stopper = [&]() -> Task<void> {
    co_await loop().Yield();
    stop.request_stop();
  };
  const auto sleeper = [&]() -> Task<Status> {
    loop().Spawn(stopper());
    co_return co_await loop().Sleep(std::chrono::hours(1), stop.get_token());
  };
  const Status first = loop().Run(sleeper());
  ASSERT_FALSE(first.has_value());
  EXPECT_EQ(first.error().code(), ErrorCode::kCanceled);
  // The stop is known already.
  const Status second = loop().Run(loop().Sleep(std::chrono::hours(1), stop.get_token()));
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), ErrorCode::kCanceled);
}

TEST_P(LoopTest, OffloadGivesTheResultBack) {
  std::string text = "result";
  const auto task = [&]() -> Task<std::unique_ptr<std::string>> {
    co_await loop().Offload([&] { text += '!'; });
    auto moves_only = [owned = std::make_unique<std::string>(text)]() mutable {
      return std::move(owned);
    };
    co_return co_await loop().Offload(moves_only);
  };
  const std::unique_ptr<std::string> result = loop().Run(task());
  EXPECT_EQ(*result, "result!");
}

TEST_P(LoopTest, ManyOffloadsFromManyTasksLoseNoWakeUp) {
  constexpr int kTasks = 50;
  constexpr int kRounds = 100;
  int sum = 0;
  const auto worker = [&](int i) -> Task<void> {
    for (int round = 0; round < kRounds; ++round) {
      sum += co_await loop().Offload([i] { return i; });
      if ((i + round) % 7 == 0) co_await loop().Yield();
    }
  };
  const auto all = [&]() -> Task<void> {
    TaskGroup group(loop());
    for (int i = 0; i < kTasks; ++i) group.Spawn(worker(i));
    co_await group.Join();
  };
  loop().Run(all());
  EXPECT_EQ(sum, kRounds * kTasks * (kTasks - 1) / 2);
}

TEST_P(LoopTest, AnOffloadEndsASleepingLoopsWait) {
  const auto task = [&]() -> Task<bool> {
    bool timer_first = false;
    std::stop_source stop;
    const auto sleeper = [&]() -> Task<void> {
      timer_first = (co_await loop().Sleep(std::chrono::hours(1), stop.get_token())).has_value();
    };
    TaskGroup group(loop());
    group.Spawn(sleeper());
    co_await loop().Offload([] { std::this_thread::sleep_for(milliseconds(5)); });
    stop.request_stop();
    co_await group.Join();
    co_return timer_first;
  };
  EXPECT_FALSE(loop().Run(task()));
}

TEST_P(LoopTest, SpawnedTasksGoOnInTheNextRun) {
  int progress = 0;
  const auto background = [&]() -> Task<void> {
    for (int i = 0; i < 10; ++i) {
      co_await loop().Sleep(milliseconds(1));
      ++progress;
    }
  };
  const auto nothing = []() -> Task<void> { co_return; };
  loop().Spawn(background());
  loop().Run(nothing());
  EXPECT_LT(progress, 10);
  while (loop().live_tasks() > 0) {
    const Status slept = loop().Run(loop().Sleep(milliseconds(1)));
    EXPECT_TRUE(slept.has_value());
  }
  EXPECT_EQ(progress, 10);
}

TEST(LoopDeathTest, ALostWakeUpIsNotWaitedFor) {
  SimWorld world(1);
  const auto waits_for_ever = [&]() -> Task<void> {
    Event never(world.loop());
    co_await never.Wait();
  };
  EXPECT_DEATH(world.loop().Run(waits_for_ever()), "every task waits");
}

// The order in which ready tasks run, as one number a seed.
std::vector<int> OrderUnder(std::uint64_t seed) {
  SimWorld world(seed);
  std::vector<int> order;
  const auto member = [&](int i) -> Task<void> {
    co_await world.loop().Yield();
    order.push_back(i);
    co_await world.loop().Offload([] {});
    order.push_back(i);
  };
  const auto all = [&]() -> Task<void> {
    TaskGroup group(world.loop());
    for (int i = 0; i < 5; ++i) group.Spawn(member(i));
    co_await group.Join();
  };
  world.loop().Run(all());
  return order;
}

TEST(SimulatedLoop, TheSeedDecidesTheOrderOfReadyTasks) {
  std::set<std::vector<int>> orders;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(OrderUnder(seed), OrderUnder(seed));
    orders.insert(OrderUnder(seed));
  }
  EXPECT_GT(orders.size(), 15u);
}

TEST(SimulatedLoop, TimeJumpsAndTheClockGoesAlong) {
  SimWorld world(1);
  const std::uint64_t begin = world.clock().NowNs();
  const Status slept = world.loop().Run(world.loop().Sleep(std::chrono::hours(24)));
  ASSERT_TRUE(slept.has_value());
  const std::uint64_t day_ns = 24 * 3600 * 1'000'000'000ull;
  EXPECT_GE(world.clock().NowNs() - begin, day_ns);
  EXPECT_LT(world.clock().NowNs() - begin, day_ns + 1'000'000'000ull);
}

}  // namespace
}  // namespace obbak::io
