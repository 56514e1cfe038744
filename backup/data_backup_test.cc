// Data backups of a whole tenant.
#include "backup/data_backup.h"

#include <gtest/gtest.h>

#include "backup/backup_test_support.h"

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
  for (const auto& [path, bytes] : TreeOf(world.disk().image(), kDataDir)) {
    std::printf("%8zu %s\n", bytes.size(), path.c_str());
  }
}

}  // namespace
}  // namespace obbak::backup
