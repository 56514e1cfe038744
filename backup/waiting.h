// Waiting: for something in the tenant that nobody tells a backup about.
#pragma once

#include <algorithm>
#include <chrono>

#include "backup/set_context.h"
#include "io/loop.h"
#include "io/task.h"

namespace obbak::backup {

// Looks are close together at first, most things come soon, and then further apart.
class Waiting {
 public:
  // For as long as options.patience says. `context` outlives it.
  explicit Waiting(const SetContext& context)
      : context_(context), deadline_(Loop().SteadyNow() + context.options.patience) {}

  bool is_over() const { return Loop().SteadyNow() >= deadline_; }

  // Until it is time to look again, or the backup is to stop.
  io::Task<void> Pause() {
    static_cast<void>(co_await Loop().Sleep(pause_, context_.stop));
    pause_ = std::min(2 * pause_, kLongestPause);
  }

 private:
  static constexpr std::chrono::milliseconds kLongestPause{20};

  io::Loop& Loop() const { return context_.core.env.loop; }

  const SetContext& context_;
  std::chrono::nanoseconds deadline_;
  std::chrono::milliseconds pause_{1};
};

}  // namespace obbak::backup
