#include "format/encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace obbak::format {
namespace {

constexpr std::size_t kLengthBytes = std::tuple_size_v<decltype(EnvelopeLength(0))>;
constexpr std::uint64_t kMaxEnvelopeLength = (std::uint64_t{1} << 35) - 1;

}  // namespace

std::array<std::byte, 5> EnvelopeLength(std::uint64_t length) {
  std::array<std::byte, 5> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint64_t more = i + 1 < bytes.size() ? 0x80 : 0;
    bytes[i] = static_cast<std::byte>((length >> (7 * i) & 0x7f) | more);
  }
  return bytes;
}

void Encoder::Varint64(std::uint64_t value) {
  while (value > 0x7f) {
    out_.push_back(static_cast<std::byte>((value & 0x7f) | 0x80));
    value >>= 7;
  }
  out_.push_back(static_cast<std::byte>(value));
}

void Encoder::FixedBigEndian(std::uint64_t value, std::size_t width) {
  for (std::size_t i = width; i-- > 0;) out_.push_back(static_cast<std::byte>(value >> (8 * i)));
}

void Encoder::FixedLittleEndian(std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) out_.push_back(static_cast<std::byte>(value >> (8 * i)));
}

void Encoder::String(std::string_view text) {
  Varint64(text.size());
  Raw(AsByteView(text));
  Fixed8(0);
}

void Encoder::CString(std::string_view text, std::size_t capacity) {
  if (!error_ && (text.size() >= capacity || text.find('\0') != std::string_view::npos)) {
    error_ = Error(ErrorCode::kSizeOverflow,
                   fmt::format("text of {} bytes does not fit: at most {} and no NUL byte",
                               text.size(), capacity - 1));
  }
  Varint64(text.size() + 1);
  Raw(AsByteView(text));
  Fixed8(0);
}

std::size_t Encoder::BeginEnvelope(std::uint64_t version) {
  Varint64(version);
  out_.resize(out_.size() + kLengthBytes);
  return out_.size();
}

void Encoder::EndEnvelope(std::size_t handle) {
  const std::uint64_t length = out_.size() - handle;
  if (!error_ && length > kMaxEnvelopeLength) {
    error_ = Error(ErrorCode::kSizeOverflow,
                   fmt::format("record of {} bytes is too long for an envelope", length));
  }
  std::ranges::copy(EnvelopeLength(length),
                    out_.begin() + static_cast<std::ptrdiff_t>(handle - kLengthBytes));
}

void Encoder::Overwrite(std::size_t position, ByteView bytes) {
  std::ranges::copy(bytes, out_.begin() + static_cast<std::ptrdiff_t>(position));
}

Result<Bytes> Encoder::Finish() && {
  if (error_) return std::unexpected(std::move(*error_));
  return std::move(out_);
}

}  // namespace obbak::format
