#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>

#include "format/flat_row.h"
#include "format/flat_row_layout.h"
#include "format/le_bytes.h"

namespace obbak::format {
namespace {

using namespace flat_row;  // NOLINT(google-build-using-namespace): the layout's own vocabulary

// Word stores write eight bytes and keep some of them.
constexpr std::size_t kSlack = 8;

// Array entries in the width that their last one needs; `values` is not empty.
template <class T>
std::byte* PutEntries(std::byte* at, std::span<const std::uint32_t> values) {
  for (const std::uint32_t value : values) {
    StoreLe(at, static_cast<T>(value));
    at += sizeof(T);
  }
  return at;
}

std::byte* PutArray(std::byte* at, std::uint8_t width_type, std::span<const std::uint32_t> values) {
  switch (width_type) {
    case 1:
      return PutEntries<std::uint8_t>(at, values);
    case 2:
      return PutEntries<std::uint16_t>(at, values);
    default:
      return PutEntries<std::uint32_t>(at, values);
  }
}

// Bytes that a shortened word keeps: 1, 2, 4 or 8.
std::size_t WordWidth(std::uint64_t word) {
  const auto bits = std::bit_width(word);
  return bits <= 8 ? 1 : (bits <= 16 ? 2 : (bits <= 32 ? 4 : 8));
}

std::byte* PutCell(std::byte* at, const Datum& cell, std::uint8_t& special) {
  special = kNormal;
  if (cell.is_word()) {
    const std::uint64_t word = cell.word();
    const std::size_t width = WordWidth(word);
    StoreLe(at, word);
    special = width == 8 ? kNormal : kShortWord;
    return at + width;
  }
  if (!cell.is_value()) {
    special = cell.is_null() ? kNull : kNop;
    return at;
  }
  const ByteView bytes = cell.bytes();
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

class Cluster {
 public:
  explicit Cluster(std::byte* begin) : begin_(begin), at_(begin + FlatCluster::kHeaderSize) {}

  void Add(const Datum& cell) {
    offsets_[count_] = static_cast<std::uint32_t>(at_ - begin_);
    at_ = PutCell(at_, cell, specials_[count_]);
    ++count_;
  }
  void AddSparse(std::size_t column, const Datum& cell) {
    columns_[count_] = static_cast<std::uint8_t>(column);
    Add(cell);
  }

  // Writes the arrays and the header; returns the end of the cluster.
  std::byte* Close(std::uint8_t column_count, bool sparse) {
    auto info = static_cast<std::uint8_t>(count_ == 0 ? 0 : WidthTypeFor(offsets_[count_ - 1]));
    const std::uint8_t width_type = info;
    if (sparse) {
      info |= kSparse | static_cast<std::uint8_t>(count_ << kSparseCountShift);
      if (count_ > 0) info |= kColumnIndexBytes;
      std::memcpy(at_, columns_.data(), count_);
      at_ += count_;
    }
    begin_[0] = std::byte{column_count};
    begin_[1] = std::byte{info};
    at_ = PutArray(at_, width_type, std::span(offsets_).first(count_));
    specials_[count_] = 0;
    for (std::size_t i = 0; i < count_; i += 2) {
      *at_++ = static_cast<std::byte>(specials_[i] | (specials_[i + 1] << 4));
    }
    return at_;
  }

 private:
  std::byte* begin_;
  std::byte* at_;
  std::size_t count_ = 0;
  std::array<std::uint32_t, kMaxSingleClusterColumns> offsets_;
  std::array<std::uint8_t, kMaxSingleClusterColumns + 1> specials_;
  std::array<std::uint8_t, kMaxSparseCells> columns_;
};

std::byte* PutDense(std::byte* at, std::span<const Datum> cells, std::uint8_t column_count) {
  Cluster cluster(at);
  for (const Datum& cell : cells) cluster.Add(cell);
  return cluster.Close(column_count, false);
}

std::byte* PutSparse(std::byte* at, std::span<const Datum> cells, std::uint8_t column_count) {
  Cluster cluster(at);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (!cells[i].is_nop()) cluster.AddSparse(i, cells[i]);
  }
  return cluster.Close(column_count, true);
}

std::size_t CountNops(std::span<const Datum> cells) {
  return static_cast<std::size_t>(std::ranges::count_if(cells, &Datum::is_nop));
}

// All columns in one sparse cluster: worth it when nearly everything is NOP. A key with a cluster
// of its own never is.
bool FitsOneSparseCluster(std::span<const Datum> cells) {
  return cells.size() < kMaxSparseRowColumns && cells.size() - CountNops(cells) <= kMaxSparseCells;
}

// Clusters of a row that has several; returns the end of their directory.
std::byte* PutClusters(std::byte* row, std::byte* at, std::span<const Datum> cells,
                       std::size_t rowkey_count, std::uint8_t& width_type) {
  constexpr std::size_t kMaxClusters = ClusterCount(kMaxFlatRowColumns, 1) + 1;
  std::array<std::uint32_t, kMaxClusters> offsets;
  std::size_t count = 0;
  if (RowkeyStandsApart(cells.size(), rowkey_count)) {
    offsets[count++] = static_cast<std::uint32_t>(at - row);
    at = PutDense(at, cells.first(rowkey_count), static_cast<std::uint8_t>(rowkey_count));
    cells = cells.subspan(rowkey_count);
  }
  while (!cells.empty()) {
    const std::size_t size = std::min(kClusterColumns, cells.size());
    const std::span<const Datum> group = cells.first(size);
    offsets[count++] = static_cast<std::uint32_t>(at - row);
    at = CountNops(group) >= kSparseNops ? PutSparse(at, group, static_cast<std::uint8_t>(size))
                                         : PutDense(at, group, static_cast<std::uint8_t>(size));
    cells = cells.subspan(size);
  }
  width_type = WidthTypeFor(offsets[count - 1]);
  return PutArray(at, width_type, std::span(offsets).first(count));
}

}  // namespace

std::size_t MaxFlatRowSize(std::span<const Datum> cells) {
  std::size_t bytes = 0;
  for (const Datum& cell : cells) bytes += cell.size();
  // Per cell: offset, nibble. Per cluster: header, last half nibble byte, offset in the directory.
  constexpr std::size_t kPerCell = 4 + 1;
  constexpr std::size_t kPerCluster = FlatCluster::kHeaderSize + 1 + 4;
  const std::size_t clusters = cells.size() / kClusterColumns + 2;
  return FlatRowHeader::kSize + bytes + cells.size() * kPerCell + clusters * kPerCluster + kSlack;
}

std::size_t WriteFlatRow(const RowView& row, std::size_t rowkey_count, std::span<std::byte> out) {
  const std::span<const Datum> cells = row.cells;
  assert(!cells.empty() && cells.size() <= kMaxFlatRowColumns && rowkey_count <= cells.size());
  assert(rowkey_count <= kMaxFlatRowkeyColumns && out.size() >= MaxFlatRowSize(cells));
  std::byte* const begin = out.data();
  std::byte* at = begin + FlatRowHeader::kSize;
  std::uint8_t info = FlatRowHeader::kSingleCluster | WidthTypeFor(FlatRowHeader::kSize);
  if (cells.size() <= kMaxSingleClusterColumns) {
    at = PutDense(at, cells, FlatCluster::kAllColumns);
    *at++ = std::byte{FlatRowHeader::kSize};
  } else if (FitsOneSparseCluster(cells)) {
    at = PutSparse(at, cells, FlatCluster::kAllColumns);
    *at++ = std::byte{FlatRowHeader::kSize};
  } else {
    at = PutClusters(begin, at, cells, rowkey_count, info);
  }

  const auto dml = static_cast<std::uint8_t>(row.flags.dml);
  const std::uint8_t row_flag = row.flags.insert_delete ? dml | 0x80U : dml;
  // Bytes 0-7 of FlatRowHeader as one word.
  StoreLe(begin, std::uint64_t{row_flag} << 8 | std::uint64_t{row.flags.mvcc.bits} << 16 |
                     std::uint64_t{rowkey_count} << 24 | std::uint64_t{cells.size()} << 32 |
                     std::uint64_t{info} << 48);
  StoreLe(begin + 8, row.flags.trans_id);
  return static_cast<std::size_t>(at - begin);
}

}  // namespace obbak::format
