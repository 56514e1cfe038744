#include "format/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "format/le_bytes.h"

namespace obbak::format {

std::uint64_t Decoder::Varint(std::size_t max_bytes) {
  const std::size_t begin = position_;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < max_bytes; ++i) {
    if (!ok()) return 0;
    if (position_ == limit_) {
      Fail(ErrorCode::kDeserializeError, begin, "the bytes end inside a varint");
      return 0;
    }
    const auto byte = std::to_integer<std::uint64_t>(data_[position_++]);
    // The tenth byte has room for one more bit; the reference drops the others as the shift does.
    value |= (byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) return value;
  }
  Fail(ErrorCode::kDeserializeError, begin, fmt::format("varint longer than {} bytes", max_bytes));
  return 0;
}

std::uint64_t Decoder::Varint64() { return Varint(10); }

std::uint32_t Decoder::Varint32() { return static_cast<std::uint32_t>(Varint(5)); }

ByteView Decoder::Take(std::uint64_t size) {
  if (!ok()) return {};
  if (size > remaining()) {
    Fail(ErrorCode::kDeserializeError, position_,
         fmt::format("needs {} bytes, {} are left", size, remaining()));
    return {};
  }
  const ByteView bytes = data_.subspan(position_, size);
  position_ += size;
  return bytes;
}

std::uint8_t Decoder::Fixed8() { return static_cast<std::uint8_t>(FixedBigEndian(1)); }

std::uint64_t Decoder::FixedBigEndian(std::size_t width) {
  std::uint64_t value = 0;
  for (const std::byte byte : Take(width))
    value = value << 8 | std::to_integer<std::uint64_t>(byte);
  return value;
}

std::uint64_t Decoder::FixedLittleEndian(std::size_t width) {
  const ByteView bytes = Take(width);
  switch (bytes.size()) {
    case 0:  // a failure
      return 0;
    case 1:
      return LoadLe<std::uint8_t>(bytes.data());
    case 2:
      return LoadLe<std::uint16_t>(bytes.data());
    case 4:
      return LoadLe<std::uint32_t>(bytes.data());
    default:
      assert(width == 8);
      return LoadLe<std::uint64_t>(bytes.data());
  }
}

std::string_view Decoder::String() {
  const std::uint64_t size = Varint64();
  const ByteView text = Take(size);
  if (Fixed8() != 0)
    Fail(ErrorCode::kDeserializeError, position_ - 1, "string is not followed by a NUL byte");
  return ok() ? AsText(text) : std::string_view();
}

std::string_view Decoder::CString(std::size_t capacity) {
  const std::size_t begin = position_;
  const std::uint64_t stored = Varint64();
  if (!ok()) return {};
  if (stored == 0 || stored > capacity) {
    Fail(ErrorCode::kDeserializeError, begin,
         fmt::format("stored length {} is outside 1..{} (the NUL byte counts)", stored, capacity));
    return {};
  }
  const std::string_view text = AsText(Take(stored));
  if (!ok()) return {};
  if (text.find('\0') != text.size() - 1) {
    Fail(ErrorCode::kDeserializeError, position_ - text.size(),
         "the only NUL byte of the text must be its last byte");
    return {};
  }
  return text.substr(0, text.size() - 1);
}

std::uint64_t Decoder::Count(std::size_t min_element_size) {
  const std::size_t begin = position_;
  const std::uint64_t count = Varint64();
  if (ok() && count > remaining() / min_element_size) {
    Fail(ErrorCode::kDeserializeError, begin,
         fmt::format("{} elements of at least {} bytes do not fit into the {} bytes left", count,
                     min_element_size, remaining()));
    return 0;
  }
  if (tracing()) Frame("count", begin, fmt::to_string(count));
  return count;
}

Status Decoder::status() const {
  if (error_) return std::unexpected(*error_);
  return {};
}

void Decoder::Fail(ErrorCode code, std::size_t offset, std::string message) {
  Record(code, offset, std::move(message));
  stopped_ = true;
}

void Decoder::Record(ErrorCode code, std::size_t offset, std::string message) {
  if (error_) return;
  std::string path;
  AppendPath(innermost_, path);
  error_ = Error(code, std::move(message)).WithOffset(offset).WithField(std::move(path));
}

void Decoder::AppendPath(const Scope* innermost, std::string& path) {
  if (innermost == nullptr) return;
  AppendPath(innermost->outer_, path);
  if (innermost->index_ >= 0) {
    path += fmt::format("[{}]", innermost->index_);
  } else {
    if (!path.empty()) path += '.';
    path += innermost->name_;
  }
}

void Decoder::Frame(std::string_view name, std::size_t begin, std::string text) {
  if (trace_ != nullptr && ok() && begin < position_) {
    trace_->AddFraming(std::string(name), begin, position_, std::move(text));
  }
}

Decoder::Scope::Scope(Decoder& decoder, std::string_view name, std::int64_t index, FieldKind kind)
    : decoder_(decoder), outer_(decoder.innermost_), name_(name), index_(index) {
  if (decoder_.depth_ == kMaxDepth)
    decoder_.Fail(ErrorCode::kDeserializeError, decoder_.position_, "records nest too deeply");
  ++decoder_.depth_;
  decoder_.innermost_ = this;
  if (decoder_.trace_ != nullptr) {
    node_ = decoder_.trace_->Open(index >= 0 ? fmt::format("[{}]", index) : std::string(name), kind,
                                  decoder_.position_);
  }
}

Decoder::Scope::~Scope() {
  --decoder_.depth_;
  decoder_.innermost_ = outer_;
  if (decoder_.trace_ != nullptr) decoder_.trace_->Close(node_, decoder_.position_, !decoder_.ok());
}

void Decoder::Scope::SetValue(FieldValue value, std::string text) {
  if (decoder_.trace_ != nullptr && decoder_.ok()) {
    decoder_.trace_->SetValue(node_, std::move(value), std::move(text));
  }
}

Decoder::Envelope::Envelope(Decoder& decoder, std::uint64_t version)
    : decoder_(decoder), outer_limit_(decoder.limit_) {
  const std::size_t begin = decoder_.position_;
  const std::uint64_t stored_version = decoder_.Varint64();
  const std::size_t length_at = decoder_.position_;
  const std::uint64_t length = decoder_.Varint64();
  if (!decoder_.ok()) return;
  if (stored_version != version) {
    decoder_.Fail(ErrorCode::kNotSupported, begin,
                  fmt::format("envelope version is {}, expected {}", stored_version, version));
    return;
  }
  const std::size_t remaining = decoder_.remaining();
  if (length > remaining) {
    decoder_.Record(
        ErrorCode::kDeserializeError, length_at,
        fmt::format("envelope promises {} bytes of payload, {} are left", length, remaining));
    decoder_.stopped_ = !decoder_.tracing();
  }
  if (decoder_.tracing()) {
    decoder_.Frame("envelope", begin,
                   fmt::format("version {}, payload {} bytes", stored_version, length));
  }
  decoder_.limit_ = decoder_.position_ + std::min<std::uint64_t>(length, remaining);
}

Decoder::Envelope::~Envelope() {
  decoder_.SkipRest();
  decoder_.limit_ = outer_limit_;
}

void Decoder::SkipRest() {
  if (!ok() || remaining() == 0) return;
  const std::size_t begin = std::exchange(position_, limit_);
  if (!tracing()) return;
  Frame("unknown", begin, fmt::format("{} bytes that a newer writer has added", limit_ - begin));
}

Decoder::Section::Section(Decoder& decoder, std::uint64_t length, Leftover leftover)
    : decoder_(decoder), outer_limit_(decoder.limit_), leftover_(leftover) {
  if (!decoder_.ok()) return;
  if (length > decoder_.remaining()) {
    decoder_.Fail(ErrorCode::kDeserializeError, decoder_.position_,
                  fmt::format("{} bytes are promised, {} are left", length, decoder_.remaining()));
    return;
  }
  decoder_.limit_ = decoder_.position_ + length;
}

Decoder::Section::~Section() {
  if (leftover_ == Leftover::kSkip) {
    decoder_.SkipRest();
  } else if (decoder_.ok() && decoder_.remaining() > 0) {
    decoder_.Fail(ErrorCode::kDeserializeError, decoder_.position_,
                  fmt::format("{} bytes of the stated length are not used", decoder_.remaining()));
  }
  decoder_.limit_ = outer_limit_;
}

}  // namespace obbak::format
