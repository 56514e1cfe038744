// The tenant's time, as a backup takes it. docs/spec/procedures.md §3.4.
#pragma once

#include "base/result.h"
#include "engine/catalog.h"
#include "engine/log_stream.h"
#include "engine/tenant_core.h"
#include "format/ids.h"
#include "io/task.h"

namespace obbak::backup {

// GTS of a primary tenant: above every SCN that was used. Of a standby: what it has reached.
Result<format::Scn> CurrentScn(engine::TenantCore& core);

// The system tables at exactly that SCN.
io::Task<Result<engine::Catalog>> CatalogAt(engine::TenantCore& core, format::Scn scn);

// Replay begins with the first log entry whose SCN is at least this (docs/spec/consistency.md
// §1.1). The engine's record names the last entry that is not needed. A standby has no SCN behind
// the last one that it has applied: there that entry counts as needed, and replaying it changes
// nothing.
format::Scn ReplayStart(const engine::TenantCore& core, const engine::LogStream& stream);

}  // namespace obbak::backup
