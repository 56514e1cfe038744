// Compressors of micro blocks, as thin wrappers of the system's libraries.
// docs/spec/macro-block.md §1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "format/field_types.h"

namespace obbak::format {

// ObCompressorType. SSTables use those up to kLz4191.
enum class CompressorType : std::uint8_t {
  kNone = 1,
  kLz4 = 2,
  kSnappy = 3,
  kZlib = 4,
  kZstd = 5,
  kZstd138 = 6,
  kLz4191 = 7,
  kStreamLz4 = 8,
  kStreamZstd = 9,
  kStreamZstd138 = 10,
  kZlibLite = 11,
};
constexpr auto EnumNames(CompressorType) {
  return std::to_array<NamedValue<CompressorType>>(
      {{CompressorType::kNone, "none"},
       {CompressorType::kLz4, "lz4_1.0"},
       {CompressorType::kSnappy, "snappy_1.0"},
       {CompressorType::kZlib, "zlib_1.0"},
       {CompressorType::kZstd, "zstd_1.0"},
       {CompressorType::kZstd138, "zstd_1.3.8"},
       {CompressorType::kLz4191, "lz4_1.9.1"},
       {CompressorType::kStreamLz4, "stream_lz4"},
       {CompressorType::kStreamZstd, "stream_zstd"},
       {CompressorType::kStreamZstd138, "stream_zstd_1.3.8"},
       {CompressorType::kZlibLite, "zlib_lite"}});
}

// Stateless; safe to use from several threads.
class Compressor {
 public:
  // The compressor that OceanBase calls `type`; kNotSupported for numbers that no SSTable has.
  // Lives for the whole program.
  static Result<const Compressor*> Of(CompressorType type);

  virtual CompressorType type() const = 0;
  // Bytes that Compress may need for `size` bytes.
  virtual std::size_t Bound(std::size_t size) const = 0;
  // Compresses into `out`, which has Bound(in.size()) bytes; returns the compressed size.
  virtual Result<std::size_t> Compress(ByteView in, std::span<std::byte> out) const = 0;
  // Success when `in` is one compressed run of exactly out.size() bytes. Never reads or writes
  // beyond its arguments.
  virtual Status Decompress(ByteView in, std::span<std::byte> out) const = 0;

 protected:
  ~Compressor() = default;
};

}  // namespace obbak::format
