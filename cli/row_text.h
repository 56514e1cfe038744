// Rows of a table from texts, and back: what people type, CSV files hold, and commands print.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/csv.h"
#include "cli/table_output.h"
#include "engine/cell.h"
#include "engine/schema.h"
#include "format/datum.h"

namespace obbak::cli {

// nullopt: NULL. The error's field is the column.
Result<engine::Cell> ParseCell(const engine::ColumnSchema& column,
                               const std::optional<std::string_view>& text);

// Rows whose values come in an order of their own; columns that are not named are NULL.
class RowParser {
 public:
  // `columns`: names, all columns in definition order when there are none. kInvalidArgument when
  // one is named twice or one that cannot be NULL is not named; kEntryNotExist.
  static Result<RowParser> Create(engine::TableSchemaPtr table,
                                  std::span<const std::string> columns);

  // In stored order, checked against the schema.
  Result<engine::Row> Parse(std::span<const std::optional<std::string_view>> values) const;

  const engine::TableSchema& table() const { return *table_; }

 private:
  RowParser(engine::TableSchemaPtr table, std::vector<std::size_t> places)
      : table_(std::move(table)), places_(std::move(places)) {}

  engine::TableSchemaPtr table_;
  // For each value its column's place in the stored order.
  std::vector<std::size_t> places_;
};

// A key, or with `prefix` its first columns, in key order.
enum class KeyPart { kWhole, kPrefix };
Result<engine::Row> ParseKey(const engine::TableSchema& table, std::span<const std::string> values,
                             KeyPart part);

// The fields of one CSV record: "1,\"a,b\"". No fields for an empty text.
Result<std::vector<std::string>> SplitList(std::string_view text);

// The columns of a table in definition order, and a row of it for them.
std::vector<OutputColumn> ColumnsOf(const engine::TableSchema& table);
OutputRow TextsOf(const engine::TableSchema& table, std::span<const format::Datum> stored_row);

}  // namespace obbak::cli
