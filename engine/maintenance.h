// Maintenance: MemTables become SSTables, SSTables become fewer, logs become shorter.
#pragma once

#include <memory>
#include <utility>

#include "base/result.h"
#include "engine/tenant.h"
#include "engine/tenant_core.h"
#include "format/ids.h"
#include "io/task.h"

namespace obbak::engine {

// All of these may run beside transactions; core.maintenance keeps them off each other. On a
// standby flushes and minor compactions are those of engine/standby.h: of all log streams together,
// and without waiting.

// Freezes the log stream, flushes what was frozen, and writes a checkpoint. Waits for the
// transactions that have changes in the frozen MemTables.
io::Task<Status> FlushStream(TenantCore& core, LogStream& stream);
io::Task<Status> FlushTenant(TenantCore& core);

// Writes to the manifest what has changed of the log stream's tablets and how far its log is not
// needed any more; then frees log blocks. Of a primary.
io::Task<Status> Checkpoint(TenantCore& core, LogStream& stream);

// Merges the tablet's mini and minor SSTables into one, if there are two or more. The caller holds
// core.maintenance, and the view that the tablet had until the manifest names other blocks.
io::Task<Status> MergeIncrements(TenantCore& core, std::shared_ptr<Tablet> tablet,
                                 CompactionSummary& summary);

io::Task<Result<CompactionSummary>> CompactMinor(TenantCore& core);
io::Task<Result<std::pair<format::Scn, CompactionSummary>>> CompactMajor(TenantCore& core);

// Moves every log on to `scn` at least: a log stream whose log ends below it gets a keep-alive
// entry. Durable later, as whatever is appended. For who waits until all logs have passed an SCN
// while nobody writes to some of them.
Status AdvanceLogs(TenantCore& core, format::Scn scn);

// Background tasks; they end when core.stop is requested or the tenant breaks.
io::Task<void> RunFreezer(TenantCore& core);
io::Task<void> RunKeepAlive(TenantCore& core);

}  // namespace obbak::engine
