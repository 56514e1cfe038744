// Encoder: OceanBase's primitive encodings, the writing side of Decoder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace obbak::format {

// The length in an envelope: a varint that always takes five bytes. `length` is below 2^35.
std::array<std::byte, 5> EnvelopeLength(std::uint64_t length);

// Appends to a growing buffer. A value that has no encoding (a text that is too long for its field)
// is recorded as a failure; the buffer is worthless then.
class Encoder {
 public:
  void Varint64(std::uint64_t value);
  void Varint32(std::uint32_t value) { Varint64(value); }
  void Fixed8(std::uint8_t value) { out_.push_back(std::byte{value}); }
  void FixedBigEndian(std::uint64_t value, std::size_t width);
  void FixedLittleEndian(std::uint64_t value, std::size_t width);
  void Raw(ByteView bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  // varint length, bytes, one NUL.
  void String(std::string_view text);
  // varint length+1, bytes, NUL; fails when the text has a NUL byte or does not fit into `capacity`
  // with its NUL.
  void CString(std::string_view text, std::size_t capacity);

  // version and a length that EndEnvelope fills in; returns the handle for it.
  std::size_t BeginEnvelope(std::uint64_t version);
  void EndEnvelope(std::size_t handle);

  // Replaces bytes written before, from `position` on.
  void Overwrite(std::size_t position, ByteView bytes);

  const Bytes& bytes() const { return out_; }
  Result<Bytes> Finish() &&;

 private:
  Bytes out_;
  std::optional<Error> error_;
};

}  // namespace obbak::format
