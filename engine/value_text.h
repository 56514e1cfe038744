// Values as texts: what people type and CSV files hold, and what is shown to them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/cell.h"
#include "engine/sql_type.h"
#include "format/datum.h"

namespace obbak::engine {

// The value that `text` stands for in a column of `type`; never NULL. Numbers are decimal, times
// are "2024-02-29 23:59:59.999999" (a timestamp's in UTC), binary strings are "0x00ff" or their
// bytes as they are. kInvalidArgument: not a value of this kind; kSizeOverflow: outside of the
// type's range, too long, or with more digits than the column keeps - nothing is rounded or cut.
Result<Cell> ParseValue(const SqlType& type, std::string_view text);

// The value as ParseValue reads it back, bit for bit; "NULL" for NULL, which no value of another
// type than a string is. Cells that are no values of the type (wrong size) come out as "0x...".
std::string ValueText(const SqlType& type, const format::Datum& cell);

}  // namespace obbak::engine
