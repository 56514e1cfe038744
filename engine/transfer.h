// Transfer: a tablet moves to another log stream. docs/spec/system-data.md §1.4.
#pragma once

#include "base/result.h"
#include "engine/tenant_core.h"
#include "format/ids.h"
#include "io/task.h"

namespace obbak::engine {

// The contract is that of Tenant. The data does not move: all log streams have one block file, so
// the SSTables change hands. Three transactions: the start, over log stream 1, source and
// destination, from which on the destination serves the tablet; its end on the destination; its
// end on the source, which forgets the tablet. Before the second everything is in the manifest.
io::Task<Status> MoveTablet(TenantCore& core, format::TabletId tablet, format::LsId destination);

// Ends the transfers that a crash has interrupted behind their first transaction. Precondition: the
// catalog is loaded.
io::Task<Status> FinishTransfers(TenantCore& core);

}  // namespace obbak::engine
