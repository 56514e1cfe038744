// Every SCN provable: the tenant that is restored to an SCN is what was committed up to it - at the
// commit version of each transaction of a recorded history, one below and one above.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/thoroughness_test_support.h"
#include "e2e/history_test_support.h"

namespace obbak::e2e {
namespace {

using format::BackupType;

// OBBAK_RESTORE_SEEDS=20 looks at more histories.
std::uint64_t Seeds() {
  const char* seeds = std::getenv("OBBAK_RESTORE_SEEDS");
  return seeds == nullptr ? 1 : std::strtoul(seeds, nullptr, 10);
}

// Sanitizers slow everything down by an order of magnitude: then only each so many-th commit.
std::uint64_t Stride() { return kIsSlow ? 12 : 1; }

// A history with everything that may happen around its sets. The clock runs on now and then, so
// that pieces end.
class RecordedHistory {
 public:
  explicit RecordedHistory(std::uint64_t seed)
      : world_(seed),
        source_(world_, {.piece_interval = std::chrono::seconds(20)}),
        workload_(source_, history_, seed * 31) {}

  // Chains of a full set and two incremental ones, twice.
  void Record() {
    ASSERT_TRUE(Good(source_.Create()));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(Good(workload_.CreateTable()));
    ASSERT_TRUE(Good(workload_.Write(3, 5)));
    ASSERT_TRUE(Good(source_.StartArchive()));
    ASSERT_TRUE(Good(source_.SetDataDest()));
    for (const BackupType type : {BackupType::kFull, BackupType::kInc, BackupType::kInc,
                                  BackupType::kFull, BackupType::kInc}) {
      Work();
      if (testing::Test::HasFatalFailure()) return;
      const auto set = source_.Backup(type);
      ASSERT_TRUE(set) << set.error().ToString();
      if (first_.value == 0) first_ = set->min_restore_scn;
    }
    Work();
    ASSERT_TRUE(Good(source_.Run(source_.archiver().CatchUp())));
    const auto status = source_.archiver().status();
    ASSERT_TRUE(status.round.has_value());
    last_ = status.round->checkpoint_scn;
    ASSERT_TRUE(Good(source_.Close()));
  }

  io::SimWorld& world() { return world_; }
  const History& history() const { return history_; }
  // What can be restored.
  Scn first() const { return first_; }
  Scn last() const { return last_; }

 private:
  static bool Good(const Status& status) {
    EXPECT_TRUE(status) << status.error().ToString();
    return status.has_value();
  }

  void Work() {
    ASSERT_TRUE(Good(workload_.Write(3, 6)));
    ASSERT_TRUE(Good(workload_.MoveTablet()));
    ASSERT_TRUE(Good(source_.Run(source_.tenant().Flush())));
    ASSERT_TRUE(Good(workload_.Write(3, 3)));
    ASSERT_TRUE(Good(workload_.CreateTable()));
    const auto compacted = source_.Run(source_.tenant().CompactMajor());
    ASSERT_TRUE(compacted) << compacted.error().ToString();
    ASSERT_TRUE(Good(workload_.Write(3, 6)));
    ASSERT_TRUE(Good(workload_.DropTable()));
    ASSERT_TRUE(Good(source_.Run(world_.loop().Sleep(std::chrono::seconds(7)))));
    ASSERT_TRUE(Good(source_.Run(source_.archiver().CatchUp())));
  }

  io::SimWorld world_;
  Source source_;
  History history_;
  Workload workload_;
  Scn first_{0};
  Scn last_{0};
};

TEST(RestoreEveryScn, EachCommitAndItsNeighbours) {
  std::uint64_t restores = 0;
  for (std::uint64_t seed = 1; seed <= Seeds(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RecordedHistory recorded(seed);
    recorded.Record();
    if (HasFailure()) return;
    Restorer restorer(recorded.world());
    const auto source = restorer.OpenSource({kDataUri, kArchiveUri});
    ASSERT_TRUE(source) << source.error().ToString();
    std::uint64_t number = 0;
    for (const Scn version : recorded.history().versions()) {
      if (number++ % Stride() != 0) continue;
      for (const unsigned offset : {0U, 1U, 2U}) {
        const Scn scn{version.value - 1 + offset};
        if (scn < recorded.first() || scn > recorded.last()) continue;
        auto plan = restorer.Plan(*source, {.scn = scn, .time = {}});
        ASSERT_TRUE(plan) << plan.error().ToString();
        const auto restored = restorer.Restore(*source, *std::move(plan), "/restored");
        ASSERT_TRUE(restored) << restored.error().ToString();
        auto tenant = restorer.Open("/restored");
        ASSERT_TRUE(tenant) << tenant.error().ToString();
        EXPECT_EQ((*tenant)->snapshot(), scn);
        ExpectHistory(recorded.world(), **tenant, recorded.history(), scn);
        ASSERT_TRUE(recorded.world().loop().Run((*tenant)->Close()));
        tenant->reset();
        ASSERT_TRUE(recorded.world().loop().Run(RemoveTree(recorded.world().disk(), "/restored")));
        ++restores;
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_GT(restores, 300 * Seeds() / Stride());
}

TEST(RestoreEveryScn, StepByStepIsTheSameAsAtOnce) {
  RecordedHistory recorded(77);
  recorded.Record();
  if (HasFailure()) return;
  Restorer restorer(recorded.world());
  const auto source = restorer.OpenSource({kDataUri, kArchiveUri});
  ASSERT_TRUE(source) << source.error().ToString();
  auto restored = restorer.RestoreTo({.scn = recorded.first(), .time = {}}, "/restored");
  ASSERT_TRUE(restored) << restored.error().ToString();
  io::Random random(5);
  for (const Scn version : recorded.history().versions()) {
    const Scn scn{version.value - 1 + random.Below(3)};
    if (scn <= restored->tenant->snapshot() || scn > recorded.last()) continue;
    if (random.OneIn(4)) continue;
    if (random.OneIn(4)) {
      ASSERT_TRUE(recorded.world().loop().Run(restored->tenant->Close()));
      restored->tenant.reset();
      auto opened = restorer.Open("/restored");
      ASSERT_TRUE(opened) << opened.error().ToString();
      restored->tenant = *std::move(opened);
    }
    const auto further = recorded.world().loop().Run(
        restore::RecoverStandby(*restored->tenant, *source, {.scn = scn, .time = {}}));
    ASSERT_TRUE(further) << further.error().ToString();
    EXPECT_EQ(restored->tenant->snapshot(), scn);
    ExpectHistory(recorded.world(), *restored->tenant, recorded.history(), scn);
    if (HasFailure()) break;
  }
  ASSERT_TRUE(recorded.world().loop().Run(restored->tenant->Close()));
}

}  // namespace
}  // namespace obbak::e2e
