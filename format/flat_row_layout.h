// The layout rules of flat rows that writer and reader share. docs/spec/macro-block.md §4.2, §4.3.
#pragma once

#include <cstddef>
#include <cstdint>

namespace obbak::format::flat_row {

// Rows up to this many columns are one dense cluster.
inline constexpr std::size_t kMaxSingleClusterColumns = 48;
inline constexpr std::size_t kClusterColumns = 32;
// A group of columns with this many NOPs becomes a sparse cluster.
inline constexpr std::size_t kSparseNops = 29;
inline constexpr std::size_t kMaxSparseCells = 3;
// Sparse column indexes are bytes.
inline constexpr std::size_t kMaxSparseRowColumns = 256;

// Bits of a cluster's second byte.
inline constexpr std::uint8_t kWidthMask = 0x03;
inline constexpr std::uint8_t kSparse = 0x04;
inline constexpr std::uint8_t kColumnIndexBytes = 0x08;
inline constexpr int kSparseCountShift = 4;
inline constexpr std::uint8_t kReservedMask = 0xC0;

// Values of a cell's nibble.
enum Special : std::uint8_t { kNormal = 0, kNop = 2, kNull = 3, kShortWord = 4 };

// The key has a cluster of its own, and the groups of 32 begin behind it.
constexpr bool RowkeyStandsApart(std::size_t columns, std::size_t rowkey_count) {
  return columns > kMaxSingleClusterColumns && rowkey_count >= kClusterColumns &&
         rowkey_count <= kMaxSingleClusterColumns;
}

// Number of clusters of a row that is not a single one.
constexpr std::size_t ClusterCount(std::size_t columns, std::size_t rowkey_count) {
  const bool apart = RowkeyStandsApart(columns, rowkey_count);
  const std::size_t grouped = apart ? columns - rowkey_count : columns;
  return (grouped + kClusterColumns - 1) / kClusterColumns + (apart ? 1 : 0);
}

// Bytes of an array entry by the two bits that say so.
constexpr std::size_t WidthOf(unsigned type) { return type == 3 ? 4 : type; }
// The two bits for an array whose last, and therefore largest, entry is `last`.
constexpr std::uint8_t WidthTypeFor(std::size_t last) {
  return last <= 0xFF ? 1 : (last <= 0xFFFF ? 2 : 3);
}

}  // namespace obbak::format::flat_row
