// Where a repeated data task of a log stream goes on. docs/spec/backup-data-files.md §8.
#pragma once

#include <map>
#include <vector>

#include "backup/set_context.h"
#include "base/result.h"
#include "format/backup_index_records.h"
#include "format/ids.h"
#include "format/macro_block_ids.h"
#include "io/task.h"

namespace obbak::backup {

using StoredBlocks = std::map<format::LogicMacroBlockId, format::BackupPhysicalId>;

struct ResumePoint {
  // Tablets up to this one are done.
  format::TabletId done{0};
  // Blocks of the tablet after them that are copied already.
  StoredBlocks stored;
};

// From what earlier attempts of the same log stream, data type and turn as `attempt` have left in
// complete files.
io::Task<Result<ResumePoint>> FindResumePoint(const SetContext& context, AttemptId attempt,
                                              std::vector<FinishedAttempt> finished);

}  // namespace obbak::backup
