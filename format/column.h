// Columns of SSTables: types with OceanBase's numbers, the stored column list, and the order of
// keys. docs/spec/macro-block.md §2.2, §4.4, §5.1; docs/spec/consistency.md §3.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "format/datum.h"
#include "format/dissection.h"
#include "format/obj.h"

namespace obbak::format {

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

CellKind CellKindOf(const ObjMeta& type);
// Bytes of every value of a column that is not NULL; 0 when values vary in length.
std::size_t FixedCellSize(const ObjMeta& type);

// The columns of one SSTable in stored order: rowkey columns, trans_version, sql_sequence, others.
struct RowSchema {
  static constexpr std::size_t kHiddenColumns = 2;

  std::vector<ObjMeta> columns;
  // With the two hidden columns, which are its last ones.
  std::size_t rowkey_count = 0;

  // The schema of a table whose first `rowkey_columns` columns are its key: adds the hidden
  // columns. Fails when a key column's order is not known, when there is no key, or with more
  // columns than a row can have.
  static Result<RowSchema> Create(std::span<const ObjMeta> table_columns,
                                  std::size_t rowkey_columns);
  // The schema of index rows: the same key, one binary value.
  RowSchema IndexSchema() const;

  std::size_t trans_version_column() const { return rowkey_count - 2; }
  std::size_t sql_sequence_column() const { return rowkey_count - 1; }
  std::span<const ObjMeta> rowkey() const { return std::span(columns).first(rowkey_count); }
};

// Whether CompareCells knows how values of a column are ordered.
bool HasKnownOrder(const ObjMeta& type);
// Order of two values of a key column: below, at or above 0. NULL comes first. utf8mb4_bin and
// utf8mb4_general_ci ignore trailing blanks; general_ci folds ASCII only, see CheckKeyCell.
// Precondition: both passed CheckKeyCell.
int CompareCells(const ObjMeta& type, const Datum& left, const Datum& right);
// Lexicographic over the shorter key: a prefix equals what it begins.
int CompareKeys(std::span<const ObjMeta> types, std::span<const Datum> left,
                std::span<const Datum> right);

// As much of a key cell's order as 64 bits hold: a cell that CompareCells puts below another has no
// larger prefix, and equal cells have equal ones.
// Precondition: `cell` passed CheckKeyCell.
std::uint64_t OrderPrefix(const ObjMeta& type, const Datum& cell);
// Whether cells of `type` with the same prefix are equal, unless it is 0 or the largest one: those
// two stand for NULL and for values out of range too.
bool OrderPrefixDecides(const ObjMeta& type);

// Success when `cell` can stand in a column of `type`: its length fits, and it is not NOP.
Status CheckCell(const ObjMeta& type, const Datum& cell);
// Also that its order is known: NaN has none, utf8mb4_general_ci beyond ASCII is not supported.
Status CheckKeyCell(const ObjMeta& type, const Datum& cell);

// A cell for people and JSON. Without a type, eight bytes count as a signed integer.
FieldValue CellValue(const Datum& cell);
FieldValue CellValue(const ObjMeta& type, const Datum& cell);
// "NULL", "NOP", otherwise what CellValue leaves unsaid (a decimal's digits); usually empty.
std::string CellText(const ObjMeta& type, const Datum& cell);

}  // namespace obbak::format
