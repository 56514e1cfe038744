// BufferPool: a fixed number of aligned buffers, so that memory for transfers is bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "io/loop.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::io {

class BufferPool;

// One buffer of a pool, given back at the end of its life. Empty when default-constructed or moved
// from. Its content is whatever the last user left.
class [[nodiscard]] Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), data_(std::exchange(other.data_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { Release(); }

  // All of it, aligned to Disk::kAlignment.
  std::span<std::byte> span() const;
  std::byte* data() const { return data_; }
  bool empty() const { return data_ == nullptr; }
  // Gives it back before the end of its life.
  void Release();

 private:
  friend BufferPool;
  Buffer(BufferPool& pool, std::byte* data) : pool_(&pool), data_(data) {}

  BufferPool* pool_ = nullptr;
  std::byte* data_ = nullptr;
};

struct BufferPoolStats {
  std::size_t buffer_size = 0;
  std::size_t count = 0;
  // Handed out now, and the most ever at once.
  std::size_t in_use = 0;
  std::size_t max_in_use = 0;
  // Acquisitions, and how many of them had to wait.
  std::uint64_t acquired = 0;
  std::uint64_t waited = 0;
};

// All memory is taken at construction. Belongs to its loop's thread; outlives its buffers and, as
// the devices know its memory, the loop's last operation.
class BufferPool {
 public:
  // `buffer_size` is rounded up to Disk::kAlignment; both must be above 0.
  BufferPool(Loop& loop, std::size_t buffer_size, std::size_t count);
  // Every buffer must be back.
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // `Buffer buffer = co_await pool.Acquire();` waits in line until a buffer is free. A task that
  // waits for a buffer while it holds one can wait for ever: take what is needed at once, or bound
  // it.
  Task<Buffer> Acquire();
  // Empty when none is free.
  Buffer TryAcquire();

  std::size_t buffer_size() const { return stats_.buffer_size; }
  const BufferPoolStats& stats() const { return stats_; }
  // All the pool's memory.
  std::span<std::byte> memory() const { return {memory_.get(), stats_.buffer_size * stats_.count}; }

 private:
  friend Buffer;
  struct FreeMemory {
    void operator()(std::byte* memory) const { std::free(memory); }
  };

  Buffer Take();
  void GiveBack(std::byte* data);

  Loop& loop_;
  BufferPoolStats stats_;
  std::unique_ptr<std::byte, FreeMemory> memory_;
  std::vector<std::byte*> free_;
  // Buffers in free_ that already belong to a woken waiter.
  std::size_t promised_ = 0;
  WaitQueue waiters_;
};

}  // namespace obbak::io
