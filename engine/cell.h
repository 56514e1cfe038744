// Cell and Row: values that own their bytes, for rows that are built rather than read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "format/datum.h"

namespace obbak::engine {

// A value or NULL, without its type. The bytes are those that format::Datum has.
class Cell {
 public:
  // NULL.
  Cell() = default;
  // A copy of `datum`, which is not NOP.
  explicit Cell(const format::Datum& datum)
      : is_value_(datum.is_value()), bytes_(AsText(datum.bytes())) {}

  static Cell Int(std::int64_t value) { return Cell(format::Datum::Int(value)); }
  static Cell UInt(std::uint64_t value) { return Cell(format::Datum::UInt(value)); }
  static Cell Text(std::string_view text) { return Cell(format::Datum::Of(AsByteView(text))); }
  static Cell Of(ByteView bytes) { return Cell(format::Datum::Of(bytes)); }

  bool is_null() const { return !is_value_; }
  // Empty for NULL. Lives as long as the cell stays where it is.
  std::string_view bytes() const { return bytes_; }
  // Lives as long as the cell stays where it is.
  format::Datum datum() const {
    return is_value_ ? format::Datum::Of(AsByteView(bytes_)) : format::Datum();
  }
  bool operator==(const Cell&) const = default;

 private:
  bool is_value_ = false;
  std::string bytes_;
};

using Row = std::vector<Cell>;

// The cells as storage takes them; they point into `row`, which must stay where it is.
inline std::vector<format::Datum> Datums(const Row& row) {
  std::vector<format::Datum> datums;
  datums.reserve(row.size());
  for (const Cell& cell : row) datums.push_back(cell.datum());
  return datums;
}

}  // namespace obbak::engine
