#include <fmt/format.h>

#include <cassert>
#include <utility>

#include "format/flat_row.h"
#include "format/flat_row_layout.h"
#include "format/le_bytes.h"

namespace obbak::format {
namespace {

using namespace flat_row;  // NOLINT(google-build-using-namespace): the layout's own vocabulary

std::size_t LoadEntry(const std::byte* array, std::size_t width, std::size_t index) {
  switch (width) {
    case 1:
      return std::to_integer<std::size_t>(array[index]);
    case 2:
      return LoadLe<std::uint16_t>(array + 2 * index);
    default:
      return LoadLe<std::uint32_t>(array + 4 * index);
  }
}

unsigned LoadNibble(const std::byte* nibbles, std::size_t index) {
  const auto both = std::to_integer<unsigned>(nibbles[index / 2]);
  return index % 2 == 0 ? both & 0xF : both >> 4;
}

std::unexpected<Error> Damaged(std::size_t offset, std::string_view field, std::string message) {
  return Fail(Error(ErrorCode::kInvalidData, std::move(message))
                  .WithOffset(offset)
                  .WithField(std::string(field)));
}

// The cell between two offsets, by its nibble. False if they contradict each other.
bool MakeDatum(const std::byte* begin, std::size_t size, unsigned special, bool sparse,
               Datum& datum) {
  switch (special) {
    case kNormal:
      datum = Datum::Of({begin, size});
      return true;
    case kShortWord:
      if (size == 1) {
        datum = Datum::UInt(std::to_integer<std::uint64_t>(*begin));
      } else if (size == 2) {
        datum = Datum::UInt(LoadLe<std::uint16_t>(begin));
      } else if (size == 4) {
        datum = Datum::UInt(LoadLe<std::uint32_t>(begin));
      } else {
        return false;
      }
      return true;
    case kNull:
      datum = Datum();
      return size == 0;
    case kNop:
      datum = Datum::Nop();
      return size == 0 && !sparse;
    default:
      return false;
  }
}

// Cells 0..count of a cluster into out[0], out[1], ... (dense). False at the first bad one.
template <std::size_t Width>
bool ReadDense(const FlatCluster& cluster, std::size_t count, Datum* out) {
  const std::byte* const base = cluster.bytes.data();
  const std::byte* const offsets = base + cluster.offsets_begin;
  const std::byte* const specials = base + cluster.specials_begin;
  std::size_t begin = LoadEntry(offsets, Width, 0);
  if (begin != FlatCluster::kHeaderSize) return false;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t end =
        i + 1 < cluster.cell_count ? LoadEntry(offsets, Width, i + 1) : cluster.cells_end;
    if (end < begin || end > cluster.cells_end) return false;
    if (!MakeDatum(base + begin, end - begin, LoadNibble(specials, i), false, out[i])) return false;
    begin = end;
  }
  return true;
}

bool ReadDense(const FlatCluster& cluster, std::size_t count, Datum* out) {
  if (count == 0) return true;
  switch (cluster.offset_width) {
    case 1:
      return ReadDense<1>(cluster, count, out);
    case 2:
      return ReadDense<2>(cluster, count, out);
    default:
      return ReadDense<4>(cluster, count, out);
  }
}

bool ParseCluster(ByteView bytes, std::size_t columns, std::uint8_t column_byte,
                  FlatCluster& cluster) {
  if (bytes.size() < FlatCluster::kHeaderSize) return false;
  const auto info = std::to_integer<std::uint8_t>(bytes[1]);
  if (std::to_integer<std::uint8_t>(bytes[0]) != column_byte || (info & kReservedMask) != 0) {
    return false;
  }
  cluster.bytes = bytes;
  cluster.column_count = columns;
  cluster.is_sparse = (info & kSparse) != 0;
  cluster.cell_count = cluster.is_sparse ? (info >> kSparseCountShift) & 3U : columns;
  cluster.offset_width = WidthOf(info & kWidthMask);
  const bool has_indexes = (info & kColumnIndexBytes) != 0;
  if (has_indexes != (cluster.is_sparse && cluster.cell_count > 0) ||
      (cluster.offset_width == 0) != (cluster.cell_count == 0) ||
      (!cluster.is_sparse && (info >> kSparseCountShift) != 0)) {
    return false;
  }
  const std::size_t indexes = has_indexes ? cluster.cell_count : 0;
  const std::size_t offsets = cluster.cell_count * cluster.offset_width;
  const std::size_t specials = (cluster.cell_count + 1) / 2;
  if (bytes.size() < FlatCluster::kHeaderSize + indexes + offsets + specials) return false;
  cluster.specials_begin = bytes.size() - specials;
  cluster.offsets_begin = cluster.specials_begin - offsets;
  cluster.indexes_begin = cluster.offsets_begin - indexes;
  cluster.cells_end = cluster.indexes_begin;
  return true;
}

std::unexpected<Error> BadCells(const FlatRow& row, std::size_t cluster) {
  return Damaged(FlatRowHeader::kSize, fmt::format("cluster[{}]", cluster),
                 fmt::format("offsets and kinds of the cells contradict each other in a row of {} "
                             "bytes",
                             row.size()));
}

}  // namespace

Result<FlatRow> FlatRow::Open(ByteView bytes) {
  Result<FlatRow> row(std::in_place);
  if (Status status = row->Reset(bytes); !status) row = Fail(std::move(status).error());
  return row;
}

Status FlatRow::Reset(ByteView bytes) {
  if (bytes.size() <= FlatRowHeader::kSize)
    return Damaged(0, "row", fmt::format("{} bytes are too few for a row", bytes.size()));
  constexpr std::uint64_t kFlags = 0xFFFF00;  // row_flag, multi_version_flag
  const std::uint64_t layout = LoadLe<std::uint64_t>(bytes.data()) & ~kFlags;
  if (layout != layout_) {
    layout_ = kNoLayout;
    if (Status status = SetLayout(layout); !status) return status;
    layout_ = layout;
  }
  bytes_ = bytes;
  const std::size_t directory = cluster_count_ * cluster_offset_width_;
  if (FlatRowHeader::kSize + directory >= bytes.size())
    return Damaged(0, "cluster_offset", "the row is shorter than its cluster directory");
  clusters_end_ = bytes.size() - directory;
  if (const std::size_t first = ClusterOffset(0); first != FlatRowHeader::kSize)
    return Damaged(clusters_end_, "cluster_offset", fmt::format("the first is {}, not 16", first));
  return {};
}

Status FlatRow::SetLayout(std::uint64_t word) {
  const auto info = static_cast<std::uint8_t>(word >> 48);
  column_count_ = (word >> 32) & 0xFFFF;
  rowkey_count_ = (word >> 24) & 0xFF;
  if ((word & 0xFF) != 0) return Damaged(0, "version", "is not 0");
  if (column_count_ == 0 || rowkey_count_ > column_count_) {
    return Damaged(3, "column_cnt",
                   fmt::format("{} columns, {} of them key", column_count_, rowkey_count_));
  }
  single_cluster_ = (info & FlatRowHeader::kSingleCluster) != 0;
  cluster_offset_width_ = WidthOf(info & kWidthMask);
  if (info >> 3 != 0 || word >> 56 != 0 || cluster_offset_width_ == 0)
    return Damaged(6, "cluster_info", fmt::format("is {:#x}", info));
  if (column_count_ <= kMaxSingleClusterColumns && !single_cluster_)
    return Damaged(6, "cluster_info", "a short row must be a single cluster");
  rowkey_apart_ = !single_cluster_ && RowkeyStandsApart(column_count_, rowkey_count_);
  cluster_count_ = single_cluster_ ? 1 : ClusterCount(column_count_, rowkey_count_);
  return {};
}

std::size_t FlatRow::ClusterOffset(std::size_t index) const {
  return LoadEntry(bytes_.data() + clusters_end_, cluster_offset_width_, index);
}

RowFlags FlatRow::flags() const {
  const auto row_flag = std::to_integer<std::uint8_t>(bytes_[1]);
  return {.dml = static_cast<DmlFlag>(row_flag & 0x7F),
          .insert_delete = (row_flag & 0x80) != 0,
          .mvcc = {std::to_integer<std::uint8_t>(bytes_[2])},
          .trans_id = LoadLe<std::int64_t>(bytes_.data() + 8)};
}

bool FlatRow::FindCluster(std::size_t index, FlatCluster& cluster) const {
  const std::size_t begin = ClusterOffset(index);
  const std::size_t end = index + 1 < cluster_count_ ? ClusterOffset(index + 1) : clusters_end_;
  std::size_t columns = column_count_;
  std::uint8_t column_byte = FlatCluster::kAllColumns;
  if (!single_cluster_) {
    const std::size_t first_group = rowkey_apart_ ? 1 : 0;
    const std::size_t apart_columns = rowkey_apart_ ? rowkey_count_ : 0;
    if (index < first_group) {
      columns = apart_columns;
    } else {
      const std::size_t before = apart_columns + (index - first_group) * kClusterColumns;
      columns = std::min(kClusterColumns, column_count_ - before);
    }
    column_byte = static_cast<std::uint8_t>(columns);
  }
  return begin >= FlatRowHeader::kSize && begin <= end && end <= clusters_end_ &&
         ParseCluster(bytes_.subspan(begin, end - begin), columns, column_byte, cluster);
}

Result<FlatCluster> FlatRow::Cluster(std::size_t index) const {
  assert(index < cluster_count_);
  FlatCluster cluster;
  if (FindCluster(index, cluster)) return cluster;
  return Damaged(ClusterOffset(index), fmt::format("cluster[{}]", index),
                 fmt::format("is no cluster of a row of {} columns and {} bytes", column_count_,
                             bytes_.size()));
}

CellRange ClusterCellRange(const FlatCluster& cluster, std::size_t index) {
  const std::byte* const offsets = cluster.bytes.data() + cluster.offsets_begin;
  const std::size_t begin = LoadEntry(offsets, cluster.offset_width, index);
  const std::size_t end = index + 1 < cluster.cell_count
                              ? LoadEntry(offsets, cluster.offset_width, index + 1)
                              : cluster.cells_end;
  return {begin, end};
}

Result<Datum> ReadClusterCell(const FlatCluster& cluster, std::size_t index) {
  assert(index < cluster.cell_count);
  const auto [begin, end] = ClusterCellRange(cluster, index);
  const bool starts_right =
      index == 0 ? begin == FlatCluster::kHeaderSize : begin >= FlatCluster::kHeaderSize;
  const unsigned special = LoadNibble(cluster.bytes.data() + cluster.specials_begin, index);
  Datum datum;
  if (!starts_right || begin > end || end > cluster.cells_end ||
      !MakeDatum(cluster.bytes.data() + begin, end - begin, special, cluster.is_sparse, datum)) {
    return Damaged(begin, fmt::format("cell[{}]", index),
                   fmt::format("bytes {} to {} of a cluster with {} bytes of cells, kind {}", begin,
                               end, cluster.cells_end, special));
  }
  return datum;
}

Result<Datum> FlatRow::Cell(std::size_t column) const {
  assert(column < column_count_);
  std::size_t index = 0;
  std::size_t within = column;
  if (!single_cluster_) {
    if (rowkey_apart_ && column >= rowkey_count_) {
      index = 1 + (column - rowkey_count_) / kClusterColumns;
      within = (column - rowkey_count_) % kClusterColumns;
    } else if (!rowkey_apart_) {
      index = column / kClusterColumns;
      within = column % kClusterColumns;
    }
  }
  const Result<FlatCluster> cluster = Cluster(index);
  if (!cluster) return Fail(cluster.error());
  if (!cluster->is_sparse) return ReadClusterCell(*cluster, within);
  for (std::size_t i = 0; i < cluster->cell_count; ++i) {
    const std::byte stored = cluster->bytes[cluster->indexes_begin + i];
    if (std::to_integer<std::size_t>(stored) == within) return ReadClusterCell(*cluster, i);
  }
  return Datum::Nop();
}

Status FlatRow::ReadCells(std::span<Datum> cells) const {
  assert(cells.size() <= column_count_);
  for (std::size_t index = 0; index < cluster_count_ && !cells.empty(); ++index) {
    FlatCluster cluster;
    if (!FindCluster(index, cluster)) return Fail(Cluster(index).error());
    const std::span<Datum> covered = cells.first(std::min(cells.size(), cluster.column_count));
    if (!cluster.is_sparse) {
      if (!ReadDense(cluster, covered.size(), covered.data())) return BadCells(*this, index);
    } else {
      std::ranges::fill(covered, Datum::Nop());
      std::size_t previous = 0;
      for (std::size_t i = 0; i < cluster.cell_count; ++i) {
        const auto column = std::to_integer<std::size_t>(cluster.bytes[cluster.indexes_begin + i]);
        if (column >= cluster.column_count || (i > 0 && column <= previous)) {
          return BadCells(*this, index);
        }
        previous = column;
        const Result<Datum> cell = ReadClusterCell(cluster, i);
        if (!cell) return Fail(cell.error());
        if (column < covered.size()) covered[column] = *cell;
      }
    }
    cells = cells.subspan(covered.size());
  }
  return {};
}

}  // namespace obbak::format
