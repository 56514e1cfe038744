// Sample logs: what log streams 1 and 1001 of the sample tenant wrote, as the server's block files
// and as archive files, with every kind of log that obbak writes.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/ids.h"
#include "format/ls_meta_records.h"
#include "format/lsn.h"
#include "format/sample_destination.h"
#include "format/schema_meta_file.h"

namespace obbak::format {

// Groups back to back.
struct SampleLog {
  LsId ls;
  PalfBaseInfo start;
  Bytes bytes;
  Scn first_scn;
  // Of log stream 1: where in the log the data dictionary lies.
  std::vector<DataDictMetaInfoItem> dictionary;
};

// The log of `ls` (1 or 1001) from its beginning, in the first minutes of the round.
Result<SampleLog> BuildSampleLog(LsId ls);

namespace sample {
// Where piece 3 of log stream 1001 begins: shortly before the end of a block, so that its first
// archive file ends with a padding group.
inline constexpr Lsn kThirdPieceStartLsn{kPalfBlockSize - 5'120};
}  // namespace sample

// Below `engine/clog/` the first bytes of block files, which a server would make 64 MiB long; below
// `log_archive_dest_stopped/` the same logs archived, with a schema_meta file; below
// `log_archive_dest/` the two archive files of piece 3 of log stream 1001.
Result<std::vector<SampleFile>> SampleLogFiles();

}  // namespace obbak::format
