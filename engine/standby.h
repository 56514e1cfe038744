// What a tenant does that was restored and is no primary: it follows the logs of the tenant it
// comes from, is read, and flushes what it has replayed. See engine/standby_replay.h for the SCNs.
#pragma once

#include "base/result.h"
#include "engine/standby_replay.h"
#include "engine/tenant.h"
#include "engine/tenant_core.h"
#include "format/ids.h"
#include "io/task.h"

namespace obbak::engine {

// The last part of opening one: replays the local logs up to the manifest's sync_scn and shows that
// to readers.
io::Task<Status> OpenStandby(TenantCore& core);

// RECOVER STANDBY: replays up to `until`, which readers see when this returns. kOpNotAllow when
// that is below what they see now; kStateNotMatch on a primary. Otherwise as
// StandbyReplay::ReplayTo.
io::Task<Status> RecoverStandby(TenantCore& core, LogGroupSources& sources, format::Scn until,
                                ReportReplay report = {});

// Makes `scn`, which all logs are applied to, the point that is durable and that readers see.
// Transactions that are sure to have been committed by then, though the logs up to it do not say
// so, are (docs/spec/clog-and-archive.md §14.3).
io::Task<Status> SettleAt(TenantCore& core, format::Scn scn);

// Flushes the frozen MemTables in which nothing is undecided, merges mini SSTables where there are
// many, and writes what all log streams have applied to the manifest; then frees log blocks.
// Precondition: core.maintenance is held, and no replay is between two entries.
io::Task<Status> CheckpointStandby(TenantCore& core);

// The same after a freeze of all MemTables.
io::Task<Status> FlushStandby(TenantCore& core);
// After a flush, merges each tablet's mini and minor SSTables.
io::Task<Result<CompactionSummary>> CompactStandby(TenantCore& core);

}  // namespace obbak::engine
