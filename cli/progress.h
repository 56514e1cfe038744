// Progress: how far a long command is, on one line of a terminal that is written over.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "cli/console.h"

namespace obbak::cli {

// "1.2 GB" style numbers: 999, 12.3 k, 4.56 M.
std::string ShortNumber(double value);
// "4.2 s", "3:07", "1:02:03".
std::string ShortDuration(std::chrono::nanoseconds duration);

// Prints nothing unless standard error is a terminal, and at most a few times a second. `console`
// must outlive it.
class Progress {
 public:
  // Never goes back; its zero means nothing.
  using SteadyClock = std::function<std::chrono::nanoseconds()>;

  static constexpr std::chrono::milliseconds kInterval{200};

  // `what` is counted: "rows".
  Progress(const Console& console, SteadyClock now, std::string what);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  // Leaves no line behind.
  ~Progress() { Clear(); }

  // `count` things are done. `part`, from 0 to 1, is how much of the whole that is, when known: it
  // gives the time that is left.
  void Update(std::uint64_t count, std::optional<double> part);
  // Takes the line away, so that something else may be printed.
  void Clear();

  std::chrono::nanoseconds elapsed() const { return now_() - begin_; }

 private:
  const Console& console_;
  SteadyClock now_;
  std::string what_;
  std::chrono::nanoseconds begin_;
  std::chrono::nanoseconds next_;
  bool line_is_there_ = false;
};

}  // namespace obbak::cli
