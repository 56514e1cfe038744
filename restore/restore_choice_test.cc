// The rules that choose sets and pieces, against models that say the same in other words, on random
// small worlds: SCNs below a hundred, so that every order and every equality happens.
#include "restore/restore_choice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "format/backup_enums.h"
#include "io/random.h"
#include "restore/restore_plan.h"
#include "restore/restore_window.h"

namespace obbak::restore {
namespace {

using format::BackupFileStatus;
using format::BackupSetFileDesc;
using format::BackupSetStatus;
using format::BackupType;
using format::DestId;
using format::Scn;
using format::TenantArchivePieceAttr;

constexpr DestId kDest{1002};
constexpr std::uint64_t kMaxScn = 90;

std::vector<BackupSetFileDesc> RandomSets(io::Random& random) {
  std::vector<BackupSetFileDesc> sets;
  std::uint64_t scn = 5;
  std::int64_t full = 0, last = 0;
  const std::uint64_t count = random.Below(9);
  for (std::uint64_t i = 0; i < count; ++i) {
    BackupSetFileDesc set;
    set.backup_set_id = {static_cast<std::int64_t>(i) + 1};
    // Mostly ascending.
    scn += random.OneIn(8) ? 0 : random.Below(12);
    set.min_restore_scn = Scn{random.OneIn(12) ? random.Below(kMaxScn) : scn};
    set.start_replay_scn = Scn{set.min_restore_scn.value -
                               std::min<std::uint64_t>(set.min_restore_scn.value, random.Below(8))};
    set.status = random.OneIn(8) ? BackupSetStatus::kFailed : BackupSetStatus::kSuccess;
    set.file_status = random.OneIn(8) ? BackupFileStatus::kDeleting : BackupFileStatus::kAvailable;
    set.plus_archivelog = random.OneIn(3);
    set.cluster_version = set.tenant_compatible = format::kDataVersion4301;
    if (random.OneIn(40)) ++set.tenant_compatible.value;
    if (random.OneIn(80)) set.passwd = {"digest"};
    if (full == 0 || random.OneIn(3)) {
      set.backup_type.value = BackupType::kFull;
      full = last = set.backup_set_id.value;
    } else {
      set.backup_type.value = BackupType::kInc;
      set.prev_full_backup_set_id = {full};
      set.prev_inc_backup_set_id = {last};
      if (random.OneIn(10))
        set.prev_inc_backup_set_id = {1 + static_cast<std::int64_t>(random.Below(9))};
      last = set.backup_set_id.value;
    }
    sets.push_back(set);
  }
  return sets;
}

// Which sets a restore to `point` needs, each by its own reasons.
class ChainModel {
 public:
  ChainModel(const std::vector<BackupSetFileDesc>& sets, Scn point) : sets_(sets) {
    while (end_ < sets.size() && sets[end_].min_restore_scn <= point) ++end_;
    for (std::size_t i = 0; i < end_; ++i) {
      if (Usable(i) && sets[i].backup_type.value == BackupType::kFull) full_ = i;
    }
  }
  std::vector<std::size_t> Chain() const {
    std::vector<std::size_t> chain;
    for (std::size_t i = 0; i < end_; ++i) {
      if (Needed(i)) chain.push_back(i);
    }
    return chain;
  }

 private:
  bool Usable(std::size_t i) const {
    return sets_[i].status == BackupSetStatus::kSuccess &&
           sets_[i].file_status == BackupFileStatus::kAvailable;
  }
  bool Needed(std::size_t i) const {
    if (!full_ || i >= end_ || i < *full_ || !Usable(i)) return false;
    if (sets_[i].backup_type.value == BackupType::kFull) return i == *full_;
    return NeededBefore(sets_[i].prev_full_backup_set_id, i) &&
           NeededBefore(sets_[i].prev_inc_backup_set_id, i);
  }
  bool NeededBefore(format::BackupSetId id, std::size_t i) const {
    const auto index = static_cast<std::size_t>(id.value - 1);
    return id.value >= 1 && index < i && Needed(index);
  }

  const std::vector<BackupSetFileDesc>& sets_;
  std::size_t end_ = 0;
  std::optional<std::size_t> full_;
};

std::vector<TenantArchivePieceAttr> RandomPieces(io::Random& random) {
  std::vector<TenantArchivePieceAttr> pieces;
  std::uint64_t scn = random.Below(15);
  const std::uint64_t count = random.Below(9);
  for (std::uint64_t i = 0; i < count; ++i) {
    TenantArchivePieceAttr piece;
    piece.key.dest_id = random.OneIn(12) ? DestId{1001} : kDest;
    piece.key.piece_id = {static_cast<std::int64_t>(i) + 1};
    piece.file_status =
        random.OneIn(12) ? BackupFileStatus::kDeleting : BackupFileStatus::kAvailable;
    if (random.OneIn(6)) scn += random.Below(10);  // a round that ended
    piece.start_scn = Scn{scn};
    scn += 1 + random.Below(15);
    piece.end_scn = Scn{scn};
    const std::uint64_t length = scn - piece.start_scn.value;
    // Often a piece of a quiet time, without logs.
    const std::uint64_t archived = random.OneIn(3) ? 0 : random.Below(length + 1);
    piece.checkpoint_scn = Scn{piece.start_scn.value + archived};
    pieces.push_back(piece);
  }
  return pieces;
}

// Whether every log stream has a log in the piece that is not below `end`.
bool Proves(const TenantArchivePieceAttr& piece, Scn end) {
  return piece.checkpoint_scn != piece.start_scn && piece.checkpoint_scn >= end;
}

// The pieces that count, in runs without gaps; the last run that begins before `end` must do, with
// those behind it until one proves that nothing is missing.
std::optional<std::vector<std::size_t>> ModelPieces(
    const std::vector<TenantArchivePieceAttr>& pieces, Scn start, Scn end) {
  std::vector<std::size_t> inside, behind;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const TenantArchivePieceAttr& piece = pieces[i];
    const bool counts = piece.key.dest_id == kDest &&
                        piece.file_status == BackupFileStatus::kAvailable && piece.end_scn > start;
    if (counts) (piece.start_scn >= end ? behind : inside).push_back(i);
  }
  std::vector<std::vector<std::size_t>> runs;
  for (const std::size_t i : inside) {
    if (runs.empty() || pieces[runs.back().back()].end_scn != pieces[i].start_scn)
      runs.emplace_back();
    runs.back().push_back(i);
  }
  if (runs.empty()) return std::nullopt;
  for (const auto& run : runs) {
    if (pieces[run.front()].start_scn > start) return std::nullopt;
  }
  std::vector<std::size_t> run = runs.back();
  if (Proves(pieces[run.back()], end)) return run;
  for (const std::size_t i : behind) {
    if (pieces[run.back()].end_scn != pieces[i].start_scn) break;
    run.push_back(i);
    if (Proves(pieces[i], end)) return run;
  }
  return std::nullopt;
}

TEST(RestoreChoice, ChainIsTheLastFullSetAndEverySetLinkedToIt) {
  io::Random random(1);
  std::map<std::size_t, int> lengths;
  for (int i = 0; i < 4000; ++i) {
    const std::vector<BackupSetFileDesc> sets = RandomSets(random);
    for (std::uint64_t point = 0; point < kMaxScn; point += 1 + random.Below(5)) {
      const std::vector<std::size_t> chain = ChooseSetIndexes(sets, Scn{point});
      ASSERT_EQ(chain, ChainModel(sets, Scn{point}).Chain());
      ++lengths[chain.size()];
    }
  }
  // The worlds are not too poor to show anything.
  for (std::size_t length = 0; length < 5; ++length) EXPECT_GT(lengths[length], 50) << length;
}

TEST(RestoreChoice, PiecesCoverTheRangeWithoutGapOrThereAreNone) {
  io::Random random(2);
  std::map<std::size_t, int> lengths;
  for (int i = 0; i < 20'000; ++i) {
    const std::vector<TenantArchivePieceAttr> pieces = RandomPieces(random);
    const Scn start{random.Below(60)};
    const Scn end{start.value + 1 + random.Below(40)};
    const auto chosen = ChoosePieceIndexes(pieces, kDest, start, end);
    ASSERT_EQ(chosen, ModelPieces(pieces, start, end));
    ++lengths[chosen ? chosen->size() : 0];
    if (!chosen) continue;
    // What the choice is for.
    EXPECT_LE(pieces[chosen->front()].start_scn, start);
    EXPECT_GE(pieces[chosen->back()].checkpoint_scn, end);
    EXPECT_GT(pieces[chosen->back()].checkpoint_scn, pieces[chosen->back()].start_scn);
    for (std::size_t k = 1; k < chosen->size(); ++k)
      EXPECT_EQ(pieces[(*chosen)[k - 1]].end_scn, pieces[(*chosen)[k]].start_scn);
  }
  for (std::size_t length = 0; length < 5; ++length) EXPECT_GT(lengths[length], 50) << length;
}

TEST(RestoreChoice, PieceThatBeginsAtTheTargetProvesThatNothingIsMissing) {
  std::vector<TenantArchivePieceAttr> pieces(2);
  for (TenantArchivePieceAttr& piece : pieces) piece.key.dest_id = kDest;
  pieces[0].start_scn = Scn{10};
  pieces[0].checkpoint_scn = Scn{18};
  pieces[0].end_scn = pieces[1].start_scn = Scn{20};
  pieces[1].end_scn = Scn{30};
  pieces[1].checkpoint_scn = Scn{25};
  const auto chosen = [&](std::uint64_t end) {
    return ChoosePieceIndexes(pieces, kDest, Scn{12}, Scn{end});
  };
  EXPECT_EQ(chosen(18), (std::vector<std::size_t>{0}));
  EXPECT_EQ(chosen(19), (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(chosen(20), (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(chosen(25), (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(chosen(26), std::nullopt);
  pieces[1].start_scn = Scn{21};
  EXPECT_EQ(chosen(18), (std::vector<std::size_t>{0}));
  EXPECT_EQ(chosen(19), std::nullopt);
}

TEST(RestoreChoice, PiecesWithoutLogsProveNothing) {
  std::vector<TenantArchivePieceAttr> pieces(4);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    pieces[i].key.dest_id = kDest;
    pieces[i].start_scn = pieces[i].checkpoint_scn = Scn{10 * i + 10};
    pieces[i].end_scn = Scn{10 * i + 20};
  }
  pieces[0].checkpoint_scn = Scn{15};
  const auto chosen = [&](std::uint64_t end) {
    return ChoosePieceIndexes(pieces, kDest, Scn{12}, Scn{end});
  };
  EXPECT_EQ(chosen(15), (std::vector<std::size_t>{0}));
  EXPECT_EQ(chosen(16), std::nullopt);
  EXPECT_EQ(FarthestPoint(pieces), Scn{15});
  pieces[3].checkpoint_scn = Scn{41};
  for (const std::uint64_t end : {16U, 20U, 25U, 40U, 41U})
    EXPECT_EQ(chosen(end), (std::vector<std::size_t>{0, 1, 2, 3})) << end;
  EXPECT_EQ(chosen(42), std::nullopt);
  EXPECT_EQ(FarthestPoint(pieces), Scn{41});
  pieces[2].file_status = BackupFileStatus::kDeleting;
  EXPECT_EQ(chosen(16), std::nullopt);
}

TEST(RestoreChoice, EmptyRangeIsRefused) {
  const std::vector<TenantArchivePieceAttr> none;
  EXPECT_EQ(ChoosePieces(none, kDest, Scn{5}, Scn{5}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(ChoosePieces(none, kDest, Scn{5}, Scn{6}).error().code(), ErrorCode::kEntryNotExist);
}

Candidates RandomCandidates(io::Random& random) {
  Candidates all{.sets = RandomSets(random), .archives = {}};
  for (std::uint64_t i = random.Below(3); i > 0; --i)
    all.archives.push_back({kDest, RandomPieces(random)});
  return all;
}

// What a restore to `point` uses: the set whose metadata it takes, and the archive.
struct Used {
  format::BackupSetId set;
  std::optional<std::size_t> archive;
  bool operator==(const Used&) const = default;
};
std::optional<Used> ModelChoice(const Candidates& all, Scn point) {
  const std::vector<std::size_t> chain = ChainModel(all.sets, point).Chain();
  if (chain.empty()) return std::nullopt;
  const BackupSetFileDesc& last = all.sets[chain.back()];
  bool is_before = true;
  for (const BackupSetFileDesc& set : all.sets) {
    if (is_before && !set.passwd.value.empty()) return std::nullopt;
    is_before = is_before && set.min_restore_scn <= point;
  }
  if (last.tenant_compatible > format::kDataVersion4301) return std::nullopt;
  const Used used{last.backup_set_id, std::nullopt};
  if (all.archives.empty() && last.plus_archivelog && last.min_restore_scn == point) return used;
  if (last.start_replay_scn >= point) return std::nullopt;
  for (std::size_t i = 0; i < all.archives.size(); ++i) {
    if (ModelPieces(all.archives[i].pieces, last.start_replay_scn, point))
      return Used{last.backup_set_id, i};
  }
  return std::nullopt;
}

TEST(RestoreChoice, ChoiceIsTheChainAndTheFirstArchiveThatHasAllLogs) {
  io::Random random(5);
  std::map<std::optional<std::size_t>, int> archives;
  for (int i = 0; i < 3000; ++i) {
    const Candidates all = RandomCandidates(random);
    for (std::uint64_t point = 2; point < kMaxScn + 60; ++point) {
      const std::optional<Choice> choice = Choose(all, Scn{point});
      std::optional<Used> used;
      if (choice) used = Used{all.sets[choice->sets.back()].backup_set_id, choice->archive};
      ASSERT_EQ(used, ModelChoice(all, Scn{point})) << point;
      if (!choice) continue;
      EXPECT_EQ(choice->sets, ChainModel(all.sets, Scn{point}).Chain());
      ++archives[choice->archive];
    }
  }
  for (const std::optional<std::size_t> archive : {std::optional<std::size_t>(), {0}, {1}})
    EXPECT_GT(archives[archive], 100);
}

TEST(RestoreWindow, WindowsAreExactlyThePointsThatCanBeReached) {
  io::Random random(3);
  int windows_seen = 0;
  for (int i = 0; i < 3000; ++i) {
    const Candidates all = RandomCandidates(random);
    // Now and then not everything that can be chosen will do.
    const std::size_t broken = random.OneIn(2) ? random.Below(8) : 100;
    const auto accepts = [broken](const Choice& choice) {
      return std::ranges::count(choice.sets, broken) == 0 &&
             std::ranges::count(choice.pieces, broken) == 0;
    };
    const std::vector<Window> windows = RestorableWindows(all, accepts);
    windows_seen += static_cast<int>(windows.size());
    for (std::uint64_t point = 2; point < kMaxScn + 60; ++point) {
      const std::optional<Choice> choice = Choose(all, Scn{point});
      std::optional<format::BackupSetId> expected;
      if (choice && accepts(*choice)) expected = all.sets[choice->sets.back()].backup_set_id;
      std::optional<format::BackupSetId> found;
      for (const Window& window : windows) {
        if (window.from <= Scn{point} && Scn{point} <= window.to) {
          ASSERT_FALSE(found) << "windows overlap";
          found = window.set;
        }
      }
      ASSERT_EQ(found, expected) << point;
    }
    for (std::size_t k = 1; k < windows.size(); ++k) {
      EXPECT_LT(windows[k - 1].to, windows[k].from);
      EXPECT_TRUE(windows[k - 1].to.value + 1 < windows[k].from.value ||
                  windows[k - 1].set != windows[k].set)
          << "two windows that are one";
    }
  }
  EXPECT_GT(windows_seen, 500);
}

TEST(RestoreWindow, TextNamesTheLastWindowsAndJoinsNeighbours) {
  std::vector<Window> windows{{Scn{5}, Scn{9}, {1}}, {Scn{10}, Scn{12}, {2}}};
  EXPECT_EQ(WindowsText(windows),
            "SCN 5 to 12 (1970-01-01 00:00:00.000000005 UTC to 1970-01-01 00:00:00.000000012 "
            "UTC)");
  windows = {{Scn{7}, Scn{7}, {1}}};
  EXPECT_EQ(WindowsText(windows), "SCN 7 (1970-01-01 00:00:00.000000007 UTC)");
  windows.clear();
  for (std::uint64_t i = 0; i < 8; ++i) windows.push_back({Scn{10 * i + 2}, Scn{10 * i + 3}, {1}});
  EXPECT_TRUE(WindowsText(windows).starts_with("3 earlier ones, SCN 32 to 33"));
  EXPECT_EQ(WindowsText({}), "");
}

}  // namespace
}  // namespace obbak::restore
