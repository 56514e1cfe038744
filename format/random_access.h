// How format code reads a file too large to hold, and writes one: functions that the caller hands
// in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"

namespace obbak::format {

// Takes the next bytes of a file that is written from front to back. The view is valid during the
// call only.
using ByteSink = std::function<Status(ByteView bytes)>;

// A run of bytes in a file.
struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint64_t end() const { return offset + length; }
  bool operator==(const ByteRange&) const = default;
};

// A file of known size that can be read anywhere.
class RandomAccess {
 public:
  // Reads exactly that range, which lies inside the file.
  using ReadFunction = std::function<Result<Bytes>(ByteRange range)>;

  RandomAccess(std::uint64_t size, ReadFunction read) : size_(size), read_(std::move(read)) {}
  // A file in memory, which must outlive the object.
  static RandomAccess Of(ByteView file);

  std::uint64_t size() const { return size_; }
  // kErrUnexpected when the range reaches beyond the file or the read comes back short.
  Result<Bytes> Read(ByteRange range) const;

 private:
  std::uint64_t size_;
  ReadFunction read_;
};

}  // namespace obbak::format
