#include "engine/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "base/utf8.h"
#include "engine/names.h"
#include "format/checksum.h"
#include "format/crc32c.h"
#include "format/le_bytes.h"
#include "format/storage_schema.h"

namespace obbak::engine {
namespace {

using format::Datum;
using format::ObjType;

std::unexpected<Error> Wrong(const TableSpec& spec, std::string message) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("table {}: {}", spec.name, std::move(message)));
}

Status CheckNames(const TableSpec& spec) {
  if (spec.name.empty() || spec.name.size() > kMaxNameLength) {
    return Wrong(spec, fmt::format("a name has 1 to {} bytes", kMaxNameLength));
  }
  std::set<std::string> seen;
  std::uint64_t last_id = 0;
  for (const ColumnSchema& column : spec.columns) {
    if (!seen.insert(FoldedName(column.name)).second) {
      return Wrong(spec, fmt::format("there are two columns {}", column.name));
    }
    if (column.id < kFirstColumnId || column.id <= last_id) {
      return Wrong(
          spec, fmt::format("column ids must ascend from 16; {} has {}", column.name, column.id));
    }
    last_id = column.id;
  }
  return {};
}

// Places of the key columns, in key order.
Result<std::vector<std::size_t>> KeyColumns(const TableSpec& spec) {
  std::vector<std::pair<std::size_t, std::size_t>> keys;
  for (std::size_t i = 0; i < spec.columns.size(); ++i) {
    const ColumnSchema& column = spec.columns[i];
    if (column.rowkey_position == 0) continue;
    if (column.nullable) return Wrong(spec, "key column " + column.name + " may be NULL");
    keys.emplace_back(column.rowkey_position, i);
  }
  std::ranges::sort(keys);
  std::vector<std::size_t> places;
  for (const auto& [position, place] : keys) {
    places.push_back(place);
    if (position != places.size()) return Wrong(spec, "key positions must be 1, 2, ...");
  }
  if (places.empty()) return Wrong(spec, "there is no primary key");
  return places;
}

// What a text looks like to its collation: equal texts give equal bytes.
Bytes CollationKey(std::uint8_t collation, ByteView text) {
  Bytes key(text.begin(), text.end());
  if (collation == format::kCollationBinary) return key;
  while (!key.empty() && key.back() == std::byte{' '}) key.pop_back();
  if (collation != format::kCollationUtf8mb4GeneralCi) return key;
  for (std::byte& byte : key) {
    if (byte >= std::byte{'a'} && byte <= std::byte{'z'}) byte ^= std::byte{0x20};
  }
  return key;
}

std::uint64_t HashCell(const format::ObjMeta& type, const Datum& cell, std::uint64_t seed) {
  switch (format::CellKindOf(type)) {
    case format::CellKind::kText:
      return format::MurmurHash64A(CollationKey(type.cs_type, cell.bytes()), seed);
    case format::CellKind::kDouble:
      // Both zeros are equal.
      if (cell.word() << 1 == 0) return format::MurmurHash64A(Datum::Int(0).bytes(), seed);
      break;
    case format::CellKind::kFloat: {
      const auto bits = format::LoadLe<std::uint32_t>(cell.bytes().data());
      if (bits << 1 == 0) return format::MurmurHash64A(Bytes(4), seed);
      break;
    }
    default:
      break;
  }
  return format::MurmurHash64A(cell.bytes(), seed);
}

Status CheckValue(const ColumnSchema& column, const Datum& cell, bool is_key) {
  if (cell.is_nop() && !is_key) return {};
  if (cell.is_null()) {
    if (column.nullable) return {};
    return Fail(ErrorCode::kInvalidArgument, "must not be NULL");
  }
  if (Status status = is_key ? format::CheckKeyCell(column.type.meta, cell)
                             : format::CheckCell(column.type.meta, cell);
      !status) {
    return status;
  }
  const bool is_text = format::CellKindOf(column.type.meta) == format::CellKind::kText;
  if (!is_text || column.type.length < 0) return {};
  const std::size_t length = column.type.precision == SqlType::kInCharacters
                                 ? Utf8Length(AsText(cell.bytes()))
                                 : cell.size();
  if (length <= static_cast<std::size_t>(column.type.length)) return {};
  return Fail(ErrorCode::kSizeOverflow, fmt::format("{} characters or bytes; the column takes {}",
                                                    length, column.type.length));
}

// ---- Storage schema.

constexpr std::int64_t kSystemPctfree = 10;

bool IsLargeText(ObjType type) {
  return type == ObjType::kText || type == ObjType::kMediumText || type == ObjType::kLongText;
}

// Of a datum: its four bytes of length and flags, then the value.
std::int64_t DefaultChecksum(const ColumnSchema& column, const Datum& value) {
  constexpr std::uint32_t kNullPack = 0x80000000;
  if (IsLargeText(column.type.meta.type)) return 0;
  Bytes bytes(sizeof(std::uint32_t));
  format::StoreLe(bytes.data(), value.is_null() ? kNullPack : value.size());
  const ByteView data = value.bytes();
  bytes.insert(bytes.end(), data.begin(), data.end());
  return static_cast<std::int64_t>(format::Crc64(bytes));
}

format::Obj DefaultObj(const ColumnSchema& column) {
  // A default that is NULL has the meta of a NULL value, one that was never set none at all.
  format::Obj object;
  if (!column.original_default) return object;
  if (column.original_default->is_null()) {
    object.meta = {ObjType::kNull, 6, format::kCollationBinary, -1};
    return object;
  }
  object.meta = column.type.meta;
  const Datum value = column.original_default->datum();
  if (format::ValueKindOf(object.meta.type) == format::ObjValueKind::kString) {
    object.meta.cs_level = 2;  // an implicit value's
    object.text = AsText(value.bytes());
  } else {
    object.number = value.word();
  }
  return object;
}

}  // namespace

TableSchema::TableSchema(TableSpec spec) : spec_(std::move(spec)) {}

Result<TableSchemaPtr> TableSchema::Create(TableSpec spec) {
  if (Status status = CheckNames(spec); !status) return Fail(status.error());
  Result<std::vector<std::size_t>> keys = KeyColumns(spec);
  if (!keys) return Fail(keys.error());
  if (spec.tablets.empty() || !std::ranges::is_sorted(spec.tablets, std::ranges::less_equal())) {
    return Wrong(spec, "there must be tablets, in ascending order");
  }
  std::shared_ptr<TableSchema> table(new TableSchema(std::move(spec)));
  table->rowkey_count_ = keys->size();
  table->definition_order_ = *std::move(keys);
  const std::vector<ColumnSchema>& columns = table->spec_.columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].rowkey_position == 0) table->definition_order_.push_back(i);
  }
  table->stored_order_.resize(columns.size());
  std::vector<format::ObjMeta> stored;
  for (const std::size_t place : table->definition_order_) {
    table->stored_order_[place] = stored.size();
    stored.push_back(columns[place].type.meta);
  }
  Result<format::RowSchema> rows = format::RowSchema::Create(stored, table->rowkey_count_);
  if (!rows) return Fail(rows.error());
  table->row_schema_ = *std::move(rows);
  return table;
}

Result<std::size_t> TableSchema::FindColumn(std::string_view name) const {
  for (std::size_t i = 0; i < spec_.columns.size(); ++i) {
    if (SameName(spec_.columns[i].name, name)) return i;
  }
  return Fail(ErrorCode::kEntryNotExist,
              fmt::format("table {} has no column {}", spec_.name, name));
}

std::uint64_t TableSchema::RowkeyHash(std::span<const Datum> rowkey) const {
  const std::span<const format::ObjMeta> types = rowkey_types();
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < rowkey_count_; ++i) hash = HashCell(types[i], rowkey[i], hash);
  constexpr std::uint64_t kPositive = std::numeric_limits<std::int64_t>::max();
  return hash & kPositive;
}

std::size_t TableSchema::PartitionOf(std::span<const Datum> rowkey) const {
  const std::size_t partitions = spec_.tablets.size();
  return partitions == 1 ? 0 : static_cast<std::size_t>(RowkeyHash(rowkey) % partitions);
}

Status TableSchema::CheckCells(std::span<const Datum> cells) const {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const ColumnSchema& column = stored_column(i);
    Status status = CheckValue(column, cells[i], i < rowkey_count_);
    if (!status) return Fail(std::move(status.error()).WithField(column.name));
  }
  return {};
}

Status TableSchema::CheckRow(std::span<const Datum> cells) const {
  if (cells.size() != column_count()) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} values; table {} has {} columns",
                                                         cells.size(), name(), column_count()));
  }
  return CheckCells(cells);
}

Status TableSchema::CheckRowkey(std::span<const Datum> rowkey) const {
  if (rowkey.size() != rowkey_count_) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} values; the key of table {} has {} columns", rowkey.size(), name(),
                            rowkey_count_));
  }
  return CheckCells(rowkey);
}

format::StorageSchema MakeStorageSchema(const TableSchema& table) {
  std::vector<format::TableColumn> columns;
  for (const ColumnSchema& column : table.columns()) {
    columns.push_back({.type = column.type.meta, .is_rowkey = column.rowkey_position != 0});
  }
  format::StorageSchema schema = format::PlainTableSchema(
      columns, table.schema_version(), table.spec().row_store, table.spec().compressor);
  if (table.is_inner()) {
    schema.table_type = format::SchemaTableType::kSystemTable;
    schema.pctfree = kSystemPctfree;
  }
  schema.rowkey_array.clear();
  for (std::size_t i = 0; i < table.rowkey_count(); ++i) {
    const std::size_t place = table.definition_order()[i];
    schema.rowkey_array.push_back({.info = 0,
                                   .column_idx = static_cast<std::uint32_t>(kFirstColumnId + place),
                                   .meta_type = table.columns()[place].type.meta});
  }
  for (std::size_t i = 0; i < table.column_count(); ++i) {
    const ColumnSchema& column = table.columns()[i];
    const Datum value = column.original_default ? column.original_default->datum() : Datum();
    schema.column_array[i].default_checksum = DefaultChecksum(column, value);
    schema.column_array[i].orig_default_value = DefaultObj(column);
  }
  return schema;
}

}  // namespace obbak::engine
