// What becomes durable of a log stream's tablets: MemTables that go to SSTables, and the manifest
// edit that says so. docs/spec/consistency.md §1.1.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "engine/manifest.pb.h"
#include "engine/tenant_core.h"
#include "format/ids.h"
#include "format/tablet_meta.h"
#include "io/task.h"

namespace obbak::engine {

// All of these want core.maintenance held.

// Those that exist for others than their creators, but for the inner ones.
std::vector<std::shared_ptr<Tablet>> TabletsOf(const LogStream& stream);
// Mini and minor SSTables, oldest first.
std::vector<std::shared_ptr<const Sstable>> Increments(const Tablet& tablet);
// nullptr: there is none.
std::shared_ptr<const Sstable> MajorOf(const Tablet& tablet);

// Writes the oldest frozen MemTable to an SSTable, if there is anything to keep. Precondition: it
// is decided.
io::Task<Status> FlushOldest(TenantCore& core, std::shared_ptr<Tablet> tablet);

// What the meta of a tablet says of its newest baseline. `has_increments`: it has mini or minor
// SSTables beside it.
void TakeBaseline(const Sstable& major, bool has_increments, format::MigrationTabletParam& meta);

// Gives a baseline, if only an empty one, to each tablet that the manifest is to get without.
io::Task<Status> MakeMissingMajors(TenantCore& core, LogStream& stream);

// Adds to `edit` what has changed of the log stream's tablets since the last one, and its record
// with a checkpoint that allows for `applied` (LogStream::SafeCheckpoint). The tablets that `edit`
// removes are added to `dropped`, to be kept until the edit is durable.
Status AddChanges(LogStream& stream, format::Scn applied, pb::Edit& edit,
                  std::vector<std::shared_ptr<Tablet>>& dropped);

}  // namespace obbak::engine
