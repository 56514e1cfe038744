// The archiver's promises across power failures: the destination never claims what it does not
// hold, and the archive goes on without gap or duplicate, whatever the moment.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "backup/archiver_test_support.h"
#include "base/thoroughness_test_support.h"
#include "io/sync.h"

namespace obbak::backup {
namespace {

using format::Scn;
using io::SimImage;

ArchiveOptions Options() {
  ArchiveOptions options = QuietArchive();
  options.dictionary_interval = std::chrono::seconds(40);
  return options;
}

// A tenant whose archiving has just begun; closed.
SimImage Begun() {
  ArchivedTenant tenant(1);
  EXPECT_TRUE(tenant.Create({}, Options()));
  EXPECT_TRUE(tenant.Put(3));
  const Status started = tenant.StartArchiving(DestAt(kArchiveDir, std::chrono::seconds(60)));
  EXPECT_TRUE(started) << started.error().ToString();
  tenant.Close();
  return tenant.disk().image();
}

// Every step ends with the first error: the power is gone.

io::Task<void> Write(ArchivedTenant& tenant, std::int64_t first, int count) {
  for (int i = 0; i < count; ++i) {
    if (const Status put = co_await tenant.PutTask(first + i); !put) co_return;
    tenant.Advance(std::chrono::seconds(9));
  }
}

io::Task<Status> Suspend(Archiver& archiver) {
  Status status = co_await archiver.SetDestState(false);
  if (status) status = co_await archiver.AwaitState();
  if (status) status = co_await archiver.SetDestState(true);
  if (status) status = co_await archiver.AwaitState();
  co_return status;
}

io::Task<Status> BeginAnotherRound(Archiver& archiver) {
  Status status = co_await archiver.NoArchiveLog();
  if (status) status = co_await archiver.AwaitState();
  if (status) status = co_await archiver.ArchiveLog();
  if (status) status = co_await archiver.AwaitState();
  co_return status;
}

io::Task<void> Archive(Archiver& archiver) {
  Status status;
  for (int i = 0; i < 3 && status; ++i) status = co_await archiver.CatchUp();
  if (status) status = co_await Suspend(archiver);
  if (status) status = co_await archiver.CatchUp();
  if (status) status = co_await BeginAnotherRound(archiver);
  if (status) status = co_await archiver.CatchUp();
}

void Work(ArchivedTenant& tenant) {
  io::TaskGroup tasks(tenant.world().loop());
  tasks.Spawn(Write(tenant, 1000, 12));
  tasks.Spawn(Write(tenant, 2000, 12));
  tasks.Spawn(Archive(tenant.archiver()));
  tenant.Run(tasks.Join());
}

// What must hold of a destination as the crash left it, and of what the catalogue says of it.
void CheckLeft(const SimImage& image, std::uint64_t seed) {
  ArchiveChecker left(TreeOf(image, kArchiveDir), {.is_torn = true});
  left.Check();
  ExpectSameAsClog(image, kTenantDir, left.logs());
  ArchivedTenant tenant(seed, image);
  ASSERT_OK(tenant.Open(Options()));
  const ArchiveStatus status = tenant.archiver().status();
  ASSERT_TRUE(status.round);
  for (const LsArchiveStatus& ls : status.log_streams) {
    const auto log = left.logs().find({status.round->round, ls.ls});
    if (log == left.logs().end()) continue;  // nothing is archived yet
    EXPECT_LE(ls.archived_lsn, log->second.end()) << "recorded, but not there";
  }
}

// Opens what is left, goes on, and checks the whole.
void CheckGoesOn(const SimImage& image, std::uint64_t seed) {
  // Each second time the clock has stepped back.
  const std::uint64_t now = io::SimWorld::kStartNs + (seed % 2) * 1'000'000'000'000;
  ArchivedTenant tenant(seed, image, now);
  ASSERT_OK(tenant.Open(Options()));
  const Scn recovered = tenant.tenant().snapshot();
  const bool archive_log = tenant.archiver().status().archive_log_mode;
  if (tenant.archiver().status().deferred) {
    ASSERT_OK(tenant.Run(tenant.archiver().SetDestState(true)));
  }
  ASSERT_OK(tenant.Run(tenant.archiver().AwaitState()));
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  ArchiveChecker found = tenant.Check();
  if (testing::Test::HasFailure()) return;
  if (archive_log && found.round_starts().rbegin()->second.start_scn <= recovered) {
    ASSERT_TRUE(found.RestorableUpTo());
    EXPECT_GE(*found.RestorableUpTo(), recovered);
  }
  if (!archive_log) {
    ASSERT_OK(tenant.Run(tenant.archiver().ArchiveLog()));
    ASSERT_OK(tenant.Run(tenant.archiver().AwaitState()));
  }
  tenant.Run(Write(tenant, 5000, 4));
  const Scn committed = tenant.tenant().snapshot();
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  ArchiveChecker after = tenant.Check();
  ASSERT_TRUE(after.RestorableUpTo());
  EXPECT_GE(*after.RestorableUpTo(), committed);
  ASSERT_OK(tenant.StopArchiving());
  tenant.Check();
}

TEST(ArchiverCrash, APowerFailureAtAnyOperationLeavesNoGapAndNoClaim) {
  const SimImage image = Begun();
  ASSERT_FALSE(HasFailure());
  std::uint64_t crashes = 0;
  for (std::uint64_t stop = 1;; stop += CrashStride(11, 47)) {
    ArchivedTenant tenant(7, image);
    tenant.disk().StopAtOperation(stop);
    if (tenant.Open(Options())) Work(tenant);
    tenant.Close();
    if (tenant.disk().powered()) break;
    ++crashes;
    for (const std::uint64_t seed : {stop % 2, 100 + stop}) {
      SCOPED_TRACE("operation " + std::to_string(stop) + ", image " + std::to_string(seed));
      const SimImage left = tenant.disk().CrashImage(seed);
      CheckLeft(left, seed);
      if (!HasFailure()) CheckGoesOn(left, seed);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(crashes, 10U);
}

TEST(ArchiverCrash, APowerFailureWhileItGoesOnTakesNothingEither) {
  const SimImage image = Begun();
  ASSERT_FALSE(HasFailure());
  std::uint64_t operations = 0;
  {
    ArchivedTenant tenant(7, image);
    ASSERT_OK(tenant.Open(Options()));
    Work(tenant);
    operations = tenant.disk().operations();
  }
  std::uint64_t crashes = 0;
  for (const std::uint64_t part : {2U, 3U, 5U, 6U, 8U}) {
    ArchivedTenant first(7, image);
    first.disk().StopAtOperation(operations * part / 9);
    if (first.Open(Options())) Work(first);
    first.Close();
    const SimImage torn = first.disk().CrashImage(part);
    for (std::uint64_t stop = 1;; stop += CrashStride(29, 131)) {
      ArchivedTenant second(part, torn);
      second.disk().StopAtOperation(stop);
      if (second.Open(Options())) {
        if (second.Run(second.archiver().AwaitState())) {
          (void)second.Run(second.archiver().CatchUp());
        }
      }
      second.Close();
      if (second.disk().powered()) break;
      ++crashes;
      SCOPED_TRACE("part " + std::to_string(part) + ", operation " + std::to_string(stop));
      const SimImage left = second.disk().CrashImage(stop);
      CheckLeft(left, stop);
      if (!HasFailure()) CheckGoesOn(left, stop);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(crashes, 10U);
}

TEST(ArchiverCrash, APowerFailureWhileWholeBlocksAreSentLeavesNoGap) {
  ArchivedTenant before(1);
  ASSERT_OK(before.Create({}, Options()));
  ASSERT_OK(before.StartArchiving(DestAt(kArchiveDir, std::chrono::seconds(60))));
  ASSERT_OK(before.PutMebibytes(30));
  before.Advance(std::chrono::seconds(70));
  ASSERT_OK(before.PutMebibytes(37));
  before.Close();
  const SimImage image = before.disk().image();
  std::uint64_t operations = 0;
  for (const std::uint64_t part : {0U, 2U, 5U, 7U, 9U}) {
    if (kIsSlow && part % 5 != 0) continue;
    ArchivedTenant tenant(3, image);
    ASSERT_OK(tenant.Open(Options()));
    const std::uint64_t opened = tenant.disk().operations();
    if (part > 0) tenant.disk().StopAtOperation(opened + operations * part / 11);
    const Status caught_up = tenant.Run(tenant.archiver().CatchUp());
    if (part == 0) {
      ASSERT_OK(caught_up);
      operations = tenant.disk().operations() - opened;
    }
    tenant.Close();
    SCOPED_TRACE("part " + std::to_string(part));
    const SimImage left = tenant.disk().CrashImage(part);
    CheckLeft(left, part);
    if (!HasFailure()) CheckGoesOn(left, part);
    if (HasFailure()) return;
  }
}

// Everything happens by itself, and at any moment.
TEST(ArchiverCrash, APowerFailureBesideBackgroundWorkLeavesNoGapAndNoClaim) {
  ArchiveOptions archive = Options();
  archive.background = true;
  archive.checkpoint_interval = std::chrono::milliseconds(20);
  engine::EngineOptions engine = engine::SmallEngine();
  engine.background = true;
  engine.freeze_trigger = 8 << 10;
  engine.keep_alive_interval = std::chrono::milliseconds(5);
  const SimImage image = Begun();
  ASSERT_FALSE(HasFailure());
  std::uint64_t crashes = 0;
  for (std::uint64_t stop = 1;; stop += CrashStride(67, 83)) {
    ArchivedTenant tenant(stop, image);
    tenant.disk().StopAtOperation(stop);
    if (tenant.Open(archive, engine)) {
      Work(tenant);
      (void)tenant.Run(tenant.world().loop().Sleep(std::chrono::milliseconds(300)));
    }
    tenant.Close();
    if (tenant.disk().powered()) break;
    ++crashes;
    SCOPED_TRACE("operation " + std::to_string(stop));
    const SimImage left = tenant.disk().CrashImage(stop);
    CheckLeft(left, stop);
    if (!HasFailure()) CheckGoesOn(left, stop);
    if (HasFailure()) return;
  }
  EXPECT_GT(crashes, 10U);
}

}  // namespace
}  // namespace obbak::backup
