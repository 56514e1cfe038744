// Sample backup data: what the full set of the sample tenant holds of log stream 1001's tablet
// 200001.
#pragma once

#include <vector>

#include "base/result.h"
#include "format/sample_destination.h"

namespace obbak::format {

// Below `data_backup_dest/`: data files and indexes of the minor and the major data, the
// tenant-level indexes above them, and the tablet's metadata.
Result<std::vector<SampleFile>> SampleBackupData();

}  // namespace obbak::format
