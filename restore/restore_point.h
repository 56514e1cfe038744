// A point in time as users write it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "format/ids.h"

namespace obbak::restore {

// UNTIL TIME: `text` is local time of a tenant whose time_zone is that UTC offset.
Result<format::Scn> PointOfTime(const std::string& text, std::string_view time_zone);

}  // namespace obbak::restore
