// Recovery: from what is on disk to an open tenant.
#pragma once

#include "base/result.h"
#include "engine/tenant_core.h"
#include "io/task.h"

namespace obbak::engine {

// Reads the manifest, and from it what the tenant is. kFileNotExist: `core.dir` holds none;
// kStateNotMatch: its creation was not finished.
io::Task<Status> RecoverManifest(TenantCore& core);

// kStateNotMatch unless the tenant may be opened: its restore or activation was not finished.
Status CheckComplete(const TenantCore& core);

// Precondition: RecoverManifest. Opens the block file, brings back the log streams with their
// tablets, replays their logs and reads the catalog. A primary decides what was undecided; a
// standby is what it was at the manifest's sync_scn. Nothing on disk changes before all logs have
// been read and found sound, but for torn tails that are cut.
io::Task<Status> RecoverTenant(TenantCore& core);

}  // namespace obbak::engine
