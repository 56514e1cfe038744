// The META task of one log stream: ls_meta_info, tablet_info and the data of its inner tablets.
// docs/spec/procedures.md §3.5, docs/spec/consistency.md §1.
#pragma once

#include <cstdint>
#include <vector>

#include "backup/set_context.h"
#include "base/result.h"
#include "engine/log_stream.h"
#include "format/ids.h"
#include "format/ls_meta_records.h"
#include "io/task.h"

namespace obbak::backup {

// The log stream as it is now. kDeserializeError when the manifest's record is damaged.
Result<format::LsMetaPackage> LsMetaOf(const engine::TenantCore& core,
                                       const engine::LogStream& stream);

// What the META task of a log stream has found.
struct LsMetaBackup {
  format::LsMetaPackage package;
  std::vector<format::TabletId> tablets;  // of tablet_info, ascending
  // Of the log stream and of all its tablets.
  format::Scn max_checkpoint_scn;
  std::vector<FinishedAttempt> finished;  // sys data
};

// Waits until the log stream's checkpoint has reached `target`, then writes the files of the
// attempt with that turn and retry. kLsNotExist when there is no such log stream.
io::Task<Result<LsMetaBackup>> BackupLsMeta(SetContext& context, AttemptId attempt,
                                            format::Scn target);

}  // namespace obbak::backup
