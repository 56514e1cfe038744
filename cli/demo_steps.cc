#include "cli/demo_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/progress.h"
#include "cli/table_output.h"

namespace obbak::cli {
namespace {

// Of what the steps are.
constexpr std::size_t kWidth = 46;

}  // namespace

void DemoSteps::Begin(io::Loop& loop, std::string what) {
  loop_ = &loop;
  what_ = std::move(what);
  begin_ = loop.SteadyNow();
  ++number_;
  if (console_.err_is_terminal) console_.err(fmt::format("{:>3}  {} ...", number_, what_));
}

void DemoSteps::End(const std::string& result) {
  if (console_.err_is_terminal) console_.err("\r\x1b[K");
  const std::size_t width = DisplayWidth(what_);
  const std::string padding(width < kWidth ? kWidth - width : 0, ' ');
  const double seconds = std::chrono::duration<double>(elapsed()).count();
  console_.out(
      fmt::format("{:>3}  {}{}  {:>6.2f} s  {}\n", number_, what_, padding, seconds, result));
}

std::string DemoSteps::RateOf(std::uint64_t count) const {
  const double seconds = std::chrono::duration<double>(elapsed()).count();
  return ShortNumber(static_cast<double>(count) / std::max(seconds, 1e-9));
}

}  // namespace obbak::cli
