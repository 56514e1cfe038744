// AlignedBytes: memory for direct I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>

#include "io/disk.h"

namespace obbak::io {

constexpr std::uint64_t AlignDown(std::uint64_t value) { return value & ~(Disk::kAlignment - 1); }
constexpr std::uint64_t AlignUp(std::uint64_t value) {
  return AlignDown(value + Disk::kAlignment - 1);
}

// Uninitialized bytes whose address and size are multiples of Disk::kAlignment.
class AlignedBytes {
 public:
  AlignedBytes() = default;
  explicit AlignedBytes(std::size_t size)
      : size_(AlignUp(size)), bytes_(new(std::align_val_t{Disk::kAlignment}) std::byte[size_]) {}

  std::size_t size() const { return size_; }
  std::span<std::byte> span() const { return {bytes_.get(), size_}; }

 private:
  struct Delete {
    void operator()(std::byte* bytes) const {
      ::operator delete[](bytes, std::align_val_t{Disk::kAlignment});
    }
  };
  std::size_t size_ = 0;
  std::unique_ptr<std::byte[], Delete> bytes_;
};

}  // namespace obbak::io
