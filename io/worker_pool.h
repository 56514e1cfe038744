// WorkerPool: threads for what would block the loop, and the way back to it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "io/driver.h"

namespace obbak::io {

// A first-in-first-out list of Work through its own `next`.
class WorkList {
 public:
  bool empty() const { return first_ == nullptr; }
  void Push(Work& work);
  // Null when empty.
  Work* Pop();

 private:
  Work* first_ = nullptr;
  Work* last_ = nullptr;
};

// A file descriptor, closed at the end.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor() { Close(); }

  int get() const { return fd_; }

 private:
  void Close();

  int fd_ = -1;
};

// Work that is done, on its way from the workers to the loop. The event descriptor is readable
// whenever something may be there.
class CompletionQueue {
 public:
  CompletionQueue();

  int event_fd() const { return event_.get(); }
  // One more piece of work will be pushed. On the loop's thread, as is expected().
  void Expect() { ++expected_; }
  // How much will be pushed, or has been and was not taken yet.
  std::size_t expected() const { return expected_; }
  // From any thread. The work's waiter may run, and the work be gone, before this returns.
  void Push(Work& work);
  // On the loop's thread; resets the event.
  void TakeAll(ReadyList& ready);

 private:
  FileDescriptor event_;
  std::mutex mutex_;
  WorkList done_;
  std::size_t expected_ = 0;
};

// Runs work in the order of submission, as far as that can be said of several threads.
class WorkerPool {
 public:
  WorkerPool(std::size_t threads, CompletionQueue& done);
  // Nothing may be under way.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // On the loop's thread.
  void Submit(Work& work);

 private:
  void RunThread();

  CompletionQueue& done_;
  std::mutex mutex_;
  std::condition_variable wake_;
  WorkList queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace obbak::io
