#include "dest/set_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "dest/dest_test_support.h"
#include "format/backup_file_samples.h"
#include "format/tablet_info_file.h"

namespace obbak::dest {
namespace {

using format::BackupPath;
using format::BackupSetKind;
using format::DataType;
using format::IndexKind;
using format::LsId;
using format::PathKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr SetName kFull{.id = {1}, .kind = BackupSetKind::kFull};
constexpr SetName kInc{.id = {2}, .kind = BackupSetKind::kInc};

class SetReaderTest : public testing::Test {
 protected:
  void SetUp() override { world_.AddSamples(); }
  std::vector<std::int64_t> CompleteIds() {
    const auto sets = world_.Run(ReadCompleteSets(world_.data()));
    EXPECT_TRUE(Succeeded(sets));
    std::vector<std::int64_t> ids;
    if (sets)
      for (const auto& set : *sets) ids.push_back(set.backup_set_id.value);
    return ids;
  }
  static BackupPath In(SetName set, PathKind kind) {
    return {.kind = kind, .set = set.id, .set_kind = set.kind};
  }

  DestWorld world_;
};

TEST_F(SetReaderTest, SetsAreListedByTheirMarksInOrderOfTheirIds) {
  for (const std::int64_t id : {10, 3}) {
    world_.Put(world_.data(), In({{id}, BackupSetKind::kFull}, PathKind::kBackupSetStart), {});
  }
  BackupPath failed = In({{3}, BackupSetKind::kFull}, PathKind::kBackupSetEndFailed);
  world_.Put(world_.data(), failed, {});
  const auto sets = world_.Run(ListSets(world_.data()));
  ASSERT_TRUE(Succeeded(sets));
  EXPECT_THAT(*sets,
              ElementsAre(SetMarks{kFull, true, true, false}, SetMarks{kInc, true, true, false},
                          SetMarks{{{3}, BackupSetKind::kFull}, true, false, true},
                          SetMarks{{{10}, BackupSetKind::kFull}, true, false, false}));
  EXPECT_THAT(CompleteIds(), ElementsAre(1, 2));
}

TEST_F(SetReaderTest, SetWithoutEndMarkOrDescriptionIsNoCompleteSet) {
  world_.Remove(world_.data(), In(kFull, PathKind::kSingleBackupSetInfo));
  EXPECT_THAT(CompleteIds(), ElementsAre(2));
  const auto marks = world_.Run(world_.data().List({.kind = PathKind::kBackupSetsDir}));
  for (const BackupPath& path : marks.value().known) {
    if (path.kind == PathKind::kBackupSetEndSuccess) world_.Remove(world_.data(), path);
  }
  EXPECT_THAT(CompleteIds(), IsEmpty());
}

TEST_F(SetReaderTest, DamagedDescriptionIsAnErrorThatNamesTheFile) {
  world_.Damage(world_.data(), In(kInc, PathKind::kSingleBackupSetInfo), 60);
  const auto sets = world_.Run(ReadCompleteSets(world_.data()));
  ASSERT_FALSE(sets);
  EXPECT_EQ(CodeOf(sets), ErrorCode::kChecksumError);
  EXPECT_THAT(sets.error().ToString(),
              HasSubstr("file:///data_backup_dest/backup_set_2_inc/single_backup_set_info.obbak"));
}

TEST_F(SetReaderTest, DescriptionOfAnotherSetIsRefused) {
  const auto bytes = world_.Run(world_.data().ReadBytes(In(kFull, PathKind::kSingleBackupSetInfo)));
  world_.Put(world_.data(), In(kInc, PathKind::kSingleBackupSetInfo), bytes.value());
  EXPECT_EQ(CodeOf(world_.Run(ReadCompleteSets(world_.data()))), ErrorCode::kInvalidData);
}

TEST_F(SetReaderTest, MetadataOfASetIsRead) {
  const SetReader set(world_.data(), kFull);
  const auto desc = world_.Run(set.ReadDesc());
  ASSERT_TRUE(Succeeded(desc));
  EXPECT_EQ(NameOf(*desc), kFull);
  const auto locality = world_.Run(set.ReadLocality());
  ASSERT_TRUE(Succeeded(locality));
  EXPECT_EQ(locality->sys_time_zone.value, "+08:00");
  const auto attrs = world_.Run(set.ReadLsAttrs(desc->meta_turn_id));
  ASSERT_TRUE(Succeeded(attrs));
  EXPECT_THAT(attrs->ls_attr_array, SizeIs(2));
  const auto metas = world_.Run(set.ReadLsMetas());
  ASSERT_TRUE(Succeeded(metas));
  EXPECT_THAT(metas->ls_meta_packages, SizeIs(2));
  for (const DataType type : {DataType::kMinor, DataType::kMajor}) {
    EXPECT_TRUE(Succeeded(world_.Run(set.ReadTabletMap(type, 1))));
  }
  EXPECT_EQ(CodeOf(world_.Run(set.ReadTabletMap(DataType::kMajor, 2))), ErrorCode::kFileNotExist);
}

TEST_F(SetReaderTest, IndexWithTheGreatestRetryIsTaken) {
  const SetReader set(world_.data(), kFull);
  for (const std::int64_t retry : {2, 10, 9}) {
    BackupPath path = set.Path(PathKind::kTenantIndex);
    path.data_type = DataType::kMajor;
    path.index = IndexKind::kMeta;
    path.turn = 1;
    path.retry = retry;
    world_.Put(world_.data(), path, {});
  }
  const auto meta = world_.Run(set.FindTenantIndex(DataType::kMajor, IndexKind::kMeta, 1));
  ASSERT_TRUE(Succeeded(meta));
  EXPECT_EQ(meta->retry, 10);
  const auto range = world_.Run(set.FindTenantIndex(DataType::kMajor, IndexKind::kMacroRange, 1));
  ASSERT_TRUE(Succeeded(range));
  EXPECT_EQ(range->retry, 0);
  const auto none = world_.Run(set.FindTenantIndex(DataType::kMajor, IndexKind::kMeta, 2));
  EXPECT_EQ(CodeOf(none), ErrorCode::kBackupMetaIndexNotExist);
}

TEST_F(SetReaderTest, LogStreamIndexAndMetadataAreThoseOfTheNewestAttempt) {
  const SetReader set(world_.data(), kFull);
  const auto put = [&](PathKind kind, std::int64_t turn, std::int64_t retry) {
    BackupPath path = set.Path(kind);
    path.ls = {1001};
    path.data_type = DataType::kSys;
    path.turn = turn;
    path.retry = retry;
    path.file = kind == PathKind::kMacroBlockData ? 0 : 1;
    world_.Put(world_.data(), path, {});
  };
  put(PathKind::kMacroBlockData, 1, 11);
  put(PathKind::kMacroBlockData, 1, 2);
  put(PathKind::kMacroBlockData, 2, 0);
  const auto index = world_.Run(set.FindLsIndex({1001}, DataType::kSys, IndexKind::kMeta, 1));
  ASSERT_TRUE(Succeeded(index));
  EXPECT_EQ(index->retry, 11);
  EXPECT_EQ(index->kind, PathKind::kLsIndex);
  EXPECT_EQ(CodeOf(world_.Run(set.FindLsIndex({1001}, DataType::kSys, IndexKind::kMeta, 3))),
            ErrorCode::kBackupMetaIndexNotExist);

  put(PathKind::kTabletInfo, 1, 3);
  put(PathKind::kTabletInfo, 2, 1);
  const auto attempt = world_.Run(set.FindMetaAttempt({1001}));
  ASSERT_TRUE(Succeeded(attempt));
  EXPECT_EQ(*attempt, (Attempt{2, 1}));
  EXPECT_EQ(CodeOf(world_.Run(set.FindMetaAttempt({1003}))), ErrorCode::kBackupFileNotExist);
}

// Tablet metadata of log stream 1003 in any number of files.
class TabletInfoTest : public testing::Test {
 protected:
  void PutFile(std::int64_t number, std::vector<std::uint64_t> tablets, Attempt attempt = {1, 0}) {
    Bytes file;
    format::TabletInfoFileWriter writer(number, format::samples::AppendTo(file));
    for (const std::uint64_t tablet : tablets) {
      EXPECT_TRUE(Succeeded(writer.Append(Param(tablet))));
    }
    EXPECT_TRUE(Succeeded(writer.Finish()));
    world_.Put(world_.data(), Path(number, attempt), file);
  }
  // The sample's tablet, under another id.
  format::MigrationTabletParam Param(std::uint64_t tablet) {
    if (!sample_) {
      world_.AddSamples();
      const auto reader = world_.Run(TabletInfoReader::Open(set_, {1001})).value();
      sample_ = world_.Run(reader->Next()).value();
    }
    format::MigrationTabletParam param = *sample_;
    param.tablet_id = {tablet};
    param.data_tablet_id = {tablet};
    return param;
  }
  BackupPath Path(std::int64_t number, Attempt attempt = {1, 0}) const {
    BackupPath path = set_.Path(PathKind::kTabletInfo);
    path.ls = {1003};
    path.turn = attempt.turn;
    path.retry = attempt.retry;
    path.file = number;
    return path;
  }
  // All tablets, or the failure.
  Result<std::vector<std::uint64_t>> ReadTablets() {
    Result<std::unique_ptr<TabletInfoReader>> reader =
        world_.Run(TabletInfoReader::Open(set_, {1003}));
    if (!reader) return Fail(reader.error());
    std::vector<std::uint64_t> tablets;
    while (true) {
      const auto tablet = world_.Run((*reader)->Next());
      if (!tablet) return Fail(tablet.error());
      if (!*tablet) return tablets;
      tablets.push_back((*tablet)->tablet_id.value);
    }
  }

  DestWorld world_;
  SetReader set_{world_.data(), kFull};
  std::optional<format::MigrationTabletParam> sample_;
};

TEST_F(TabletInfoTest, TabletsComeFileAfterFileOfTheNewestAttempt) {
  PutFile(1, {1}, {1, 0});
  PutFile(1, {200001, 200002}, {1, 2});
  PutFile(2, {}, {1, 2});
  std::vector<std::uint64_t> expected{200001, 200002};
  std::vector<std::uint64_t> many;
  for (std::uint64_t i = 0; i < 300; ++i) many.push_back(300000 + i);
  expected.insert(expected.end(), many.begin(), many.end());
  for (std::int64_t file = 3; file <= 11; ++file) PutFile(file, {}, {1, 2});
  PutFile(12, many, {1, 2});
  EXPECT_EQ(ReadTablets().value(), expected);
}

TEST_F(TabletInfoTest, MissingFilesAreNoticed) {
  EXPECT_EQ(CodeOf(ReadTablets()), ErrorCode::kBackupFileNotExist);
  PutFile(2, {200001});
  const auto first = ReadTablets();
  EXPECT_EQ(CodeOf(first), ErrorCode::kBackupFileNotExist);
  EXPECT_THAT(first.error().ToString(), HasSubstr("tablet_info.1"));
  PutFile(1, {200001});
  PutFile(4, {200001});
  EXPECT_THAT(ReadTablets().error().ToString(), HasSubstr("tablet_info.3"));
}

TEST_F(TabletInfoTest, DamageIsNoticedAndSaysWhere) {
  PutFile(1, {200001, 200002});
  const Bytes file = world_.Run(world_.data().ReadBytes(Path(1))).value();
  for (const std::size_t offset : {std::size_t{20}, std::size_t{300}, std::size_t{4096 + 500},
                                   file.size() - 1, file.size() - 90}) {
    SCOPED_TRACE(offset);
    world_.Put(world_.data(), Path(1), file);
    world_.Damage(world_.data(), Path(1), offset);
    const auto tablets = ReadTablets();
    ASSERT_FALSE(tablets);
    EXPECT_THAT(tablets.error().path(), HasSubstr("tablet_info.1.obbak"));
  }
  world_.Put(world_.data(), Path(1), ByteView(file).first(4096));
  EXPECT_FALSE(ReadTablets());
}

}  // namespace
}  // namespace obbak::dest
