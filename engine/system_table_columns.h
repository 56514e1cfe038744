// The columns of the system tables, as OceanBase 4.3.0.1 has them.
// docs/spec/system-data.md §4.2.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/system_tables.h"

namespace obbak::engine {

// How a column's values are typed.
enum class SystemType { kInt, kUInt, kTinyInt, kVarchar, kVarbinary, kLongText };

struct SystemDefault {
  enum class Kind { kNone, kNumber, kText };
  Kind kind = Kind::kNone;
  std::int64_t number = 0;
  std::string_view text = {};
};

struct SystemColumn {
  std::string_view name;
  SystemType type = SystemType::kInt;
  std::int32_t length = -1;  // of varchars
  bool is_key = false;
  bool nullable = false;
  SystemDefault default_value = {};
};

struct SystemTableDescription {
  SystemTable table;
  std::string_view name;
  // From column id 18 on; gmt_create and gmt_modified go before them in every table. Key columns
  // come first, in key order.
  std::vector<SystemColumn> columns;

  std::size_t key_count() const;
  // Place in `columns`. Precondition: there is such a column.
  std::size_t IndexOf(std::string_view column) const;
  // Place in a row in stored order, where the two time stamps are behind the key.
  std::size_t StoredIndex(std::size_t column) const {
    return column < key_count() ? column : column + 2;
  }
};

// By ascending id. Lives for the whole program.
std::span<const SystemTableDescription> SystemTableDescriptions();
const SystemTableDescription& DescriptionOf(SystemTable table);

}  // namespace obbak::engine
