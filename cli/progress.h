// Progress: how far a long command is, on one line of a terminal that is written over.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cli/console.h"

namespace obbak::cli {

// "1.2 GB" style numbers: 999, 12.3 k, 4.56 M.
std::string ShortNumber(double value);
// The same of bytes: "999 B", "12.3 kB", "4.56 MB".
std::string ShortBytes(double bytes);
// "4.2 s", "3:07", "1:02:03".
std::string ShortDuration(std::chrono::nanoseconds duration);

// Prints nothing unless standard error is a terminal, and at most a few times a second. `console`
// must outlive it.
class Progress {
 public:
  // Never goes back; its zero means nothing.
  using SteadyClock = std::function<std::chrono::nanoseconds()>;

  static constexpr std::chrono::milliseconds kInterval{200};
  static constexpr std::string_view kBytes = "bytes";

  // `what` is counted: "rows", kBytes.
  Progress(const Console& console, SteadyClock now, std::string_view what);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  // Leaves no line behind.
  ~Progress() { Clear(); }

  // What is counted from here on has this name, its own rate and its own end. Nothing when it is
  // the phase's name already.
  void BeginPhase(std::string_view name);
  // `count` things of the phase are done. `part`, from 0 to 1, is how much of the whole that is,
  // when known: it gives the time that is left.
  void Update(std::uint64_t count, std::optional<double> part);
  // The same; `total` may be 0 while nobody knows it.
  void UpdateOf(std::uint64_t count, std::uint64_t total);
  // Takes the line away, so that something else may be printed.
  void Clear();

  // Since the begin of everything.
  std::chrono::nanoseconds elapsed() const { return now_() - begin_; }

 private:
  std::string CountText(double count) const;

  const Console& console_;
  SteadyClock now_;
  std::string what_;
  std::string phase_;
  std::chrono::nanoseconds begin_;
  std::chrono::nanoseconds phase_begin_;
  std::chrono::nanoseconds next_;
  bool line_is_there_ = false;
};

}  // namespace obbak::cli
