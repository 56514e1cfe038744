#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace obbak::cli {
namespace {

using std::chrono::nanoseconds;

double Seconds(nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

// To the line's begin, and everything on it gone.
constexpr std::string_view kClearLine = "\r\x1b[K";

}  // namespace

std::string ShortNumber(double value) {
  constexpr std::string_view kUnits[] = {"", " k", " M", " G", " T"};
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    ++unit;
  }
  const int digits = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f}{}", value, digits, kUnits[unit]);
}

std::string ShortBytes(double bytes) {
  const std::string number = ShortNumber(bytes);
  return number.find(' ') == number.npos ? number + " B" : number + "B";
}

std::string ShortDuration(nanoseconds duration) {
  const double seconds = Seconds(duration);
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::uint64_t>(seconds);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

Progress::Progress(const Console& console, SteadyClock now, std::string_view what)
    : console_(console),
      now_(std::move(now)),
      what_(what),
      begin_(now_()),
      phase_begin_(begin_),
      next_(begin_ + kInterval) {}

void Progress::BeginPhase(std::string_view name) {
  if (name == phase_) return;
  phase_ = name;
  phase_begin_ = now_();
}

std::string Progress::CountText(double count) const {
  return what_ == kBytes ? ShortBytes(count) : ShortNumber(count);
}

void Progress::Update(std::uint64_t count, std::optional<double> part) {
  if (!console_.err_is_terminal) return;
  const nanoseconds now = now_();
  if (now < next_) return;
  next_ = now + kInterval;
  line_is_there_ = true;
  const nanoseconds passed = std::max(now - phase_begin_, nanoseconds(1));
  const auto number = static_cast<double>(count);
  const std::string unit = what_ == kBytes ? "" : " " + what_;
  std::string line = fmt::format("{}{}{}{}{}, {}/s", kClearLine, phase_, phase_.empty() ? "" : ": ",
                                 CountText(number), unit, CountText(number / Seconds(passed)));
  if (part && *part > 0) {
    const double done = std::min(*part, 1.0);
    const std::chrono::duration<double> left(Seconds(passed) * (1 - done) / done);
    line += fmt::format(", {:.0f}%, {} left", done * 100,
                        ShortDuration(std::chrono::duration_cast<nanoseconds>(left)));
  }
  console_.err(line);
}

void Progress::UpdateOf(std::uint64_t count, std::uint64_t total) {
  std::optional<double> part;
  if (total > 0) part = static_cast<double>(count) / static_cast<double>(total);
  Update(count, part);
}

void Progress::Clear() {
  if (!std::exchange(line_is_there_, false)) return;
  console_.err(kClearLine);
}

}  // namespace obbak::cli
