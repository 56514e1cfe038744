// Devices that fail: destinations that are full or can't be read, bits that flip on the way, and a
// new tenant for which there is no room. Each time the error is clear, the source is unharmed, and
// the same again works once the fault is gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/thoroughness_test_support.h"
#include "e2e/history_test_support.h"

namespace obbak::e2e {
namespace {

using format::BackupType;
using io::SimFault;
using io::SimOperation;
using testing::HasSubstr;

bool IsOfDestination(const SimOperation& operation) {
  return operation.path.starts_with("/data") || operation.path.starts_with("/archive");
}

bool IsWrite(const SimOperation& operation) {
  using Kind = SimOperation::Kind;
  return operation.kind == Kind::kWrite || operation.kind == Kind::kDurableWrite ||
         operation.kind == Kind::kAllocate;
}

// A tenant that was archived and backed up twice, closed; and how to restore it.
class Faults : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Good(source_.Create()));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(Good(workload_.CreateTable()));
    ASSERT_TRUE(Good(workload_.Write(3, 5)));
    ASSERT_TRUE(Good(source_.StartArchive()));
    ASSERT_TRUE(Good(source_.SetDataDest()));
    for (const BackupType type : {BackupType::kFull, BackupType::kInc}) {
      ASSERT_TRUE(Good(source_.Backup(type)));
      ASSERT_TRUE(Good(workload_.Write(3, 5)));
      ASSERT_TRUE(Good(source_.Run(source_.tenant().CompactMajor())));
    }
    ASSERT_TRUE(Good(workload_.Write(3, 5)));
    ASSERT_TRUE(Good(source_.Run(source_.archiver().CatchUp())));
  }

  template <class Outcome>
  static bool Good(const Outcome& outcome) {
    EXPECT_TRUE(outcome) << outcome.error().ToString();
    return outcome.has_value();
  }

  Scn Last() { return source_.archiver().status().round->checkpoint_scn; }

  // Closes the source; then `tried` restores, each in a world of its own in which the `at`-th
  // operation that `concerns` goes wrong, `at` from 1 on. After a failure it is tried once more,
  // without a fault. Returns how many of them failed the first time.
  template <class Concerns>
  int RestoreWithFaults(SimFault fault, std::uint64_t stride, Concerns concerns) {
    const Scn last = Last();
    EXPECT_TRUE(Good(source_.Close()));
    const io::SimImage image = world_.disk().image();
    int failed = 0;
    bool is_over = false;
    for (std::uint64_t at = 1; !is_over && !HasFailure(); at += stride) {
      SCOPED_TRACE("operation " + std::to_string(at));
      io::SimWorld world(at, image, world_.clock().NowNs());
      Restorer restorer(world);
      std::uint64_t count = 0;
      world.disk().Observe([&](const SimOperation& operation) {
        return concerns(operation) && ++count == at ? fault : SimFault::kNone;
      });
      auto restored = restorer.RestoreTo({.scn = last, .time = {}}, "/restored");
      world.disk().Observe({});
      is_over = count < at;
      if (!restored) {
        ++failed;
        EXPECT_NE(restored.error().ToString().find('/'), std::string::npos)
            << "names no file: " << restored.error().ToString();
        EXPECT_FALSE(restorer.Open("/restored"));
        restored = restorer.RestoreTo({.scn = last, .time = {}}, "/restored");
      }
      if (!Good(restored)) break;
      ExpectHistory(world, *restored->tenant, history_, last);
      EXPECT_TRUE(Good(world.loop().Run(restored->tenant->Close())));
    }
    return failed;
  }

  io::SimWorld world_{31};
  Source source_{world_, {.piece_interval = std::chrono::seconds(20)}};
  History history_;
  Workload workload_{source_, history_, 7};
};

TEST_F(Faults, FullDestinationsStopNothingButTheBackup) {
  world_.disk().Observe([](const SimOperation& operation) {
    return IsOfDestination(operation) && IsWrite(operation) ? SimFault::kNoSpace : SimFault::kNone;
  });
  ASSERT_TRUE(Good(workload_.Write(3, 5)));
  const auto set = source_.Backup(BackupType::kInc);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code(), ErrorCode::kBackupDeviceOutOfSpace) << set.error().ToString();
  const Status archived = source_.Run(source_.archiver().CatchUp());
  ASSERT_FALSE(archived);
  EXPECT_EQ(archived.error().code(), ErrorCode::kBackupDeviceOutOfSpace);
  EXPECT_THAT(archived.error().ToString(), HasSubstr("/archive"));
  ASSERT_TRUE(Good(workload_.Write(3, 5)));

  world_.disk().Observe({});
  ASSERT_TRUE(Good(source_.Run(source_.archiver().CatchUp())));
  ASSERT_TRUE(Good(source_.Backup(BackupType::kInc)));
  ASSERT_TRUE(Good(workload_.Write(3, 5)));
  ASSERT_TRUE(Good(source_.Run(source_.archiver().CatchUp())));
  Restorer restorer(world_);
  const auto restored = restorer.RestoreTo({.scn = Last(), .time = {}}, "/restored");
  ASSERT_TRUE(Good(restored));
  ExpectHistory(world_, *restored->tenant, history_, Last());
  ASSERT_TRUE(Good(world_.loop().Run(restored->tenant->Close())));
}

TEST_F(Faults, WhatCannotBeReadFailsTheRestore) {
  EXPECT_GT(RestoreWithFaults(SimFault::kIoError, CrashStride(7, 70), IsOfDestination),
            kIsSlow ? 1 : 20);
}

TEST_F(Faults, NoFlippedBitGetsIntoATenant) {
  EXPECT_GT(RestoreWithFaults(SimFault::kBitFlip, CrashStride(3, 30),
                              [](const SimOperation& operation) {
                                return IsOfDestination(operation) &&
                                       operation.kind == SimOperation::Kind::kRead;
                              }),
            kIsSlow ? 1 : 15);
}

TEST_F(Faults, NoRoomForTheNewTenantFailsTheRestore) {
  EXPECT_GT(RestoreWithFaults(SimFault::kNoSpace, CrashStride(3, 30),
                              [](const SimOperation& operation) {
                                return operation.path.starts_with("/restored") &&
                                       IsWrite(operation);
                              }),
            kIsSlow ? 1 : 15);
}

}  // namespace
}  // namespace obbak::e2e
