// Data backups of a whole tenant.
#include "backup/data_backup.h"

#include <gtest/gtest.h>

#include "backup/backup_test_support.h"
#include "backup/set_check_test_support.h"

namespace obbak::backup {
namespace {

#define ASSERT_OK(expression)                                       \
  do {                                                              \
    const auto& outcome = (expression);                             \
    ASSERT_TRUE(outcome.has_value()) << outcome.error().ToString(); \
  } while (false)

TEST(DataBackup, Full) {
  io::SimWorld world(1);
  BackedUpTenant source(world);
  ASSERT_OK(source.Create());
  const auto table = source.CreateTable("t", 3);
  ASSERT_NE(table, nullptr);
  ASSERT_OK(source.Put(*table, 0, 500, 1));
  const auto set = source.Full();
  ASSERT_OK(set);
  const SetCheck check = CheckDestination(TreeOf(world.disk().image(), kDataDir),
                                          source.archiver().DoingRound()->start_scn);
  EXPECT_EQ(check.Text(), "");
  ASSERT_EQ(check.sets.size(), 1);
  EXPECT_EQ(check.sets.front(), *set);
}

}  // namespace
}  // namespace obbak::backup
