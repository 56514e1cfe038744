// All sample files: what testdata/golden/samples holds.
#pragma once

#include <vector>

#include "base/result.h"
#include "format/sample_destination.h"

namespace obbak::format {

// SampleDestinations, SampleLogFiles, SampleMacroBlocks and SampleBackupData, in order of the
// paths.
Result<std::vector<SampleFile>> SampleFiles();

}  // namespace obbak::format
