// JSON from a dissection: what `--json` prints and what decoded vectors are compared with.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <string_view>

#include "format/dissection.h"

namespace obbak::format {

// The node at `path` (dotted; empty for all top-level nodes as one object) with everything below
// it. Records become objects, arrays arrays, framing is left out. Integers beyond 2^53 become
// strings, so that no JSON reader rounds them; a text that is not UTF-8 becomes {"hex": "..."}.
// Null when there is no such node.
boost::json::value ToJson(const Dissection& dissection, std::string_view path = {});

// A single number by the same rule.
boost::json::value JsonNumber(std::uint64_t value);
boost::json::value JsonNumber(std::int64_t value);

// Indented by two blanks a level, keys in their order, no newline at the end.
std::string PrettyJson(const boost::json::value& value);

}  // namespace obbak::format
