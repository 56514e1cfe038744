#include "restore/restore_choice.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "dest/archive_reader.h"
#include "format/backup_enums.h"

namespace obbak::restore {
namespace {

using format::BackupSetFileDesc;
using format::DataVersion;
using format::Scn;
using format::TenantArchivePieceAttr;

constexpr DataVersion kVersion41{std::uint64_t{4} << 32 | std::uint64_t{1} << 16};

bool IsUsable(const BackupSetFileDesc& set) {
  return set.status == format::BackupSetStatus::kSuccess &&
         set.file_status == format::BackupFileStatus::kAvailable;
}

}  // namespace

std::vector<std::size_t> ChooseSetIndexes(std::span<const BackupSetFileDesc> sets,
                                          Scn restore_scn) {
  std::vector<std::size_t> chain;
  const auto chosen = [&](format::BackupSetId id) {
    return std::ranges::any_of(chain, [&](std::size_t i) { return sets[i].backup_set_id == id; });
  };
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const BackupSetFileDesc& set = sets[i];
    if (set.min_restore_scn > restore_scn) break;
    if (!IsUsable(set)) continue;
    if (set.backup_type.value == format::BackupType::kFull) {
      chain = {i};
    } else if (chosen(set.prev_full_backup_set_id) && chosen(set.prev_inc_backup_set_id)) {
      chain.push_back(i);
    }
  }
  return chain;
}

std::optional<std::vector<std::size_t>> ChoosePieceIndexes(
    std::span<const TenantArchivePieceAttr> pieces, format::DestId dest, Scn start, Scn end) {
  std::vector<std::size_t> run;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const TenantArchivePieceAttr& piece = pieces[i];
    if (piece.key.dest_id != dest || piece.file_status != format::BackupFileStatus::kAvailable)
      continue;
    if (piece.end_scn <= start) continue;
    const bool follows = !run.empty() && pieces[run.back()].end_scn == piece.start_scn;
    if (piece.start_scn >= end) {
      // What the last piece cannot promise any more, its successors may: that there is no log in
      // between, or the one that crosses the border.
      if (!follows || dest::Reaches(pieces[run.back()], end)) break;
      run.push_back(i);
      continue;
    }
    if (!follows) {
      run.clear();
      if (piece.start_scn > start) return std::nullopt;
    }
    run.push_back(i);
  }
  if (run.empty() || !dest::Reaches(pieces[run.back()], end)) return std::nullopt;
  return run;
}

std::optional<Scn> FarthestPoint(std::span<const TenantArchivePieceAttr> pieces) {
  for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
    if (dest::HasLogs(*piece)) return piece->checkpoint_scn;
  }
  return std::nullopt;
}

std::optional<Choice> Choose(const Candidates& all, Scn point) {
  if (FindProtected(all.sets, point) != nullptr) return std::nullopt;
  Choice choice{.sets = ChooseSetIndexes(all.sets, point), .archive = std::nullopt, .pieces = {}};
  if (choice.sets.empty()) return std::nullopt;
  const BackupSetFileDesc& last = all.sets[choice.sets.back()];
  if (!UnknownVersionOf(last).empty()) return std::nullopt;
  if (all.archives.empty()) {
    const bool is_end = last.plus_archivelog && last.min_restore_scn == point;
    return is_end ? std::optional(std::move(choice)) : std::nullopt;
  }
  if (last.start_replay_scn >= point) return std::nullopt;
  for (std::size_t i = 0; i < all.archives.size(); ++i) {
    const auto& [dest, pieces] = all.archives[i];
    auto chosen = ChoosePieceIndexes(pieces, dest, last.start_replay_scn, point);
    if (!chosen) continue;
    choice.archive = i;
    choice.pieces = *std::move(chosen);
    return choice;
  }
  return std::nullopt;
}

const BackupSetFileDesc* FindProtected(std::span<const BackupSetFileDesc> sets, Scn point) {
  for (const BackupSetFileDesc& set : sets) {
    if (!set.passwd.value.empty()) return &set;
    if (set.min_restore_scn > point) break;
  }
  return nullptr;
}

std::string_view UnknownVersionOf(const BackupSetFileDesc& set) {
  if (set.cluster_version > format::kDataVersion4301) return "higher cluster version";
  if (set.tenant_compatible > format::kDataVersion4301) return "higher data version";
  if (set.tenant_compatible < kVersion41) return "version 4.0";
  return {};
}

}  // namespace obbak::restore
