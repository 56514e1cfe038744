#include "format/sample_files.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "format/sample_backup_data.h"
#include "format/sample_log.h"
#include "format/sample_sstable.h"

namespace obbak::format {

Result<std::vector<SampleFile>> SampleFiles() {
  std::vector<SampleFile> files;
  for (const auto make :
       {SampleDestinations, SampleLogFiles, SampleMacroBlocks, SampleBackupData}) {
    Result<std::vector<SampleFile>> part = make();
    if (!part) return part;
    std::ranges::move(*part, std::back_inserter(files));
  }
  std::ranges::sort(files, {}, &SampleFile::path);
  return files;
}

}  // namespace obbak::format
