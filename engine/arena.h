// Arena: memory that is given back all at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace obbak::engine {

// Chunks grow from kFirstChunk to kLargestChunk, so that a MemTable with three rows stays small and
// one with a million asks the heap rarely. What needs more than a chunk gets one of its own.
class Arena {
 public:
  static constexpr std::size_t kFirstChunk = std::size_t{4} << 10;
  static constexpr std::size_t kLargestChunk = std::size_t{1} << 20;
  static constexpr std::size_t kAlignment = alignof(std::max_align_t);

  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // `size` bytes at `alignment`, a power of two up to kAlignment.
  std::byte* Allocate(std::size_t size, std::size_t alignment = kAlignment) {
    std::byte* at = Reserve(size, alignment);
    Keep(at, size);
    return at;
  }
  // As Allocate, for somebody who doesn't know yet how many of the bytes he needs: Keep() with at
  // most that many comes next.
  std::byte* Reserve(std::size_t size, std::size_t alignment = kAlignment) {
    const std::size_t gap = (0 - reinterpret_cast<std::uintptr_t>(next_)) & (alignment - 1);
    if (left_ < size + gap) return AddChunk(size);
    return next_ + gap;
  }
  void Keep(std::byte* reserved, std::size_t size) {
    left_ -= static_cast<std::size_t>(reserved + size - next_);
    next_ = reserved + size;
  }

  ByteView Copy(ByteView bytes) {
    std::byte* at = Allocate(bytes.size(), 1);
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    return {at, bytes.size()};
  }

  // Everything allocated is gone. Keeps the last chunk for what comes.
  void Clear();

  // A place to go back to, valid until Clear() or a Rewind() to before it.
  struct Mark {
    std::size_t chunks;
    std::byte* next;
    std::size_t left;
  };
  Mark mark() const { return {chunks_.size(), next_, left_}; }
  // What was allocated since then is gone.
  void Rewind(const Mark& mark);

  // Bytes taken from the heap for chunks.
  std::size_t bytes() const { return bytes_; }

 private:
  struct Chunk {
    std::unique_ptr<std::byte[]> memory;
    std::size_t size;
  };

  // Begins a chunk that has at least `size` bytes; returns its begin.
  std::byte* AddChunk(std::size_t size);

  std::vector<Chunk> chunks_;
  std::byte* next_ = nullptr;
  std::size_t left_ = 0;
  std::size_t bytes_ = 0;
};

// For containers that only grow: what they give back stays in the arena until its end.
template <class T>
class ArenaAllocator {
 public:
  using value_type = T;

  explicit ArenaAllocator(Arena& arena) : arena_(&arena) {}
  template <class U>
  ArenaAllocator(const ArenaAllocator<U>& other) : arena_(other.arena()) {}  // NOLINT: conversion

  T* allocate(std::size_t count) {
    return reinterpret_cast<T*>(arena_->Allocate(count * sizeof(T), alignof(T)));
  }
  void deallocate(T* /*memory*/, std::size_t /*count*/) {}

  Arena* arena() const { return arena_; }
  template <class U>
  bool operator==(const ArenaAllocator<U>& other) const {
    return arena_ == other.arena();
  }

 private:
  Arena* arena_;
};

}  // namespace obbak::engine
