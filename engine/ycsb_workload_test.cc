#include "engine/ycsb_workload.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "engine/tenant_test_support.h"
#include "io/random.h"
#include "io/sim_world.h"

namespace obbak::engine {
namespace {

TEST(Zipfian, RanksAreAsPopularAsTheirNumberSays) {
  constexpr std::uint64_t kItems = 1000;
  constexpr int kDraws = 200'000;
  const Zipfian zipfian(kItems);
  io::Random random(7);
  std::vector<double> seen(kItems);
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t rank = zipfian.Next(random);
    ASSERT_LT(rank, kItems);
    ++seen[rank];
  }
  double zeta = 0;
  for (std::uint64_t k = 1; k <= kItems; ++k) zeta += std::pow(static_cast<double>(k), -0.99);
  // The two first ranks are exact, those behind them come from a continuous approximation.
  for (const std::size_t rank : {0U, 1U}) {
    const double expected = kDraws * std::pow(static_cast<double>(rank + 1), -0.99) / zeta;
    EXPECT_NEAR(seen[rank], expected, expected * 0.05) << rank;
  }
  double first_tenth = 0;
  double expected_tenth = 0;
  for (std::size_t rank = 0; rank < kItems / 10; ++rank) {
    first_tenth += seen[rank];
    expected_tenth += kDraws * std::pow(static_cast<double>(rank + 1), -0.99) / zeta;
  }
  EXPECT_NEAR(first_tenth, expected_tenth, expected_tenth * 0.05);
}

TEST(YcsbWorkload, ItsRequestsFollowTheMixAndFindTheirRecords) {
  io::SimWorld world(7);
  auto created = world.loop().Run(Tenant::Create(EnvOf(world), "/t", {}, SmallEngine()));
  ASSERT_TRUE(created) << created.error().ToString();
  const std::unique_ptr<Tenant> tenant = *std::move(created);
  struct Expected {
    YcsbMix mix;
    int reads;  // of 1000
    YcsbOperation other;
  };
  for (const Expected& expected : {Expected{YcsbMix::kA, 500, YcsbOperation::kUpdate},
                                   Expected{YcsbMix::kB, 950, YcsbOperation::kUpdate},
                                   Expected{YcsbMix::kC, 1000, YcsbOperation::kRead},
                                   Expected{YcsbMix::kF, 500, YcsbOperation::kReadModifyWrite}}) {
    const auto ycsb = world.loop().Run(
        YcsbWorkload::Open(*tenant, {.mix = expected.mix, .records = 50, .partitions = 2}));
    ASSERT_TRUE(ycsb) << ycsb.error().ToString();
    EXPECT_EQ(ycsb->records(), 50);
    int reads = 0;
    for (int i = 0; i < 1000; ++i) {
      const YcsbRequest request = ycsb->Choose(world.random());
      if (request.operation == YcsbOperation::kRead) {
        ++reads;
      } else {
        EXPECT_EQ(request.operation, expected.other);
      }
      if (i % 20 != 0) continue;
      const Result<bool> done = world.loop().Run(ycsb->Execute(request));
      ASSERT_TRUE(done) << done.error().ToString();
      EXPECT_TRUE(*done);
    }
    EXPECT_NEAR(reads, expected.reads, expected.reads == 1000 ? 0 : 60);
  }
  EXPECT_TRUE(world.loop().Run(tenant->Close()));
}

}  // namespace
}  // namespace obbak::engine
