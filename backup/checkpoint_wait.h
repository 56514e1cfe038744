// Flushing a log stream up to an SCN, in bounded time.
#pragma once

#include "backup/set_context.h"
#include "base/result.h"
#include "engine/log_stream.h"
#include "format/ids.h"
#include "io/task.h"

namespace obbak::backup {

// Returns when everything that log entries up to `target` say is in SSTables and in the manifest.
// Open transactions that have logged something hold that up; kBackupAdvanceCheckpointTimeout after
// options.patience, kCanceled as soon as the backup is. Then a flush that has begun goes on by
// itself.
io::Task<Status> AdvanceCheckpoint(const SetContext& context, engine::LogStream& stream,
                                   format::Scn target);

}  // namespace obbak::backup
