// Every crash survived: the power goes off at some operation of the disk while a tenant is archived
// and backed up, or while one is restored; afterwards the work goes on, without a gap or a
// duplicate, and nothing that is incomplete is taken for complete.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/thoroughness_test_support.h"
#include "e2e/history_test_support.h"

namespace obbak::e2e {
namespace {

using format::BackupType;

// What a source does until the power goes: nothing is expected to succeed.
struct Doomed {
  explicit Doomed(io::SimWorld& world)
      : source(world, {.piece_interval = std::chrono::seconds(2)}) {}

  // Up to where crashes are tried: a tenant with tables, being archived, with a full set.
  Status Prepare() {
    if (Status status = source.Create(); !status) return status;
    for (int i = 0; i < 2; ++i) {
      if (Status status = workload.CreateTable(); !status) return status;
    }
    if (Status status = workload.Write(2, 4); !status) return status;
    if (Status status = source.StartArchive(); !status) return status;
    if (Status status = source.SetDataDest(); !status) return status;
    const auto set = source.Backup(BackupType::kFull);
    if (!set) return Fail(set.error());
    return {};
  }
  Status Work() {
    if (Status status = workload.Write(2, 4); !status) return status;
    if (Status status = source.Run(source.archiver().CatchUp()); !status) return status;
    if (Status status = source.Run(source.world().loop().Sleep(std::chrono::seconds(3))); !status) {
      return status;
    }
    if (Status status = workload.Write(2, 4); !status) return status;
    const auto compacted = source.Run(source.tenant().CompactMajor());
    if (!compacted) return Fail(compacted.error());
    const auto set = source.Backup(BackupType::kInc);
    if (!set) return Fail(set.error());
    if (Status status = workload.Write(2, 4); !status) return status;
    return source.Run(source.archiver().CatchUp());
  }

  Source source;
  History history;
  Workload workload{source, history, 3};
};

// A crash in the middle of a commit leaves it open whether it happened; such a transaction is not
// in the history. To compare exactly, the tenant itself is asked what it has after the crash.
void ExpectSameTables(io::SimWorld& world, Tenant& source, Scn scn, Tenant& restored) {
  for (const auto& [id, table] : source.catalog().tables()) {
    const auto same = restored.catalog().ResolveTable(table->name());
    ASSERT_TRUE(same) << same.error().ToString();
    const Rows left = world.loop().Run(engine::ReadAll(source, table, scn));
    const Rows right = world.loop().Run(engine::ReadAll(restored, *same, restored.snapshot()));
    EXPECT_EQ(left, right) << table->name() << " at SCN " << scn.value;
  }
}

TEST(E2eCrash, ArchiveAndBackupGoOnAfterAPowerFailure) {
  io::SimWorld before(21);
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  {
    Doomed whole(before);
    const Status prepared = whole.Prepare();
    ASSERT_TRUE(prepared) << prepared.error().ToString();
    begin = before.disk().operations();
    const Status worked = whole.Work();
    ASSERT_TRUE(worked) << worked.error().ToString();
    end = before.disk().operations();
  }
  ASSERT_GT(end, begin + 200);
  std::uint64_t tried = 0;
  for (std::uint64_t stop = begin + 1; stop < end; stop += CrashStride(37, 83)) {
    SCOPED_TRACE("power off at operation " + std::to_string(stop));
    io::SimWorld doomed(21);
    {
      Doomed victim(doomed);
      ASSERT_TRUE(victim.Prepare());
      doomed.disk().StopAtOperation(stop);
      EXPECT_FALSE(victim.Work());
    }
    io::SimWorld after(stop, doomed.disk().CrashImage(stop % 5), doomed.clock().NowNs());
    Doomed survivor(after);
    const Status opened = survivor.source.Open();
    ASSERT_TRUE(opened) << opened.error().ToString();
    const Status caught_up = survivor.source.Run(survivor.source.archiver().CatchUp());
    ASSERT_TRUE(caught_up) << caught_up.error().ToString();
    const auto set = survivor.source.Backup(BackupType::kInc);
    ASSERT_TRUE(set) << set.error().ToString();
    const Status again = survivor.source.Run(survivor.source.archiver().CatchUp());
    ASSERT_TRUE(again) << again.error().ToString();
    const Scn last = survivor.source.archiver().status().round->checkpoint_scn;
    Restorer restorer(after);
    auto restored = restorer.RestoreTo({.scn = last, .time = {}}, "/restored");
    ASSERT_TRUE(restored) << restored.error().ToString();
    ExpectSameTables(after, survivor.source.tenant(), last, *restored->tenant);
    ASSERT_TRUE(after.loop().Run(restored->tenant->Close()));
    ++tried;
    if (HasFailure()) return;
  }
  EXPECT_GT(tried, 10);
}

TEST(E2eCrash, ARestoreThatWasInterruptedIsBegunAgain) {
  io::SimWorld before(22);
  Doomed whole(before);
  ASSERT_TRUE(whole.Prepare());
  const Status worked = whole.Work();
  ASSERT_TRUE(worked) << worked.error().ToString();
  const Scn last = whole.source.archiver().status().round->checkpoint_scn;
  ASSERT_TRUE(whole.source.Close());
  const io::SimImage image = before.disk().image();
  const std::uint64_t now = before.clock().NowNs();

  std::uint64_t operations = 0;
  {
    io::SimWorld world(1, image, now);
    Restorer restorer(world);
    auto restored = restorer.RestoreTo({.scn = last, .time = {}}, "/restored");
    ASSERT_TRUE(restored) << restored.error().ToString();
    ExpectHistory(world, *restored->tenant, whole.history, last);
    ASSERT_TRUE(world.loop().Run(restored->tenant->Close()));
    operations = world.disk().operations();
  }
  for (std::uint64_t stop = 1; stop < operations; stop += CrashStride(23, 69)) {
    SCOPED_TRACE("power off at operation " + std::to_string(stop));
    io::SimWorld doomed(1, image, now);
    doomed.disk().StopAtOperation(stop);
    {
      Restorer restorer(doomed);
      auto restored = restorer.RestoreTo({.scn = last, .time = {}}, "/restored");
      if (restored) (void)doomed.loop().Run(restored->tenant->Close());
    }
    io::SimWorld after(stop, doomed.disk().CrashImage(stop % 5), now);
    Restorer restorer(after);
    auto opened = restorer.Open("/restored");
    if (!opened) {
      // What is not complete says so, and can be begun again.
      auto restored = restorer.RestoreTo({.scn = last, .time = {}}, "/restored");
      ASSERT_TRUE(restored) << restored.error().ToString();
      opened = std::move(restored->tenant);
    }
    ExpectHistory(after, **opened, whole.history, last);
    ASSERT_TRUE(after.loop().Run((*opened)->Close()));
    if (HasFailure()) return;
  }
}

TEST(E2eCrash, AnActivationThatWasInterruptedIsFinished) {
  io::SimWorld before(23);
  Doomed whole(before);
  ASSERT_TRUE(whole.Prepare());
  ASSERT_TRUE(whole.Work());
  const Scn last = *std::prev(whole.history.versions().end());
  ASSERT_TRUE(whole.source.Close());
  Restorer first(before);
  auto restored = first.RestoreTo({.scn = last, .time = {}}, "/restored");
  ASSERT_TRUE(restored) << restored.error().ToString();
  ASSERT_TRUE(before.loop().Run(restored->tenant->Close()));
  restored->tenant.reset();
  const io::SimImage image = before.disk().image();
  const std::uint64_t now = before.clock().NowNs();
  std::uint64_t operations = 0;
  {
    io::SimWorld world(1, image, now);
    const Status activated = world.loop().Run(
        restore::ActivateStandby(engine::EnvOf(world), "/restored", engine::SmallEngine()));
    ASSERT_TRUE(activated) << activated.error().ToString();
    operations = world.disk().operations();
  }
  for (std::uint64_t stop = 1; stop < operations; stop += CrashStride(3, 18)) {
    SCOPED_TRACE("power off at operation " + std::to_string(stop));
    io::SimWorld doomed(1, image, now);
    doomed.disk().StopAtOperation(stop);
    (void)doomed.loop().Run(
        restore::ActivateStandby(engine::EnvOf(doomed), "/restored", engine::SmallEngine()));
    io::SimWorld after(stop, doomed.disk().CrashImage(stop % 5), now);
    const Status activated = after.loop().Run(
        restore::ActivateStandby(engine::EnvOf(after), "/restored", engine::SmallEngine()));
    ASSERT_TRUE(activated) << activated.error().ToString();
    Restorer restorer(after);
    auto tenant = restorer.Open("/restored");
    ASSERT_TRUE(tenant) << tenant.error().ToString();
    ExpectHistory(after, **tenant, whole.history, last);
    const auto table = (*tenant)->catalog().ResolveTable(whole.workload.tables()[0]);
    ASSERT_TRUE(table);
    EXPECT_TRUE(after.loop().Run(engine::PutRow(**tenant, **table, 5, 5)));
    ASSERT_TRUE(after.loop().Run((*tenant)->Close()));
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace obbak::e2e
