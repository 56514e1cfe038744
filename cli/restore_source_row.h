// Where a restored tenant comes from, as it remembers it: LOG_RESTORE_SOURCE, in a row of the
// tenant's manifest.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/tenant.h"
#include "io/backup_dest.h"
#include "io/task.h"

namespace obbak::cli {

// Key and value, for restore::RestoreOptions.
std::pair<std::string, std::string> RestoreSourceRow(std::span<const io::BackupDest> dests);
// kMissArgument when it remembers none.
Result<std::vector<io::BackupDest>> RememberedRestoreSource(engine::Tenant& tenant);

}  // namespace obbak::cli
