#include "io/worker_pool.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace obbak::io {

void WorkList::Push(Work& work) {
  work.next = nullptr;
  (first_ == nullptr ? first_ : last_->next) = &work;
  last_ = &work;
}

Work* WorkList::Pop() {
  Work* const work = first_;
  if (work != nullptr) first_ = work->next;
  return work;
}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void FileDescriptor::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

CompletionQueue::CompletionQueue() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_.get() < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

void CompletionQueue::Push(Work& work) {
  const std::lock_guard lock(mutex_);
  const bool first = done_.empty();
  done_.Push(work);
  // Under the lock, so that the queue is still there: the loop may be about to destroy it once it
  // has seen its last work done.
  if (first) eventfd_write(event_.get(), 1);
}

void CompletionQueue::TakeAll(ReadyList& ready) {
  const std::lock_guard lock(mutex_);
  eventfd_t count = 0;
  eventfd_read(event_.get(), &count);
  while (const Work* const work = done_.Pop()) {
    ready.push_back(work->waiter);
    --expected_;
  }
}

WorkerPool::WorkerPool(std::size_t threads, CompletionQueue& done) : done_(done) {
  assert(threads > 0);
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { RunThread(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    assert(queue_.empty());
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::Submit(Work& work) {
  done_.Expect();
  {
    const std::lock_guard lock(mutex_);
    queue_.Push(work);
  }
  wake_.notify_one();
}

void WorkerPool::RunThread() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    Work* const work = queue_.Pop();
    if (work == nullptr) return;
    lock.unlock();
    work->run(*work);
    done_.Push(*work);
    lock.lock();
  }
}

}  // namespace obbak::io
