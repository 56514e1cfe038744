#include "io/buffer_pool.h"

#include <algorithm>
#include <cassert>
#include <new>

#include "io/disk.h"

namespace obbak::io {

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    Release();
    pool_ = std::exchange(other.pool_, nullptr);
    data_ = std::exchange(other.data_, nullptr);
  }
  return *this;
}

std::span<std::byte> Buffer::span() const {
  if (data_ == nullptr) return {};
  return {data_, pool_->buffer_size()};
}

void Buffer::Release() {
  if (data_ == nullptr) return;
  std::exchange(pool_, nullptr)->GiveBack(std::exchange(data_, nullptr));
}

BufferPool::BufferPool(Loop& loop, std::size_t buffer_size, std::size_t count)
    : loop_(loop), waiters_(loop) {
  assert(buffer_size > 0 && count > 0);
  stats_.buffer_size = (buffer_size + Disk::kAlignment - 1) / Disk::kAlignment * Disk::kAlignment;
  stats_.count = count;
  memory_.reset(
      static_cast<std::byte*>(std::aligned_alloc(Disk::kAlignment, stats_.buffer_size * count)));
  if (memory_ == nullptr) throw std::bad_alloc();
  free_.reserve(count);
  for (std::size_t i = count; i > 0; --i) {
    free_.push_back(memory_.get() + (i - 1) * stats_.buffer_size);
  }
  loop.driver().Register(*this);
}

BufferPool::~BufferPool() {
  assert(stats_.in_use == 0);
  loop_.driver().Unregister(*this);
}

Task<Buffer> BufferPool::Acquire() {
  if (free_.size() == promised_) {
    ++stats_.waited;
    co_await waiters_.Wait();
    --promised_;
  }
  co_return Take();
}

Buffer BufferPool::TryAcquire() {
  if (free_.size() == promised_) return Buffer();
  return Take();
}

Buffer BufferPool::Take() {
  std::byte* const data = free_.back();
  free_.pop_back();
  ++stats_.acquired;
  stats_.max_in_use = std::max(stats_.max_in_use, ++stats_.in_use);
  return Buffer(*this, data);
}

void BufferPool::GiveBack(std::byte* data) {
  free_.push_back(data);
  --stats_.in_use;
  if (waiters_.WakeOne()) ++promised_;
}

}  // namespace obbak::io
