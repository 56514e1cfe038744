#include "cli/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "io/random.h"

namespace obbak::cli {
namespace {

using std::chrono::nanoseconds;

TEST(LatencyHistogram, QuantilesAreThoseOfTheSortedValuesToA32nd) {
  io::Random random(7);
  for (int round = 0; round < 20; ++round) {
    LatencyHistogram histogram;
    std::vector<std::int64_t> values;
    for (int i = 0; i < 1000; ++i) {
      // All magnitudes alike.
      values.push_back(static_cast<std::int64_t>(random.Next() >> (1 + random.Below(63))));
      histogram.Add(nanoseconds(values.back()));
    }
    std::ranges::sort(values);
    for (const std::size_t rank : {1U, 10U, 500U, 990U, 1000U}) {
      const std::int64_t exact = values[rank - 1];
      const std::int64_t got = histogram.Quantile(static_cast<double>(rank) / 1000).count();
      EXPECT_GE(got, exact);
      EXPECT_LE(got - exact, exact / 32 + 1);
    }
    EXPECT_EQ(histogram.max().count(), values.back());
  }
}

TEST(LatencyHistogram, TakesTheExtremes) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.Quantile(0.5), nanoseconds(0));
  histogram.Add(nanoseconds(-1));
  histogram.Add(nanoseconds::max());
  EXPECT_EQ(histogram.Quantile(0.5), nanoseconds(0));
  EXPECT_EQ(histogram.Quantile(1), nanoseconds::max());
}

}  // namespace
}  // namespace obbak::cli
