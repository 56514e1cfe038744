// Loop: runs tasks on one thread, and waits on its driver when none is ready.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "io/driver.h"
#include "io/task.h"

namespace obbak::io {

// Not thread-safe: everything here, and everything that tasks touch, belongs to the thread that
// calls Run. Only functions given to Offload run elsewhere.
class Loop {
 public:
  explicit Loop(std::unique_ptr<Driver> driver);
  // Every task must have ended.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Drives this and all spawned tasks until this one is done. If nothing is left that could ever
  // wake it, the program is aborted: a lost wake-up is our own mistake, and waiting would hide it.
  template <class T>
  T Run(Task<T> task);

  // Runs the task beside the others, from the next turn on. Whoever needs its end uses a TaskGroup.
  void Spawn(Task<void> task);

  // `co_await loop.Yield()`: lets everything else that is ready run first.
  auto Yield() { return YieldAwaiter{*this}; }

  // Returns after at least `duration`, or kCanceled as soon as a stop is requested (on the loop's
  // thread).
  Task<Status> Sleep(std::chrono::nanoseconds duration, std::stop_token stop = {});

  // `co_await loop.Offload(f)` calls f() on the worker pool and gives its result. f must not touch
  // what belongs to the loop; the awaiting frame stays where it is meanwhile, so f may refer to its
  // variables.
  template <class F>
  auto Offload(F&& f) {
    return OffloadOperation<F>(*driver_, std::forward<F>(f));
  }

  // Never goes back; its zero means nothing.
  std::chrono::nanoseconds SteadyNow() { return driver_->SteadyNow(); }

  // Resumes `handle` in the next turn.
  void MakeReady(std::coroutine_handle<> handle) { ready_.push_back(handle); }

  Driver& driver() { return *driver_; }
  // The driver's disk.
  Disk& disk() { return driver_->disk(); }
  // Tasks spawned and not yet ended.
  std::size_t live_tasks() const { return live_tasks_; }

 private:
  struct Detached;
  struct TimerAwaiter;
  using TimerKey = std::pair<std::chrono::nanoseconds, std::uint64_t>;

  struct YieldAwaiter {
    Loop& loop;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const { loop.MakeReady(handle); }
    void await_resume() const noexcept {}
  };

  static Detached RunDetached(Loop& loop, Task<void> task);
  // Turns until *done.
  void Drive(const bool& done);
  void Turn();
  void ExpireTimers();

  std::unique_ptr<Driver> driver_;
  ReadyList ready_;
  ReadyList running_;
  std::map<TimerKey, TimerAwaiter*> timers_;
  std::uint64_t next_timer_ = 0;
  std::size_t live_tasks_ = 0;
  bool driving_ = false;
};

namespace internal {

template <class T>
Task<void> Deliver(Task<T> task, std::optional<T>& value, bool& done) {
  value.emplace(co_await std::move(task));
  done = true;
}

inline Task<void> Deliver(Task<void> task, bool& done) {
  co_await std::move(task);
  done = true;
}

}  // namespace internal

template <class T>
T Loop::Run(Task<T> task) {
  bool done = false;
  if constexpr (std::is_void_v<T>) {
    Spawn(internal::Deliver(std::move(task), done));
    Drive(done);
  } else {
    std::optional<T> value;
    Spawn(internal::Deliver(std::move(task), value, done));
    Drive(done);
    return *std::move(value);
  }
}

}  // namespace obbak::io
