// Recovery: from what is on disk to an open tenant.
#pragma once

#include "base/result.h"
#include "engine/tenant_core.h"
#include "io/task.h"

namespace obbak::engine {

// Reads the manifest, and from it what the tenant is. kFileNotExist: `core.dir` holds none;
// kStateNotMatch: its creation was not finished.
io::Task<Status> RecoverManifest(TenantCore& core);

// Precondition: RecoverManifest, and the block file is open. Brings back the log streams with
// their tablets, replays their logs, decides what was undecided and reads the catalog. Nothing on
// disk changes before all logs have been read and found sound, but for torn tails that are cut.
io::Task<Status> RecoverTenant(TenantCore& core);

}  // namespace obbak::engine
