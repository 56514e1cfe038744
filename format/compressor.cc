#include "format/compressor.h"

#include <fmt/format.h>
#include <lz4.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include <cstring>
#include <limits>

namespace obbak::format {
namespace {

const char* Chars(ByteView bytes) { return reinterpret_cast<const char*>(bytes.data()); }
char* Chars(std::span<std::byte> bytes) { return reinterpret_cast<char*>(bytes.data()); }

std::unexpected<Error> NotCompressed(std::string_view name, std::size_t size) {
  return Fail(ErrorCode::kErrUnexpected, fmt::format("{} could not compress {} bytes", name, size));
}

std::unexpected<Error> NotDecompressed(std::string_view name, std::size_t in, std::size_t out) {
  return Fail(ErrorCode::kInvalidData,
              fmt::format("{} bytes are no {} stream of exactly {} bytes", in, name, out));
}

class NoCompressor final : public Compressor {
 public:
  CompressorType type() const override { return CompressorType::kNone; }
  std::size_t Bound(std::size_t size) const override { return size; }
  Result<std::size_t> Compress(ByteView in, std::span<std::byte> out) const override {
    if (!in.empty()) std::memcpy(out.data(), in.data(), in.size());
    return in.size();
  }
  Status Decompress(ByteView in, std::span<std::byte> out) const override {
    if (in.size() != out.size()) return NotDecompressed("uncompressed", in.size(), out.size());
    if (!in.empty()) std::memcpy(out.data(), in.data(), in.size());
    return {};
  }
};

// One raw block.
class Lz4Compressor final : public Compressor {
 public:
  constexpr explicit Lz4Compressor(CompressorType type) : type_(type) {}
  CompressorType type() const override { return type_; }
  std::size_t Bound(std::size_t size) const override {
    return size > LZ4_MAX_INPUT_SIZE
               ? 0
               : static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(size)));
  }
  Result<std::size_t> Compress(ByteView in, std::span<std::byte> out) const override {
    const int size = LZ4_compress_default(Chars(in), Chars(out), static_cast<int>(in.size()),
                                          static_cast<int>(out.size()));
    if (size <= 0) return NotCompressed("lz4", in.size());
    return static_cast<std::size_t>(size);
  }
  Status Decompress(ByteView in, std::span<std::byte> out) const override {
    constexpr std::size_t kMax = std::numeric_limits<int>::max();
    const bool fits = in.size() <= kMax && out.size() <= kMax;
    const int size = fits ? LZ4_decompress_safe(Chars(in), Chars(out), static_cast<int>(in.size()),
                                                static_cast<int>(out.size()))
                          : -1;
    if (size < 0 || static_cast<std::size_t>(size) != out.size())
      return NotDecompressed("lz4", in.size(), out.size());
    return {};
  }

 private:
  CompressorType type_;
};

// Without framing.
class SnappyCompressor final : public Compressor {
 public:
  CompressorType type() const override { return CompressorType::kSnappy; }
  std::size_t Bound(std::size_t size) const override { return snappy_max_compressed_length(size); }
  Result<std::size_t> Compress(ByteView in, std::span<std::byte> out) const override {
    std::size_t size = out.size();
    if (snappy_compress(Chars(in), in.size(), Chars(out), &size) != SNAPPY_OK)
      return NotCompressed("snappy", in.size());
    return size;
  }
  Status Decompress(ByteView in, std::span<std::byte> out) const override {
    // The stream states its length; ask first, because snappy wants room for all of it.
    std::size_t size = 0;
    if (snappy_uncompressed_length(Chars(in), in.size(), &size) != SNAPPY_OK ||
        size != out.size() ||
        snappy_uncompress(Chars(in), in.size(), Chars(out), &size) != SNAPPY_OK) {
      return NotDecompressed("snappy", in.size(), out.size());
    }
    return {};
  }
};

// RFC 1950.
class ZlibCompressor final : public Compressor {
 public:
  CompressorType type() const override { return CompressorType::kZlib; }
  std::size_t Bound(std::size_t size) const override { return compressBound(size); }
  Result<std::size_t> Compress(ByteView in, std::span<std::byte> out) const override {
    constexpr int kLevel = 6;
    uLongf size = out.size();
    if (compress2(reinterpret_cast<Bytef*>(out.data()), &size,
                  reinterpret_cast<const Bytef*>(in.data()), in.size(), kLevel) != Z_OK) {
      return NotCompressed("zlib", in.size());
    }
    return std::size_t{size};
  }
  Status Decompress(ByteView in, std::span<std::byte> out) const override {
    uLongf out_size = out.size();
    uLong in_size = in.size();
    const int code = uncompress2(reinterpret_cast<Bytef*>(out.data()), &out_size,
                                 reinterpret_cast<const Bytef*>(in.data()), &in_size);
    if (code != Z_OK || out_size != out.size() || in_size != in.size())
      return NotDecompressed("zlib", in.size(), out.size());
    return {};
  }
};

// One frame.
class ZstdCompressor final : public Compressor {
 public:
  constexpr explicit ZstdCompressor(CompressorType type) : type_(type) {}
  CompressorType type() const override { return type_; }
  std::size_t Bound(std::size_t size) const override { return ZSTD_compressBound(size); }
  Result<std::size_t> Compress(ByteView in, std::span<std::byte> out) const override {
    constexpr int kLevel = 1;
    const std::size_t size = ZSTD_compress(out.data(), out.size(), in.data(), in.size(), kLevel);
    if (ZSTD_isError(size) != 0) return NotCompressed("zstd", in.size());
    return size;
  }
  Status Decompress(ByteView in, std::span<std::byte> out) const override {
    const std::size_t size = ZSTD_decompress(out.data(), out.size(), in.data(), in.size());
    if (ZSTD_isError(size) != 0 || size != out.size())
      return NotDecompressed("zstd", in.size(), out.size());
    return {};
  }

 private:
  CompressorType type_;
};

}  // namespace

Result<const Compressor*> Compressor::Of(CompressorType type) {
  static const NoCompressor none;
  static const Lz4Compressor lz4(CompressorType::kLz4);
  static const Lz4Compressor lz4_191(CompressorType::kLz4191);
  static const SnappyCompressor snappy;
  static const ZlibCompressor zlib;
  static const ZstdCompressor zstd(CompressorType::kZstd);
  static const ZstdCompressor zstd_138(CompressorType::kZstd138);
  switch (type) {
    case CompressorType::kNone:
      return &none;
    case CompressorType::kLz4:
      return &lz4;
    case CompressorType::kSnappy:
      return &snappy;
    case CompressorType::kZlib:
      return &zlib;
    case CompressorType::kZstd:
      return &zstd;
    case CompressorType::kZstd138:
      return &zstd_138;
    case CompressorType::kLz4191:
      return &lz4_191;
    case CompressorType::kStreamLz4:
    case CompressorType::kStreamZstd:
    case CompressorType::kStreamZstd138:
    case CompressorType::kZlibLite:
      break;
  }
  return Fail(ErrorCode::kNotSupported,
              fmt::format("compressor {} is not one of SSTables", static_cast<int>(type)));
}

}  // namespace obbak::format
