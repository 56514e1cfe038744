#include "backup/archive_round.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <map>
#include <optional>
#include <utility>

#include "format/lsn.h"

namespace obbak::backup {
namespace {

using format::ArchivePieceStatus;
using format::BackupFileStatus;
using format::LsId;
using format::PieceId;
using format::Scn;
using format::TenantArchivePieceAttr;

constexpr std::uint64_t kNsPerUs = 1000;
constexpr std::chrono::minutes kForceStopAfter{10};

std::uint64_t Micros(Scn scn) { return scn.value / kNsPerUs; }

// The rows of one log stream, by piece.
using PieceRows = std::map<PieceId, const LsProgress*>;

std::map<LsId, PieceRows> ByLogStream(const std::vector<LsProgress>& progress) {
  std::map<LsId, PieceRows> rows;
  for (const LsProgress& row : progress) rows[row.ls][row.piece] = &row;
  return rows;
}

// What a log stream has archived, without groups that lie in a piece and belong before its start.
// At least `claimed`, which was said before.
Scn SafeCheckpoint(const PieceRows& rows, const PieceSchedule& schedule, Scn claimed) {
  for (auto entry = rows.rbegin(); entry != rows.rend(); ++entry) {
    const LsProgress& row = *entry->second;
    const bool has_groups = row.max_lsn > row.min_lsn;
    if (has_groups && row.checkpoint_scn >= schedule.StartOf(row.piece)) {
      return std::max(claimed, row.checkpoint_scn);
    }
  }
  return claimed;
}

// The counts of §2.5 over all log streams.
struct Summary {
  std::size_t total = 0;
  std::size_t not_started = 0;
  std::size_t deleted = 0;
  std::size_t doing = 0;
  std::size_t interrupted = 0;
  std::size_t stopped = 0;
  std::size_t suspended = 0;
  std::optional<LsId> first_interrupted;
  // Over those that have started; the minimum without the deleted ones.
  std::optional<Scn> min_checkpoint;
  Scn max_scn;
  PieceId max_piece;

  std::size_t live() const { return total - deleted; }
};

void Count(Summary& summary, LsId ls, const LsProgress& last) {
  if (last.deleted) {
    ++summary.deleted;
    return;
  }
  switch (last.state) {
    case ArchiveLsState::kDoing:
      ++summary.doing;
      return;
    case ArchiveLsState::kInterrupted:
      ++summary.interrupted;
      if (!summary.first_interrupted) summary.first_interrupted = ls;
      return;
    case ArchiveLsState::kStop:
      ++summary.stopped;
      return;
    case ArchiveLsState::kSuspend:
      ++summary.suspended;
      return;
  }
}

Summary Summarize(const CheckpointInput& input, const std::map<LsId, PieceRows>& rows) {
  const PieceSchedule schedule = PieceSchedule::Of(input.round);
  Summary summary{.total = input.log_streams.size(),
                  .first_interrupted = std::nullopt,
                  .min_checkpoint = std::nullopt,
                  .max_scn = input.round.max_scn,
                  .max_piece = input.round.used_piece};
  for (const LsId ls : input.log_streams) {
    const auto found = rows.find(ls);
    if (found == rows.end()) {
      ++summary.not_started;
      continue;
    }
    const LsProgress& last = *found->second.rbegin()->second;
    Count(summary, ls, last);
    summary.max_scn = std::max(summary.max_scn, last.checkpoint_scn);
    summary.max_piece = std::max(summary.max_piece, last.piece);
    if (last.deleted) continue;
    const Scn checkpoint = SafeCheckpoint(found->second, schedule, input.round.checkpoint_scn);
    summary.min_checkpoint = std::min(summary.min_checkpoint.value_or(checkpoint), checkpoint);
  }
  return summary;
}

void Interrupt(RoundStatus& round, const Summary& summary) {
  round.state = RoundState::kInterrupted;
  round.comment = fmt::format("log stream {} interrupted.", summary.first_interrupted->value);
}

// The table of §2.5.
void Advance(RoundStatus& round, const Summary& summary, Scn next) {
  switch (round.state) {
    case RoundState::kBeginning:
      if (summary.not_started > 0) return;
      if (summary.interrupted > 0) return Interrupt(round, summary);
      if (next <= round.start_scn) return;
      round.checkpoint_scn = next;
      if (summary.doing == summary.live()) round.state = RoundState::kDoing;
      return;
    case RoundState::kDoing:
      if (summary.not_started > 0) return;
      round.checkpoint_scn = next;
      if (summary.interrupted > 0) Interrupt(round, summary);
      return;
    case RoundState::kSuspending:
      if (summary.suspended + summary.not_started == summary.live()) {
        round.state = RoundState::kSuspend;
      }
      return;
    case RoundState::kStopping:
      if (summary.stopped + summary.not_started == summary.live()) round.state = RoundState::kStop;
      return;
    default:
      return;
  }
}

// Every log stream that has begun gets a row of every piece.
void FillUp(std::vector<LsProgress>& progress, const RoundStatus& round) {
  std::map<LsId, LsProgress> last;
  for (const LsProgress& row : progress) {
    const auto [at, is_new] = last.try_emplace(row.ls, row);
    if (!is_new && at->second.piece < row.piece) at->second = row;
  }
  for (auto& [ls, row] : last) {
    if (row.deleted) continue;
    while (row.piece < round.used_piece) {
      row = EmptyProgress(round, row, {row.piece.value + 1});
      progress.push_back(row);
    }
  }
}

// What the log streams have in a piece.
struct PieceContents {
  std::optional<Scn> min_checkpoint;
  std::optional<Scn> max_scn;
  std::int64_t bytes = 0;
  bool lost = false;
};

std::map<PieceId, PieceContents> ContentsByPiece(const std::vector<LsProgress>& progress) {
  std::map<PieceId, PieceContents> pieces;
  for (const LsProgress& row : progress) {
    PieceContents& contents = pieces[row.piece];
    contents.bytes += static_cast<std::int64_t>(row.max_lsn - row.min_lsn);
    contents.max_scn = std::max(contents.max_scn.value_or(row.checkpoint_scn), row.checkpoint_scn);
    contents.lost = contents.lost || row.lost;
    if (row.deleted) continue;
    contents.min_checkpoint =
        std::min(contents.min_checkpoint.value_or(row.checkpoint_scn), row.checkpoint_scn);
  }
  return pieces;
}

void Regenerate(TenantArchivePieceAttr& piece, const PieceContents& contents,
                const RoundStatus& round) {
  const PieceId current = PieceSchedule::Of(round).PieceOf(round.checkpoint_scn);
  const PieceId id = piece.key.piece_id;
  piece.input_bytes = piece.output_bytes = contents.bytes;
  piece.max_scn = std::max(piece.start_scn, contents.max_scn.value_or(format::kMinScn));
  // Without a log stream that limits it, what there is of the piece is all.
  const Scn checkpoint = std::max(piece.start_scn, contents.min_checkpoint.value_or(piece.max_scn));
  if (id < current) {
    piece.checkpoint_scn = checkpoint;
    piece.status.value = ArchivePieceStatus::kFrozen;
    piece.file_status = BackupFileStatus::kAvailable;
  } else {
    piece.checkpoint_scn =
        id == current ? std::max(piece.start_scn, std::min(round.checkpoint_scn, checkpoint))
                      : piece.start_scn;
    piece.status.value = ArchivePieceStatus::kActive;
    piece.file_status = piece.checkpoint_scn > piece.start_scn ? BackupFileStatus::kAvailable
                                                               : BackupFileStatus::kIncomplete;
  }
  if (contents.lost && piece.file_status == BackupFileStatus::kAvailable) {
    piece.file_status = BackupFileStatus::kBroken;
  }
  if (round.state == RoundState::kStop) piece.status.value = ArchivePieceStatus::kFrozen;
}

}  // namespace

std::string_view ToText(RoundState state) {
  switch (state) {
    case RoundState::kInvalid:
      return "INVALID";
    case RoundState::kPrepare:
      return "PREPARE";
    case RoundState::kBeginning:
      return "BEGINNING";
    case RoundState::kDoing:
      return "DOING";
    case RoundState::kInterrupted:
      return "INTERRUPTED";
    case RoundState::kStopping:
      return "STOPPING";
    case RoundState::kStop:
      return "STOP";
    case RoundState::kSuspending:
      return "SUSPENDING";
    case RoundState::kSuspend:
      return "SUSPEND";
  }
  return "INVALID";
}

bool IsSending(RoundState state) {
  return state == RoundState::kBeginning || state == RoundState::kDoing;
}

bool IsActive(RoundState state) {
  return IsSending(state) || state == RoundState::kSuspending || state == RoundState::kStopping;
}

std::string_view ToText(ArchiveLsState state) {
  switch (state) {
    case ArchiveLsState::kDoing:
      return "DOING";
    case ArchiveLsState::kInterrupted:
      return "INTERRUPTED";
    case ArchiveLsState::kStop:
      return "STOP";
    case ArchiveLsState::kSuspend:
      return "SUSPEND";
  }
  return "INVALID";
}

format::Lsn LsProgress::FileStart() const {
  return std::max(min_lsn, format::BlockStart(format::BlockIdOf(max_lsn)));
}

PieceId PieceSchedule::PieceOf(Scn scn) const {
  assert(scn >= start_scn);
  const std::uint64_t length = static_cast<std::uint64_t>(interval.count()) * kNsPerUs;
  return {static_cast<std::int64_t>((scn.value - start_scn.value) / length) + base.value};
}

PieceId PieceSchedule::PieceOfGroup(Scn max_scn) const {
  const std::uint64_t since = Micros(std::max(max_scn, start_scn)) - Micros(start_scn);
  return {static_cast<std::int64_t>(since / static_cast<std::uint64_t>(interval.count())) +
          base.value};
}

Scn PieceSchedule::StartOf(PieceId piece) const {
  const std::uint64_t length = static_cast<std::uint64_t>(interval.count()) * kNsPerUs;
  return {start_scn.value + length * static_cast<std::uint64_t>(piece.value - base.value)};
}

RoundStatus NextRound(const RoundStatus* last, format::DestId dest, std::string path,
                      std::chrono::microseconds piece_switch_interval) {
  const PieceId first{last == nullptr ? 1 : last->used_piece.value + 1};
  return {.round = {last == nullptr ? 1 : last->round.value + 1},
          .dest = dest,
          .state = RoundState::kPrepare,
          .start_scn = format::kMinScn,
          .checkpoint_scn = format::kMinScn,
          .max_scn = format::kMinScn,
          .base_piece = first,
          .used_piece = first,
          .piece_switch_interval = piece_switch_interval,
          .path = std::move(path),
          .comment = {},
          .stopping_since = {}};
}

RoundStatus BeginRound(RoundStatus round, Scn start) {
  round.state = RoundState::kBeginning;
  round.start_scn = round.checkpoint_scn = round.max_scn = start;
  return round;
}

bool MayForceStop(const RoundStatus& round, format::Timestamp now) {
  const std::chrono::microseconds stopping(now.value - round.stopping_since.value);
  return round.state == RoundState::kStopping && stopping >= kForceStopAfter;
}

TenantArchivePieceAttr NewPiece(const RoundStatus& round, format::TenantId tenant, PieceId piece) {
  const PieceSchedule schedule = PieceSchedule::Of(round);
  TenantArchivePieceAttr attr;
  attr.key = {
      .tenant_id = tenant, .dest_id = round.dest, .round_id = round.round, .piece_id = piece};
  attr.start_scn = attr.checkpoint_scn = attr.max_scn = schedule.StartOf(piece);
  attr.end_scn = schedule.EndOf(piece);
  attr.status.value = ArchivePieceStatus::kActive;
  attr.file_status = BackupFileStatus::kIncomplete;
  attr.path.value = round.path;
  return attr;
}

LsProgress EmptyProgress(const RoundStatus& round, const LsProgress& last, PieceId piece) {
  LsProgress row = last;
  row.piece = piece;
  row.start_scn = std::max(PieceSchedule::Of(round).StartOf(piece), round.start_scn);
  row.min_lsn = last.max_lsn;
  row.lost = false;
  return row;
}

Result<CheckpointOutput> Checkpoint(CheckpointInput input) {
  RoundStatus round = input.round;
  if (!IsActive(round.state)) {
    return Fail(ErrorCode::kErrUnexpected,
                fmt::format("a round that is {} has no checkpoint", ToText(round.state)));
  }
  if (round.checkpoint_scn > input.limit) {
    return Fail(ErrorCode::kErrUnexpected,
                fmt::format("the checkpoint SCN {} of round {} is above {}, which a reader may see",
                            round.checkpoint_scn.value, round.round.value, input.limit.value));
  }
  const PieceSchedule schedule = PieceSchedule::Of(round);
  const PieceId first = schedule.PieceOf(round.checkpoint_scn);
  const Summary summary = Summarize(input, ByLogStream(input.progress));
  if (summary.not_started < summary.total) {
    round.max_scn = summary.max_scn;
    // A group just before a border may already lie behind it.
    round.used_piece = std::max(summary.max_piece, schedule.PieceOf(summary.max_scn));
  }
  const Scn reached = std::max(summary.min_checkpoint.value_or(summary.max_scn), round.start_scn);
  Advance(round, summary, std::max(round.checkpoint_scn, std::min(input.limit, reached)));

  CheckpointOutput output{.round = std::move(round), .pieces = {}, .progress = {}};
  output.progress = std::move(input.progress);
  if (output.round.state == RoundState::kStop) FillUp(output.progress, output.round);

  std::map<PieceId, PieceContents> contents = ContentsByPiece(output.progress);
  for (PieceId id = first; id <= output.round.used_piece; ++id.value) {
    const auto known = std::ranges::find(
        input.pieces, id, [](const TenantArchivePieceAttr& piece) { return piece.key.piece_id; });
    TenantArchivePieceAttr piece =
        known == input.pieces.end() ? NewPiece(output.round, input.tenant, id) : std::move(*known);
    output.round.bytes -= piece.input_bytes;
    Regenerate(piece, contents[id], output.round);
    output.round.bytes += piece.input_bytes;
    output.pieces.push_back(std::move(piece));
  }
  return output;
}

}  // namespace obbak::backup
