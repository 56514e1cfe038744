// LatencyHistogram: how long things took, in constant memory.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace obbak::cli {

// Exact below 32 ns, above to a 32nd of the value.
class LatencyHistogram {
 public:
  void Add(std::chrono::nanoseconds latency) {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(latency.count(), 0));
    ++buckets_[BucketOf(value)];
    ++count_;
    max_ = std::max(max_, value);
  }

  std::uint64_t count() const { return count_; }
  std::chrono::nanoseconds max() const { return std::chrono::nanoseconds(max_); }

  // No less than the smallest latency that is at least as long as `part` (0 to 1) of them; 0 when
  // there are none.
  std::chrono::nanoseconds Quantile(double part) const {
    const auto wanted = static_cast<std::uint64_t>(part * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen > 0 && seen >= wanted) {
        return std::chrono::nanoseconds(std::min(LastOf(i), max_));
      }
    }
    return std::chrono::nanoseconds(0);
  }

 private:
  static constexpr int kBits = 5;
  static constexpr std::uint64_t kSteps = std::uint64_t{1} << kBits;

  // Values of one bit width share kSteps buckets.
  static std::size_t BucketOf(std::uint64_t value) {
    if (value < kSteps) return static_cast<std::size_t>(value);
    const int shift = static_cast<int>(std::bit_width(value)) - kBits - 1;
    return static_cast<std::size_t>(static_cast<std::uint64_t>(shift) * kSteps + (value >> shift));
  }
  // The largest value of a bucket.
  static std::uint64_t LastOf(std::size_t bucket) {
    if (bucket < 2 * kSteps) return bucket;
    const std::size_t shift = bucket / kSteps - 1;
    return ((bucket % kSteps + kSteps + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (64 - kBits) * kSteps + kSteps> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace obbak::cli
