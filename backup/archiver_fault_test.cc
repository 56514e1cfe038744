// What the archiver does when the destination fails, or the log is gone before it was archived.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backup/archiver_test_support.h"

namespace obbak::backup {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr format::LsId kFirstUserLs{1001};

ErrorCode CodeOf(const Status& status) { return status ? ErrorCode{} : status.error().code(); }

bool Changes(const io::SimOperation& operation) {
  using Kind = io::SimOperation::Kind;
  switch (operation.kind) {
    case Kind::kWrite:
    case Kind::kDurableWrite:
    case Kind::kAllocate:
    case Kind::kCreate:
    case Kind::kRename:
    case Kind::kMakeDirectory:
      return true;
    default:
      return false;
  }
}

// Everything that changes the destination fails.
io::SimDisk::Observer Failing(io::SimFault fault) {
  return [fault](const io::SimOperation& operation) {
    const bool is_there = operation.path.starts_with("/archive/");
    return is_there && Changes(operation) ? fault : io::SimFault::kNone;
  };
}

// ---- The destination

TEST(ArchiverFault, ADestinationThatIsFullIsReportedAndTriedAgain) {
  for (const auto& [fault, code] :
       {std::pair(io::SimFault::kNoSpace, ErrorCode::kBackupDeviceOutOfSpace),
        std::pair(io::SimFault::kIoError, ErrorCode::kIoError)}) {
    ArchivedTenant tenant;
    ASSERT_OK(tenant.Create());
    ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, seconds(60))));
    ASSERT_OK(tenant.Put(3));
    tenant.disk().Observe(Failing(fault));
    tenant.Advance(minutes(2));
    // Commits do not care.
    ASSERT_OK(tenant.Put(3));
    EXPECT_EQ(CodeOf(tenant.Run(tenant.archiver().CatchUp())), code);
    const ArchiveStatus status = tenant.archiver().status();
    EXPECT_EQ(status.round->state, RoundState::kDoing);
    EXPECT_NE(status.round->comment.find("/archive/"), std::string::npos) << status.round->comment;

    tenant.disk().Observe({});
    const format::Scn committed = tenant.tenant().snapshot();
    ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
    EXPECT_TRUE(tenant.archiver().status().round->comment.empty());
    EXPECT_GE(*tenant.Check().RestorableUpTo(), committed);
  }
}

TEST(ArchiverFault, EveryOperationMayFailOnce) {
  std::uint64_t operations = 0;
  for (std::uint64_t failing = 0; failing <= operations; failing += failing < 2 ? 1 : 5) {
    SCOPED_TRACE("operation " + std::to_string(failing));
    ArchivedTenant tenant;
    ASSERT_OK(tenant.Create());
    ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, seconds(60))));
    ASSERT_OK(tenant.Put(3));
    tenant.Advance(minutes(2));
    ASSERT_OK(tenant.Put(3));
    std::uint64_t seen = 0;
    tenant.disk().Observe([&](const io::SimOperation& operation) {
      if (!operation.path.starts_with("/archive")) return io::SimFault::kNone;
      return ++seen == failing ? io::SimFault::kIoError : io::SimFault::kNone;
    });
    const format::Scn committed = tenant.tenant().snapshot();
    const Status first = tenant.Run(tenant.archiver().CatchUp());
    if (failing == 0) {
      ASSERT_OK(first);
      operations = seen;
      EXPECT_GT(operations, 50U);
    }
    if (!first) {
      ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
    }
    const ArchiveChecker checker = tenant.Check();
    EXPECT_GE(*checker.RestorableUpTo(), committed);
    ASSERT_OK(tenant.StopArchiving());
    tenant.Check();
    if (HasFailure()) return;
  }
}

TEST(ArchiverFault, ADirectoryThatIsNotMountedIsNotFilled) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, days(1))));
  ASSERT_OK(tenant.Put(3));
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  ASSERT_OK(tenant.Run(tenant.disk().Rename("/archive", "/elsewhere")));
  ASSERT_OK(tenant.Run(tenant.disk().MakeDirectory("/archive")));
  ASSERT_OK(tenant.Put(3));
  EXPECT_EQ(CodeOf(tenant.Run(tenant.archiver().CatchUp())), ErrorCode::kBackupFormatFileNotExist);
  EXPECT_TRUE(TreeOf(tenant.disk().image(), "/archive").empty());
  EXPECT_EQ(tenant.archiver().status().round->state, RoundState::kDoing);

  ASSERT_OK(tenant.Run(tenant.disk().Remove("/archive")));
  ASSERT_OK(tenant.Run(tenant.disk().Rename("/elsewhere", "/archive")));
  const format::Scn committed = tenant.tenant().snapshot();
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  EXPECT_GE(*tenant.Check().RestorableUpTo(), committed);
}

TEST(ArchiverFault, ARoundStopsAfterTenMinutesEvenIfTheDestinationIsGone) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, days(1))));
  ASSERT_OK(tenant.Put(3));
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  tenant.disk().Observe(Failing(io::SimFault::kIoError));
  ASSERT_OK(tenant.Run(tenant.archiver().NoArchiveLog()));
  EXPECT_EQ(CodeOf(tenant.Run(tenant.archiver().AwaitState())), ErrorCode::kIoError);
  EXPECT_EQ(tenant.archiver().status().round->state, RoundState::kStopping);
  tenant.Advance(minutes(11));
  ASSERT_OK(tenant.Run(tenant.archiver().AwaitState()));
  EXPECT_EQ(tenant.archiver().status().round->state, RoundState::kStop);
}

TEST(ArchiverFault, LogsThatAreLostInTheArchiveInterruptTheRound) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, days(1))));
  ASSERT_OK(tenant.Put(6));
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  tenant.Close();
  ASSERT_OK(
      tenant.Run(tenant.disk().Remove("/archive/piece_d1001r1p1/logstream_1001/log/1.obarc")));
  ASSERT_OK(tenant.Open());
  ASSERT_OK(tenant.Put(3));
  const Status caught_up = tenant.Run(tenant.archiver().CatchUp());
  EXPECT_EQ(CodeOf(caught_up), ErrorCode::kLogArchiveInterrupted);
  EXPECT_NE(caught_up.error().message().find("SEND LOG TO ARCHIVE_DEST ERROR"), std::string::npos);
  EXPECT_EQ(tenant.archiver().status().round->comment, "log stream 1001 interrupted.");
  EXPECT_EQ(CodeOf(tenant.Run(tenant.archiver().AwaitState())), ErrorCode::kLogArchiveInterrupted);
  // Only a new round helps, and what there is of this one is no log to restore from.
  ASSERT_OK(tenant.StopArchiving());
  const auto piece = tenant.archiver().status().pieces.at(0);
  EXPECT_EQ(piece.status.value, format::ArchivePieceStatus::kFrozen);
  EXPECT_EQ(piece.file_status, format::BackupFileStatus::kBroken);
  ASSERT_OK(tenant.Run(tenant.archiver().ArchiveLog()));
  ASSERT_OK(tenant.Run(tenant.archiver().AwaitState()));
  EXPECT_EQ(tenant.archiver().status().round->round.value, 2);
}

TEST(ArchiverFault, OldCheckpointMarksThatCannotBeRemovedHoldUpNothing) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, days(1))));
  tenant.disk().Observe([](const io::SimOperation& operation) {
    const bool removes = operation.kind == io::SimOperation::Kind::kRemove &&
                         operation.path.find("/checkpoint_info.") != std::string::npos;
    return removes ? io::SimFault::kIoError : io::SimFault::kNone;
  });
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(tenant.Put(3));
    ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  }
  const auto marks = [&] {
    const auto tree = TreeOf(tenant.disk().image(), kArchiveDir);
    return std::ranges::count_if(tree, [](const auto& file) {
      return file.first.find("/checkpoint_info.") != std::string::npos;
    });
  };
  EXPECT_GT(marks(), 3);
  tenant.disk().Observe({});
  ASSERT_OK(tenant.Put(3));
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  EXPECT_EQ(marks(), 2);
  tenant.Check();
}

io::Task<Status> CutInHalf(io::Medium& medium, std::string path) {
  const auto bytes = co_await io::ReadAll(medium, path, std::uint64_t{64} << 20);
  if (!bytes) co_return Fail(bytes.error());
  co_return co_await medium.Put(path, ByteView(*bytes).first(bytes->size() / 2));
}

TEST(ArchiverFault, APieceWhoseLogIsLostWhenTheRoundStopsIsBroken) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, seconds(60))));
  ASSERT_OK(tenant.Put(6));
  tenant.Advance(minutes(1));
  ASSERT_OK(tenant.Put(6));
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  const auto medium = io::DirectoryMedia(tenant.world().loop(),
                                         tenant.disk())(*io::BackupDest::Parse("file:///archive"));
  ASSERT_OK(medium);
  ASSERT_OK(tenant.Run(CutInHalf(**medium, "piece_d1001r1p2/logstream_1001/log/1.obarc")));
  ASSERT_OK(tenant.StopArchiving());
  const auto pieces = tenant.archiver().status().pieces;
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].file_status, format::BackupFileStatus::kAvailable);
  EXPECT_EQ(pieces[1].file_status, format::BackupFileStatus::kBroken);
  const auto tree = TreeOf(tenant.disk().image(), kArchiveDir);
  const auto single = format::MetadataFile<format::SinglePieceDesc>::Read(
      tree.at("piece_d1001r1p2/single_piece_info.obarc"));
  ASSERT_OK(single);
  EXPECT_EQ(single->piece, pieces[1]);
}

TEST(ArchiverFault, ARoundThatStopsWaitsForADirectoryThatIsNotMounted) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, days(1))));
  ASSERT_OK(tenant.Put(3));
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  ASSERT_OK(tenant.Run(tenant.disk().Rename("/archive", "/elsewhere")));
  EXPECT_EQ(CodeOf(tenant.StopArchiving()), ErrorCode::kBackupFormatFileNotExist);
  EXPECT_EQ(tenant.archiver().status().round->state, RoundState::kStopping);
  ASSERT_OK(tenant.Run(tenant.disk().Rename("/elsewhere", "/archive")));
  ASSERT_OK(tenant.Run(tenant.archiver().AwaitState()));
  EXPECT_EQ(tenant.archiver().status().pieces.at(0).file_status,
            format::BackupFileStatus::kAvailable);
  tenant.Check();
}

class ForwardingMedium : public io::Medium {
 public:
  ForwardingMedium(std::unique_ptr<io::Medium> medium, io::Loop& loop)
      : medium_(std::move(medium)), loop_(loop) {}

  const std::string& location() const override { return medium_->location(); }
  io::Task<Result<std::vector<io::DirEntry>>> List(std::string path) override {
    return medium_->List(std::move(path));
  }
  io::Task<Result<bool>> Exists(std::string path) override {
    return medium_->Exists(std::move(path));
  }
  io::Task<Result<std::unique_ptr<io::MediumReader>>> Open(std::string path) override {
    return medium_->Open(std::move(path));
  }
  io::Task<Status> Put(std::string path, ByteView bytes) override {
    return medium_->Put(std::move(path), bytes);
  }
  io::Task<Result<std::unique_ptr<io::MediumWriter>>> Create(std::string path) override {
    return medium_->Create(std::move(path));
  }
  io::Task<Status> Append(std::string path, std::uint64_t offset, ByteView bytes) override {
    return medium_->Append(std::move(path), offset, bytes);
  }
  io::Task<Status> Remove(std::string path) override { return medium_->Remove(std::move(path)); }
  io::Task<Status> RemoveDirectory(std::string path) override {
    return medium_->RemoveDirectory(std::move(path));
  }
  io::Task<Status> RemoveTemporaries() override { return medium_->RemoveTemporaries(); }

 protected:
  std::unique_ptr<io::Medium> medium_;
  io::Loop& loop_;
};

// A destination whose part for one log stream does not answer for a long time.
class SlowMedium final : public ForwardingMedium {
 public:
  SlowMedium(std::unique_ptr<io::Medium> medium, io::Loop& loop, std::string slow)
      : ForwardingMedium(std::move(medium), loop), slow_(std::move(slow)) {}

  io::Task<Status> Append(std::string path, std::uint64_t offset, ByteView bytes) override {
    if (path.find(slow_) != std::string::npos) (void)co_await loop_.Sleep(seconds(1000));
    co_return co_await medium_->Append(std::move(path), offset, bytes);
  }

 private:
  std::string slow_;
};

// Takes its time, and is there as long as somebody waits for it.
class SleepyMedium final : public ForwardingMedium {
 public:
  using ForwardingMedium::ForwardingMedium;
  ~SleepyMedium() override { EXPECT_EQ(calls_, 0); }

  io::Task<Status> Put(std::string path, ByteView bytes) override {
    ++calls_;
    (void)co_await loop_.Sleep(seconds(1));
    --calls_;
    co_return co_await medium_->Put(std::move(path), bytes);
  }
  io::Task<Status> RemoveTemporaries() override {
    ++calls_;
    (void)co_await loop_.Sleep(seconds(1));
    --calls_;
    co_return co_await medium_->RemoveTemporaries();
  }

 private:
  int calls_ = 0;
};

TEST(ArchiverFault, ALogStreamThatIsSlowHoldsUpNoOther) {
  ArchiveOptions archive = QuietArchive();
  archive.background = true;
  ArchivedTenant tenant;
  const io::MediumFactory directories = io::DirectoryMedia(tenant.world().loop(), tenant.disk());
  std::string slow = "nothing";
  tenant.UseMedia([&](const io::BackupDest& dest) -> Result<std::unique_ptr<io::Medium>> {
    auto medium = directories(dest);
    if (!medium) return medium;
    return std::make_unique<SlowMedium>(*std::move(medium), tenant.world().loop(), slow);
  });
  ASSERT_OK(tenant.Create({}, archive));
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, days(1))));
  tenant.Close();
  slow = "logstream_1001/";
  ASSERT_OK(tenant.Open(archive));
  ASSERT_OK(tenant.Put(20));
  ASSERT_OK(tenant.Run(tenant.world().loop().Sleep(seconds(30))));
  for (const LsArchiveStatus& ls : tenant.archiver().status().log_streams) {
    const format::Lsn end = tenant.core().streams.at(ls.ls)->clog().durable_end_lsn();
    EXPECT_EQ(ls.archived_lsn < end, ls.ls == kFirstUserLs) << ls.ls.value;
  }
}

// Sets a destination while another task works with the one before.
io::Task<void> SetDestMeanwhile(Archiver& archiver, Status& result) {
  io::LogArchiveDest dest = DestAt("/archive2", days(1));
  result = co_await archiver.SetDest(std::move(dest));
}
io::Task<Status> ArchiveWhileTheDestinationChanges(ArchivedTenant& tenant,
                                                   std::chrono::milliseconds head_start) {
  io::Loop& loop = tenant.world().loop();
  Status set;
  io::TaskGroup group(loop);
  group.Spawn(SetDestMeanwhile(tenant.archiver(), set));
  (void)co_await loop.Sleep(head_start);
  Status status = co_await tenant.archiver().ArchiveLog();
  if (status) status = co_await tenant.archiver().AwaitState();
  co_await group.Join();
  co_return set ? status : set;
}

TEST(ArchiverFault, WhoWorksWithADestinationKeepsItWhileAnotherIsSet) {
  // In the background the first pass takes a second, and nothing may be set while it runs.
  for (const auto& [background, head_start] :
       {std::pair(false, milliseconds(0)), std::pair(false, milliseconds(500)),
        std::pair(true, milliseconds(1500))}) {
    ArchiveOptions archive = QuietArchive();
    ArchivedTenant tenant;
    const io::MediumFactory directories = io::DirectoryMedia(tenant.world().loop(), tenant.disk());
    tenant.UseMedia([&](const io::BackupDest& dest) -> Result<std::unique_ptr<io::Medium>> {
      auto medium = directories(dest);
      if (!medium) return medium;
      return std::make_unique<SleepyMedium>(*std::move(medium), tenant.world().loop());
    });
    ASSERT_OK(tenant.Create({}, archive));
    ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, days(1))));
    ASSERT_OK(tenant.StopArchiving());
    tenant.Close();
    archive.background = background;
    ASSERT_OK(tenant.Open(archive));
    ASSERT_OK(tenant.Run(ArchiveWhileTheDestinationChanges(tenant, head_start)));
    EXPECT_EQ(tenant.archiver().status().round->path, "file:///archive2");
    EXPECT_EQ(tenant.archiver().status().round->state, RoundState::kDoing);
  }
}

// ---- The log

TEST(ArchiverFault, ABlockThatIsRecycledBeforeItIsArchivedInterruptsAnOptionalRound) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, days(1))));
  ASSERT_OK(tenant.PutMebibytes(70));
  ASSERT_OK(tenant.Run(tenant.tenant().Flush()));
  ASSERT_GT(tenant.BigClog().base_lsn().value, 0U);
  const Status caught_up = tenant.Run(tenant.archiver().CatchUp());
  EXPECT_EQ(CodeOf(caught_up), ErrorCode::kLogArchiveInterrupted);
  EXPECT_NE(caught_up.error().message().find("OBSERVER CLOG RECYCLED BEFORE ARCHIVED"),
            std::string::npos)
      << caught_up.error().ToString();
  EXPECT_EQ(tenant.archiver().status().round->state, RoundState::kInterrupted);
  tenant.Check();
  ASSERT_OK(tenant.StopArchiving());
  tenant.Check();
  ASSERT_OK(tenant.Run(tenant.archiver().ArchiveLog()));
  ASSERT_OK(tenant.Run(tenant.archiver().AwaitState()));
  const format::Scn committed = tenant.tenant().snapshot();
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  EXPECT_GE(*tenant.Check().RestorableUpTo(), committed);
}

TEST(ArchiverFault, AMandatoryRoundKeepsTheLogUntilItIsArchived) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, days(1), io::ArchiveBinding::kMandatory)));
  ASSERT_OK(tenant.PutMebibytes(70));
  ASSERT_OK(tenant.Run(tenant.tenant().Flush()));
  const auto base = [&] { return tenant.BigClog().base_lsn(); };
  EXPECT_EQ(base().value, 0U);
  tenant.Close();
  ASSERT_OK(tenant.Open());
  ASSERT_OK(tenant.Run(tenant.tenant().Flush()));
  EXPECT_EQ(base().value, 0U) << "also after it was opened again";

  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  const ArchiveChecker checker = tenant.Check();
  EXPECT_EQ(checker.logs().at({{1}, tenant.BigLs()}).begin.value, 0U);
  ASSERT_OK(tenant.Run(tenant.tenant().Flush()));
  EXPECT_GT(base().value, 0U) << "what is archived may go";
}

}  // namespace
}  // namespace obbak::backup
