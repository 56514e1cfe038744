#include "dest/set_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dest/dest_test_support.h"

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

TEST_F(SetReaderTest, LogStreamIndexIsThatOfTheNewestAttempt) {
  const SetReader set(world_.data(), kFull);
  const auto put = [&](std::int64_t turn, std::int64_t retry) {
    BackupPath path = set.Path(PathKind::kMacroBlockData);
    path.ls = {1001};
    path.data_type = DataType::kSys;
    path.turn = turn;
    path.retry = retry;
    world_.Put(world_.data(), path, {});
  };
  put(1, 11);
  put(1, 2);
  put(2, 0);
  const auto index = world_.Run(set.FindLsIndex({1001}, DataType::kSys, IndexKind::kMeta, 1));
  ASSERT_TRUE(Succeeded(index));
  EXPECT_EQ(index->retry, 11);
  EXPECT_EQ(index->kind, PathKind::kLsIndex);
  EXPECT_EQ(CodeOf(world_.Run(set.FindLsIndex({1001}, DataType::kSys, IndexKind::kMeta, 3))),
            ErrorCode::kBackupMetaIndexNotExist);
}

}  // namespace
}  // namespace obbak::dest
