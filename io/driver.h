// Driver: what a Loop waits on. One of io_uring, POSIX threads, or the simulator.
#pragma once

#include <chrono>
#include <coroutine>
#include <vector>

namespace obbak::io {

class Disk;
class BufferPool;

// Coroutines that the loop resumes in its next turn.
using ReadyList = std::vector<std::coroutine_handle<>>;

// A piece of work for the worker pool. Lives in the awaiting coroutine's frame.
struct Work {
  void (*run)(Work& self);
  std::coroutine_handle<> waiter;
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

  // Tells the devices of the pool whose buffers most transfers use; the pool outlives the driver's
  // use of it. Optional, and only a matter of speed.
  virtual void Register(BufferPool&) {}
};

}  // namespace obbak::io
