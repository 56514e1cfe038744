// What a tenant's tables look like: schemas of tables and databases, and the partition of a row.
// docs/spec/consistency.md §3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/cell.h"
#include "engine/sql_type.h"
#include "format/column.h"
#include "format/compressor.h"
#include "format/datum.h"
#include "format/ids.h"
#include "format/row_store_type.h"

namespace obbak::format {
struct StorageSchema;
}  // namespace obbak::format

namespace obbak::engine {

// Tables and databases share one counter of ids.
using ObjectId = std::uint64_t;

inline constexpr std::uint64_t kFirstColumnId = 16;
// Ids of tables below are OceanBase's own tables, whose tablet has the id of its table and is on
// log stream 1; ids up to kMaxInnerObjectId are OceanBase's own objects.
inline constexpr ObjectId kInnerTableEnd = 200'000;
inline constexpr ObjectId kMaxInnerObjectId = 500'000;
inline constexpr ObjectId kOceanbaseDatabase = 201'001;
inline constexpr ObjectId kRecyclebinDatabase = 201'003;
inline constexpr ObjectId kTestDatabase = 500'001;
constexpr bool IsInnerTable(ObjectId table) { return table < kInnerTableEnd; }

struct ColumnSchema {
  std::uint64_t id = 0;
  std::string name;
  SqlType type;
  bool nullable = true;
  std::size_t rowkey_position = 0;  // 1, 2, ... in key order; 0: not part of the key
  // What rows from before the column have; CREATE TABLE never sets it, OceanBase's own tables do.
  std::optional<Cell> original_default = {};
  bool operator==(const ColumnSchema&) const = default;
};

// What makes a table; TableSchema adds what follows from it.
struct TableSpec {
  ObjectId table_id = 0;
  ObjectId database_id = 0;
  std::string name;
  std::vector<ColumnSchema> columns;  // in definition order; ids ascend
  // One per partition, ascending: so the number of a partition needs no record of its own.
  std::vector<format::TabletId> tablets;
  std::int64_t schema_version = 0;  // microseconds
  format::CompressorType compressor = format::CompressorType::kZstd138;
  format::RowStoreType row_store = format::RowStoreType::kFlat;
  bool operator==(const TableSpec&) const = default;
};

// A table, never changed once it is made. Columns have two orders: the *definition order* that SQL
// shows, and the *stored order* of rows, keys and cells everywhere in the engine - key columns in
// key order, then the others in definition order.
class TableSchema {
 public:
  // Refuses (kInvalidArgument, kNotSupported) what no table can be: no key, key positions that are
  // not 1..n, nullable or unordered key columns, names that appear twice, tablets that don't
  // ascend.
  static Result<std::shared_ptr<const TableSchema>> Create(TableSpec spec);

  const TableSpec& spec() const { return spec_; }
  ObjectId id() const { return spec_.table_id; }
  ObjectId database_id() const { return spec_.database_id; }
  const std::string& name() const { return spec_.name; }
  std::int64_t schema_version() const { return spec_.schema_version; }
  bool is_inner() const { return IsInnerTable(spec_.table_id); }

  // In definition order.
  const std::vector<ColumnSchema>& columns() const { return spec_.columns; }
  std::size_t column_count() const { return spec_.columns.size(); }
  std::size_t rowkey_count() const { return rowkey_count_; }
  // The column at a place of the stored order. Precondition: stored < column_count().
  const ColumnSchema& stored_column(std::size_t stored) const {
    return spec_.columns[definition_order_[stored]];
  }
  // For each place of the stored order, the place in definition order; and the reverse.
  const std::vector<std::size_t>& definition_order() const { return definition_order_; }
  const std::vector<std::size_t>& stored_order() const { return stored_order_; }
  // Place in definition order; names match whatever their letters' case. kEntryNotExist.
  Result<std::size_t> FindColumn(std::string_view name) const;

  // Of the stored rows, with the two hidden columns.
  const format::RowSchema& row_schema() const { return row_schema_; }
  // Types of the key columns, in key order.
  std::span<const format::ObjMeta> rowkey_types() const {
    return std::span(row_schema_.columns).first(rowkey_count_);
  }

  const std::vector<format::TabletId>& tablets() const { return spec_.tablets; }
  // The MurmurHash64A of a row's key columns' bytes in key order, each seeded with the hash so far,
  // without the top bit. Keys that compare equal have the same hash: texts count without what their
  // collation ignores. `rowkey`: rowkey_count() cells.
  std::uint64_t RowkeyHash(std::span<const format::Datum> rowkey) const;
  // Which partition a row belongs to: RowkeyHash modulo the number of partitions; the first one of
  // a table with only one, at no cost.
  std::size_t PartitionOf(std::span<const format::Datum> rowkey) const;
  format::TabletId TabletOf(std::span<const format::Datum> rowkey) const {
    return spec_.tablets[PartitionOf(rowkey)];
  }

  // Success when `cells`, in stored order, can be a row: their number, sizes, NULLs and lengths
  // fit, and the key's order is known. NOP stands for any value of a column outside of the key. The
  // error's field is the column.
  Status CheckRow(std::span<const format::Datum> cells) const;
  // The same for a key; `rowkey`: rowkey_count() cells.
  Status CheckRowkey(std::span<const format::Datum> rowkey) const;

 private:
  explicit TableSchema(TableSpec spec);

  // The first cells of a row.
  Status CheckCells(std::span<const format::Datum> cells) const;

  TableSpec spec_;
  std::size_t rowkey_count_ = 0;
  std::vector<std::size_t> definition_order_;
  std::vector<std::size_t> stored_order_;
  format::RowSchema row_schema_;
};

using TableSchemaPtr = std::shared_ptr<const TableSchema>;

// What the table's tablets know of it (docs/spec/consistency.md §3.3).
format::StorageSchema MakeStorageSchema(const TableSchema& table);

struct DatabaseSchema {
  ObjectId database_id = 0;
  std::string name;
  std::int64_t schema_version = 0;
  bool operator==(const DatabaseSchema&) const = default;
};

}  // namespace obbak::engine
