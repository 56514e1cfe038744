// Rules 33 and 35 to 42 of docs/spec/consistency.md §6, as far as they are about one piece.
#pragma once

#include "dest/archive_reader.h"
#include "format/archive_records.h"
#include "restore/validate_archive.h"

namespace obbak::restore {

// When piece `id` of a round begins. Precondition: the round has it.
format::Scn StartOf(const format::RoundStartDesc& round, format::PieceId id);
// Whether there is an archived log file in it.
bool HasLog(const PieceFacts& piece);

// `logs`: of the piece's round.
void CheckPiece(const ArchiveView& archive, const dest::PieceName& name, const RoundLogs& logs,
                NameZone& zone, const Reporter& found);

}  // namespace obbak::restore
