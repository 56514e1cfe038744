// How tasks of one loop wait for each other. Nothing here is for threads.
#pragma once

#include <coroutine>
#include <cstddef>
#include <utility>

#include "io/loop.h"
#include "io/task.h"

namespace obbak::io {

// Tasks in line, woken in the order in which they came. Whoever was woken runs in the next turn,
// and must check again what it waited for.
//
//   while (queue_full()) co_await not_full.Wait();
class WaitQueue {
 public:
  explicit WaitQueue(Loop& loop) : loop_(loop) {}
  // Nobody may wait any more.
  ~WaitQueue();
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  class Awaiter {
   public:
    explicit Awaiter(WaitQueue& queue) : queue_(queue) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle);
    void await_resume() const noexcept {}

   private:
    friend WaitQueue;
    WaitQueue& queue_;
    std::coroutine_handle<> handle_;
    Awaiter* next_ = nullptr;
  };

  // `co_await queue.Wait()`: returns after a later WakeOne or WakeAll.
  Awaiter Wait() { return Awaiter(*this); }
  // False when nobody waits.
  bool WakeOne();
  void WakeAll();
  bool empty() const { return first_ == nullptr; }

 private:
  Loop& loop_;
  Awaiter* first_ = nullptr;
  Awaiter* last_ = nullptr;
};

// Something that happens once.
class Event {
 public:
  explicit Event(Loop& loop) : waiters_(loop) {}

  void Set();
  bool is_set() const { return set_; }
  // Returns at once when the event is set.
  Task<void> Wait();

 private:
  WaitQueue waiters_;
  bool set_ = false;
};

// Lets one task at a time through, in the order in which they came.
class Mutex {
 public:
  class [[nodiscard]] Guard {
   public:
    Guard() = default;
    Guard(Guard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    Guard& operator=(Guard&& other) noexcept {
      if (this != &other) {
        Unlock();
        mutex_ = std::exchange(other.mutex_, nullptr);
      }
      return *this;
    }
    ~Guard() { Unlock(); }
    // Gives the lock back before the guard's end.
    void Unlock();

   private:
    friend Mutex;
    explicit Guard(Mutex& mutex) : mutex_(&mutex) {}
    Mutex* mutex_ = nullptr;
  };

  explicit Mutex(Loop& loop) : waiters_(loop) {}

  // `auto lock = co_await mutex.Lock();`
  Task<Guard> Lock();
  bool is_locked() const { return locked_; }

 private:
  WaitQueue waiters_;
  bool locked_ = false;
};

// Tasks that run beside each other and are waited for together.
class TaskGroup {
 public:
  explicit TaskGroup(Loop& loop) : loop_(loop), idle_(loop) {}
  // Every task must have ended; Join says when.
  ~TaskGroup();

  void Spawn(Task<void> task);
  // Returns when no task of the group is left, including those spawned meanwhile.
  Task<void> Join();
  std::size_t size() const { return size_; }

 private:
  static Task<void> RunMember(TaskGroup& group, Task<void> task);

  Loop& loop_;
  WaitQueue idle_;
  std::size_t size_ = 0;
};

}  // namespace obbak::io
