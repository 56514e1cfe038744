// SQL types and table definitions as people write them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "format/obj.h"

namespace obbak::engine {

// The type of a column: how cells are stored, and what the SQL layer promises about them. -1 is
// "not set" (docs/spec/system-data.md §2.3).
struct SqlType {
  // The unit of `length`, kept in `precision` of strings.
  static constexpr std::int16_t kInCharacters = 1;
  static constexpr std::int16_t kInBytes = 2;

  format::ObjMeta meta;
  std::int32_t length = -1;     // of strings: at most so many units
  std::int16_t precision = -1;  // of numbers: decimal digits; of strings: the unit of length
  std::int16_t scale = -1;      // of decimals: digits behind the point
  bool operator==(const SqlType&) const = default;
};

// The type that OceanBase gives to a column declared as `text`: "bigint", "int unsigned",
// "varchar(64) collate utf8mb4_bin", "varbinary(16)", "decimal(10, 2)", "datetime", ... Letters may
// have either case. Refuses types whose values the engine can't store (text, blob, json, enum, ...)
// with kNotSupported, others with kInvalidArgument; the offset is the place in `text`.
Result<SqlType> ParseSqlType(std::string_view text);
// In the form that ParseSqlType reads back to the same type. Precondition: `type` is from there.
std::string ToText(const SqlType& type);

// A column of a table that is to be created.
struct ColumnDefinition {
  std::string name;
  SqlType type;
  bool nullable = true;  // never of a key column
  bool operator==(const ColumnDefinition&) const = default;
};

// A table that is to be created.
struct TableDefinition {
  static constexpr std::size_t kMaxColumns = 512;
  static constexpr std::size_t kMaxKeyColumns = 64;
  static constexpr std::uint32_t kMaxPartitions = 8192;

  std::vector<ColumnDefinition> columns;
  std::vector<std::size_t> primary_key;  // places in `columns`, in key order; never empty
  std::uint32_t partitions = 1;          // by key over the primary key
  bool operator==(const TableDefinition&) const = default;
};

// Parses what stands in the parentheses of CREATE TABLE, and the number of partitions behind it:
//
//   id bigint not null, name varchar(64), primary key (id)
//   (a int primary key, `b c` date) partitions 4
//
// Names are letters, digits, _ and $, or anything in backquotes (a backquote doubled). Key columns
// are NOT NULL whether they say so or not. The error's offset is the place in `text`.
Result<TableDefinition> ParseTableDefinition(std::string_view text);
// In the first of those forms, which ParseTableDefinition reads back to the same definition.
std::string ToText(const TableDefinition& definition);

}  // namespace obbak::engine
