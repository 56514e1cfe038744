#include "backup/archive_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace obbak::backup {
namespace {

std::optional<LsProgress> InterruptedStream(const ArchiveRows& rows, const RoundStatus& round) {
  const auto progress = rows.ProgressOf(round);
  if (!progress) return std::nullopt;
  const auto found = std::ranges::find(*progress, ArchiveLsState::kInterrupted, &LsProgress::state);
  if (found == progress->end()) return std::nullopt;
  return *found;
}

}  // namespace

Error InterruptionOf(const ArchiveRows& rows, const RoundStatus& round) {
  std::string message = round.comment;
  if (const auto row = InterruptedStream(rows, round)) message += fmt::format(" ({})", row->reason);
  return Error(ErrorCode::kLogArchiveInterrupted, std::move(message))
      .WithPath(round.path)
      .WithAdvice(
          "end the round with NOARCHIVELOG and begin a new one with ARCHIVELOG, then make a "
          "full backup");
}

Result<bool> IsSettled(const ArchiveRows& rows) {
  const Result<bool> archive_log = rows.ArchiveLogMode();
  const auto setting = rows.Dest();
  const auto round = rows.Round();
  if (!archive_log) return Fail(archive_log.error());
  if (!setting) return Fail(setting.error());
  if (!round) return Fail(round.error());
  const RoundState state = *round ? (*round)->state : RoundState::kStop;
  if (!*setting || !*archive_log) return state == RoundState::kStop;
  if (state == RoundState::kInterrupted) return Fail(InterruptionOf(rows, **round));
  if (!(*setting)->deferred) return state == RoundState::kDoing;
  // With an interrupted log stream it cannot pause any more.
  if (state == RoundState::kSuspending && InterruptedStream(rows, **round)) {
    return Fail(InterruptionOf(rows, **round));
  }
  return state == RoundState::kSuspend || state == RoundState::kStop;
}

Result<format::Scn> PublishedCheckpoint(const ArchiveRows& rows, const RoundStatus& round) {
  const auto pieces = rows.PiecesOf(round);
  if (!pieces) return Fail(pieces.error());
  format::Scn published = format::kMinScn;
  for (const format::TenantArchivePieceAttr& piece : *pieces) {
    if (piece.file_status == format::BackupFileStatus::kAvailable) published = piece.checkpoint_scn;
  }
  return published;
}

}  // namespace obbak::backup
