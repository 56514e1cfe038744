// Rules 33 and 35 to 42 of docs/spec/consistency.md §6, as far as they are about one piece.
#pragma once

#include <cstdint>
#include <string>

#include "dest/archive_reader.h"
#include "format/archive_records.h"
#include "format/backup_path.h"
#include "format/time_tag.h"
#include "restore/validate_archive.h"

namespace obbak::restore {

// When piece `id` of a round begins. Precondition: the round has it.
format::Scn StartOf(const format::RoundStartDesc& round, format::PieceId id);
// Whether there is an archived log file in it.
bool HasLog(const PieceFacts& piece);

// One piece and where it lies: what the rules about it share.
class PieceView {
 public:
  // All must outlive the view; the piece is one of the archive's.
  PieceView(const ArchiveView& archive, const dest::PieceName& name)
      : archive_(archive),
        name_(name),
        round_facts_(archive.facts->rounds.at(name.dest).at(name.round)),
        piece_(round_facts_.pieces.at(name.piece)) {}

 protected:
  bool is_complement() const { return archive_.complement_of.has_value(); }

  format::BackupPath PathOf(format::PathKind kind) const;
  std::string Name(format::PathKind kind) const { return format::Print(PathOf(kind)); }
  std::string NameInLs(format::PathKind kind, format::LsId ls, std::int64_t file = 0) const;
  std::string MarkName(format::PathKind kind, format::TimeTag time,
                       format::TimeTag end_time = {}) const;
  // Reports a file that is not there; a damaged one was reported.
  void Missing(int rule, format::PathKind kind, const Reporter& found) const;
  // A mark whose whole name nobody knows.
  void MissingMark(int rule, format::PathKind kind, const Reporter& found) const;

  const ArchiveView& archive_;
  const dest::PieceName name_;
  const RoundFacts& round_facts_;
  const PieceFacts& piece_;
};

// `logs`: of the piece's round.
void CheckPiece(const ArchiveView& archive, const dest::PieceName& name, const RoundLogs& logs,
                NameZone& zone, const Reporter& found);

// The half of it that is about a frozen piece: rules 37 and 39 to 42.
void CheckFrozenPiece(const ArchiveView& archive, const dest::PieceName& name,
                      const RoundLogs& logs, const Reporter& found);

}  // namespace obbak::restore
