// Cutting a log: what a standby's logs have above the SCN at which it becomes a primary.
// docs/spec/clog-and-archive.md §19.4.
#pragma once

#include <string>

#include "base/result.h"
#include "engine/env.h"
#include "engine/manifest.pb.h"
#include "format/ids.h"
#include "io/task.h"

namespace obbak::engine {

// Ends the log of `ls` in `dir` where `cut` says. Nobody may have it open, before this has
// succeeded; a crash leaves it in a state of which only another CutClog makes a log again. Durable
// when it returns.
io::Task<Status> CutClog(Env env, std::string dir, format::LsId ls, pb::LogCut cut);

}  // namespace obbak::engine
