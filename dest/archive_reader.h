// The pieces of an archive destination, as its files show them.
// docs/spec/layout.md §3.2, docs/spec/procedures.md §2.5, §4.4.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "dest/dest_store.h"
#include "format/archive_records.h"
#include "format/backup_path.h"
#include "format/ids.h"
#include "io/task.h"

namespace obbak::dest {

// The ids in the names of a piece's files. In a complement log `dest` is that of the data
// destination, not the one in the records.
struct PieceName {
  format::DestId dest;
  format::RoundId round;
  format::PieceId piece;
  auto operator<=>(const PieceName&) const = default;

  // A path of that kind with the piece in it.
  format::BackupPath Path(format::PathKind kind) const {
    return {.kind = kind, .dest = dest, .round = round, .piece = piece};
  }
};

enum class PieceState {
  kEmpty,   // nothing was archived yet that a reader may use
  kActive,  // grows
  kFrozen,
};

struct ArchivedPiece {
  PieceName name;
  PieceState state = PieceState::kEmpty;
  // Unless it is empty. Of an active piece checkpoint_scn and max_scn are what is sure to be there.
  format::TenantArchivePieceAttr attr;
};

// Of all start marks in pieces/, ascending.
io::Task<Result<std::vector<PieceName>>> ListPieces(DestStore archive);

io::Task<Result<ArchivedPiece>> ReadPiece(DestStore archive, PieceName name);
// Of a piece that has been written to but not frozen: what is fixed about it, and how far it got.
// `mark`: the greatest checkpoint that a mark names.
format::TenantArchivePieceAttr ActiveAttr(format::TenantArchivePieceInfosDesc infos,
                                          const format::PieceCheckpointDesc& first,
                                          std::optional<format::Scn> mark);

// Whether every log stream has a log in the piece. One where some log stream has none is frozen
// with its start as checkpoint.
inline bool HasLogs(const format::TenantArchivePieceAttr& piece) {
  return piece.checkpoint_scn > piece.start_scn;
}
// Whether every log stream has a log in the piece that is at or above `scn`. Only such a log shows
// that there is none in between.
inline bool Reaches(const format::TenantArchivePieceAttr& piece, format::Scn scn) {
  return HasLogs(piece) && piece.checkpoint_scn >= scn;
}

// All pieces that the archive knows of: the history of the newest one that is not empty, and that
// one itself; ascending. None when there is none.
io::Task<Result<std::vector<format::TenantArchivePieceAttr>>> ReadAllPieces(DestStore archive);
// The same, when the newest one's records have been read.
std::vector<format::TenantArchivePieceAttr> WithHistory(format::TenantArchivePieceAttr newest,
                                                        format::TenantArchivePieceInfosDesc infos);

}  // namespace obbak::dest
