// ObDmlFlag: what happened to a row. docs/spec/macro-block.md §4.1, docs/spec/clog-and-archive.md
// §12.
#pragma once

#include <array>
#include <cstdint>

#include "format/field_types.h"

namespace obbak::format {

// kNotExist is in no redo log.
enum class DmlFlag : std::uint8_t {
  kNotExist = 0,
  kLock = 1,
  kUpdate = 2,
  kInsert = 3,
  kDelete = 4,
};
constexpr auto EnumNames(DmlFlag) {
  return std::to_array<NamedValue<DmlFlag>>({{DmlFlag::kNotExist, "NOT_EXIST"},
                                             {DmlFlag::kLock, "LOCK"},
                                             {DmlFlag::kUpdate, "UPDATE"},
                                             {DmlFlag::kInsert, "INSERT"},
                                             {DmlFlag::kDelete, "DELETE"}});
}

}  // namespace obbak::format
