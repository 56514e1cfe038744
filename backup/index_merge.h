// The index files of a log stream's attempt and of the tenant: merges over the lists at the ends of
// data files. docs/spec/backup-data-files.md §6.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "backup/set_context.h"
#include "base/result.h"
#include "format/backup_path.h"
#include "io/task.h"

namespace obbak::backup {

// All streams at once, a block of entries of each in memory, whatever they hold.

// macro_range_index, meta_index and sec_meta_index in the directory of `attempt`, of all `finished`
// attempts of its log stream and data type.
io::Task<Status> WriteLsIndexes(const SetContext& context, AttemptId attempt,
                                std::vector<FinishedAttempt> finished);

// The tenant's indexes of `type` (minor or major) for `turn`, as file number `retry`, of all
// `finished` attempts of that data type. `previous`: an incremental set's predecessor, whose macro
// ranges are carried over.
io::Task<Status> WriteTenantIndexes(const SetContext& context, format::DataType type,
                                    std::int64_t turn, std::int64_t retry,
                                    std::vector<FinishedAttempt> finished,
                                    std::optional<format::BackupPath> previous);

}  // namespace obbak::backup
