// What the catalogue's rows say about an archive as a whole: whether it is where its user wants it,
// why it is not, and how far a reader of the destination gets.
#pragma once

#include "backup/archive_rows.h"
#include "base/result.h"
#include "format/ids.h"

namespace obbak::backup {

// Whether the round is what mode and destination ask for: DOING, SUSPEND or STOP. Fails with
// kLogArchiveInterrupted when it never will be.
Result<bool> IsSettled(const ArchiveRows& rows);

// kLogArchiveInterrupted, with the round's comment and the log stream's reason.
Error InterruptionOf(const ArchiveRows& rows, const RoundStatus& round);

// Up to where a reader of the destination can restore in this round: the checkpoint of its last
// AVAILABLE piece. A little behind the round's own when log streams have just begun another piece.
Result<format::Scn> PublishedCheckpoint(const ArchiveRows& rows, const RoundStatus& round);

}  // namespace obbak::backup
