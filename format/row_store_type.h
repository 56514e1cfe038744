// How the rows of a micro block are stored. docs/spec/macro-block.md §3.
#pragma once

#include <array>
#include <cstdint>

#include "format/field_types.h"

namespace obbak::format {

// ObRowStoreType.
enum class RowStoreType : std::uint8_t {
  kFlat = 0,
  kEncoding = 1,
  kSelectiveEncoding = 2,
  kCsEncoding = 3,
  kUnknown = 255,  // DUMMY_ROW_STORE
};
constexpr auto EnumNames(RowStoreType) {
  return std::to_array<NamedValue<RowStoreType>>(
      {{RowStoreType::kFlat, "flat_row_store"},
       {RowStoreType::kEncoding, "encoding_row_store"},
       {RowStoreType::kSelectiveEncoding, "selective_encoding_row_store"},
       {RowStoreType::kCsEncoding, "cs_encoding_row_store"},
       {RowStoreType::kUnknown, "dummy_row_store"}});
}

}  // namespace obbak::format
