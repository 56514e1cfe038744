// What a restore takes, and what it refuses: chains, rounds, gaps, points in time; and what becomes
// of the restored tenant afterwards.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "e2e/history_test_support.h"
#include "restore/archived_logs.h"

namespace obbak::e2e {
namespace {

using format::BackupType;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kHour = 3600 * kSecond;

// Each test gets a tenant with three tables, an archive that is DOING and a data destination.
class RestoreCases : public testing::Test {
 protected:
  void Begin(Source::Options options = {}) {
    source_ = std::make_unique<Source>(world_, std::move(options));
    workload_ = std::make_unique<Workload>(*source_, history_, 5);
    ASSERT_TRUE(Good(source_->Create()));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(Good(workload_->CreateTable()));
    ASSERT_TRUE(Good(source_->StartArchive()));
    ASSERT_TRUE(Good(source_->SetDataDest()));
  }
  void TearDown() override {
    if (restored_ != nullptr) {
      EXPECT_TRUE(Good(world_.loop().Run(restored_->Close())));
    }
  }

  static bool Good(const Status& status) {
    EXPECT_TRUE(status) << status.error().ToString();
    return status.has_value();
  }
  format::BackupSetFileDesc Backup(BackupType type, bool plus_archivelog = false) {
    const auto set = source_->Backup(type, plus_archivelog);
    EXPECT_TRUE(set) << set.error().ToString();
    return set.value_or(format::BackupSetFileDesc());
  }
  void Write() { ASSERT_TRUE(Good(workload_->Write(2, 8))); }
  Scn CatchUp() {
    EXPECT_TRUE(Good(source_->Run(source_->archiver().CatchUp())));
    return source_->archiver().status().round->checkpoint_scn;
  }
  // Restores, and compares with the history.
  void ExpectRestores(Scn scn, const std::vector<std::string>& uris = {kDataUri, kArchiveUri}) {
    Restorer restorer(world_);
    auto restored = restorer.RestoreTo({.scn = scn, .time = {}}, NewDir(), uris);
    ASSERT_TRUE(restored) << restored.error().ToString();
    ExpectHistory(world_, *restored->tenant, history_, scn);
    ASSERT_TRUE(Good(world_.loop().Run(restored->tenant->Close())));
  }
  void ExpectRefused(restore::RestorePoint point, ErrorCode code,
                     const std::vector<std::string>& uris = {kDataUri, kArchiveUri}) {
    Restorer restorer(world_);
    const auto source = restorer.OpenSource(uris);
    ASSERT_TRUE(source) << source.error().ToString();
    const auto plan = restorer.Plan(*source, std::move(point));
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code(), code) << plan.error().ToString();
  }
  std::string NewDir() { return "/restored" + std::to_string(next_dir_++); }

  io::SimWorld world_{11};
  History history_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<Workload> workload_;
  std::unique_ptr<Tenant> restored_;
  int next_dir_ = 1;
};

TEST_F(RestoreCases, AChainOfAFullSetAndThreeIncrementalOnes) {
  Begin();
  std::vector<format::BackupSetFileDesc> sets;
  for (const auto type :
       {BackupType::kFull, BackupType::kInc, BackupType::kInc, BackupType::kInc}) {
    Write();
    const auto compacted = source_->Run(source_->tenant().CompactMajor());
    ASSERT_TRUE(compacted) << compacted.error().ToString();
    sets.push_back(Backup(type));
  }
  Write();
  const Scn last = CatchUp();
  Restorer restorer(world_);
  const auto source = restorer.OpenSource({kDataUri, kArchiveUri});
  ASSERT_TRUE(source);
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const auto plan = restorer.Plan(*source, {.scn = sets[i].min_restore_scn, .time = {}});
    ASSERT_TRUE(plan) << plan.error().ToString();
    EXPECT_EQ(plan->sets.size(), i + 1);
    ExpectRestores(sets[i].min_restore_scn);
  }
  ExpectRestores(last);
  ExpectRefused({.scn = Scn{sets[0].min_restore_scn.value - 1}, .time = {}},
                ErrorCode::kEntryNotExist);
  ExpectRefused({.scn = Scn{last.value + 1}, .time = {}}, ErrorCode::kEntryNotExist);
}

TEST_F(RestoreCases, SaysHowFarItIs) {
  Begin();
  Write();
  ASSERT_TRUE(source_->Run(source_->tenant().CompactMajor()));
  Backup(BackupType::kFull);
  for (int i = 0; i < 5; ++i) Write();
  const Scn last = CatchUp();
  Restorer restorer(world_);
  const auto source = restorer.OpenSource({kDataUri, kArchiveUri});
  ASSERT_TRUE(source) << source.error().ToString();
  auto plan = restorer.Plan(*source, {.scn = last, .time = {}});
  ASSERT_TRUE(plan) << plan.error().ToString();
  std::map<restore::RestorePhase, std::vector<restore::RestoreProgress>> seen;
  restore::RestorePhase phase = restore::RestorePhase::kTablets;
  const auto restored = restorer.Restore(*source, *std::move(plan), NewDir(),
                                         [&](const restore::RestoreProgress& at) {
                                           EXPECT_LE(phase, at.phase);
                                           phase = at.phase;
                                           seen[phase].push_back(at);
                                         });
  ASSERT_TRUE(restored) << restored.error().ToString();
  EXPECT_EQ(phase, restore::RestorePhase::kDone);
  using restore::RestorePhase;
  for (const RestorePhase each : {RestorePhase::kMacroBlocks, RestorePhase::kLogs}) {
    const auto& reports = seen[each];
    ASSERT_GT(reports.size(), 1U);
    EXPECT_TRUE(std::ranges::is_sorted(reports, {}, &restore::RestoreProgress::bytes_done));
    EXPECT_TRUE(std::ranges::is_sorted(reports, {}, &restore::RestoreProgress::part_done));
    EXPECT_GT(reports.back().part_done, 0.5);
    EXPECT_LE(reports.back().part_done, 1);
  }
  EXPECT_EQ(seen[RestorePhase::kMacroBlocks].back().bytes_done, restored->data_bytes);
  EXPECT_EQ(seen[RestorePhase::kLogs].back().replayed_scn, last);
}

TEST_F(RestoreCases, WithoutAPointItGoesAsFarAsTheArchive) {
  Begin();
  Write();
  Backup(BackupType::kFull);
  Write();
  const Scn last = CatchUp();
  Restorer restorer(world_);
  auto restored = restorer.RestoreTo({}, NewDir());
  ASSERT_TRUE(restored) << restored.error().ToString();
  EXPECT_EQ(restored->summary.restore_scn, last);
  ExpectHistory(world_, *restored->tenant, history_, last);
  restored_ = std::move(restored->tenant);
}

TEST_F(RestoreCases, ATimeIsTakenInTheBackupTenantsZone) {
  Begin();
  Write();
  const auto set = Backup(BackupType::kFull);
  Write();
  const Scn last = CatchUp();
  ASSERT_TRUE(source_->Run(world_.loop().Sleep(std::chrono::seconds(3))));
  Write();
  CatchUp();
  // 2024-01-01 00:00:00 in UTC, which is the tenant's zone.
  const std::uint64_t nanos = last.value - io::SimWorld::kStartNs;
  const std::string time = "2024-01-01 00:00:" + std::string(nanos / kSecond < 10 ? "0" : "") +
                           std::to_string(nanos / kSecond) + "." +
                           std::to_string(kSecond + nanos % kSecond).substr(1);
  ASSERT_LT(nanos / kSecond, 60);
  Restorer restorer(world_);
  auto restored = restorer.RestoreTo({.scn = {}, .time = time}, NewDir());
  ASSERT_TRUE(restored) << restored.error().ToString();
  EXPECT_EQ(restored->summary.restore_scn, last);
  ExpectHistory(world_, *restored->tenant, history_, last);
  restored_ = std::move(restored->tenant);
}

TEST_F(RestoreCases, BetweenTwoRoundsThereIsAGap) {
  Begin();
  Write();
  Backup(BackupType::kFull);
  Write();
  const Scn end = CatchUp();
  ASSERT_TRUE(Good(source_->Run(source_->archiver().NoArchiveLog())));
  ASSERT_TRUE(Good(source_->Run(source_->archiver().AwaitState())));
  Write();
  const Scn inside = source_->tenant().snapshot();
  Write();
  ASSERT_TRUE(Good(source_->Run(source_->archiver().ArchiveLog())));
  ASSERT_TRUE(Good(source_->Run(source_->archiver().AwaitState())));
  Write();
  const Scn without_set = CatchUp();
  ExpectRestores(end);
  ExpectRefused({.scn = inside, .time = {}}, ErrorCode::kEntryNotExist);
  ExpectRefused({.scn = without_set, .time = {}}, ErrorCode::kEntryNotExist);
  Write();
  const auto set = Backup(BackupType::kFull);
  Write();
  const Scn last = CatchUp();
  ExpectRestores(set.min_restore_scn);
  ExpectRestores(last);
  ExpectRestores(end);
}

TEST_F(RestoreCases, PiecesWithoutLogsAreNoGap) {
  Begin({.piece_interval = std::chrono::seconds(10)});
  Write();
  Backup(BackupType::kFull);
  Write();
  CatchUp();
  ASSERT_TRUE(source_->Run(world_.loop().Sleep(std::chrono::seconds(35))));
  Write();
  const Scn after = CatchUp();
  ASSERT_TRUE(source_->Run(world_.loop().Sleep(std::chrono::seconds(12))));
  Write();
  CatchUp();
  ExpectRestores(after);
  for (const Scn version : history_.versions()) {
    if (version > after) {
      ExpectRestores(version);
      break;
    }
  }
}

// That there is no log in a pause is known only by the log behind it.
TEST_F(RestoreCases, APointInAPauseNeedsTheLogBehindIt) {
  Begin({.piece_interval = std::chrono::seconds(10)});
  Write();
  Backup(BackupType::kFull);
  Write();
  const Scn before = CatchUp();
  ASSERT_TRUE(source_->Run(world_.loop().Sleep(std::chrono::seconds(35))));
  std::vector<Scn> pause;
  for (std::uint64_t i = 1; i < 7; ++i) pause.push_back(Scn{before.value + i * 5 * kSecond});
  for (const Scn point : pause)
    ExpectRefused({.scn = point, .time = {}}, ErrorCode::kEntryNotExist);
  Write();
  const Scn after = CatchUp();
  for (const Scn point : pause) ExpectRestores(point);
  ExpectRestores(after);
}

// What lies behind the last log cannot be reached, however many pieces follow.
TEST_F(RestoreCases, ARoundThatWasStoppedInAPauseGoesAsFarAsItsLog) {
  Begin({.piece_interval = std::chrono::seconds(10)});
  Write();
  Backup(BackupType::kFull);
  Write();
  const Scn last = CatchUp();
  ASSERT_TRUE(source_->Run(world_.loop().Sleep(std::chrono::seconds(35))));
  ASSERT_TRUE(Good(source_->Run(source_->archiver().NoArchiveLog())));
  ASSERT_TRUE(Good(source_->Run(source_->archiver().AwaitState())));
  ExpectRefused({.scn = Scn{last.value + 20 * kSecond}, .time = {}}, ErrorCode::kEntryNotExist);
  Restorer restorer(world_);
  auto restored = restorer.RestoreTo({}, NewDir());
  ASSERT_TRUE(restored) << restored.error().ToString();
  EXPECT_GE(restored->summary.restore_scn, last);
  ExpectHistory(world_, *restored->tenant, history_, last);
  restored_ = std::move(restored->tenant);
}

TEST_F(RestoreCases, ASetWithItsLogsNeedsNoArchive) {
  Begin();
  Write();
  const auto set = Backup(BackupType::kFull, /*plus_archivelog=*/true);
  Write();
  CatchUp();
  Restorer restorer(world_);
  auto restored = restorer.RestoreTo({}, NewDir(), {kDataUri});
  ASSERT_TRUE(restored) << restored.error().ToString();
  EXPECT_EQ(restored->summary.restore_scn, set.min_restore_scn);
  ExpectHistory(world_, *restored->tenant, history_, set.min_restore_scn);
  restored_ = std::move(restored->tenant);
}

TEST_F(RestoreCases, ASetWithItsLogsMayEndAtABorderOfPieces) {
  Begin();
  Write();
  bool is_over = false;
  const backup::ReportBackup report = [&](const backup::BackupProgress& progress) {
    const bool is_log = progress.stage == backup::SetTaskStatus::kBackupLog;
    if (is_log && !std::exchange(is_over, true)) world_.clock().Advance(60 * kHour);
  };
  backup::BackupRequest request{.plus_archivelog = true, .description = {}};
  const auto set = source_->Run(source_->backup().Run(std::move(request), report));
  ASSERT_TRUE(set) << set.error().ToString();
  EXPECT_GT(source_->archiver().status().pieces.size(), 2U);
  Restorer restorer(world_);
  auto restored = restorer.RestoreTo({}, NewDir(), {kDataUri});
  ASSERT_TRUE(restored) << restored.error().ToString();
  ExpectHistory(world_, *restored->tenant, history_, set->min_restore_scn);
  restored_ = std::move(restored->tenant);
}

io::Task<void> FreezeThePiece(Source& source) {
  source.world().clock().Advance(30 * kHour);
  const Status archived = co_await source.archiver().CatchUp();
  EXPECT_TRUE(archived) << archived.error().ToString();
}

TEST_F(RestoreCases, ASetWithItsLogsMayBeCopiedWhileThePieceIsFrozen) {
  Begin();
  Write();
  bool is_begun = false;
  const backup::ReportBackup report = [&](const backup::BackupProgress& progress) {
    if (progress.stage != backup::SetTaskStatus::kBackupLog || progress.bytes_done == 0) return;
    if (!std::exchange(is_begun, true)) world_.loop().Spawn(FreezeThePiece(*source_));
  };
  backup::BackupRequest request{.plus_archivelog = true, .description = {}};
  const auto set = source_->Run(source_->backup().Run(std::move(request), report));
  ASSERT_TRUE(set) << set.error().ToString();
  CatchUp();
  EXPECT_EQ(source_->archiver().status().pieces.size(), 2U);
  Restorer restorer(world_);
  auto restored = restorer.RestoreTo({}, NewDir(), {kDataUri});
  ASSERT_TRUE(restored) << restored.error().ToString();
  ExpectHistory(world_, *restored->tenant, history_, set->min_restore_scn);
  restored_ = std::move(restored->tenant);
}

TEST_F(RestoreCases, ASetWithoutItsLogsNeedsAnArchive) {
  Begin();
  Backup(BackupType::kFull);
  Restorer restorer(world_);
  const auto restored = restorer.RestoreTo({}, NewDir(), {kDataUri});
  EXPECT_FALSE(restored);
}

TEST_F(RestoreCases, AnEmptyTenant) {
  source_ = std::make_unique<Source>(world_, Source::Options{});
  ASSERT_TRUE(Good(source_->Create()));
  ASSERT_TRUE(Good(source_->StartArchive()));
  ASSERT_TRUE(Good(source_->SetDataDest()));
  const auto set = Backup(BackupType::kFull);
  ExpectRestores(CatchUp());
  ExpectRestores(set.min_restore_scn);
}

TEST_F(RestoreCases, ATableThatIsNewSinceTheSet) {
  Begin();
  Write();
  Backup(BackupType::kFull);
  ASSERT_TRUE(Good(workload_->CreateTable()));
  Write();
  ASSERT_TRUE(Good(workload_->DropTable()));
  ASSERT_TRUE(Good(workload_->MoveTablet()));
  Write();
  ExpectRestores(CatchUp());
}

io::Task<void> MoveAndWrite(Workload& workload, int times, Status& result) {
  for (int i = 0; i < times && result; ++i) {
    Status status = co_await workload.WriteBeside(2, 2);
    if (status) status = co_await workload.MoveOne();
    if (status && i % 3 == 0) status = co_await workload.CreateOne();
    if (status && i % 3 == 1) status = co_await workload.DropOne();
    if (!status) result = std::move(status);
  }
}

io::Task<Result<format::BackupSetFileDesc>> BackUpBeside(Source& source, Workload& workload,
                                                         BackupType type, Status& worked) {
  io::TaskGroup beside(source.world().loop());
  beside.Spawn(MoveAndWrite(workload, 12, worked));
  backup::BackupRequest request;
  request.type = type;
  auto set = co_await source.backup().Run(std::move(request));
  co_await beside.Join();
  co_return set;
}

TEST_F(RestoreCases, TabletsComeGoAndMoveWhileTheyAreBackedUp) {
  Begin();
  Write();
  for (int i = 0; i < 4; ++i) {
    Status worked;
    const auto set = source_->Run(
        BackUpBeside(*source_, *workload_, i == 0 ? BackupType::kFull : BackupType::kInc, worked));
    ASSERT_TRUE(set) << set.error().ToString();
    ASSERT_TRUE(Good(worked));
    CatchUp();
    ExpectRestores(set->min_restore_scn);
    Write();
    ExpectRestores(CatchUp());
    if (HasFailure()) return;
  }
}

io::Task<void> WriteUntil(Workload& workload, const bool& done, Status& result) {
  while (!done && result) {
    Status status = co_await workload.WriteBeside(8, 3);
    if (!status) result = std::move(status);
  }
}

io::Task<Result<format::BackupSetFileDesc>> BackUpBesideWriters(Source& source, Workload& workload,
                                                                Status& worked) {
  io::TaskGroup beside(source.world().loop());
  bool done = false;
  beside.Spawn(WriteUntil(workload, done, worked));
  auto set = co_await source.backup().Run(backup::BackupRequest());
  done = true;
  co_await beside.Join();
  co_return set;
}

// Their transactions overlap all the time, and checkpoints move on nevertheless.
TEST_F(RestoreCases, WritersWithoutPauseDoNotHoldUpABackup) {
  Source::Options options;
  options.backup.patience = std::chrono::seconds(20);
  Begin(std::move(options));
  Status worked;
  const auto set = source_->Run(BackUpBesideWriters(*source_, *workload_, worked));
  ASSERT_TRUE(set) << set.error().ToString();
  ASSERT_TRUE(Good(worked));
  const Scn last = CatchUp();
  ExpectRestores(set->min_restore_scn);
  ExpectRestores(last);
}

TEST_F(RestoreCases, ALogThatEndsInTheMiddleOfAGroupSaysWhere) {
  Begin();
  Write();
  Backup(BackupType::kFull);
  Write();
  const Scn last = CatchUp();
  Restorer restorer(world_);
  const auto source = restorer.OpenSource({kDataUri, kArchiveUri});
  ASSERT_TRUE(source) << source.error().ToString();
  const auto plan = restorer.Plan(*source, {.scn = last, .time = {}});
  ASSERT_TRUE(plan) << plan.error().ToString();
  const std::string path = "piece_d1001r1p1/logstream_1001/log/1.obarc";
  io::Medium& archive = *source->archive_media[0];
  const auto file = world_.loop().Run(io::ReadAll(archive, path, std::uint64_t{1} << 30));
  ASSERT_TRUE(file) << file.error().ToString();
  ASSERT_TRUE(
      Good(world_.loop().Run(archive.Put(path, ByteView(*file).first(file->size() * 3 / 4)))));

  restore::ArchivedLogs logs(source->archive(0), plan->pieces);
  const auto log = world_.loop().Run(logs.Open({1001}, format::Lsn{0}));
  ASSERT_TRUE(log) << log.error().ToString();
  bool has_more = true;
  while (has_more) {
    EXPECT_FALSE((*log)->EndReason());
    const auto group = world_.loop().Run((*log)->Next());
    ASSERT_TRUE(group) << group.error().ToString();
    has_more = group->has_value();
  }
  const std::optional<Error> reason = (*log)->EndReason();
  ASSERT_TRUE(reason);
  EXPECT_TRUE(reason->path().ends_with(path)) << reason->ToString();
  EXPECT_TRUE(reason->offset()) << reason->ToString();

  const auto restored = restorer.Restore(*source, *plan, NewDir());
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code(), ErrorCode::kEntryNotExist);
  EXPECT_EQ(restored.error().path(), reason->path());
  EXPECT_EQ(restored.error().offset(), reason->offset());
}

// A set that lists a tablet, but lost its data, is not restored without it.
TEST_F(RestoreCases, ATabletWithoutDataMustHaveBeenDropped) {
  Begin();
  Write();
  ASSERT_TRUE(source_->Run(source_->tenant().CompactMajor()));
  Backup(BackupType::kFull);
  Write();
  const Scn before = CatchUp();
  const std::string name = workload_->tables().front();
  const auto table = source_->tenant().catalog().ResolveTable(name);
  ASSERT_TRUE(table);
  const format::TabletId tablet = (*table)->tablets().front();
  ASSERT_TRUE(Good(workload_->DropTable()));
  const Scn after = CatchUp();
  const auto data = io::MakeDirectoryMedium(world_.loop(), world_.disk(), "/data", kDataUri);
  const auto lose = [&](const std::string& type) {
    const std::string path = "backup_set_1_full/infos/" + type + "_data_info_turn_1/tenant_" +
                             type + "_data_meta_index.0.obbak";
    const auto file = world_.loop().Run(io::ReadAll(*data, path, std::uint64_t{1} << 20));
    ASSERT_TRUE(file) << file.error().ToString();
    const Bytes without = FilteredMetaIndex(
        *file, [&](const auto& entry) { return entry.meta_key.tablet_id != tablet; });
    ASSERT_TRUE(Good(world_.loop().Run(data->Put(path, without))));
  };
  Restorer restorer(world_);
  for (const std::string type : {"major", "minor"}) {
    lose(type);
    const std::string dir = NewDir();
    const auto restored = restorer.RestoreTo({.scn = before, .time = {}}, dir);
    ASSERT_FALSE(restored);
    EXPECT_EQ(restored.error().code(), ErrorCode::kErrUnexpected) << restored.error().ToString();
    EXPECT_NE(restored.error().ToString().find("tablet " + std::to_string(tablet.value)),
              std::string::npos)
        << restored.error().ToString();
    EXPECT_FALSE(restorer.Open(dir));
    ExpectRestores(after);
  }
}

TEST_F(RestoreCases, AStandbyIsReadOnlyUntilItIsActivated) {
  Begin();
  Write();
  Backup(BackupType::kFull);
  Write();
  const Scn scn = CatchUp();
  Restorer restorer(world_);
  const std::string dir = NewDir();
  auto restored = restorer.RestoreTo({.scn = scn, .time = {}}, dir);
  ASSERT_TRUE(restored) << restored.error().ToString();
  const auto tx = restored->tenant->Begin();
  ASSERT_FALSE(tx);
  EXPECT_EQ(tx.error().code(), ErrorCode::kOpNotAllow) << tx.error().ToString();
  const Status dropped = world_.loop().Run(restored->tenant->DropTable(workload_->tables()[0]));
  ASSERT_FALSE(dropped);
  EXPECT_EQ(dropped.error().code(), ErrorCode::kOpNotAllow) << dropped.error().ToString();
  ASSERT_TRUE(Good(world_.loop().Run(restored->tenant->Close())));
  restored->tenant.reset();

  ASSERT_TRUE(Good(world_.loop().Run(
      restore::ActivateStandby(engine::EnvOf(world_), dir, engine::SmallEngine()))));
  auto primary = restorer.Open(dir);
  ASSERT_TRUE(primary) << primary.error().ToString();
  restored_ = *std::move(primary);
  ExpectHistory(world_, *restored_, history_, scn);
  const auto table = restored_->catalog().ResolveTable(workload_->tables()[0]);
  ASSERT_TRUE(table);
  ASSERT_TRUE(Good(world_.loop().Run(engine::PutRow(*restored_, **table, 1'000'000, 7))));
  const Rows rows = world_.loop().Run(engine::ReadAll(*restored_, *table, restored_->snapshot()));
  ASSERT_TRUE(rows.contains(1'000'000));
  EXPECT_EQ(rows.at(1'000'000), 7);
}

TEST_F(RestoreCases, APointBeforeTheStandbysIsRefused) {
  Begin();
  Write();
  const auto set = Backup(BackupType::kFull);
  Write();
  const Scn scn = CatchUp();
  Restorer restorer(world_);
  auto restored = restorer.RestoreTo({.scn = scn, .time = {}}, NewDir());
  ASSERT_TRUE(restored) << restored.error().ToString();
  restored_ = std::move(restored->tenant);
  const auto source = restorer.OpenSource({kDataUri, kArchiveUri});
  ASSERT_TRUE(source);
  const auto back = world_.loop().Run(
      restore::RecoverStandby(*restored_, *source, {.scn = set.min_restore_scn, .time = {}}));
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code(), ErrorCode::kOpNotAllow) << back.error().ToString();
}

// From the restored tenant everything begins anew: archive, backup, restore.
TEST_F(RestoreCases, TheActivatedTenantIsArchivedAndBackedUpAgain) {
  Begin();
  Write();
  Backup(BackupType::kFull);
  Write();
  const Scn scn = CatchUp();
  Restorer restorer(world_);
  const std::string dir = NewDir();
  auto restored = restorer.RestoreTo({.scn = scn, .time = {}}, dir);
  ASSERT_TRUE(restored) << restored.error().ToString();
  ASSERT_TRUE(Good(world_.loop().Run(restored->tenant->Close())));
  restored->tenant.reset();
  ASSERT_TRUE(Good(world_.loop().Run(
      restore::ActivateStandby(engine::EnvOf(world_), dir, engine::SmallEngine()))));
  ASSERT_TRUE(Good(source_->Close()));

  Source second(world_, {.dir = dir});
  ASSERT_TRUE(Good(second.Open()));
  ASSERT_TRUE(Good(second.StartArchive("file:///archive2")));
  ASSERT_TRUE(Good(second.SetDataDest("file:///data2")));
  History more = history_;
  more.ForgetAfter(scn);
  Workload again(second, more, 99, workload_->tables());
  ASSERT_TRUE(Good(again.Write(2, 8)));
  const auto set = second.Backup(BackupType::kFull);
  ASSERT_TRUE(set) << set.error().ToString();
  ASSERT_TRUE(Good(again.Write(2, 8)));
  ASSERT_TRUE(Good(second.Run(second.archiver().CatchUp())));
  const Scn last = second.archiver().status().round->checkpoint_scn;
  for (const Scn point : {set->min_restore_scn, last}) {
    auto third = restorer.RestoreTo({.scn = point, .time = {}}, NewDir(),
                                    {"file:///data2", "file:///archive2"});
    ASSERT_TRUE(third) << third.error().ToString();
    ExpectHistory(world_, *third->tenant, more, point);
    ASSERT_TRUE(Good(world_.loop().Run(third->tenant->Close())));
  }
}

TEST_F(RestoreCases, TheSourceOfAnotherTenantIsRefused) {
  Begin();
  Backup(BackupType::kFull);
  ASSERT_TRUE(Good(source_->Close()));
  Source other(world_, {.tenant_id = 1006, .dir = "/other"});
  ASSERT_TRUE(Good(other.Create()));
  const Status taken = other.SetDataDest(kDataUri);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), ErrorCode::kBackupFormatFileNotMatch) << taken.error().ToString();
  ASSERT_TRUE(Good(other.StartArchive("file:///archive2")));
  Restorer restorer(world_);
  const auto source = restorer.OpenSource({kDataUri, "file:///archive2"});
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code(), ErrorCode::kBackupFormatFileNotMatch)
      << source.error().ToString();
}

}  // namespace
}  // namespace obbak::e2e
