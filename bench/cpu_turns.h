// What the side-by-side comparisons share: CPU time of this thread, and the median of interleaved
// rounds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <vector>

namespace obbak::bench {

// CPU time that this thread has used so far, in nanoseconds: steadier than wall time on a shared
// machine.
inline double CpuNanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// `values` must not be empty.
inline double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace obbak::bench
