#include "io/sync.h"

#include <cassert>

namespace obbak::io {

WaitQueue::~WaitQueue() { assert(first_ == nullptr); }

void WaitQueue::Awaiter::await_suspend(std::coroutine_handle<> handle) {
  handle_ = handle;
  (queue_.first_ == nullptr ? queue_.first_ : queue_.last_->next_) = this;
  queue_.last_ = this;
}

bool WaitQueue::WakeOne() {
  if (first_ == nullptr) return false;
  loop_.MakeReady(first_->handle_);
  first_ = first_->next_;
  return true;
}

void WaitQueue::WakeAll() {
  while (WakeOne()) {
  }
}

void Event::Set() {
  set_ = true;
  waiters_.WakeAll();
}

Task<void> Event::Wait() {
  if (!set_) co_await waiters_.Wait();
}

Task<Mutex::Guard> Mutex::Lock() {
  if (locked_) {
    // Unlock hands the lock over, so that nobody gets in between.
    co_await waiters_.Wait();
  }
  locked_ = true;
  co_return Guard(*this);
}

void Mutex::Guard::Unlock() {
  if (mutex_ == nullptr) return;
  Mutex& mutex = *std::exchange(mutex_, nullptr);
  if (!mutex.waiters_.WakeOne()) mutex.locked_ = false;
}

TaskGroup::~TaskGroup() { assert(size_ == 0); }

void TaskGroup::Spawn(Task<void> task) {
  ++size_;
  loop_.Spawn(RunMember(*this, std::move(task)));
}

Task<void> TaskGroup::RunMember(TaskGroup& group, Task<void> task) {
  co_await std::move(task);
  if (--group.size_ == 0) group.idle_.WakeAll();
}

Task<void> TaskGroup::Join() {
  while (size_ > 0) co_await idle_.Wait();
}

}  // namespace obbak::io
