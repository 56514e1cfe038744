#include "restore/restore_window.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "restore/restore_choice.h"

namespace obbak::restore {
namespace {

using format::BackupSetFileDesc;
using format::BackupSetId;
using format::Scn;
using format::TenantArchivePieceAttr;

// The set whose metadata a restore to `point` would use, if the point can be reached.
std::optional<BackupSetId> SetFor(std::span<const BackupSetFileDesc> sets,
                                  std::span<const TenantArchivePieceAttr> pieces,
                                  format::DestId dest, Scn point) {
  const std::vector<std::size_t> chain = ChooseSetIndexes(sets, point);
  if (chain.empty()) return std::nullopt;
  const BackupSetFileDesc& last = sets[chain.back()];
  if (last.start_replay_scn >= point) return std::nullopt;
  if (!ChoosePieceIndexes(pieces, dest, last.start_replay_scn, point)) return std::nullopt;
  return last.backup_set_id;
}

}  // namespace

std::vector<Window> RestorableWindows(std::span<const BackupSetFileDesc> sets,
                                      std::span<const TenantArchivePieceAttr> pieces,
                                      format::DestId dest) {
  // The rules compare the point with these SCNs and nothing else: between two neighbours all points
  // are alike.
  std::vector<Scn> borders;
  for (const BackupSetFileDesc& set : sets) {
    borders.push_back(set.min_restore_scn);
    borders.push_back(Scn{set.start_replay_scn.value + 1});
  }
  for (const TenantArchivePieceAttr& piece : pieces) {
    borders.push_back(Scn{piece.start_scn.value + 1});
    borders.push_back(Scn{piece.checkpoint_scn.value + 1});
  }
  std::ranges::sort(borders);
  const auto again = std::ranges::unique(borders);
  borders.erase(again.begin(), again.end());

  std::vector<Window> windows;
  for (std::size_t i = 0; i < borders.size() && borders[i].IsValid(); ++i) {
    const std::optional<BackupSetId> set = SetFor(sets, pieces, dest, borders[i]);
    if (!set) continue;
    // Behind the last border no checkpoint reaches.
    const Scn to{i + 1 < borders.size() ? borders[i + 1].value - 1 : borders[i].value};
    const bool goes_on = !windows.empty() && windows.back().set == *set &&
                         windows.back().to.value + 1 == borders[i].value;
    if (goes_on) {
      windows.back().to = to;
    } else {
      windows.push_back({.from = borders[i], .to = to, .set = *set});
    }
  }
  return windows;
}

std::vector<Window> ComplementWindows(std::span<const BackupSetFileDesc> sets) {
  std::vector<Window> windows;
  for (const BackupSetFileDesc& set : sets) {
    const Scn point = set.min_restore_scn;
    const std::vector<std::size_t> chain = ChooseSetIndexes(sets, point);
    if (!set.plus_archivelog || chain.empty()) continue;
    if (sets[chain.back()].backup_set_id != set.backup_set_id) continue;
    windows.push_back({.from = point, .to = point, .set = set.backup_set_id});
  }
  return windows;
}

std::string WindowsText(std::span<const Window> windows) {
  constexpr std::size_t kMostNamed = 5;
  // Who reads this does not care which set it is.
  std::vector<Window> joined;
  for (const Window& window : windows) {
    if (!joined.empty() && joined.back().to.value + 1 == window.from.value) {
      joined.back().to = window.to;
    } else {
      joined.push_back(window);
    }
  }
  std::string text;
  if (joined.size() > kMostNamed) {
    text = fmt::format("{} earlier ones, ", joined.size() - kMostNamed);
    joined.erase(joined.begin(), joined.end() - kMostNamed);
  }
  for (const Window& window : joined) {
    if (&window != &joined.front()) text += ", ";
    if (window.from == window.to) {
      text += fmt::format("SCN {} ({})", window.from.value, ToText(window.from));
    } else {
      text += fmt::format("SCN {} to {} ({} to {})", window.from.value, window.to.value,
                          ToText(window.from), ToText(window.to));
    }
  }
  return text;
}

}  // namespace obbak::restore
