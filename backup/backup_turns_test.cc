// Backups while tablets come, go and move.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "backup/backup_test_support.h"
#include "backup/set_check_test_support.h"
#include "base/result_test_support.h"

namespace obbak::backup {
namespace {

using format::LsId;
using format::TabletId;

io::Task<void> MoveFirst(engine::Tenant& tenant, std::string name) {
  const auto table = tenant.catalog().ResolveTable(name);
  if (!table) co_return;
  const TabletId tablet = (*table)->tablets().front();
  const LsId to{tenant.catalog().LsOf(tablet)->value == 1001 ? 1002 : 1001};
  const Status status = co_await tenant.MoveTablet(tablet, to);
  EXPECT_TRUE(status) << status.error().ToString();
}

// Moves the first tablet of table "t" the given times.
HookedArchive::Hook MoveWhen(std::set<int> times) {
  return [times = std::move(times)](engine::Tenant& tenant, int time) {
    return MoveFirst(tenant, times.contains(time) ? "t" : "no such table");
  };
}

class Turns : public testing::Test {
 protected:
  void Start(HookedArchive::Hook hook) {
    source_ = std::make_unique<BackedUpTenant>(
        world_, BackedUpTenant::Options{.engine = engine::SmallEngine(),
                                        .backup = SmallBackup(),
                                        .when_archived = std::move(hook)});
    ASSERT_OK(source_->Create());
    table_ = source_->CreateTable("t", 4);
    ASSERT_NE(table_, nullptr);
    ASSERT_OK(source_->Put(*table_, 0, 400, 1));
    ASSERT_OK(source_->CompactMajor());
    ASSERT_OK(source_->Put(*table_, 200, 600, 2));
  }

  io::SimWorld world_{1};
  std::unique_ptr<BackedUpTenant> source_;
  engine::TableSchemaPtr table_;
};

TEST_F(Turns, ATabletThatMovesAfterTheConsistentPointIsInTheNextTurn) {
  ASSERT_NO_FATAL_FAILURE(Start(MoveWhen({3})));
  const auto set = source_->Full();
  ASSERT_OK(set);
  EXPECT_EQ(set->meta_turn_id, 1);
  EXPECT_EQ(set->minor_turn_id, 2);
  EXPECT_EQ(set->major_turn_id, 2);
  const SetCheck check = Check(*source_);
  EXPECT_EQ(check.Text(), "");
  EXPECT_TRUE(check.missing.empty());
}

TEST_F(Turns, ATabletThatMovesWhileMetasAreWrittenGivesANewMetaTurn) {
  ASSERT_NO_FATAL_FAILURE(Start(MoveWhen({2})));
  const auto set = source_->Full();
  ASSERT_OK(set);
  EXPECT_EQ(set->meta_turn_id, 2);
  EXPECT_EQ(set->minor_turn_id, 1);
  EXPECT_EQ(Check(*source_).Text(), "");
}

TEST_F(Turns, ATabletThatMovesThereAndBackIsWhereItWas) {
  ASSERT_NO_FATAL_FAILURE(Start(MoveWhen({2, 3})));
  const auto set = source_->Full();
  ASSERT_OK(set);
  EXPECT_EQ(set->meta_turn_id, 3);
  EXPECT_EQ(Check(*source_).Text(), "");
}

io::Task<void> MoveAllTheTime(engine::Tenant& tenant, std::vector<TabletId> tablets, bool& stop) {
  std::size_t moves = 0;
  while (!stop) {
    const TabletId tablet = tablets[moves++ % tablets.size()];
    const LsId to{tenant.catalog().LsOf(tablet)->value == 1001 ? 1002 : 1001};
    const Status status = co_await tenant.MoveTablet(tablet, to);
    EXPECT_TRUE(status) << status.error().ToString();
    (void)co_await tenant.core().env.loop.Sleep(std::chrono::milliseconds(60));
  }
}

io::Task<Result<format::BackupSetFileDesc>> BackUpBeside(BackedUpTenant& source, bool& stop) {
  BackupRequest request;
  auto set = co_await source.backup().Run(std::move(request));
  stop = true;
  co_return set;
}

io::Task<Result<format::BackupSetFileDesc>> BackUpWhileMoving(BackedUpTenant& source,
                                                              std::vector<TabletId> tablets) {
  bool stop = false;
  io::TaskGroup group(source.world().loop());
  group.Spawn(MoveAllTheTime(source.tenant(), std::move(tablets), stop));
  auto set = co_await BackUpBeside(source, stop);
  co_await group.Join();
  co_return set;
}

TEST_F(Turns, TabletsThatMoveAllTheTimeAreBackedUpWhereverTheyAre) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    io::SimWorld world(seed);
    BackedUpTenant source(world);
    ASSERT_OK(source.Create());
    const auto table = source.CreateTable("t", 6);
    ASSERT_NE(table, nullptr);
    ASSERT_OK(source.Put(*table, 0, 600, 1));
    ASSERT_OK(source.CompactMajor());
    ASSERT_OK(source.Put(*table, 200, 800, 2));
    const auto& tablets = table->tablets();
    const auto set = source.Run(
        BackUpWhileMoving(source, std::vector<TabletId>(tablets.begin(), tablets.end())));
    ASSERT_OK(set);
    const SetCheck check = Check(source);
    EXPECT_EQ(check.Text(), "") << "seed " << seed;
    EXPECT_TRUE(check.missing.empty());
    ASSERT_OK(source.Incremental());
    EXPECT_EQ(Check(source).Text(), "") << "seed " << seed;
  }
}

io::Task<void> CreateAndDrop(engine::Tenant& tenant, int time) {
  const std::string name = "n" + std::to_string(time);
  const auto table = co_await engine::CreateTestTable(tenant, name, 3);
  EXPECT_NE(table, nullptr);
  if (table == nullptr) co_return;
  const Status put = co_await BackedUpTenant::PutRows(tenant, *table, 0, 50, time);
  EXPECT_TRUE(put) << put.error().ToString();
  const std::string dropped = "n" + std::to_string(time - 1);
  if (!tenant.catalog().ResolveTable(dropped)) co_return;
  const Status status = co_await tenant.DropTable(dropped);
  EXPECT_TRUE(status) << status.error().ToString();
}

TEST_F(Turns, TablesThatComeAndGoDisturbNothing) {
  ASSERT_NO_FATAL_FAILURE(Start(CreateAndDrop));
  for (int i = 0; i < 3; ++i) {
    const auto set = i == 0 ? source_->Full() : source_->Incremental();
    ASSERT_OK(set);
    EXPECT_EQ(set->minor_turn_id, 1);
  }
  EXPECT_EQ(Check(*source_).Text(), "");
}

}  // namespace
}  // namespace obbak::backup
