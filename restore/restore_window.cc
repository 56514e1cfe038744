#include "restore/restore_window.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace obbak::restore {
namespace {

using format::BackupSetFileDesc;
using format::Scn;
using format::TenantArchivePieceAttr;

// The rules compare a point with these SCNs and nothing else: between two neighbours all points are
// alike.
std::vector<Scn> BordersOf(const Candidates& all) {
  std::vector<Scn> borders;
  const auto behind = [&borders](Scn scn) { borders.push_back(Scn{scn.value + 1}); };
  for (const BackupSetFileDesc& set : all.sets) {
    borders.push_back(set.min_restore_scn);
    behind(set.min_restore_scn);
    behind(set.start_replay_scn);
  }
  for (const Candidates::Archive& archive : all.archives) {
    for (const TenantArchivePieceAttr& piece : archive.pieces) {
      behind(piece.start_scn);
      behind(piece.checkpoint_scn);
    }
  }
  std::ranges::sort(borders);
  const auto again = std::ranges::unique(borders);
  borders.erase(again.begin(), again.end());
  return borders;
}

}  // namespace

std::vector<Window> RestorableWindows(const Candidates& all,
                                      const std::function<bool(const Choice&)>& accepts) {
  const std::vector<Scn> borders = BordersOf(all);
  std::vector<Window> windows;
  for (std::size_t i = 0; i < borders.size() && borders[i].IsValid(); ++i) {
    const std::optional<Choice> choice = Choose(all, borders[i]);
    if (!choice || (accepts && !accepts(*choice))) continue;
    const format::BackupSetId set = all.sets[choice->sets.back()].backup_set_id;
    // Behind the last border no checkpoint reaches.
    const Scn to{i + 1 < borders.size() ? borders[i + 1].value - 1 : borders[i].value};
    const bool goes_on = !windows.empty() && windows.back().set == set &&
                         windows.back().to.value + 1 == borders[i].value;
    if (goes_on) {
      windows.back().to = to;
    } else {
      windows.push_back({.from = borders[i], .to = to, .set = set});
    }
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
