// Clock: the wall clock, handed in.
#pragma once

#include <cstdint>

namespace obbak::io {

class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds since the Unix epoch. May step in either direction between two calls.
  virtual std::uint64_t NowNs() = 0;
};

class SystemClock final : public Clock {
 public:
  std::uint64_t NowNs() override;
};

// Stands still until it is told otherwise.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::uint64_t now_ns = 0) : now_ns_(now_ns) {}
  std::uint64_t NowNs() override { return now_ns_; }
  void Set(std::uint64_t now_ns) { now_ns_ = now_ns; }
  void Advance(std::uint64_t by_ns) { now_ns_ += by_ns; }

 private:
  std::uint64_t now_ns_;
};

}  // namespace obbak::io
