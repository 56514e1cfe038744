// Columns of SSTables: types with OceanBase's numbers, the stored column list, and the order of
// keys. docs/spec/macro-block.md §2.2, §4.4, §5.1; docs/spec/consistency.md §3.2.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "format/datum.h"
#include "format/dissection.h"
#include "format/field_types.h"
#include "format/record_layout.h"

namespace obbak::format {

// ObObjType. Other numbers are kept when read.
enum class ColumnTypeId : std::uint8_t {
  kNull = 0,
  kTinyInt = 1,
  kSmallInt = 2,
  kMediumInt = 3,
  kInt32 = 4,
  kInt = 5,
  kUTinyInt = 6,
  kUSmallInt = 7,
  kUMediumInt = 8,
  kUInt32 = 9,
  kUInt64 = 10,
  kFloat = 11,
  kDouble = 12,
  kUFloat = 13,
  kUDouble = 14,
  kNumber = 15,
  kUNumber = 16,
  kDateTime = 17,
  kTimestamp = 18,
  kDate = 19,
  kTime = 20,
  kYear = 21,
  kVarchar = 22,
  kChar = 23,
  kTinyText = 27,
  kText = 28,
  kMediumText = 29,
  kLongText = 30,
  kBit = 31,
  kEnum = 32,
  kSet = 33,
  kDecimalInt = 50,
};

// SQL's words.
constexpr auto EnumNames(ColumnTypeId) {
  return std::to_array<NamedValue<ColumnTypeId>>({
      {ColumnTypeId::kNull, "NULL"},
      {ColumnTypeId::kTinyInt, "TINYINT"},
      {ColumnTypeId::kSmallInt, "SMALLINT"},
      {ColumnTypeId::kMediumInt, "MEDIUMINT"},
      {ColumnTypeId::kInt32, "INT"},
      {ColumnTypeId::kInt, "BIGINT"},
      {ColumnTypeId::kUTinyInt, "TINYINT UNSIGNED"},
      {ColumnTypeId::kUSmallInt, "SMALLINT UNSIGNED"},
      {ColumnTypeId::kUMediumInt, "MEDIUMINT UNSIGNED"},
      {ColumnTypeId::kUInt32, "INT UNSIGNED"},
      {ColumnTypeId::kUInt64, "BIGINT UNSIGNED"},
      {ColumnTypeId::kFloat, "FLOAT"},
      {ColumnTypeId::kDouble, "DOUBLE"},
      {ColumnTypeId::kUFloat, "FLOAT UNSIGNED"},
      {ColumnTypeId::kUDouble, "DOUBLE UNSIGNED"},
      {ColumnTypeId::kNumber, "NUMBER"},
      {ColumnTypeId::kUNumber, "NUMBER UNSIGNED"},
      {ColumnTypeId::kDateTime, "DATETIME"},
      {ColumnTypeId::kTimestamp, "TIMESTAMP"},
      {ColumnTypeId::kDate, "DATE"},
      {ColumnTypeId::kTime, "TIME"},
      {ColumnTypeId::kYear, "YEAR"},
      {ColumnTypeId::kVarchar, "VARCHAR"},
      {ColumnTypeId::kChar, "CHAR"},
      {ColumnTypeId::kTinyText, "TINYTEXT"},
      {ColumnTypeId::kText, "TEXT"},
      {ColumnTypeId::kMediumText, "MEDIUMTEXT"},
      {ColumnTypeId::kLongText, "LONGTEXT"},
      {ColumnTypeId::kBit, "BIT"},
      {ColumnTypeId::kEnum, "ENUM"},
      {ColumnTypeId::kSet, "SET"},
      {ColumnTypeId::kDecimalInt, "DECIMAL"},
  });
}

// ObCollationType numbers that keys may have.
inline constexpr std::uint8_t kCollationUtf8mb4GeneralCi = 45;
inline constexpr std::uint8_t kCollationUtf8mb4Bin = 46;
inline constexpr std::uint8_t kCollationBinary = 63;

// How the bytes of a cell are to be understood.
enum class CellKind {
  kSigned,      // 8 bytes
  kUnsigned,    // 8 bytes
  kDouble,      // 8 bytes
  kFloat,       // 4 bytes
  kDate,        // 4 bytes, signed days
  kYear,        // 1 byte
  kText,        // any length
  kDecimalInt,  // 4, 8, 16, 32 or 64 bytes, two's complement
  kOther,       // any length, no order known
};

// ObObjMeta of a column.
struct ColumnType {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedLittleEndian;
  static constexpr std::size_t kSize = 4;

  ColumnTypeId type = ColumnTypeId::kNull;
  std::uint8_t collation_level = 0;  // of a decimal int: precision + 7
  std::uint8_t collation = 0;
  std::int8_t scale = -1;

  CellKind Kind() const;
  // Bytes of every value that is not NULL; 0 when values vary in length.
  std::size_t FixedSize() const;
  bool operator==(const ColumnType&) const = default;

  static constexpr ColumnType Numeric(ColumnTypeId id) { return {id, 5, kCollationBinary, -1}; }
  static constexpr ColumnType BigInt() { return Numeric(ColumnTypeId::kInt); }
  static constexpr ColumnType UBigInt() { return Numeric(ColumnTypeId::kUInt64); }
  static constexpr ColumnType Varchar(std::uint8_t collation = kCollationUtf8mb4Bin) {
    return {ColumnTypeId::kVarchar, 7, collation, -1};
  }
  static constexpr ColumnType Varbinary() { return Varchar(kCollationBinary); }
  static constexpr ColumnType Decimal(std::uint8_t precision, std::int8_t scale) {
    return {ColumnTypeId::kDecimalInt, static_cast<std::uint8_t>(precision + 7), kCollationBinary,
            scale};
  }
};
BOOST_DESCRIBE_STRUCT(ColumnType, (), (type, collation_level, collation, scale))

// The columns of one SSTable in stored order: rowkey columns, trans_version, sql_sequence, others.
struct RowSchema {
  static constexpr std::size_t kHiddenColumns = 2;

  std::vector<ColumnType> columns;
  // With the two hidden columns, which are its last ones.
  std::size_t rowkey_count = 0;

  // The schema of a table whose first `rowkey_columns` columns are its key: adds the hidden
  // columns. Fails when a key column's order is not known, when there is no key, or with more
  // columns than a row can have.
  static Result<RowSchema> Create(std::span<const ColumnType> table_columns,
                                  std::size_t rowkey_columns);
  // The schema of index rows: the same key, one binary value.
  RowSchema IndexSchema() const;

  std::size_t trans_version_column() const { return rowkey_count - 2; }
  std::size_t sql_sequence_column() const { return rowkey_count - 1; }
  std::span<const ColumnType> rowkey() const { return std::span(columns).first(rowkey_count); }
};

// Whether CompareCells knows how values of a column are ordered.
bool HasKnownOrder(const ColumnType& type);
// Order of two values of a key column: below, at or above 0. NULL comes first. utf8mb4_bin and
// utf8mb4_general_ci ignore trailing blanks; general_ci folds ASCII only, see CheckKeyCell.
// Precondition: both passed CheckKeyCell.
int CompareCells(const ColumnType& type, const Datum& left, const Datum& right);
// Lexicographic over the shorter key: a prefix equals what it begins.
int CompareKeys(std::span<const ColumnType> types, std::span<const Datum> left,
                std::span<const Datum> right);

// Success when `cell` can stand in a column of `type`: its length fits, and it is not NOP.
Status CheckCell(const ColumnType& type, const Datum& cell);
// Also that its order is known: utf8mb4_general_ci beyond ASCII is not supported.
Status CheckKeyCell(const ColumnType& type, const Datum& cell);

// A cell for people and JSON. Without a type, eight bytes count as a signed integer.
FieldValue CellValue(const Datum& cell);
FieldValue CellValue(const ColumnType& type, const Datum& cell);
// "NULL", "NOP", otherwise what CellValue leaves unsaid (a decimal's digits); usually empty.
std::string CellText(const ColumnType& type, const Datum& cell);

}  // namespace obbak::format
