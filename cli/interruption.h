// Interruption: Ctrl-C, and what else asks a process to end, for work that can be cancelled.
#pragma once

#include <functional>
#include <stop_token>
#include <utility>

#include "io/loop.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::cli {

// While one lives, the first SIGINT or SIGTERM of the process does not kill: it is kept for the
// Interruption of now, or of later. The second one kills. On one thread.
class InterruptionSignals {
 public:
  InterruptionSignals();
  InterruptionSignals(const InterruptionSignals&) = delete;
  InterruptionSignals& operator=(const InterruptionSignals&) = delete;
  ~InterruptionSignals();
};

// Calls `cancel` on the loop's thread when such a signal has come. One at a time in a process.
class Interruption {
 public:
  Interruption(io::Loop& loop, std::function<void()> cancel);
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  // Precondition: End() is done.
  ~Interruption();

  // Waits for signals no longer.
  io::Task<void> End();

 private:
  io::Task<void> Watch();

  InterruptionSignals signals_;
  io::Loop& loop_;
  std::function<void()> cancel_;
  std::stop_source stop_;
  io::TaskGroup watching_;
};

// Runs `work` under an Interruption. `work` ends by itself, but sooner after `cancel`.
template <class T>
io::Task<T> RunCancelable(io::Loop& loop, std::function<void()> cancel, io::Task<T> work) {
  Interruption interruption(loop, std::move(cancel));
  T result = co_await std::move(work);
  co_await interruption.End();
  co_return result;
}

}  // namespace obbak::cli
