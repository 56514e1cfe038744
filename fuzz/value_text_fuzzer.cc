// A value that is read from a text fits its column, and comes back from the text it is shown as.
// The input: a type, a line feed, the text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "engine/sql_type.h"
#include "engine/value_text.h"
#include "format/column.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using obbak::engine::ParseValue;
  const std::string_view input = obbak::AsText(std::as_bytes(std::span(data, size)));
  const std::size_t end = std::min(input.find('\n'), input.size());
  const auto type = obbak::engine::ParseSqlType(input.substr(0, end));
  if (!type) return 0;
  const auto cell = ParseValue(*type, input.substr(std::min(end + 1, input.size())));
  if (!cell) return 0;
  if (!obbak::format::CheckCell(type->meta, cell->datum())) std::abort();
  if (ParseValue(*type, ValueText(*type, cell->datum())) != *cell) std::abort();
  return 0;
}
