// AlignedBuffer: memory that direct I/O takes.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "io/disk.h"

namespace obbak::engine {

constexpr std::size_t AlignDown(std::size_t size) {
  return size / io::Disk::kAlignment * io::Disk::kAlignment;
}
constexpr std::size_t AlignUp(std::size_t size) {
  return AlignDown(size + io::Disk::kAlignment - 1);
}

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  // At least `size` bytes, contents undefined.
  explicit AlignedBuffer(std::size_t size)
      : size_(AlignUp(size)),
        bytes_(static_cast<std::byte*>(std::aligned_alloc(io::Disk::kAlignment, size_))) {}

  std::size_t size() const { return size_; }
  std::span<std::byte> span() const { return {bytes_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };

  std::size_t size_ = 0;
  std::unique_ptr<std::byte[], Free> bytes_;
};

}  // namespace obbak::engine
