// Plans made from the files of destinations.
#include "restore/restore_plan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dest/archive_reader.h"
#include "dest/dest_test_support.h"
#include "dest/set_reader.h"
#include "format/archive_records.h"
#include "format/backup_enums.h"

namespace obbak::restore {
namespace {

using dest::CodeOf;
using dest::DestStore;
using dest::Succeeded;
using format::BackupFileStatus;
using format::BackupSetFileDesc;
using format::BackupSetKind;
using format::BackupSetStatus;
using format::BackupType;
using format::PathKind;
using format::Scn;
using format::TenantArchivePieceAttr;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// 2024-01-01 00:00:00 UTC, and so many seconds later.
Scn At(std::uint64_t seconds) { return Scn{1'704'067'200'000'000'000 + seconds * 1'000'000'000}; }

struct PieceSpec {
  std::uint64_t start, checkpoint, end;
};

// Destinations of one tenant: sets 1 (full), 2 and 3 (incremental), 4 (full); pieces of a minute.
class RestorePlanTest : public testing::Test {
 protected:
  static constexpr format::DestId kDataDest{1001};
  static constexpr format::DestId kArchiveDest{1002};

  void SetUp() override {
    WriteFormat(world_.data(), kDataDest, format::BackupDestType::kBackupData);
    WriteFormat(world_.archive(), kArchiveDest, format::BackupDestType::kArchiveLog);
    AddSet(1, 0, 70, 100);
    AddSet(2, 1, 150, 200);
    AddSet(3, 2, 210, 290);
    AddSet(4, 0, 350, 400);
    AddPieces(world_.archive(), kArchiveDest, kArchiveDest,
              {{60, 118, 120},
               {120, 180, 180},
               {180, 239, 240},
               {240, 300, 300},
               {300, 360, 360},
               {360, 415, 420}});
  }

  void WriteFormat(const DestStore& store, format::DestId dest, format::BackupDestType type,
                   std::uint64_t tenant = 1002) {
    format::BackupFormatDesc desc;
    desc.cluster_name = {"obcluster"};
    desc.tenant_name = {"mysql"};
    desc.path = {store.medium().location()};
    desc.cluster_id = 1;
    desc.tenant_id = {tenant};
    desc.dest_id = dest;
    desc.dest_type.value = type;
    desc.ts = {1'704'067'200'000'000};
    world_.Write(store, {.kind = PathKind::kFormatFile}, desc);
  }

  // A set with id `id`, incremental to `previous` unless that is 0.
  BackupSetFileDesc AddSet(std::int64_t id, std::int64_t previous, std::uint64_t replay,
                           std::uint64_t restore) {
    BackupSetFileDesc set = Sample();
    set.backup_set_id = {id};
    set.dest_id = kDataDest;
    set.backup_type.value = previous == 0 ? BackupType::kFull : BackupType::kInc;
    set.prev_full_backup_set_id = {previous == 0 ? 0 : 1};
    set.prev_inc_backup_set_id = {previous};
    set.start_replay_scn = At(replay);
    set.consistent_scn = At(restore - 1);
    set.min_restore_scn = At(restore);
    set.stats.output_bytes = 1536 * id;
    WriteSet(set);
    return set;
  }
  void WriteSet(const BackupSetFileDesc& set) {
    const dest::SetReader reader(world_.data(), dest::NameOf(set));
    world_.Write(world_.data(), reader.Path(PathKind::kSingleBackupSetInfo),
                 format::ExternBackupSetInfoDesc{set});
    world_.Put(world_.data(), reader.Path(PathKind::kBackupSetStart), {});
    format::BackupPath end = reader.Path(PathKind::kBackupSetEndSuccess);
    end.time = format::TimeTag::FromScn(set.min_restore_scn, {});
    world_.Put(world_.data(), end, {});
    format::ExternTenantLocalityInfoDesc locality = sample_locality_;
    locality.backup_set_id = set.backup_set_id;
    locality.sys_time_zone = {time_zone_};
    world_.Write(world_.data(), reader.Path(PathKind::kLocalityInfo), locality);
  }
  // The full set of the sample destination, as a template.
  BackupSetFileDesc Sample() {
    if (sample_) return *sample_;
    dest::DestWorld samples;
    samples.AddSamples();
    const dest::SetReader reader(samples.data(), {{1}, BackupSetKind::kFull});
    sample_ = samples.Run(reader.ReadDesc()).value();
    sample_locality_ = samples.Run(reader.ReadLocality()).value();
    return *sample_;
  }

  // Pieces 1, 2, ... of round 1; all but the last are frozen. `name_dest` stands in their names.
  void AddPieces(const DestStore& store, format::DestId name_dest, format::DestId dest,
                 std::vector<PieceSpec> specs) {
    std::vector<TenantArchivePieceAttr> before;
    for (std::size_t i = 0; i < specs.size(); ++i) {
      const auto id = static_cast<std::int64_t>(i) + 1;
      const dest::PieceName name{name_dest, {1}, {id}};
      TenantArchivePieceAttr attr;
      attr.key = {{1002}, dest, {1}, {id}};
      attr.start_scn = At(specs[i].start);
      attr.checkpoint_scn = At(specs[i].checkpoint);
      attr.max_scn = attr.checkpoint_scn;
      attr.end_scn = At(specs[i].end);
      attr.status.value = format::ArchivePieceStatus::kFrozen;
      attr.path = {store.medium().location()};
      const bool frozen = i + 1 < specs.size();
      format::BackupPath start = name.Path(PathKind::kPieceStart);
      start.time = format::TimeTag::FromScn(attr.start_scn, {});
      world_.Put(store, start, {});
      world_.Write(store, name.Path(PathKind::kTenantArchivePieceInfos), Infos(attr, before));
      if (frozen) {
        world_.Write(store, name.Path(PathKind::kSinglePieceInfo), format::SinglePieceDesc{attr});
      } else {
        WriteCheckpoint(store, name, attr);
      }
      before.push_back(attr);
    }
  }
  static format::TenantArchivePieceInfosDesc Infos(const TenantArchivePieceAttr& attr,
                                                   std::vector<TenantArchivePieceAttr> before) {
    format::TenantArchivePieceInfosDesc infos;
    infos.tenant_id = attr.key.tenant_id;
    infos.dest_id = attr.key.dest_id;
    infos.round_id = attr.key.round_id;
    infos.piece_id = attr.key.piece_id;
    infos.start_scn = attr.start_scn;
    infos.end_scn = attr.end_scn;
    infos.path = attr.path;
    infos.his_frozen_pieces = std::move(before);
    return infos;
  }
  void WriteCheckpoint(const DestStore& store, const dest::PieceName& name,
                       const TenantArchivePieceAttr& attr) {
    format::PieceCheckpointDesc first;
    first.tenant_id = attr.key.tenant_id;
    first.dest_id = attr.key.dest_id;
    first.round_id = attr.key.round_id;
    first.piece_id = attr.key.piece_id;
    first.start_scn = attr.start_scn;
    first.checkpoint_scn = first.max_scn = Scn{attr.start_scn.value + 1};
    first.end_scn = attr.end_scn;
    world_.Write(store, name.Path(PathKind::kPieceCheckpointInfo), first);
    format::BackupPath mark = name.Path(PathKind::kPieceCheckpointMarker);
    mark.scn = attr.checkpoint_scn;
    world_.Put(store, mark, {});
  }

  Result<RestoreSource> OpenSource(const std::vector<std::string>& directories) {
    std::vector<io::BackupDest> dests;
    for (const std::string& directory : directories)
      dests.push_back(io::BackupDest::Parse("file:///" + directory).value());
    return world_.Run(OpenRestoreSource(dests, io::DirectoryMedia(world_.loop(), world_.disk())));
  }
  Result<RestorePlan> Plan(RestorePoint point, const std::vector<std::string>& directories = {
                                                   "data_backup_dest", "log_archive_dest"}) {
    Result<RestoreSource> source = OpenSource(directories);
    if (!source) return Fail(source.error());
    source_ = *std::move(source);
    return world_.Run(MakeRestorePlan(*source_, std::move(point)));
  }
  Result<RestorePlan> PlanAt(Scn scn) { return Plan({.scn = scn, .time = {}}); }
  static std::vector<std::int64_t> SetIds(const RestorePlan& plan) {
    std::vector<std::int64_t> ids;
    for (const BackupSetFileDesc& set : plan.sets) ids.push_back(set.backup_set_id.value);
    return ids;
  }
  static std::vector<std::int64_t> PieceIds(const RestorePlan& plan) {
    std::vector<std::int64_t> ids;
    for (const TenantArchivePieceAttr& piece : plan.pieces) ids.push_back(piece.key.piece_id.value);
    return ids;
  }

  dest::DestWorld world_;
  std::string time_zone_ = "+08:00";
  std::optional<BackupSetFileDesc> sample_;
  format::ExternTenantLocalityInfoDesc sample_locality_;
  std::optional<RestoreSource> source_;
};

TEST_F(RestorePlanTest, PlanHasTheChainAndThePiecesBehindIt) {
  const struct {
    Scn point;
    std::vector<std::int64_t> sets, pieces;
  } cases[] = {
      {At(100), {1}, {1}},
      {At(118), {1}, {1}},
      // Between a piece's checkpoint and its end: the next piece says that nothing is missing.
      {At(119), {1}, {1, 2}},
      {At(199), {1}, {1, 2, 3}},
      {At(200), {1, 2}, {2, 3}},
      {Scn{At(290).value - 1}, {1, 2}, {2, 3, 4}},
      {At(290), {1, 2, 3}, {3, 4}},
      {At(399), {1, 2, 3}, {3, 4, 5, 6}},
      {At(400), {4}, {5, 6}},
      {At(415), {4}, {5, 6}},
  };
  for (const auto& expected : cases) {
    const Result<RestorePlan> plan = PlanAt(expected.point);
    ASSERT_TRUE(Succeeded(plan));
    EXPECT_EQ(plan->restore_scn, expected.point);
    EXPECT_EQ(SetIds(*plan), expected.sets);
    EXPECT_EQ(PieceIds(*plan), expected.pieces);
    EXPECT_FALSE(plan->from_complement);
    EXPECT_EQ(plan->archive, 0u);
    EXPECT_EQ(plan->time_zone, "+08:00");
  }
}

TEST_F(RestorePlanTest, PointsThatCannotBeReachedAreRefusedWithTheWindows) {
  for (const Scn point :
       {Scn{At(100).value - 1}, Scn{At(415).value + 1}, Scn{2}, format::kMaxScn}) {
    const Result<RestorePlan> plan = PlanAt(point);
    EXPECT_EQ(CodeOf(plan), ErrorCode::kEntryNotExist);
    EXPECT_THAT(plan.error().message(), HasSubstr("No enough log for restore"));
    EXPECT_THAT(plan.error().advice(),
                HasSubstr(fmt::format("SCN {} to {}", At(100).value, At(415).value)));
  }
  for (const Scn point : {Scn{0}, Scn{1}, Scn{}}) {
    EXPECT_EQ(CodeOf(PlanAt(point)), ErrorCode::kInvalidArgument);
  }
}

TEST_F(RestorePlanTest, WithoutAPointThePlanGoesAsFarAsTheArchive) {
  const Result<RestorePlan> plan = Plan({});
  ASSERT_TRUE(Succeeded(plan));
  EXPECT_EQ(plan->restore_scn, At(415));
  EXPECT_EQ(SetIds(*plan), std::vector<std::int64_t>{4});
}

TEST_F(RestorePlanTest, TimesAreThoseOfTheBackupTenantsZone) {
  // At(200) is 2024-01-01 08:03:20 there.
  const struct {
    const char* time;
    Scn scn;
  } cases[] = {{"2024-01-01 08:03:20", At(200)},
               {"2024-01-01T08:03:20.000000", At(200)},
               {"2024-01-01 08:03:20.123456789", Scn{At(200).value + 123'456'789}},
               {"2024-01-01 08:03:19.9", Scn{At(199).value + 900'000'000}}};
  for (const auto& expected : cases) {
    const Result<RestorePlan> plan = Plan({.scn = {}, .time = expected.time});
    ASSERT_TRUE(Succeeded(plan));
    EXPECT_EQ(plan->restore_scn, expected.scn);
  }
  for (const char* wrong : {"", "yesterday", "2024-01-01 08:03", "2024-02-30 00:00:00",
                            "2024-01-01 08:03:20.1234567890", "1970-01-01 00:00:00"}) {
    EXPECT_EQ(CodeOf(Plan({.scn = {}, .time = wrong})), ErrorCode::kInvalidArgument) << wrong;
  }
  // The newest set counts.
  time_zone_ = "-03:30";
  AddSet(5, 0, 355, 410);
  const Result<RestorePlan> plan = Plan({.scn = {}, .time = "2023-12-31 20:33:20"});
  ASSERT_TRUE(Succeeded(plan));
  EXPECT_EQ(plan->restore_scn, At(200));
  EXPECT_EQ(plan->time_zone, "-03:30");
}

TEST_F(RestorePlanTest, UnusableSetsAreLeftOut) {
  BackupSetFileDesc second = AddSet(2, 1, 150, 200);
  second.file_status = BackupFileStatus::kDeleting;
  WriteSet(second);
  EXPECT_EQ(SetIds(PlanAt(At(300)).value()), std::vector<std::int64_t>{1});
  second.file_status = BackupFileStatus::kAvailable;
  second.status = BackupSetStatus::kFailed;
  WriteSet(second);
  EXPECT_EQ(SetIds(PlanAt(At(300)).value()), std::vector<std::int64_t>{1});
  EXPECT_EQ(SetIds(PlanAt(At(410)).value()), std::vector<std::int64_t>{4});
}

TEST_F(RestorePlanTest, GapBetweenRoundsCanNotBeCrossed) {
  // The archive stopped at 239 and began again at 300: sets from before reach 239 only.
  const DestStore archive(world_.medium("with_gap"), format::DestKind::kArchive);
  WriteFormat(archive, {1003}, format::BackupDestType::kArchiveLog);
  AddPieces(archive, {1003}, {1003},
            {{60, 118, 120}, {120, 180, 180}, {180, 239, 240}, {300, 360, 360}, {360, 415, 420}});
  const auto plan_at = [&](Scn scn) {
    return Plan({.scn = scn, .time = {}}, {"data_backup_dest", "with_gap"});
  };
  EXPECT_EQ(PieceIds(plan_at(At(239)).value()), (std::vector<std::int64_t>{2, 3}));
  for (const Scn point : {Scn{At(239).value + 1}, At(240), At(270), At(300), At(399)}) {
    const Result<RestorePlan> plan = plan_at(point);
    EXPECT_EQ(CodeOf(plan), ErrorCode::kEntryNotExist);
    EXPECT_THAT(plan.error().advice(),
                HasSubstr(fmt::format("SCN {} to {} (", At(100).value, At(239).value)));
    EXPECT_THAT(plan.error().advice(),
                HasSubstr(fmt::format("SCN {} to {} (", At(400).value, At(415).value)));
  }
  EXPECT_EQ(PieceIds(plan_at(At(400)).value()), (std::vector<std::int64_t>{4, 5}));
}

TEST_F(RestorePlanTest, ArchiveThatCoversTheRangeIsTakenAmongSeveral) {
  const DestStore old(world_.medium("old_archive"), format::DestKind::kArchive);
  WriteFormat(old, {1003}, format::BackupDestType::kArchiveLog);
  AddPieces(old, {1003}, {1003}, {{60, 118, 120}, {120, 170, 180}});
  const std::vector<std::string> all{"old_archive", "data_backup_dest", "log_archive_dest",
                                     "data_backup_dest"};
  const Result<RestorePlan> early = Plan({.scn = At(150), .time = {}}, all);
  ASSERT_TRUE(Succeeded(early));
  EXPECT_EQ(early->archive, 0u);
  const Result<RestorePlan> late = Plan({.scn = At(300), .time = {}}, all);
  ASSERT_TRUE(Succeeded(late));
  EXPECT_EQ(late->archive, 1u);
  EXPECT_EQ(Plan({}, all)->restore_scn, At(415));
}

TEST_F(RestorePlanTest, SetWithItsLogsNeedsNoArchive) {
  const std::vector<std::string> data{"data_backup_dest"};
  const Result<RestorePlan> none = Plan({}, data);
  EXPECT_EQ(CodeOf(none), ErrorCode::kEntryNotExist);
  EXPECT_THAT(none.error().advice(), HasSubstr("archive destination"));

  BackupSetFileDesc set = AddSet(5, 0, 355, 410);
  set.plus_archivelog = true;
  WriteSet(set);
  const DestStore logs = DestStore::ComplementLog(world_.data(), {5}, BackupSetKind::kFull);
  AddPieces(logs, kDataDest, kArchiveDest, {{300, 360, 360}, {360, 400, 420}});
  for (const RestorePoint& point : {RestorePoint(), RestorePoint{.scn = At(410), .time = {}},
                                    RestorePoint{.scn = {}, .time = "2024-01-01 08:03:20"}}) {
    const Result<RestorePlan> plan = Plan(point, data);
    ASSERT_TRUE(Succeeded(plan));
    EXPECT_EQ(plan->restore_scn, At(410));
    EXPECT_EQ(SetIds(*plan), std::vector<std::int64_t>{5});
    EXPECT_TRUE(plan->from_complement);
    EXPECT_EQ(PieceIds(*plan), (std::vector<std::int64_t>{1, 2}));
  }
  for (const Scn point : {At(409), At(411)}) {
    const Result<RestorePlan> plan = Plan({.scn = point, .time = {}}, data);
    EXPECT_EQ(CodeOf(plan), ErrorCode::kEntryNotExist);
    EXPECT_THAT(plan.error().advice(), HasSubstr(fmt::format("SCN {} (", At(410).value)));
  }
  EXPECT_FALSE(PlanAt(At(410))->from_complement);
}

TEST_F(RestorePlanTest, PreviewNamesEverySetAndPiece) {
  const RestorePlan plan = PlanAt(At(300)).value();
  std::vector<std::string> rows;
  for (const PreviewRow& row : PreviewOf(*source_, plan)) {
    rows.push_back(fmt::format("{} {} {} {}", row.backup_type, row.backup_id, row.backup_dest,
                               row.description));
  }
  EXPECT_THAT(
      rows,
      ElementsAre("BACKUP_SET 1 file:///data_backup_dest/backup_set_1_full type: FULL, "
                  "min_restore_scn_display: 20240101T080140, size: 1.50_KB.",
                  "BACKUP_SET 2 file:///data_backup_dest/backup_set_2_inc type: INC, "
                  "min_restore_scn_display: 20240101T080320, size: 3_KB.",
                  "BACKUP_SET 3 file:///data_backup_dest/backup_set_3_inc type: INC, "
                  "min_restore_scn_display: 20240101T080450, size: 4.50_KB.",
                  "BACKUP_PIECE 3 file:///log_archive_dest/piece_d1002r1p3 start_scn_display: "
                  "20240101T080300, checkpoint_scn_display: 20240101T080359.",
                  "BACKUP_PIECE 4 file:///log_archive_dest/piece_d1002r1p4 start_scn_display: "
                  "20240101T080400, checkpoint_scn_display: 20240101T080500."));
}

TEST_F(RestorePlanTest, PreviewOfASetWithItsLogsNamesItsOwnPieces) {
  BackupSetFileDesc set = AddSet(5, 0, 355, 410);
  set.plus_archivelog = true;
  WriteSet(set);
  const DestStore logs = DestStore::ComplementLog(world_.data(), {5}, BackupSetKind::kFull);
  AddPieces(logs, kDataDest, kArchiveDest, {{300, 360, 360}, {360, 400, 420}});
  const RestorePlan plan = Plan({}, {"data_backup_dest"}).value();
  const std::vector<PreviewRow> rows = PreviewOf(*source_, plan);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[2].backup_dest,
            "file:///data_backup_dest/backup_set_5_full/complement_log/piece_d1001r1p2");
}

TEST_F(RestorePlanTest, DestinationsAreToldApartByTheirFormatFiles) {
  EXPECT_TRUE(Succeeded(OpenSource({"log_archive_dest", "data_backup_dest"})));
  const auto no_data = OpenSource({"log_archive_dest"});
  EXPECT_EQ(CodeOf(no_data), ErrorCode::kMissArgument);
  const auto no_format = OpenSource({"data_backup_dest", "nothing"});
  EXPECT_EQ(CodeOf(no_format), ErrorCode::kBackupFormatFileNotExist);
  EXPECT_THAT(no_format.error().ToString(), HasSubstr("file:///nothing/format.obbak"));
  const DestStore second(world_.medium("second"), format::DestKind::kData);
  WriteFormat(second, {1005}, format::BackupDestType::kBackupData);
  EXPECT_EQ(CodeOf(OpenSource({"data_backup_dest", "second"})), ErrorCode::kNotSupported);
  const DestStore foreign(world_.medium("foreign"), format::DestKind::kArchive);
  WriteFormat(foreign, {1002}, format::BackupDestType::kArchiveLog, /*tenant=*/1004);
  const auto other = OpenSource({"data_backup_dest", "foreign"});
  EXPECT_EQ(CodeOf(other), ErrorCode::kBackupFormatFileNotMatch);
  EXPECT_THAT(other.error().ToString(), HasSubstr("1004"));
}

TEST_F(RestorePlanTest, SetsThatThisProgramCanNotRestoreAreRefused) {
  BackupSetFileDesc set = AddSet(5, 0, 355, 410);
  set.passwd = {"digest"};
  WriteSet(set);
  EXPECT_EQ(CodeOf(PlanAt(At(414))), ErrorCode::kBackupInvalidPassword);
  // A set that lies behind the point is looked at too, but none behind that one.
  EXPECT_EQ(CodeOf(PlanAt(At(405))), ErrorCode::kBackupInvalidPassword);
  EXPECT_TRUE(Succeeded(PlanAt(At(399))));
  set.passwd = {};
  set.cluster_version = {format::kDataVersion4301.value + 1};
  WriteSet(set);
  const auto higher = PlanAt(At(414));
  EXPECT_EQ(CodeOf(higher), ErrorCode::kOpNotAllow);
  EXPECT_THAT(higher.error().message(), HasSubstr("restore from higher cluster version"));
}

TEST_F(RestorePlanTest, DamagedDescriptionsAreNamed) {
  const dest::SetReader reader(world_.data(), {{2}, BackupSetKind::kInc});
  world_.Damage(world_.data(), reader.Path(PathKind::kSingleBackupSetInfo), 100);
  const auto plan = PlanAt(At(300));
  EXPECT_EQ(CodeOf(plan), ErrorCode::kChecksumError);
  EXPECT_THAT(plan.error().path(), HasSubstr("backup_set_2_inc/single_backup_set_info.obbak"));
}

}  // namespace
}  // namespace obbak::restore
