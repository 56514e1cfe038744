// Datum: the value of one cell, without its type. docs/spec/macro-block.md §4.4.
#pragma once

#include <boost/endian/conversion.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/bytes.h"

namespace obbak::format {

// A value, NULL, or NOP ("this version does not touch the column").
//
// Does not own longer values: they point into a row or into the caller's memory. Values of exactly
// eight bytes - integers, doubles, times, and eight-byte texts too - are kept inside, because rows
// store them shortened; `bytes()` of those lives as long as this Datum.
class Datum {
 public:
  // NULL.
  constexpr Datum() = default;
  static constexpr Datum Nop() { return Datum(State::kNop); }
  static Datum Int(std::int64_t value) { return Word(static_cast<std::uint64_t>(value)); }
  static Datum UInt(std::uint64_t value) { return Word(value); }
  static Datum Double(double value) {
    std::uint64_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    return Word(bits);
  }
  static Datum Of(ByteView bytes) {
    Datum datum(State::kValue);
    datum.size_ = static_cast<std::uint32_t>(bytes.size());
    if (bytes.size() == kWordSize) {
      std::memcpy(&datum.little_word_, bytes.data(), kWordSize);
    } else {
      datum.data_ = bytes.data();
    }
    return datum;
  }

  bool is_null() const { return state_ == State::kNull; }
  bool is_nop() const { return state_ == State::kNop; }
  bool is_value() const { return state_ == State::kValue; }
  // 0 for NULL and NOP.
  std::uint32_t size() const { return size_; }
  bool is_word() const { return size_ == kWordSize; }
  // Precondition: is_word().
  std::uint64_t word() const { return boost::endian::little_to_native(little_word_); }
  std::int64_t AsInt() const { return static_cast<std::int64_t>(word()); }
  ByteView bytes() const {
    if (is_word()) return std::as_bytes(std::span(&little_word_, 1));
    return {size_ == 0 ? nullptr : data_, size_};
  }
  // The same state and the same bytes.
  bool operator==(const Datum& other) const {
    if (state_ != other.state_ || size_ != other.size_) return false;
    if (is_word()) return little_word_ == other.little_word_;
    return size_ == 0 || std::memcmp(data_, other.data_, size_) == 0;
  }

 private:
  static constexpr std::uint32_t kWordSize = 8;
  enum class State : std::uint8_t { kNull, kNop, kValue };

  constexpr explicit Datum(State state) : state_(state) {}
  static Datum Word(std::uint64_t value) {
    Datum datum(State::kValue);
    datum.size_ = kWordSize;
    datum.little_word_ = boost::endian::native_to_little(value);
    return datum;
  }

  union {
    const std::byte* data_ = nullptr;
    std::uint64_t little_word_;
  };
  std::uint32_t size_ = 0;
  State state_ = State::kNull;
};

}  // namespace obbak::format
