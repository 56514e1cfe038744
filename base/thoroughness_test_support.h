// How many moments a test tries that could try each: enough for every run of the suite, all of them
// when somebody asks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace obbak {

// Sanitizers slow everything down by an order of magnitude.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OBBAK_UNDER_ASAN 1
#endif
#endif
#if defined(OBBAK_UNDER_ASAN) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool kIsSlow = true;
#else
inline constexpr bool kIsSlow = false;
#endif

// Each so many-th moment of a crash or a fault is tried: `usual`, or `slow` under sanitizers.
// OBBAK_CRASH_STRIDE=1 in the environment asks for every one.
inline std::uint64_t CrashStride(std::uint64_t usual, std::uint64_t slow) {
  const char* stride = std::getenv("OBBAK_CRASH_STRIDE");
  if (stride == nullptr) return kIsSlow ? slow : usual;
  return std::max<std::uint64_t>(1, std::strtoull(stride, nullptr, 10));
}

}  // namespace obbak
