// Archived log files, whole or in parts. docs/spec/layout.md §6.5.
#pragma once

#include <memory>

#include "base/result.h"
#include "dest/dest_store.h"
#include "dest/object_reader.h"
#include "format/backup_path.h"
#include "io/task.h"

namespace obbak::dest {

// Opens the log file (PathKind::kLogFile) as one object. On media without append it is a directory
// of parts, one per write; copies from such a medium are so anywhere. A plain file of that name
// wins. kFileNotExist; kInvalidData for parts that do not belong together.
io::Task<Result<std::shared_ptr<ObjectReader>>> OpenLogFile(DestStore archive,
                                                            format::BackupPath path);

}  // namespace obbak::dest
