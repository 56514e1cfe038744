// Words and comments of backup jobs as views show them. docs/spec/procedures.md §3.1, §3.8.
#pragma once

#include <optional>
#include <string>

#include "backup/data_backup.h"
#include "base/error.h"
#include "format/ids.h"

namespace obbak::backup {

// What a failed job says: where it failed - a log stream's task, or without `ls` the job itself -
// and with what.
std::string FailureComment(const BackupJob& job, const Error& error,
                           std::optional<format::LsId> ls);

}  // namespace obbak::backup
