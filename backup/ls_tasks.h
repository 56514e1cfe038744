// Tasks of log streams beside each other.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "backup/set_context.h"
#include "base/result.h"
#include "format/ids.h"
#include "io/task.h"

namespace obbak::backup {

struct LsFailure {
  format::LsId ls;
  Error error;
};

// Not a lambda that is a coroutine: a bound function that returns one.
using LsTask = std::function<io::Task<Status>(format::LsId ls)>;

// Runs `task` for each, options.concurrency at a time. The first that fails ends the others by
// `halt`, whose token is context.stop, and is the one that is returned.
io::Task<std::optional<LsFailure>> RunLsTasks(SetContext& context, std::stop_source& halt,
                                              std::vector<format::LsId> log_streams, LsTask task);

}  // namespace obbak::backup
