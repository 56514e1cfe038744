#include "io/sync.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "io/buffer_pool.h"
#include "io/disk.h"
#include "io/sim_world.h"

namespace obbak::io {
namespace {

// Each test runs under several schedules.
class SyncTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  Loop& loop() { return world_.loop(); }

 private:
  SimWorld world_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Seeds, SyncTest, testing::Range<std::uint64_t>(0, 10));

TEST_P(SyncTest, AMutexLetsOneInAtATimeAndEveryoneInTheEnd) {
  Mutex mutex(loop());
  int inside = 0;
  int visits = 0;
  const auto visitor = [&](int) -> Task<void> {
    for (int i = 0; i < 10; ++i) {
      const Mutex::Guard lock = co_await mutex.Lock();
      EXPECT_EQ(++inside, 1);
      co_await loop().Yield();
      --inside;
      ++visits;
    }
  };
  const auto all = [&]() -> Task<void> {
    TaskGroup group(loop());
    for (int i = 0; i < 8; ++i) group.Spawn(visitor(i));
    co_await group.Join();
  };
  loop().Run(all());
  EXPECT_EQ(visits, 80);
  EXPECT_FALSE(mutex.is_locked());
}

TEST_P(SyncTest, AGuardGivenBackEarlyLetsTheNextOneIn) {
  Mutex mutex(loop());
  const auto task = [&]() -> Task<bool> {
    Mutex::Guard first = co_await mutex.Lock();
    first.Unlock();
    const Mutex::Guard second = co_await mutex.Lock();
    Mutex::Guard moved = std::move(first);
    co_return mutex.is_locked();
  };
  EXPECT_TRUE(loop().Run(task()));
  EXPECT_FALSE(mutex.is_locked());
}

TEST_P(SyncTest, AnEventWakesAllWhoWaitAndHoldsUpNobodyLater) {
  Event event(loop());
  int woken = 0;
  const auto waiter = [&]() -> Task<void> {
    co_await event.Wait();
    EXPECT_TRUE(event.is_set());
    ++woken;
  };
  const auto all = [&]() -> Task<void> {
    TaskGroup group(loop());
    for (int i = 0; i < 5; ++i) group.Spawn(waiter());
    for (int i = 0; i < 5; ++i) co_await loop().Yield();
    EXPECT_EQ(woken, 0);
    event.Set();
    co_await group.Join();
    co_await event.Wait();
  };
  loop().Run(all());
  EXPECT_EQ(woken, 5);
}

TEST_P(SyncTest, WakeOneWakesExactlyOneInTheOrderOfArrival) {
  WaitQueue queue(loop());
  std::vector<int> woken;
  const auto waiter = [&](int i) -> Task<void> {
    co_await queue.Wait();
    woken.push_back(i);
  };
  const auto all = [&]() -> Task<void> {
    TaskGroup group(loop());
    for (int i = 0; i < 3; ++i) {
      group.Spawn(waiter(i));
      co_await loop().Yield();
      co_await loop().Yield();
    }
    for (std::size_t i = 1; i <= 3; ++i) {
      EXPECT_TRUE(queue.WakeOne());
      co_await loop().Yield();
      co_await loop().Yield();
      EXPECT_EQ(woken.size(), i);
    }
    EXPECT_FALSE(queue.WakeOne());
    co_await group.Join();
  };
  loop().Run(all());
  EXPECT_EQ(woken, (std::vector{0, 1, 2}));
}

TEST_P(SyncTest, JoinWaitsForTasksSpawnedMeanwhile) {
  TaskGroup group(loop());
  int ended = 0;
  const auto leaf = [&]() -> Task<void> {
    co_await loop().Yield();
    ++ended;
  };
  const auto parent = [&]() -> Task<void> {
    co_await loop().Yield();
    group.Spawn(leaf());
    ++ended;
  };
  const auto all = [&]() -> Task<void> {
    group.Spawn(parent());
    group.Spawn(parent());
    co_await group.Join();
  };
  loop().Run(all());
  EXPECT_EQ(ended, 4);
  EXPECT_EQ(group.size(), 0u);
}

TEST_P(SyncTest, ABufferPoolNeverHandsOutMoreThanItHas) {
  constexpr std::size_t kCount = 3;
  BufferPool pool(loop(), 5000, kCount);
  EXPECT_EQ(pool.buffer_size(), 2 * Disk::kAlignment);
  EXPECT_EQ(pool.memory().size(), kCount * pool.buffer_size());
  std::vector<std::byte*> held;
  const auto user = [&](int i) -> Task<void> {
    for (int round = 0; round < 10; ++round) {
      Buffer buffer = co_await pool.Acquire();
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % Disk::kAlignment, 0u);
      EXPECT_EQ(std::ranges::count(held, buffer.data()), 0);
      held.push_back(buffer.data());
      EXPECT_LE(held.size(), kCount);
      for (int yields = (i + round) % 3; yields > 0; --yields) co_await loop().Yield();
      std::erase(held, buffer.data());
    }
  };
  const auto all = [&]() -> Task<void> {
    TaskGroup group(loop());
    for (int i = 0; i < 8; ++i) group.Spawn(user(i));
    co_await group.Join();
  };
  loop().Run(all());
  EXPECT_EQ(pool.stats().acquired, 80u);
  EXPECT_GT(pool.stats().waited, 0u);
  EXPECT_EQ(pool.stats().max_in_use, kCount);
  EXPECT_EQ(pool.stats().in_use, 0u);
}

TEST_P(SyncTest, ABufferForSomeoneInLineIsNotGivenToALatecomer) {
  BufferPool pool(loop(), Disk::kAlignment, 1);
  bool served = false;
  const auto in_line = [&]() -> Task<void> {
    const Buffer buffer = co_await pool.Acquire();
    served = true;
  };
  const auto all = [&]() -> Task<void> {
    Buffer buffer = pool.TryAcquire();
    EXPECT_FALSE(buffer.empty());
    EXPECT_TRUE(pool.TryAcquire().empty());
    TaskGroup group(loop());
    group.Spawn(in_line());
    for (int i = 0; i < 3; ++i) co_await loop().Yield();
    buffer.Release();
    EXPECT_TRUE(pool.TryAcquire().empty());
    co_await group.Join();
    EXPECT_FALSE(pool.TryAcquire().empty());
  };
  loop().Run(all());
  EXPECT_TRUE(served);
}

}  // namespace
}  // namespace obbak::io
