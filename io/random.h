// Random: randomness, handed in; the same seed gives the same numbers on every machine.
#pragma once

#include <cassert>
#include <cstdint>

namespace obbak::io {

// SplitMix64. For choices, test data and jitter, not for secrets.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }

  // In [0, n), n > 0. The bias of the modulo is below n / 2^64.
  std::uint64_t Below(std::uint64_t n) {
    assert(n > 0);
    return Next() % n;
  }

  // True once in n times on average.
  bool OneIn(std::uint64_t n) { return Below(n) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace obbak::io
