#include "engine/system_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>
#include <cassert>
#include <type_traits>
#include <utility>

#include "engine/system_table_columns.h"

namespace obbak::engine {
namespace {

using format::Datum;
using format::ObjMeta;

// ---- Schemas.

SqlType TypeOf(const SystemColumn& column) {
  switch (column.type) {
    case SystemType::kInt:
      return {.meta = ObjMeta::BigInt(), .precision = 20, .scale = 0};
    case SystemType::kUInt:
      return {.meta = ObjMeta::UBigInt(), .precision = 20, .scale = 0};
    case SystemType::kTinyInt:
      return {.meta = ObjMeta::Numeric(format::ObjType::kTinyInt), .precision = 1, .scale = 0};
    case SystemType::kVarchar:
      return {.meta = ObjMeta::Varchar(format::kCollationUtf8mb4GeneralCi),
              .length = column.length,
              .precision = SqlType::kInCharacters};
    case SystemType::kVarbinary:
      return {
          .meta = ObjMeta::Varbinary(), .length = column.length, .precision = SqlType::kInBytes};
    case SystemType::kLongText:
      return {.meta = {format::ObjType::kLongText, 7, format::kCollationUtf8mb4GeneralCi, -1}};
  }
  return {};
}

Cell DefaultCell(const SystemDefault& value) {
  switch (value.kind) {
    case SystemDefault::Kind::kNone:
      return {};
    case SystemDefault::Kind::kNumber:
      return Cell::Int(value.number);
    case SystemDefault::Kind::kText:
      return Cell::Text(value.text);
  }
  return {};
}

ColumnSchema TimeStampColumn(std::uint64_t id, std::string name) {
  const SqlType type{.meta = ObjMeta::Numeric(format::ObjType::kTimestamp), .scale = 6};
  return {.id = id,
          .name = std::move(name),
          .type = type,
          .nullable = true,
          .rowkey_position = 0,
          .original_default = Cell()};
}

TableSpec SpecOf(const SystemTableDescription& table) {
  TableSpec spec{.table_id = IdOf(table.table),
                 .database_id = kOceanbaseDatabase,
                 .name = std::string(table.name),
                 .columns = {},
                 .tablets = {TabletOf(table.table)}};
  spec.compressor = format::CompressorType::kNone;
  spec.columns.push_back(TimeStampColumn(kFirstColumnId, "gmt_create"));
  spec.columns.push_back(TimeStampColumn(kFirstColumnId + 1, "gmt_modified"));
  for (const SystemColumn& column : table.columns) {
    const std::size_t index = spec.columns.size();
    spec.columns.push_back({.id = kFirstColumnId + index,
                            .name = std::string(column.name),
                            .type = TypeOf(column),
                            .nullable = column.nullable,
                            .rowkey_position = column.is_key ? index - 1 : 0,
                            .original_default = DefaultCell(column.default_value)});
  }
  return spec;
}

// ---- Rows.

// ObLobCommon of a value that is kept in its row (docs/spec/macro-block.md §4.4).
constexpr std::string_view kInRowLob("\x01\x84\0\0", 4);

Cell TextCell(const SystemColumn& column, std::string_view text) {
  if (column.type != SystemType::kLongText) return Cell::Text(text);
  return Cell::Text(std::string(kInRowLob) + std::string(text));
}

Cell CellOf(const SystemColumn&, std::int64_t value) { return Cell::Int(value); }
Cell CellOf(const SystemColumn&, std::uint64_t value) { return Cell::UInt(value); }
Cell CellOf(const SystemColumn& column, const std::string& value) {
  return TextCell(column, value);
}
template <class T>
Cell CellOf(const SystemColumn& column, const std::optional<T>& value) {
  return value ? CellOf(column, *value) : Cell();
}

// What a column has of which a record says nothing.
Cell UnsaidCell(const SystemColumn& column) {
  if (column.default_value.kind != SystemDefault::Kind::kNone) {
    return DefaultCell(column.default_value);
  }
  if (column.nullable) return {};
  const bool is_number = column.type == SystemType::kInt || column.type == SystemType::kUInt ||
                         column.type == SystemType::kTinyInt;
  return is_number ? Cell::Int(0) : TextCell(column, {});
}

Status WordInto(const Datum& cell, std::uint64_t& word) {
  if (!cell.is_value() || !cell.is_word()) {
    return Fail(ErrorCode::kInvalidData, "the cell is no number");
  }
  word = cell.word();
  return {};
}
Status ValueInto(const SystemColumn&, const Datum& cell, std::uint64_t& value) {
  return WordInto(cell, value);
}
Status ValueInto(const SystemColumn&, const Datum& cell, std::int64_t& value) {
  std::uint64_t word = 0;
  Status status = WordInto(cell, word);
  value = static_cast<std::int64_t>(word);
  return status;
}
Status ValueInto(const SystemColumn& column, const Datum& cell, std::string& value) {
  if (!cell.is_value()) return Fail(ErrorCode::kInvalidData, "the cell is no text");
  std::string_view text = AsText(cell.bytes());
  if (column.type == SystemType::kLongText) {
    if (!text.starts_with(kInRowLob)) {
      return Fail(ErrorCode::kNotSupported, "the text is not in its row");
    }
    text.remove_prefix(kInRowLob.size());
  }
  value = text;
  return {};
}
template <class T>
Status ValueInto(const SystemColumn& column, const Datum& cell, std::optional<T>& value) {
  value.reset();
  if (cell.is_null()) return {};
  return ValueInto(column, cell, value.emplace());
}

// Calls visit(column index, field of `record`) for every field.
template <class Record, class Self, class Visitor>
void EachField(const SystemTableDescription& table, Self& record, Visitor&& visit) {
  using Members = boost::describe::describe_members<Record, boost::describe::mod_public>;
  boost::mp11::mp_for_each<Members>(
      [&](auto member) { visit(table.IndexOf(member.name), record.*member.pointer); });
}

// The cells of the table's columns, without time stamps, in the description's order.
template <class Record>
std::vector<Cell> CellsOf(const SystemTableDescription& table, const Record& record) {
  std::vector<Cell> cells;
  cells.reserve(table.columns.size());
  for (const SystemColumn& column : table.columns) cells.push_back(UnsaidCell(column));
  EachField<Record>(table, record, [&](std::size_t index, const auto& value) {
    cells[index] = CellOf(table.columns[index], value);
  });
  return cells;
}

Row StoredRow(const SystemTableDescription& table, std::vector<Cell> cells, format::Timestamp now) {
  const auto key_end = cells.begin() + static_cast<std::ptrdiff_t>(table.key_count());
  cells.insert(key_end, 2, Cell::Int(now.value));
  return cells;
}

SystemTable HistoryOf(SystemTable table) {
  switch (table) {
    case SystemTable::kTable:
      return SystemTable::kTableHistory;
    case SystemTable::kColumn:
      return SystemTable::kColumnHistory;
    default:
      assert(table == SystemTable::kDatabase);
      return SystemTable::kDatabaseHistory;
  }
}

// The base table's cell for a history's column.
Cell HistoryCell(const SystemTableDescription& base, std::span<const Cell> cells,
                 const SystemColumn& column, std::int64_t schema_version, bool is_deleted) {
  if (column.name == "schema_version") return Cell::Int(schema_version);
  if (column.name == "is_deleted") return Cell::Int(is_deleted ? 1 : 0);
  if (is_deleted && !column.is_key) return {};
  return cells[base.IndexOf(column.name)];
}

}  // namespace

std::vector<TableSchemaPtr> SystemTableSchemas(std::int64_t schema_version,
                                               format::RowStoreType row_store) {
  std::vector<TableSchemaPtr> schemas;
  for (const SystemTableDescription& table : SystemTableDescriptions()) {
    TableSpec spec = SpecOf(table);
    spec.schema_version = schema_version;
    spec.row_store = row_store;
    Result<TableSchemaPtr> schema = TableSchema::Create(std::move(spec));
    assert(schema.has_value());
    schemas.push_back(*std::move(schema));
  }
  return schemas;
}

template <class Record>
Row ToRow(const Record& record, format::Timestamp now) {
  const SystemTableDescription& table = DescriptionOf(Record::kTable);
  return StoredRow(table, CellsOf(table, record), now);
}

template <class Record>
Row ToRowkey(const Record& record) {
  const SystemTableDescription& table = DescriptionOf(Record::kTable);
  std::vector<Cell> cells = CellsOf(table, record);
  cells.resize(table.key_count());
  return cells;
}

template <class Record>
Result<Record> FromRow(std::span<const Datum> cells) {
  const SystemTableDescription& table = DescriptionOf(Record::kTable);
  if (cells.size() != table.columns.size() + 2) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("a row of {} has {} columns instead of {}", table.name, cells.size(),
                            table.columns.size() + 2));
  }
  Record record;
  Status status;
  EachField<Record>(table, record, [&](std::size_t index, auto& value) {
    if (!status) return;
    const SystemColumn& column = table.columns[index];
    status = ValueInto(column, cells[table.StoredIndex(index)], value);
    if (!status) {
      status =
          Fail(std::move(status.error()).WithField(fmt::format("{}.{}", table.name, column.name)));
    }
  });
  if (!status) return Fail(status.error());
  return record;
}

template <class Record>
Row ToHistoryRow(const Record& record, std::int64_t schema_version, bool is_deleted,
                 format::Timestamp now) {
  const SystemTableDescription& base = DescriptionOf(Record::kTable);
  const SystemTableDescription& history = DescriptionOf(HistoryOf(Record::kTable));
  const std::vector<Cell> cells = CellsOf(base, record);
  std::vector<Cell> row;
  for (const SystemColumn& column : history.columns) {
    row.push_back(HistoryCell(base, cells, column, schema_version, is_deleted));
  }
  return StoredRow(history, std::move(row), now);
}

#define OBBAK_SYSTEM_RECORD(Record)                     \
  template Row ToRow(const Record&, format::Timestamp); \
  template Row ToRowkey(const Record&);                 \
  template Result<Record> FromRow(std::span<const Datum>);
OBBAK_SYSTEM_RECORD(CoreTableRow)
OBBAK_SYSTEM_RECORD(TableRow)
OBBAK_SYSTEM_RECORD(ColumnRow)
OBBAK_SYSTEM_RECORD(DdlOperationRow)
OBBAK_SYSTEM_RECORD(DatabaseRow)
OBBAK_SYSTEM_RECORD(DatabaseHistoryRow)
OBBAK_SYSTEM_RECORD(SysVariableRow)
OBBAK_SYSTEM_RECORD(SysStatRow)
OBBAK_SYSTEM_RECORD(TabletToLsRow)
OBBAK_SYSTEM_RECORD(LsRow)
OBBAK_SYSTEM_RECORD(TabletToTableHistoryRow)
OBBAK_SYSTEM_RECORD(FreezeInfoRow)
OBBAK_SYSTEM_RECORD(DataDictionaryInLogRow)
#undef OBBAK_SYSTEM_RECORD
template Row ToHistoryRow(const TableRow&, std::int64_t, bool, format::Timestamp);
template Row ToHistoryRow(const ColumnRow&, std::int64_t, bool, format::Timestamp);
template Row ToHistoryRow(const DatabaseRow&, std::int64_t, bool, format::Timestamp);

}  // namespace obbak::engine
