// Flat rows: how a row lies in a micro block. docs/spec/macro-block.md §4.
#pragma once

#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "format/datum.h"
#include "format/dml_flag.h"
#include "format/record_layout.h"

namespace obbak::format {

// ObMultiVersionRowFlag; a set of bits.
struct MvccFlags {
  static constexpr std::uint8_t kFirst = 0x01;
  static constexpr std::uint8_t kUncommitted = 0x02;
  static constexpr std::uint8_t kShadow = 0x04;
  static constexpr std::uint8_t kCompacted = 0x08;
  static constexpr std::uint8_t kGhost = 0x10;
  static constexpr std::uint8_t kLast = 0x20;

  std::uint8_t bits = 0;

  constexpr bool Has(std::uint8_t flag) const { return (bits & flag) != 0; }
  constexpr bool operator==(const MvccFlags&) const = default;
};

// What a row says besides its cells.
struct RowFlags {
  DmlFlag dml = DmlFlag::kInsert;
  // "Insert and delete in one": only with kDelete.
  bool insert_delete = false;
  MvccFlags mvcc = {};
  // Of the transaction that has not committed yet, otherwise 0.
  std::int64_t trans_id = 0;

  bool operator==(const RowFlags&) const = default;
};

// A row as a writer gets it; the cells are the caller's.
struct RowView {
  RowFlags flags;
  std::span<const Datum> cells;
};

// ObRowHeader.
struct FlatRowHeader {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedLittleEndian;
  static constexpr std::size_t kSize = 16;

  std::uint8_t version = 0;
  std::uint8_t row_flag = 0;  // bits 0-6 DmlFlag, bit 7 insert_delete
  std::uint8_t multi_version_flag = 0;
  std::uint8_t rowkey_cnt = 0;
  std::uint16_t column_cnt = 0;
  std::uint8_t cluster_info = 0;  // bits 0-1 width of cluster offsets, bit 2 single cluster
  std::uint8_t reserved = 0;
  std::int64_t trans_id = 0;

  static constexpr std::uint8_t kSingleCluster = 0x04;
  bool operator==(const FlatRowHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(FlatRowHeader, (),
                      (version, row_flag, multi_version_flag, rowkey_cnt, column_cnt, cluster_info,
                       reserved, trans_id))

// Most columns that a row header can count.
inline constexpr std::size_t kMaxFlatRowColumns = 65535;
inline constexpr std::size_t kMaxFlatRowkeyColumns = 255;

// A number of bytes that WriteFlatRow does not exceed, whatever the layout it chooses.
std::size_t MaxFlatRowSize(std::span<const Datum> cells);

// Writes `row`, whose first `rowkey_count` cells are its key, to the beginning of `out`, and
// returns its size. Allocates nothing.
// Preconditions: 1 to kMaxFlatRowColumns cells; rowkey_count is at most their number and
// kMaxFlatRowkeyColumns; `out` has MaxFlatRowSize(row.cells) bytes.
std::size_t WriteFlatRow(const RowView& row, std::size_t rowkey_count, std::span<std::byte> out);

// One cluster of a row: some adjacent columns, with the arrays behind their cells (§4.2).
struct FlatCluster {
  static constexpr std::size_t kHeaderSize = 2;
  static constexpr std::uint8_t kAllColumns = 255;

  std::size_t column_count = 0;  // columns covered
  std::size_t cell_count = 0;    // cells stored; fewer than columns if sparse
  bool is_sparse = false;
  std::size_t offset_width = 0;
  // Offsets from `bytes`: where the cells end, and where each array begins.
  std::size_t cells_end = 0;
  std::size_t indexes_begin = 0;
  std::size_t offsets_begin = 0;
  std::size_t specials_begin = 0;
  ByteView bytes;
};

// A row of a micro block, read in place. Every access is bounded by the row; cells point into it.
class FlatRow {
 public:
  // `bytes` is exactly the row. Checks the header and the cluster directory.
  static Result<FlatRow> Open(ByteView bytes);
  // Becomes the row `bytes`, as Open does. Cheaper when the row before had the same layout: then
  // only what depends on the bytes is checked again. After a failure this is no row.
  Status Reset(ByteView bytes);

  RowFlags flags() const;
  std::size_t column_count() const { return column_count_; }
  std::size_t rowkey_count() const { return rowkey_count_; }
  std::size_t size() const { return bytes_.size(); }

  // The value of one column, without touching the others. Precondition: column < column_count().
  Result<Datum> Cell(std::size_t column) const;
  // The first cells.size() columns. Precondition: cells.size() <= column_count().
  Status ReadCells(std::span<Datum> cells) const;

  std::size_t cluster_count() const { return cluster_count_; }
  // Precondition: index < cluster_count().
  Result<FlatCluster> Cluster(std::size_t index) const;
  // Offset of the array of cluster offsets, from the begin of the row.
  std::size_t cluster_offsets_begin() const { return clusters_end_; }
  std::size_t cluster_offset_width() const { return cluster_offset_width_; }

 private:
  // No header has it.
  static constexpr std::uint64_t kNoLayout = ~std::uint64_t{0};

  // Takes over the counts of a header's first word, its flags masked out.
  Status SetLayout(std::uint64_t word);
  std::size_t ClusterOffset(std::size_t index) const;
  // False when the bytes are no cluster.
  bool FindCluster(std::size_t index, FlatCluster& cluster) const;

  ByteView bytes_;
  std::uint64_t layout_ = kNoLayout;
  std::size_t column_count_ = 0;
  std::size_t rowkey_count_ = 0;
  bool single_cluster_ = false;
  bool rowkey_apart_ = false;
  std::size_t cluster_count_ = 0;
  std::size_t cluster_offset_width_ = 0;
  std::size_t clusters_end_ = 0;
};

// Cell `index` of `cluster`, counting stored cells.
Result<Datum> ReadClusterCell(const FlatCluster& cluster, std::size_t index);

// Where cell `index` lies, from the begin of the cluster. Precondition: ReadClusterCell succeeded.
struct CellRange {
  std::size_t begin;
  std::size_t end;
};
CellRange ClusterCellRange(const FlatCluster& cluster, std::size_t index);

}  // namespace obbak::format
