#include "io/task.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "io/sim_world.h"

namespace obbak::io {
namespace {

Task<int> Give(int value) { co_return value; }

Task<Result<std::unique_ptr<int>>> GiveOwned(int value) {
  if (value < 0) co_return Fail(ErrorCode::kInvalidArgument, "below zero");
  co_return std::make_unique<int>(value);
}

TEST(Task, GivesItsValueToWhoAwaitsIt) {
  SimWorld world(1);
  const auto sum = []() -> Task<int> {
    Task<int> later = Give(2);
    const int now = co_await Give(40);
    co_return now + co_await std::move(later);
  };
  EXPECT_EQ(world.loop().Run(sum()), 42);
}

TEST(Task, CarriesValuesThatOnlyMoveAndErrors) {
  SimWorld world(1);
  const auto value = world.loop().Run(GiveOwned(7));
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(**value, 7);
  const auto error = world.loop().Run(GiveOwned(-7));
  ASSERT_FALSE(error.has_value());
  EXPECT_EQ(error.error().code(), ErrorCode::kInvalidArgument);
}

Task<std::uint64_t> SumTo(std::uint64_t n) {
  if (n == 0) co_return 0;
  co_return n + co_await SumTo(n - 1);
}

TEST(Task, DepthDoesNotGrowTheStack) {
  SimWorld world(1);
  EXPECT_EQ(world.loop().Run(SumTo(200'000)), 200'000ull * 200'001 / 2);
}

TEST(Task, LongLoopsOfTasksThatNeverWaitDoNotGrowTheStack) {
  SimWorld world(1);
  const auto loop = []() -> Task<int> {
    int sum = 0;
    for (int i = 0; i < 1'000'000; ++i) sum += co_await Give(1);
    co_return sum;
  };
  EXPECT_EQ(world.loop().Run(loop()), 1'000'000);
}

Task<int> CountUses(std::shared_ptr<int> shared, std::string text) {
  co_return static_cast<int>(shared.use_count()) + static_cast<int>(text.size());
}

TEST(Task, FreesItsArgumentsExactlyOnceWhetherItRanOrNot) {
  SimWorld world(1);
  const auto shared = std::make_shared<int>(0);
  {
    const Task<int> never_awaited = CountUses(shared, std::string(100, 'x'));
    EXPECT_EQ(shared.use_count(), 2);
  }
  EXPECT_EQ(shared.use_count(), 1);
  const auto outer = [](std::shared_ptr<int> mine) -> Task<int> {
    const int first = co_await CountUses(mine, std::string(100, 'x'));
    co_return first + co_await CountUses(std::move(mine), std::string(100, 'y'));
  };
  EXPECT_EQ(world.loop().Run(outer(shared)), (3 + 100) + (2 + 100));
  EXPECT_EQ(shared.use_count(), 1);
}

TEST(Task, MovingItMovesTheCoroutine) {
  SimWorld world(1);
  Task<int> first = Give(1);
  Task<int> second = Give(2);
  first = std::move(second);
  EXPECT_EQ(world.loop().Run(std::move(first)), 2);
}

}  // namespace
}  // namespace obbak::io
