// Sample destinations: all metadata files of a tiny tenant, for golden files, demos and fuzzing
// seeds. The values follow the worked example of docs/spec/layout.md §9 and agree with each other
// as docs/spec/consistency.md demands; what they describe (macro blocks, logs) is not here, and
// only in part in the other samples (format/sample_files.h).
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace obbak::format {

struct SampleFile {
  std::string path;  // relative, beginning with the destination's directory
  Bytes bytes;
};

// Below `data_backup_dest/` (layout profile 4.3.0, with the additions of 4.3.5 in the second set),
// `log_archive_dest/` (two frozen pieces, one active), `log_archive_dest_stopped/`,
// `log_archive_dest_s3/` (an archive file in parts) and `cluster_parameters_backup_dest/`; in order
// of the paths.
Result<std::vector<SampleFile>> SampleDestinations();

}  // namespace obbak::format
