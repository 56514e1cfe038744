// A round of log archiving as a value: its states, the arithmetic of its pieces, and the checkpoint
// algorithm. Pure; the archiver (backup/archiver.h) feeds it and carries out what it says.
// docs/spec/procedures.md §2, docs/spec/clog-and-archive.md §15, §16.
//
//   state        by              goes to
//   (none)       enable          PREPARE
//   PREPARE      start           BEGINNING    start SCN drawn, first piece, a row per log stream
//   BEGINNING    checkpoint      DOING        every log stream archives, the checkpoint > start
//                checkpoint      INTERRUPTED  some log stream cannot go on
//                disable         STOPPING
//   DOING        checkpoint      DOING, INTERRUPTED
//                defer           SUSPENDING
//                disable         STOPPING
//   SUSPENDING   checkpoint      SUSPEND      every log stream has paused
//                disable         STOPPING
//   SUSPEND      enable          BEGINNING    the same round, the same pieces
//                disable         STOPPING
//   INTERRUPTED  disable         STOPPING     nothing else; it never goes on
//   STOPPING     checkpoint      STOP         every log stream has stopped; all pieces FROZEN
//   STOP         enable          PREPARE of the next round
//
// Invariants:
//   - start_scn <= checkpoint_scn <= max_scn; none of them goes back within a round.
//   - All groups of every live log stream with round.start_scn <= SCN <= checkpoint_scn are durable
//     in the archive, in pieces up to that of the checkpoint.
//   - base_piece <= piece of checkpoint_scn <= used_piece. Pieces below that of the checkpoint are
//     FROZEN and AVAILABLE, the others ACTIVE until the round stops. What would be AVAILABLE is
//     BROKEN when log of it is lost.
//   - A piece is FROZEN only when no log stream writes there any more: each is in a later piece, or
//     has stopped.
//   - Of every log stream, max_lsn of a piece is min_lsn of the next.
//   - Round and piece ids only grow, over all rounds and destinations.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "format/archive_records.h"
#include "format/ids.h"

namespace obbak::backup {

// ObArchiveRoundState, with its numbers.
enum class RoundState : std::int32_t {
  kInvalid = 0,
  kPrepare = 1,
  kBeginning = 2,
  kDoing = 3,
  kInterrupted = 4,
  kStopping = 5,
  kStop = 6,
  kSuspending = 7,
  kSuspend = 8,
};
// "DOING".
std::string_view ToText(RoundState state);
// Log streams send their logs.
bool IsSending(RoundState state);
// Checkpoints take place.
bool IsActive(RoundState state);

enum class ArchiveLsState : std::int32_t { kDoing, kInterrupted, kStop, kSuspend };
// "DOING".
std::string_view ToText(ArchiveLsState state);

// A round as the catalogue has it and views show it.
struct RoundStatus {
  format::RoundId round;
  format::DestId dest;
  RoundState state = RoundState::kInvalid;
  format::Scn start_scn;
  format::Scn checkpoint_scn;
  format::Scn max_scn;
  format::PieceId base_piece;
  format::PieceId used_piece;
  std::chrono::microseconds piece_switch_interval{0};
  std::int64_t bytes = 0;  // of logs, over all log streams and pieces
  std::string path;
  std::string comment;
  format::Timestamp stopping_since;  // STOPPING: since then

  bool operator==(const RoundStatus&) const = default;
};

// What one log stream has in one piece.
struct LsProgress {
  format::DestId dest;
  format::RoundId round;
  format::PieceId piece;
  format::LsId ls;
  format::Scn start_scn;
  // Archived here: [min_lsn, max_lsn). File ids and offsets follow from these.
  format::Lsn min_lsn;
  format::Lsn max_lsn;
  // Of the last archived group, in whatever piece; the SCN before the round's start when none is.
  format::Scn checkpoint_scn;
  ArchiveLsState state = ArchiveLsState::kDoing;
  bool deleted = false;  // the log stream is gone, and this is the end of its log
  std::string reason;    // why it is INTERRUPTED
  bool lost = false;     // when it stopped, the destination had less than that

  // The first log byte of the file that max_lsn lies in, the file being that of this piece.
  format::Lsn FileStart() const;

  bool operator==(const LsProgress&) const = default;
};

// ---- Pieces

// Which piece is when. Above zero: interval and base.
struct PieceSchedule {
  format::Scn start_scn;
  format::PieceId base;
  std::chrono::microseconds interval;

  static PieceSchedule Of(const RoundStatus& round) {
    return {round.start_scn, round.base_piece, round.piece_switch_interval};
  }

  // Of the tenant's level, exact to the nanosecond (§2.2). scn >= start_scn.
  format::PieceId PieceOf(format::Scn scn) const;
  // Where a log stream puts a group with that max_scn: in whole microseconds (§15). So a group less
  // than one before the border may already lie in the next piece. Groups below start_scn are in the
  // first.
  format::PieceId PieceOfGroup(format::Scn max_scn) const;
  format::Scn StartOf(format::PieceId piece) const;
  // Start of the next one.
  format::Scn EndOf(format::PieceId piece) const { return StartOf({piece.value + 1}); }
};

// The round that follows `last` (none: the first one), in PREPARE.
RoundStatus NextRound(const RoundStatus* last, format::DestId dest, std::string path,
                      std::chrono::microseconds piece_switch_interval);
// PREPARE -> BEGINNING at `start`, with its first piece.
RoundStatus BeginRound(RoundStatus round, format::Scn start);

// The round has been STOPPING for so long that it stops even if the destination cannot be reached.
bool MayForceStop(const RoundStatus& round, format::Timestamp now);

// A piece that has just begun: ACTIVE, INCOMPLETE, empty.
format::TenantArchivePieceAttr NewPiece(const RoundStatus& round, format::TenantId tenant,
                                        format::PieceId piece);

// A log stream's row of a piece behind `last`, as long as nothing is archived there.
LsProgress EmptyProgress(const RoundStatus& round, const LsProgress& last, format::PieceId piece);

// ---- Checkpoint

struct CheckpointInput {
  // BEGINNING, DOING, SUSPENDING or STOPPING.
  RoundStatus round;
  format::TenantId tenant;
  // That exist, or existed in this round.
  std::vector<format::LsId> log_streams;
  // Their rows from the piece of round.checkpoint_scn on; in any order.
  std::vector<LsProgress> progress;
  // From the same piece on, ascending.
  std::vector<format::TenantArchivePieceAttr> pieces;
  // No checkpoint above: what a reader of the tenant may see now.
  format::Scn limit;
};

struct CheckpointOutput {
  RoundStatus round;
  // Pieces from that of the old checkpoint up to used_piece, ascending.
  std::vector<format::TenantArchivePieceAttr> pieces;
  // `progress` and, when the round stops, the rows of pieces that a log stream has nothing in.
  std::vector<LsProgress> progress;
};

// The algorithm of §2.5. Fails with kErrUnexpected when the round is in another state or its
// checkpoint above the limit.
//
// One thing is stricter than on a server: as long as a log stream's last group is one that lies
// behind a piece's border in the archive and before it by its SCN (see PieceOfGroup), the
// checkpoint stays below that group. A stop at that moment would otherwise promise what lies in a
// piece that is not restorable.
Result<CheckpointOutput> Checkpoint(CheckpointInput input);

}  // namespace obbak::backup
