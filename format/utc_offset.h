// UTC offsets as a tenant's time_zone has them: what decides which date and time a name shows.
#pragma once

#include <chrono>
#include <string_view>

#include "base/result.h"

namespace obbak::format {

// "+08:00", "-03:30": from -12:59 to +14:00, as servers take them. kInvalidArgument for all else,
// names of zones included: what they mean changes, and a name that was once given must not.
Result<std::chrono::seconds> ParseUtcOffset(std::string_view text);

}  // namespace obbak::format
