// DemoSteps: the steps of a demonstration, each a line with its time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "cli/console.h"
#include "io/loop.h"

namespace obbak::cli {

class DemoSteps {
 public:
  // `console` must outlive it.
  explicit DemoSteps(const Console& console) : console_(console) {}

  // On a terminal the step is shown while it lasts.
  void Begin(io::Loop& loop, std::string what);
  // `result` stands behind the time. Precondition: Begin().
  void End(const std::string& result);
  // How much there was of something in each second since Begin(): "1.23 M".
  std::string RateOf(std::uint64_t count) const;

 private:
  std::chrono::nanoseconds elapsed() const { return loop_->SteadyNow() - begin_; }

  const Console& console_;
  io::Loop* loop_ = nullptr;
  int number_ = 0;
  std::string what_;
  std::chrono::nanoseconds begin_{0};
};

}  // namespace obbak::cli
