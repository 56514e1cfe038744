// Data backups of a whole tenant.
#include "backup/data_backup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "backup/backup_test_support.h"
#include "backup/set_check_test_support.h"

namespace obbak::backup {
namespace {

using format::BackupSetFileDesc;
using format::BackupType;

#define ASSERT_OK(expression)                                       \
  do {                                                              \
    const auto& outcome = (expression);                             \
    ASSERT_TRUE(outcome.has_value()) << outcome.error().ToString(); \
  } while (false)

SetCheck Check(BackedUpTenant& source) {
  return CheckDestination(TreeOf(source.world().disk().image(), kDataDir),
                          source.archiver().DoingRound()->start_scn);
}

TEST(DataBackup, AFullSetHoldsToEveryRule) {
  io::SimWorld world(1);
  BackedUpTenant source(world);
  ASSERT_OK(source.Create());
  const auto table = source.CreateTable("t", 3);
  ASSERT_NE(table, nullptr);
  ASSERT_OK(source.Put(*table, 0, 500, 1));
  ASSERT_OK(source.CompactMajor());
  ASSERT_OK(source.Put(*table, 300, 900, 2));
  const auto set = source.Full();
  ASSERT_OK(set);
  const SetCheck check = Check(source);
  EXPECT_EQ(check.Text(), "");
  EXPECT_TRUE(check.missing.empty());
  ASSERT_EQ(check.sets.size(), 1U);
  EXPECT_EQ(check.sets.front(), *set);
  EXPECT_EQ(source.backup().sets(), std::vector{*set});
  ASSERT_EQ(source.backup().jobs().size(), 1U);
  EXPECT_EQ(source.backup().jobs().front().status, JobStatus::kCompleted);
}

TEST(DataBackup, AnEmptyTenantHasACompleteSet) {
  io::SimWorld world(2);
  BackedUpTenant source(world);
  ASSERT_OK(source.Create());
  ASSERT_OK(source.Full());
  const SetCheck check = Check(source);
  EXPECT_EQ(check.Text(), "");
  EXPECT_EQ(check.sets.size(), 1U);
}

TEST(DataBackup, AnIncrementalSetWithoutAPredecessorIsFull) {
  io::SimWorld world(3);
  BackedUpTenant source(world);
  ASSERT_OK(source.Create());
  const auto set = source.Incremental();
  ASSERT_OK(set);
  EXPECT_EQ(set->backup_type.value, BackupType::kFull);
  EXPECT_EQ(source.backup().jobs().front().request.type, BackupType::kInc);
  EXPECT_EQ(Check(source).Text(), "");
}

TEST(DataBackup, PlusArchivelogTakesTheLogsAlong) {
  io::SimWorld world(4);
  BackedUpTenant source(world);
  ASSERT_OK(source.Create());
  const auto table = source.CreateTable("t", 3);
  ASSERT_NE(table, nullptr);
  ASSERT_OK(source.Put(*table, 0, 500, 1));
  const auto set = source.Backup(BackupType::kFull, {}, /*plus_archivelog=*/true);
  ASSERT_OK(set);
  const SetCheck check = Check(source);
  EXPECT_EQ(check.Text(), "");
  for (const auto& [path, bytes] : TreeOf(world.disk().image(), std::string(kDataDir) + "/backup_set_1_full/complement_log")) {
    std::printf("%8zu %s\n", bytes.size(), path.c_str());
  }
}

TEST(DataBackup, TheSameSeedGivesTheSameBytes) {
  Tree trees[2];
  for (Tree& tree : trees) {
    io::SimWorld world(5);
    BackedUpTenant source(world);
    ASSERT_OK(source.Create());
    const auto table = source.CreateTable("t", 4);
    ASSERT_NE(table, nullptr);
    ASSERT_OK(source.Put(*table, 0, 500, 1));
    ASSERT_OK(source.Full());
    ASSERT_OK(source.Put(*table, 0, 500, 1));
    ASSERT_OK(source.CompactMajor());
    ASSERT_OK(source.Incremental());
    tree = TreeOf(world.disk().image(), kDataDir);
  }
  EXPECT_TRUE(trees[0] == trees[1]);
}

}  // namespace
}  // namespace obbak::backup
