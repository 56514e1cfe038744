#include "cli/row_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/value_text.h"
#include "format/column.h"

namespace obbak::cli {
namespace {

using engine::Cell;
using engine::ColumnSchema;
using engine::Row;
using engine::TableSchema;

// Stored as an integer, but shown as a time.
bool IsTime(format::ObjType type) {
  return type == format::ObjType::kDateTime || type == format::ObjType::kTimestamp ||
         type == format::ObjType::kTime;
}

OutputKind KindOf(const ColumnSchema& column) {
  switch (format::CellKindOf(column.type.meta)) {
    case format::CellKind::kSigned:
    case format::CellKind::kUnsigned:
      return IsTime(column.type.meta.type) ? OutputKind::kText : OutputKind::kInteger;
    case format::CellKind::kDouble:
    case format::CellKind::kFloat:
      return OutputKind::kReal;
    case format::CellKind::kDecimalInt:
      return OutputKind::kDecimal;
    default:
      return OutputKind::kText;
  }
}

std::string KeyNames(const TableSchema& table) {
  std::string names;
  for (std::size_t i = 0; i < table.rowkey_count(); ++i) {
    names += (i > 0 ? ", " : "") + table.stored_column(i).name;
  }
  return names;
}

}  // namespace

Result<Cell> ParseCell(const ColumnSchema& column, const std::optional<std::string_view>& text) {
  if (!text) return Cell();
  Result<Cell> cell = engine::ParseValue(column.type, *text);
  if (!cell) return Fail(std::move(cell.error()).WithField(column.name));
  return cell;
}

Result<RowParser> RowParser::Create(engine::TableSchemaPtr table,
                                    std::span<const std::string> columns) {
  if (columns.empty()) {
    std::vector<std::size_t> places = table->stored_order();
    return RowParser(std::move(table), std::move(places));
  }
  std::vector<std::size_t> places;
  for (const std::string& name : columns) {
    const Result<std::size_t> found = table->FindColumn(name);
    if (!found) return Fail(found.error());
    const std::size_t place = table->stored_order()[*found];
    if (std::ranges::find(places, place) != places.end()) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("column {} is named twice", name));
    }
    places.push_back(place);
  }
  for (std::size_t i = 0; i < table->column_count(); ++i) {
    const ColumnSchema& column = table->stored_column(i);
    if (column.nullable || std::ranges::find(places, i) != places.end()) continue;
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("column {} of table {} cannot be NULL, but is not named", column.name,
                            table->name()));
  }
  return RowParser(std::move(table), std::move(places));
}

Result<Row> RowParser::Parse(std::span<const std::optional<std::string_view>> values) const {
  if (values.size() != places_.size()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} values for {} columns", values.size(), places_.size()));
  }
  Row row(table_->column_count());
  for (std::size_t i = 0; i < values.size(); ++i) {
    Result<Cell> cell = ParseCell(table_->stored_column(places_[i]), values[i]);
    if (!cell) return Fail(std::move(cell).error());
    row[places_[i]] = *std::move(cell);
  }
  if (Status status = table_->CheckRow(Datums(row)); !status) return Fail(status.error());
  return row;
}

Result<Row> ParseKey(const TableSchema& table, std::span<const std::string> values, KeyPart part) {
  const bool fits = part == KeyPart::kWhole ? values.size() == table.rowkey_count()
                                            : values.size() <= table.rowkey_count();
  if (!fits) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} values; the key of table {} is ({})", values.size(), table.name(),
                            KeyNames(table)));
  }
  Row key;
  for (std::size_t i = 0; i < values.size(); ++i) {
    Result<Cell> cell = ParseCell(table.stored_column(i), values[i]);
    if (!cell) return Fail(std::move(cell).error());
    key.push_back(*std::move(cell));
  }
  return key;
}

Result<std::vector<std::string>> SplitList(std::string_view text) {
  CsvReader reader;
  reader.Feed(text);
  reader.Finish();
  const Result<bool> found = reader.Next();
  if (!found) return Fail(found.error());
  std::vector<std::string> values;
  if (!*found) return values;
  for (const CsvField& field : reader.fields()) values.emplace_back(field.text);
  const Result<bool> more = reader.Next();
  if (!more) return Fail(more.error());
  if (*more) return Fail(ErrorCode::kInvalidArgument, "a list is one line");
  return values;
}

std::vector<OutputColumn> ColumnsOf(const TableSchema& table) {
  std::vector<OutputColumn> columns;
  for (const ColumnSchema& column : table.columns()) {
    columns.push_back({column.name, KindOf(column)});
  }
  return columns;
}

OutputRow TextsOf(const TableSchema& table, std::span<const format::Datum> stored_row) {
  OutputRow row;
  for (std::size_t i = 0; i < table.column_count(); ++i) {
    const format::Datum& cell = stored_row[table.stored_order()[i]];
    if (cell.is_value()) {
      row.emplace_back(engine::ValueText(table.columns()[i].type, cell));
    } else {
      row.emplace_back();
    }
  }
  return row;
}

}  // namespace obbak::cli
