// PLUS ARCHIVELOG: the archived logs that a set needs to be restored by itself.
// docs/spec/procedures.md §3.7, docs/spec/layout.md §2.4.
#pragma once

#include "backup/archive_view.h"
#include "backup/set_context.h"
#include "base/result.h"
#include "io/medium.h"
#include "io/task.h"

namespace obbak::backup {

// Waits until the archive has everything up to the set's min_restore_scn, then copies the files
// from start_replay_scn on into complement_log/: what the archive had at that moment, whatever it
// does meanwhile. kBackupFileNotExist when some of it is not there any more.
io::Task<Status> BackupComplementLog(SetContext& context, ArchiveView& archive,
                                     io::MediumFactory media);

// Makes complement_log/ look like a destination, when everything is there.
io::Task<Status> FormatComplementLog(const SetContext& context);

}  // namespace obbak::backup
