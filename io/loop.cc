#include "io/loop.h"

#include <cassert>
#include <cstdio>
#include <cstdlib>

namespace obbak::io {

// A coroutine that nobody awaits: it frees itself at its end.
struct Loop::Detached {
  struct promise_type {
    Detached get_return_object() noexcept {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

struct Loop::TimerAwaiter {
  Loop& loop;
  TimerKey key;
  bool canceled = false;
  std::coroutine_handle<> waiter = nullptr;

  bool await_ready() const noexcept { return canceled; }
  void await_suspend(std::coroutine_handle<> handle) {
    waiter = handle;
    loop.timers_.emplace(key, this);
  }
  void await_resume() const noexcept {}

  void Cancel() {
    if (canceled) return;
    canceled = true;
    // Not in the map: it has not been awaited yet, or has just expired.
    if (loop.timers_.erase(key) > 0) loop.MakeReady(waiter);
  }
};

Loop::Loop(std::unique_ptr<Driver> driver) : driver_(std::move(driver)) {}

Loop::~Loop() { assert(live_tasks_ == 0); }

Loop::Detached Loop::RunDetached(Loop& loop, Task<void> task) {
  co_await std::move(task);
  --loop.live_tasks_;
}

void Loop::Spawn(Task<void> task) {
  ++live_tasks_;
  MakeReady(RunDetached(*this, std::move(task)).handle);
}

Task<Status> Loop::Sleep(std::chrono::nanoseconds duration, std::stop_token stop) {
  const std::chrono::nanoseconds now = SteadyNow();
  const auto until = duration < Driver::kForever - now ? now + duration : Driver::kForever;
  TimerAwaiter timer{*this, TimerKey(until, next_timer_++)};
  const std::stop_callback on_stop(stop, [&timer] { timer.Cancel(); });
  co_await timer;
  if (timer.canceled) co_return Fail(ErrorCode::kCanceled, "the wait was cancelled");
  co_return Status();
}

void Loop::Drive(const bool& done) {
  assert(!driving_);
  driving_ = true;
  while (!done) Turn();
  driving_ = false;
}

void Loop::Turn() {
  std::chrono::nanoseconds until = std::chrono::nanoseconds::zero();
  if (ready_.empty()) {
    if (timers_.empty() && !driver_->Busy()) {
      std::fputs("obbak: every task waits and nothing is under way that could wake one\n", stderr);
      std::abort();
    }
    until = timers_.empty() ? Driver::kForever : timers_.begin()->first.first;
  }
  driver_->Poll(ready_, until);
  ExpireTimers();
  running_.swap(ready_);
  driver_->Arrange(running_);
  for (const std::coroutine_handle<> handle : running_) handle.resume();
  running_.clear();
}

void Loop::ExpireTimers() {
  if (timers_.empty()) return;
  const std::chrono::nanoseconds now = SteadyNow();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    MakeReady(timers_.begin()->second->waiter);
    timers_.erase(timers_.begin());
  }
}

}  // namespace obbak::io
