// Running a workload: many users at a time, measured.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/latency_histogram.h"
#include "cli/progress.h"
#include "io/loop.h"
#include "io/random.h"
#include "io/task.h"

namespace obbak::cli {

enum class Attempt {
  kDone,
  kConflict,  // to be tried again
  kRefused,   // an end, too: what was asked for is not possible
};

// Somebody who does one thing after the other.
class WorkloadUser {
 public:
  virtual ~WorkloadUser() = default;
  // Decides what to do next, and says of which kind it is.
  virtual std::size_t Choose(io::Random& random) = 0;
  virtual io::Task<Result<Attempt>> Try() = 0;
};

struct Workload {
  std::vector<std::string> kinds;  // names of what users do
  std::function<std::unique_ptr<WorkloadUser>()> make_user;
  // Whether all is well; beside the users now and then, and once at the end. May be empty.
  std::function<io::Task<Status>()> check;
};

struct RunLimits {
  std::size_t users = 16;
  // Whichever comes first. At least one of them is there.
  std::optional<std::chrono::nanoseconds> duration;
  std::optional<std::uint64_t> operations;
  // Or this.
  std::stop_token stop;
  std::uint64_t seed = 1;
  std::chrono::nanoseconds check_interval = std::chrono::milliseconds(200);
};

struct KindReport {
  std::string name;
  std::uint64_t done = 0;
  std::uint64_t refused = 0;
  std::uint64_t conflicts = 0;
  // Of each operation, from its first attempt to its end.
  LatencyHistogram latency;
};

struct RunReport {
  std::vector<KindReport> kinds;
  std::uint64_t checks = 0;
  std::chrono::nanoseconds elapsed{0};
};

// Ends when a limit is reached, or with the first error of a user or a check. The same seed gives
// each user the same choices.
io::Task<Result<RunReport>> RunWorkload(io::Loop& loop, const Workload& workload, RunLimits limits,
                                        Progress& progress);

}  // namespace obbak::cli
