// Backup sets and jobs as tables, with the columns of OceanBase's views.
#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "backup/data_backup.h"
#include "cli/table_output.h"
#include "format/backup_set_records.h"
#include "io/backup_dest.h"

namespace obbak::cli {

// One set that was just made.
Section SetSection(const format::BackupSetFileDesc& set, std::chrono::nanoseconds elapsed);

// CDB_OB_BACKUP_PARAMETER, CDB_OB_BACKUP_SET_FILES, CDB_OB_BACKUP_JOB_HISTORY.
Section DestSection(const std::optional<io::BackupDest>& dest);
Section SetsSection(std::span<const format::BackupSetFileDesc> sets);
Section JobsSection(std::span<const backup::BackupJob> jobs);

}  // namespace obbak::cli
