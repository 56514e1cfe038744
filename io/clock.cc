#include "io/clock.h"

#include <chrono>

namespace obbak::io {

std::uint64_t SystemClock::NowNs() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count());
}

}  // namespace obbak::io
