// Driver: what a Loop waits on. One of io_uring, POSIX threads, or the simulator.
#pragma once

#include <chrono>
#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace obbak::io {

class Disk;
class BufferPool;

// Coroutines that the loop resumes in its next turn.
using ReadyList = std::vector<std::coroutine_handle<>>;

// Something under way outside the loop. Lives in the awaiting coroutine's frame, so that nothing is
// allocated for it.
struct Work {
  // What a worker calls.
  void (*run)(Work& self) = nullptr;
  std::coroutine_handle<> waiter = nullptr;
  // For the list that it is in.
  Work* next = nullptr;
};

// All methods are called on the loop's thread.
class Driver {
 public:
  static constexpr std::chrono::nanoseconds kForever = std::chrono::nanoseconds::max();

  virtual ~Driver() = default;

  // Never goes back; its zero means nothing.
  virtual std::chrono::nanoseconds SteadyNow() = 0;

  // Hands over to the devices what was prepared since the last call, and appends to `ready` whoever
  // waits for what has completed. If that is nobody, blocks until something completes or
  // SteadyNow() reaches `until`; an `until` in the past never blocks.
  virtual void Poll(ReadyList& ready, std::chrono::nanoseconds until) = 0;

  // Something is under way that will make some coroutine ready.
  virtual bool Busy() const = 0;

  // Runs `work` on the worker pool, then makes its waiter ready.
  virtual void Offload(Work& work) = 0;

  // May reorder what is about to run.
  virtual void Arrange(ReadyList&) {}

  virtual Disk& disk() = 0;

  // Tells the devices of a pool whose buffers transfers use; only a matter of speed.
  virtual void Register(const BufferPool&) {}
  // Before the pool's memory goes away.
  virtual void Unregister(const BufferPool&) {}
};

// Awaitable: f() called on the worker pool, and its result. An F& is referred to, an F is kept.
template <class F>
class [[nodiscard]] OffloadOperation : private Work {
  // g++ 12 destroys the captures of a closure that is written inside a co_await expression twice.
  static_assert(std::is_lvalue_reference_v<F> || std::is_trivially_destructible_v<F>,
                "capture by reference, or name the function first and pass it as an lvalue");

 public:
  using Value = std::invoke_result_t<F&>;

  OffloadOperation(Driver& driver, F&& f) : driver_(driver), f_(std::forward<F>(f)) {
    run = &RunHere;
  }
  OffloadOperation(const OffloadOperation&) = delete;
  OffloadOperation& operator=(const OffloadOperation&) = delete;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    waiter = handle;
    driver_.Offload(*this);
  }
  Value await_resume() {
    if constexpr (!std::is_void_v<Value>) return *std::move(value_);
  }

 private:
  static void RunHere(Work& work) {
    auto& self = static_cast<OffloadOperation&>(work);
    if constexpr (std::is_void_v<Value>) {
      self.f_();
    } else {
      self.value_.emplace(self.f_());
    }
  }

  Driver& driver_;
  F f_;
  std::optional<std::conditional_t<std::is_void_v<Value>, bool, Value>> value_;
};

}  // namespace obbak::io
