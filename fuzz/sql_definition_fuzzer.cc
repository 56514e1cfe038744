// Whatever parses as a type or as a table's definition prints as a text that means the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "engine/sql_type.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using obbak::engine::ParseSqlType;
  using obbak::engine::ParseTableDefinition;
  const std::string_view text = obbak::AsText(std::as_bytes(std::span(data, size)));

  const auto type = ParseSqlType(text);
  if (type && ParseSqlType(ToText(*type)) != *type) std::abort();
  if (!type && type.error().offset().value() > size) std::abort();

  const auto definition = ParseTableDefinition(text);
  if (definition && ParseTableDefinition(ToText(*definition)) != *definition) std::abort();
  if (!definition && definition.error().offset().value() > size) std::abort();
  return 0;
}
