#include "backup/complement_log.h"

namespace obbak::backup {

io::Task<Status> BackupComplementLog(SetContext&, ArchiveView&, io::MediumFactory) {
  co_return Fail(ErrorCode::kNotSupported, "PLUS ARCHIVELOG");
}

io::Task<Status> FormatComplementLog(const SetContext&) { co_return Status(); }

}  // namespace obbak::backup
