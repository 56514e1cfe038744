// Which sets and pieces bring a tenant to a point: the rules of docs/spec/procedures.md §4.3 and
// §4.4, on what was read. Results are indexes into what is given, ascending.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "format/archive_records.h"
#include "format/backup_set_records.h"
#include "format/ids.h"

namespace obbak::restore {

// §4.3: the chain, from the full set on; empty when no set can be restored to that point. `sets` is
// in ascending order of ids.
std::vector<std::size_t> ChooseSetIndexes(std::span<const format::BackupSetFileDesc> sets,
                                          format::Scn restore_scn);

// §4.4: the pieces with all logs from `start` to `end`, and in the last one, of every log stream, a
// log at or above `end`; none when some are missing. `pieces` are all of an archive, in ascending
// order; `dest` is the archive's id. Precondition: start < end.
std::optional<std::vector<std::size_t>> ChoosePieceIndexes(
    std::span<const format::TenantArchivePieceAttr> pieces, format::DestId dest, format::Scn start,
    format::Scn end);

// §4.2 for no point at all: how far these pieces go; none when there is no log in them.
std::optional<format::Scn> FarthestPoint(std::span<const format::TenantArchivePieceAttr> pieces);

}  // namespace obbak::restore
