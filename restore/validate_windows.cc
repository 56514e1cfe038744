#include "restore/validate_windows.h"

#include <algorithm>
#include <optional>
#include <ranges>
#include <utility>

#include "dest/set_reader.h"
#include "restore/restore_choice.h"
#include "restore/validate_archive.h"
#include "restore/validate_set.h"

namespace obbak::restore {
namespace {

using format::BackupSetFileDesc;
using format::PathKind;
using format::TenantArchivePieceAttr;

// ---- What a plan reads; none where it would fail at a file.

// dest::ReadCompleteSets, and the time zone that a plan looks for in the newest one.
std::optional<std::vector<BackupSetFileDesc>> CompleteSets(const DestFacts& dest) {
  std::vector<BackupSetFileDesc> sets;
  bool is_zone_readable = true;
  for (const auto& [id, set] : dest.sets) {
    const SetView view(dest, id, set);
    if (!set.is_complete() || !view.Has(view.Path(PathKind::kSingleBackupSetInfo))) continue;
    if (!set.desc || dest::NameOf(*set.desc) != dest::SetName{id, set.kind}) return std::nullopt;
    sets.push_back(*set.desc);
    if (set.locality || view.Has(view.Path(PathKind::kLocalityInfo)))
      is_zone_readable = set.locality.has_value();
  }
  return is_zone_readable ? std::optional(std::move(sets)) : std::nullopt;
}

// dest::ReadAllPieces.
std::optional<std::vector<TenantArchivePieceAttr>> AllPieces(const DestFacts& dest) {
  for (const auto& [dest_id, rounds] : dest.archive.rounds | std::views::reverse) {
    for (const auto& [round_id, round] : rounds | std::views::reverse) {
      for (const auto& [id, piece] : round.pieces | std::views::reverse) {
        const bool is_empty = !piece.has_single_info && !piece.has_checkpoint;
        if (piece.start_marks.empty() || is_empty) continue;
        const std::optional<TenantArchivePieceAttr> newest = AttrOf(piece);
        if (!newest || !piece.piece_infos) return std::nullopt;
        if (newest->key.round_id != round_id || newest->key.piece_id != id) return std::nullopt;
        return dest::WithHistory(*newest, *piece.piece_infos);
      }
    }
  }
  return std::vector<TenantArchivePieceAttr>();
}

std::optional<Candidates> CandidatesOf(const JudgedDest& data,
                                       std::span<const JudgedDest> archives) {
  std::optional<std::vector<BackupSetFileDesc>> sets = CompleteSets(*data.facts);
  if (!sets) return std::nullopt;
  Candidates all{.sets = *std::move(sets), .archives = {}};
  for (const JudgedDest& archive : archives) {
    std::optional<std::vector<TenantArchivePieceAttr>> pieces = AllPieces(*archive.facts);
    if (!pieces) return std::nullopt;
    all.archives.push_back({archive.facts->format->dest_id, *std::move(pieces)});
  }
  return all;
}

}  // namespace

std::vector<Window> IntactWindows(const JudgedDest& data, std::span<const JudgedDest> archives) {
  const std::optional<Candidates> all = CandidatesOf(data, archives);
  if (!all) return {};
  std::vector<bool> intact_sets;
  for (const BackupSetFileDesc& set : all->sets)
    intact_sets.push_back(data.intact_sets->contains(set.backup_set_id));
  std::vector<std::vector<bool>> intact_pieces(archives.size());
  for (std::size_t i = 0; i < archives.size(); ++i) {
    for (const TenantArchivePieceAttr& piece : all->archives[i].pieces) {
      const dest::PieceName name{piece.key.dest_id, piece.key.round_id, piece.key.piece_id};
      intact_pieces[i].push_back(archives[i].intact_pieces->contains(name));
    }
  }
  return RestorableWindows(*all, [&](const Choice& choice) {
    const auto is_whole = [](const std::vector<bool>& intact) {
      return [&intact](std::size_t i) { return intact[i]; };
    };
    return std::ranges::all_of(choice.sets, is_whole(intact_sets)) &&
           (!choice.archive ||
            std::ranges::all_of(choice.pieces, is_whole(intact_pieces[*choice.archive])));
  });
}

}  // namespace obbak::restore
