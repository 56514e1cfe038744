// The directory of a tenant: its files before there is anything in them, and what may be thrown
// away.
#pragma once

#include <string>

#include "base/result.h"
#include "engine/env.h"
#include "engine/manifest.pb.h"
#include "engine/tenant_core.h"
#include "format/ids.h"
#include "io/task.h"

namespace obbak::engine {

// What the manifest says of a tenant with these options; its role is the caller's part.
pb::Tenant RecordOf(const TenantOptions& options, format::Scn create_scn);

// kInvalidArgument for a tenant that cannot be.
Status CheckOptions(const TenantOptions& options);

// Makes core.dir, which must not exist or be empty (kEntryExist), with an empty block file and a
// manifest that has `record` and nothing else. All of it is durable when it returns.
io::Task<Status> CreateStorage(TenantCore& core, pb::Tenant record);
// Opens the block file of a tenant whose manifest has been read.
io::Task<Status> OpenBlocks(TenantCore& core);

// Empties the directory of a tenant whose restore was begun and not finished, however far it has
// come. kEntryExist, and nothing is touched, when anything else is there. Nothing to do when there
// is no such directory.
io::Task<Status> ClearUnfinished(Env env, std::string dir);

}  // namespace obbak::engine
