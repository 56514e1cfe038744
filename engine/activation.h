// Activation: a standby becomes a primary. docs/spec/procedures.md §4.7.
//
//   manifest says        what is going on                  after a crash
//   STANDBY              it is opened: all logs are sound  nothing has happened
//   STANDBY, activating  the logs are cut at sync_scn, as  they are cut again, and
//                        the manifest says of each         nothing else is possible
//   PRIMARY              nothing: when it is opened it     it is a primary
//                        takes over as any primary does
#pragma once

#include <string>

#include "base/result.h"
#include "engine/env.h"
#include "engine/tenant.h"
#include "io/task.h"

namespace obbak::engine {

// The standby in `dir`, which nobody has open, becomes a primary at its sync SCN. Nothing on a
// primary. May be repeated after a crash. kStateNotMatch for a tenant that is not complete.
io::Task<Status> ActivateStandby(Env env, std::string dir, EngineOptions engine = {});

}  // namespace obbak::engine
