// Which sets and pieces bring a tenant to a point: the rules of docs/spec/procedures.md §4.3 and
// §4.4, on what was read. Results are indexes into what is given, ascending.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
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

// ---- All of it: what a plan takes, what a validation promises.

// All that a restore is chosen from.
struct Candidates {
  std::vector<format::BackupSetFileDesc> sets;  // complete ones, ascending
  struct Archive {
    format::DestId dest;
    std::vector<format::TenantArchivePieceAttr> pieces;  // ascending
  };
  std::vector<Archive> archives;  // the first one that has all logs is taken
};

// Indexes into the candidates.
struct Choice {
  std::vector<std::size_t> sets;       // the chain; never empty
  std::optional<std::size_t> archive;  // none: the last set's own logs
  std::vector<std::size_t> pieces;     // of that archive
};

// What a restore to `point` uses; none when it is refused. Without an archive the sets that have
// their logs with them (PLUS ARCHIVELOG) reach one point each, their min_restore_scn (§3.7).
std::optional<Choice> Choose(const Candidates& all, format::Scn point);

// A set with a password that a restore to `point` would ask for, among those up to the first that
// lies behind the point, also if it would not be used (§4.3); null without any.
const format::BackupSetFileDesc* FindProtected(std::span<const format::BackupSetFileDesc> sets,
                                               format::Scn point);
// §4.1, 6: what a set is of that this program does not restore, "higher data version"; empty when
// it does.
std::string_view UnknownVersionOf(const format::BackupSetFileDesc& set);

}  // namespace obbak::restore
