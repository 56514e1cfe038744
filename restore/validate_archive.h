// Rules 33 to 43 of docs/spec/consistency.md §6: rounds, pieces and logs of an archive, or of the
// complement log of a set.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "format/archive_records.h"
#include "restore/validate_files.h"
#include "restore/validate_log.h"
#include "restore/validate_set.h"

namespace obbak::restore {

// An archive and where it lies.
struct ArchiveView {
  const ArchiveFacts* facts = nullptr;
  const Tree* tree = nullptr;
  // Of a complement log: the set's directory, "backup_set_1_full/complement_log/", and whose.
  std::optional<format::BackupSetId> complement_of;
  format::BackupSetKind set_kind{};

  // A path of this archive.
  format::BackupPath Path(format::PathKind kind, format::DestId dest, format::RoundId round) const;
  bool Has(const format::BackupPath& path) const { return HasFile(*tree, NameOf(path)); }
};

// What a piece says it is; none for an empty one (layout.md §3.2).
std::optional<format::TenantArchivePieceAttr> AttrOf(const PieceFacts& piece);

// The logs of one round, by log stream.
using RoundLogs = std::map<format::LsId, LogFacts>;
using ArchiveLogs = std::map<format::DestId, std::map<format::RoundId, RoundLogs>>;

// What is to be read of a log stream in a round: every piece that knows it, in order.
std::vector<LogSegment> SegmentsOf(const ArchiveView& archive, format::DestId dest,
                                   format::RoundId round, const RoundFacts& facts, format::LsId ls);
// Log streams of a round.
std::vector<format::LsId> LogStreamsOf(const RoundFacts& round);

// What metadata files say of each other and of the logs.
void CheckArchive(const ArchiveView& archive, const ArchiveLogs& logs, NameZone& zone,
                  const Reporter& found);

}  // namespace obbak::restore
