// Rebuilds the paths of the golden vectors (testdata/vectors/33_backup_paths.json) from the values
// that the original path functions were given.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace obbak::format {

// The path that the original's `function_name` ("path:get_...") makes of `fields`: a root ("root"
// or "backup_set_root") and the function's arguments; a "path" among them is ignored. Time tags are
// in UTC. Before it is returned the path has been parsed and printed again, with the same outcome.
// kNotSupported for a function nobody knows, kInvalidArgument for fields that are missing,
// superfluous or out of range.
Result<std::string> PathFromVector(std::string_view function_name,
                                   const boost::json::object& fields);

}  // namespace obbak::format
