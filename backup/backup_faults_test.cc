// Backups whose destination fails, that are canceled, and whose process dies.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backup/backup_test_support.h"
#include "backup/set_check_test_support.h"
#include "base/result_test_support.h"
#include "base/thoroughness_test_support.h"
#include "format/backup_path.h"
#include "format/destination_records.h"
#include "format/metadata_file.h"

namespace obbak::backup {
namespace {

using format::BackupFileStatus;
using format::BackupSetFileDesc;
using format::BackupSetStatus;
using format::BackupType;
using io::SimFault;
using io::SimImage;
using io::SimOperation;

bool IsOfData(const SimOperation& operation) { return operation.path.starts_with(kDataDir); }

// A closed tenant with several files of every kind to back up, and the full set 1.
const SimImage& Prepared() {
  static const SimImage image = [] {
    io::SimWorld world(1);
    BackedUpTenant source(world);
    EXPECT_TRUE(source.Create());
    const auto table = source.CreateWideTable("wide", 2);
    EXPECT_NE(table, nullptr);
    if (table == nullptr) return SimImage();
    EXPECT_TRUE(source.PutWide(*table, 0, 120, 1));
    EXPECT_TRUE(source.CompactMajor());
    EXPECT_TRUE(source.Full());
    EXPECT_TRUE(source.PutWide(*table, 40, 44, 2));
    EXPECT_TRUE(source.CompactMajor());
    EXPECT_TRUE(source.PutWide(*table, 90, 96, 3));
    EXPECT_TRUE(source.Run(source.tenant().Flush()));
    EXPECT_TRUE(source.Close());
    return world.disk().image();
  }();
  return image;
}

// The prepared tenant, opened.
struct Opened {
  explicit Opened(const SimImage& image, std::uint64_t seed = 2)
      : world(seed, image, io::SimWorld::kStartNs + 3'600'000'000'000), source(world) {
    const Status opened = source.Open();
    EXPECT_TRUE(opened) << opened.error().ToString();
  }
  io::SimWorld world;
  BackedUpTenant source;
};

// How many operations on the destination an incremental backup takes.
std::uint64_t OperationsOfBackup() {
  Opened opened(Prepared());
  std::uint64_t count = 0;
  opened.world.disk().Observe([&](const SimOperation& operation) {
    if (IsOfData(operation)) ++count;
    return SimFault::kNone;
  });
  const auto set = opened.source.Incremental();
  EXPECT_TRUE(set) << set.error().ToString();
  opened.world.disk().Observe({});
  return count;
}

// The set that failed last is incomplete in the catalogue and in the destination, the one before is
// as it was, and the next one is whole.
void CheckFailedSet(BackedUpTenant& source, std::int64_t failed) {
  SetCheck check = Check(source);
  EXPECT_EQ(check.Text(), "");
  EXPECT_EQ(check.sets.size(), 1U);
  const std::vector<BackupSetFileDesc> sets = source.backup().sets();
  const auto set =
      std::ranges::find(sets, failed, [](const auto& each) { return each.backup_set_id.value; });
  if (set != sets.end()) {
    EXPECT_EQ(set->status, BackupSetStatus::kFailed);
    EXPECT_EQ(set->file_status, BackupFileStatus::kIncomplete);
    EXPECT_NE(set->result, 0);
  }
  const auto next = source.Incremental();
  ASSERT_OK(next);
  EXPECT_EQ(next->prev_inc_backup_set_id.value, 1);
  EXPECT_EQ(next->backup_set_id.value, failed + 1);
  check = Check(source);
  EXPECT_EQ(check.Text(), "");
  EXPECT_EQ(check.sets.size(), 2U);
}

TEST(BackupFaults, OneFailedOperationCostsARetryAndNoMore) {
  const std::uint64_t all = OperationsOfBackup();
  ASSERT_GT(all, 100U);
  std::set<std::int64_t> retries;
  for (std::uint64_t at = 1; at <= all; at += CrashStride(23, 115)) {
    Opened opened(Prepared());
    std::uint64_t count = 0;
    opened.world.disk().Observe([&](const SimOperation& operation) {
      return IsOfData(operation) && ++count == at ? SimFault::kIoError : SimFault::kNone;
    });
    const auto set = opened.source.Incremental();
    opened.world.disk().Observe({});
    if (!set) {
      // Before the set task begins, and of what is not tried again.
      EXPECT_LT(count, 20U) << at << ": " << set.error().ToString();
      continue;
    }
    const SetCheck check = Check(opened.source);
    EXPECT_EQ(check.Text(), "") << "operation " << at;
    EXPECT_EQ(check.sets.size(), 2U) << "operation " << at;
    for (const auto& [path, bytes] : TreeOf(opened.world.disk().image(), kDataDir)) {
      const auto parsed = format::ParseBackupPath(path);
      if (parsed && parsed->kind == format::PathKind::kMacroBlockData) {
        retries.insert(parsed->retry);
      }
    }
  }
  EXPECT_TRUE(retries.contains(1));
}

TEST(BackupFaults, ManyFailuresInARowAreGoneThrough) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Opened opened(Prepared());
    io::Random random(seed);
    bool is_data = false;
    const ReportBackup report = [&](const BackupProgress& progress) {
      is_data = progress.stage == SetTaskStatus::kBackupDataMinor ||
                progress.stage == SetTaskStatus::kBackupDataMajor;
    };
    opened.world.disk().Observe([&](const SimOperation& operation) {
      return is_data && IsOfData(operation) && random.OneIn(150) ? SimFault::kIoError
                                                                 : SimFault::kNone;
    });
    const auto set = opened.source.Incremental(report);
    opened.world.disk().Observe({});
    ASSERT_OK(set);
    // Removing what a failed attempt began may have failed too.
    const SetCheck check = Check(opened.source, Temporaries::kMayBeThere);
    EXPECT_EQ(check.Text(), "") << "seed " << seed;
    EXPECT_EQ(check.sets.size(), 2U);
  }
}

TEST(BackupFaults, AFullDestinationFailsTheJobAndHarmsNothing) {
  const std::uint64_t all = OperationsOfBackup();
  for (std::uint64_t at = 25; at <= all; at += CrashStride(83, 415)) {
    Opened opened(Prepared());
    std::uint64_t count = 0;
    opened.world.disk().Observe([&](const SimOperation& operation) {
      const bool writes = operation.kind == SimOperation::Kind::kWrite ||
                          operation.kind == SimOperation::Kind::kDurableWrite ||
                          operation.kind == SimOperation::Kind::kCreate;
      return IsOfData(operation) && ++count >= at && writes ? SimFault::kNoSpace : SimFault::kNone;
    });
    const auto set = opened.source.Incremental();
    opened.world.disk().Observe({});
    if (set) continue;  // nothing was written any more
    EXPECT_EQ(set.error().code(), ErrorCode::kBackupDeviceOutOfSpace) << set.error().ToString();
    const BackupJob job = opened.source.backup().jobs().back();
    EXPECT_EQ(job.status, JobStatus::kFailed);
    EXPECT_EQ(job.result, -9082);
    EXPECT_NE(job.comment.find("result: -9082(OB_BACKUP_DEVICE_OUT_OF_SPACE), trace_id: Y"),
              std::string::npos)
        << job.comment;
    CheckFailedSet(opened.source, 2);
  }
}

TEST(BackupFaults, ADamagedBlockOfTheTenantIsNotBackedUp) {
  Opened opened(Prepared());
  const std::string block_file = std::string(kTenantDir) + "/block_file";
  std::uint64_t count = 0;
  opened.world.disk().Observe([&](const SimOperation& operation) {
    const bool is_block = operation.path == block_file &&
                          operation.kind == SimOperation::Kind::kRead &&
                          operation.size > (1U << 20);
    return is_block && ++count == 1 ? SimFault::kBitFlip : SimFault::kNone;
  });
  const auto set = opened.source.Full();
  opened.world.disk().Observe({});
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code(), ErrorCode::kChecksumError) << set.error().ToString();
  EXPECT_NE(set.error().ToString().find("block_file"), std::string::npos);
  const BackupJob job = opened.source.backup().jobs().back();
  EXPECT_NE(job.comment.find("(SERVER)ls_id: 100"), std::string::npos) << job.comment;
  CheckFailedSet(opened.source, 2);
}

TEST(BackupFaults, ACanceledJobEndsSoonWhereverItIs) {
  const std::uint64_t all = OperationsOfBackup();
  for (std::uint64_t at = 1; at <= all; at += CrashStride(67, 335)) {
    Opened opened(Prepared());
    std::uint64_t count = 0;
    std::uint64_t after = 0;
    opened.world.disk().Observe([&](const SimOperation& operation) {
      if (!IsOfData(operation)) return SimFault::kNone;
      if (++count == at) opened.source.backup().Cancel();
      if (count > at) ++after;
      return SimFault::kNone;
    });
    const auto set = opened.source.Incremental();
    opened.world.disk().Observe({});
    if (set) {
      // It was about to end.
      EXPECT_GT(at, all - 60);
      EXPECT_EQ(Check(opened.source).Text(), "");
      continue;
    }
    EXPECT_EQ(set.error().code(), ErrorCode::kCanceled) << set.error().ToString();
    EXPECT_LT(after, 60U) << "canceled at operation " << at;
    EXPECT_EQ(opened.source.backup().jobs().back().status, JobStatus::kCanceled);
    EXPECT_EQ(opened.source.backup().jobs().back().result, -4072);
    CheckFailedSet(opened.source, 2);
  }
}

// ---- More blocks on their way than there are buffers

struct Crowd {
  int user_log_streams = 0;
  std::size_t concurrency = 0;
};
constexpr Crowd kCrowds[] = {{.user_log_streams = 1, .concurrency = 1},
                             {.user_log_streams = 5, .concurrency = 5}};

BackedUpTenant::Options OptionsOf(const Crowd& crowd) {
  BackedUpTenant::Options options;
  options.user_log_streams = crowd.user_log_streams;
  options.backup.concurrency = crowd.concurrency;
  options.backup.data_file_size = std::uint64_t{64} << 20;
  return options;
}

// A closed tenant with enough blocks on each log stream to fill a sink.
SimImage Crowded(const Crowd& crowd) {
  io::SimWorld world(1);
  BackedUpTenant source(world, OptionsOf(crowd));
  EXPECT_TRUE(source.Create());
  const auto streams = static_cast<std::uint32_t>(crowd.user_log_streams);
  const auto table = source.CreateWideTable("wide", streams);
  EXPECT_NE(table, nullptr);
  if (table == nullptr) return SimImage();
  EXPECT_TRUE(source.PutWide(*table, 0, std::int64_t{260} * crowd.user_log_streams, 1));
  EXPECT_TRUE(source.CompactMajor());
  EXPECT_TRUE(source.Close());
  return world.disk().image();
}

// What a full backup that `observe` disturbs comes to.
void BackUpInACrowd(const SimImage& image, const Crowd& crowd, ErrorCode expected,
                    const std::function<SimFault(BackedUpTenant&, const SimOperation&)>& observe) {
  io::SimWorld world(2, image, io::SimWorld::kStartNs + 3'600'000'000'000);
  BackedUpTenant source(world, OptionsOf(crowd));
  ASSERT_OK(source.Open());
  world.disk().Observe([&](const SimOperation& operation) { return observe(source, operation); });
  const auto set = source.Full();
  world.disk().Observe({});
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code(), expected) << set.error().ToString();
}

bool IsReadOfBlock(const SimOperation& operation) {
  return operation.path == std::string(kTenantDir) + "/block_file" &&
         operation.kind == SimOperation::Kind::kRead && operation.size > (1U << 20);
}

TEST(BackupFaults, BlocksThatWaitForBuffersAreAllBackedUp) {
  for (const Crowd& crowd : kCrowds) {
    const SimImage image = Crowded(crowd);
    io::SimWorld world(2, image, io::SimWorld::kStartNs + 3'600'000'000'000);
    BackedUpTenant source(world, OptionsOf(crowd));
    ASSERT_OK(source.Open());
    ASSERT_OK(source.Full());
    EXPECT_EQ(Check(source).Text(), "");
  }
}

TEST(BackupFaults, ACanceledJobEndsThoughBlocksWaitForBuffers) {
  for (const Crowd& crowd : kCrowds) {
    const SimImage image = Crowded(crowd);
    for (std::uint64_t at = 1; at <= 5 * crowd.concurrency; at += CrashStride(2, 10)) {
      SCOPED_TRACE(testing::Message() << crowd.concurrency << " streams, read " << at);
      std::uint64_t reads = 0;
      BackUpInACrowd(image, crowd, ErrorCode::kCanceled, [&](auto& source, const auto& operation) {
        if (IsReadOfBlock(operation) && ++reads == at) source.backup().Cancel();
        return SimFault::kNone;
      });
    }
  }
}

TEST(BackupFaults, ADamagedBlockEndsTheJobThoughBlocksWaitForBuffers) {
  for (const Crowd& crowd : kCrowds) {
    const SimImage image = Crowded(crowd);
    for (std::uint64_t at = 1; at <= 5; at += CrashStride(1, 5)) {
      SCOPED_TRACE(testing::Message() << crowd.concurrency << " streams, read " << at);
      std::uint64_t reads = 0;
      BackUpInACrowd(image, crowd, ErrorCode::kChecksumError, [&](auto&, const auto& operation) {
        return IsReadOfBlock(operation) && ++reads == at ? SimFault::kBitFlip : SimFault::kNone;
      });
    }
  }
}

TEST(BackupFaults, AFullDestinationEndsTheJobThoughBlocksWaitForBuffers) {
  for (const Crowd& crowd : kCrowds) {
    const SimImage image = Crowded(crowd);
    for (std::uint64_t at = 1; at <= 8; at += CrashStride(1, 5)) {
      SCOPED_TRACE(testing::Message() << crowd.concurrency << " streams, write " << at);
      std::uint64_t reads = 0;
      std::uint64_t writes = 0;
      const auto code = ErrorCode::kBackupDeviceOutOfSpace;
      BackUpInACrowd(image, crowd, code, [&](auto&, const auto& operation) {
        if (IsReadOfBlock(operation)) ++reads;
        const bool writes_data = IsOfData(operation) && reads > 0 &&
                                 (operation.kind == SimOperation::Kind::kWrite ||
                                  operation.kind == SimOperation::Kind::kDurableWrite);
        return writes_data && ++writes >= at ? SimFault::kNoSpace : SimFault::kNone;
      });
    }
  }
}

TEST(BackupFaults, CancelingNothingIsNothing) {
  Opened opened(Prepared());
  opened.source.backup().Cancel();
  ASSERT_OK(opened.source.Full());
}

TEST(BackupFaults, AfterAPowerFailureNothingLooksComplete) {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  {
    Opened opened(Prepared());
    first = opened.world.disk().operations() + 1;
    ASSERT_OK(opened.source.Incremental());
    last = opened.world.disk().operations();
  }
  for (std::uint64_t at = first; at <= last; at += CrashStride(61, 305)) {
    SimImage left;
    {
      Opened opened(Prepared());
      opened.world.disk().StopAtOperation(at);
      const auto set = opened.source.Incremental();
      (void)opened.source.Close();
      left = opened.world.disk().CrashImage(at);
      if (set) continue;
    }
    Opened opened(left, /*seed=*/at);
    const std::vector<BackupJob> jobs = opened.source.backup().jobs();
    const std::vector<BackupSetFileDesc> sets = opened.source.backup().sets();
    for (const BackupJob& job : jobs) {
      EXPECT_TRUE(job.status == JobStatus::kCompleted || job.status == JobStatus::kFailed);
    }
    SetCheck check = Check(opened.source, Temporaries::kMayBeThere);
    EXPECT_EQ(check.Text(), "") << "operation " << at;
    // With its end mark the set is whole, whoever has heard of it.
    EXPECT_LE(check.sets.size(), 2U);
    const auto next = opened.source.Incremental();
    ASSERT_OK(next);
    EXPECT_EQ(next->prev_inc_backup_set_id.value, 1);
    check = Check(opened.source);
    EXPECT_EQ(check.Text(), "") << "operation " << at;
    EXPECT_EQ(check.sets.back(), *next);
  }
}

// ---- Acceptance

TEST(BackupAcceptance, EverythingThatIsNeededIsAskedFor) {
  io::SimWorld world(1);
  BackedUpTenant source(world);
  ASSERT_OK(source.Create());
  ASSERT_OK(source.Run(source.backup().SetDest(std::nullopt)));
  EXPECT_FALSE(source.backup().dest());
  auto set = source.Full();
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code(), ErrorCode::kBackupCanNotStart);
  ASSERT_OK(source.Run(source.backup().SetDest(*io::BackupDest::Parse("file:///data"))));
  ASSERT_OK(source.Run(source.archiver().NoArchiveLog()));
  ASSERT_OK(source.Run(source.archiver().AwaitState()));
  set = source.Full();
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code(), ErrorCode::kBackupCanNotStart);
  EXPECT_EQ(set.error().message(), "log archive status is not doing.");
  EXPECT_TRUE(source.backup().jobs().empty());
}

TEST(BackupAcceptance, OneJobAtATime) {
  io::SimWorld world(1);
  BackedUpTenant source(world);
  ASSERT_OK(source.Create());
  std::vector<Error> refusals;
  const ReportBackup report = [&](const BackupProgress& progress) {
    if (progress.stage != SetTaskStatus::kBackupDataMinor || !refusals.empty()) return;
    // Both are refused before they wait for anything.
    const auto again = [](BackedUpTenant& tenant, std::vector<Error>& errors) -> io::Task<void> {
      BackupRequest request;
      const auto second = co_await tenant.backup().Run(std::move(request));
      if (!second) errors.push_back(second.error());
      std::optional<io::BackupDest> none;
      const Status dest = co_await tenant.backup().SetDest(std::move(none));
      if (!dest) errors.push_back(dest.error());
    };
    world.loop().Spawn(again(source, refusals));
  };
  ASSERT_OK(source.Full(report));
  ASSERT_EQ(refusals.size(), 2U);
  EXPECT_EQ(refusals[0].code(), ErrorCode::kBackupInProgress);
  EXPECT_EQ(refusals[1].code(), ErrorCode::kBackupInProgress);
}

TEST(BackupAcceptance, AnotherDirectoryBeginsANewChain) {
  io::SimWorld world(1);
  BackedUpTenant source(world);
  ASSERT_OK(source.Create());
  ASSERT_OK(source.Full());
  ASSERT_OK(source.Run(source.backup().SetDest(*io::BackupDest::Parse("file:///data2"))));
  auto set = source.Incremental();
  ASSERT_OK(set);
  EXPECT_EQ(set->backup_type.value, BackupType::kFull);
  EXPECT_EQ(set->backup_set_id.value, 2);
  ASSERT_OK(source.Run(source.backup().SetDest(*io::BackupDest::Parse("file:///data"))));
  set = source.Incremental();
  ASSERT_OK(set);
  EXPECT_EQ(set->prev_inc_backup_set_id.value, 1);
}

io::Task<void> SetArchiveDest(Archiver& archiver, Status& result) {
  io::LogArchiveDest dest{.location = io::BackupDest::Parse("file:///archive2").value(),
                          .piece_switch_interval = std::chrono::days(1)};
  result = co_await archiver.SetDest(std::move(dest));
}
io::Task<void> SetDataDest(DataBackup& backup, Status& result) {
  std::optional<io::BackupDest> dest = *io::BackupDest::Parse("file:///data2");
  result = co_await backup.SetDest(std::move(dest));
}
io::Task<Status> SetBothDests(BackedUpTenant& source) {
  Status archive;
  Status data;
  io::TaskGroup group(source.world().loop());
  group.Spawn(SetArchiveDest(source.archiver(), archive));
  group.Spawn(SetDataDest(source.backup(), data));
  co_await group.Join();
  co_return archive ? data : archive;
}

TEST(BackupAcceptance, DestinationsThatAreSetAtTheSameTimeHaveIdsOfTheirOwn) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    io::SimWorld world(seed);
    BackedUpTenant source(world);
    ASSERT_OK(source.Create());
    ASSERT_OK(source.Run(source.archiver().NoArchiveLog()));
    ASSERT_OK(source.Run(source.archiver().AwaitState()));
    ASSERT_OK(source.Run(SetBothDests(source)));
    std::set<format::DestId> ids;
    for (const char* const directory : {"/archive", "/data", "/archive2", "/data2"}) {
      const Tree tree = TreeOf(world.disk().image(), directory);
      const auto desc =
          format::MetadataFile<format::BackupFormatDesc>::Read(tree.at("format.obbak"));
      ASSERT_OK(desc);
      ids.insert(desc->dest_id);
    }
    EXPECT_EQ(ids.size(), 4U) << "seed " << seed;
  }
}

TEST(BackupAcceptance, AnArchiveThatStopsFailsTheJob) {
  io::SimWorld world(1);
  BackedUpTenant source(
      world, {.engine = engine::SmallEngine(), .backup = SmallBackup(), .when_archived = {}});
  ASSERT_OK(source.Create());
  bool asked = false;
  const ReportBackup report = [&](const BackupProgress& progress) {
    if (progress.stage != SetTaskStatus::kBackupDataMinor || std::exchange(asked, true)) return;
    const auto stop = [](BackedUpTenant& tenant) -> io::Task<void> {
      (void)co_await tenant.archiver().NoArchiveLog();
    };
    world.loop().Spawn(stop(source));
  };
  const auto set = source.Full(report);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code(), ErrorCode::kLogArchiveNotRunning) << set.error().ToString();
  EXPECT_EQ(source.backup().sets().back().status, BackupSetStatus::kFailed);
}

// ---- Open transactions

TEST(BackupCheckpoint, ATransactionThatStaysOpenTimesTheBackupOut) {
  io::SimWorld world(1);
  BackedUpTenant source(world);
  ASSERT_OK(source.Create());
  const auto table = source.CreateTable("t", 2);
  ASSERT_NE(table, nullptr);
  auto tx = source.tenant().Begin();
  ASSERT_OK(tx);
  const std::vector row{format::Datum::Int(1), format::Datum::Int(1)};
  ASSERT_OK(source.Run((*tx)->Put(*table, row)));
  const auto set = source.Full();
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code(), ErrorCode::kBackupAdvanceCheckpointTimeout)
      << set.error().ToString();
  ASSERT_OK(source.Run((*tx)->Commit()));
  ASSERT_OK(source.Full());
  EXPECT_EQ(Check(source).Text(), "");
}

}  // namespace
}  // namespace obbak::backup
