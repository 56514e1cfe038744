#include "engine/manifest.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "engine/manifest_test_support.h"
#include "io/random.h"
#include "io/sim_disk.h"

namespace obbak::engine::manifest_test {
namespace {

using io::SimFault;
using io::SimOperation;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Manifest, RandomEditsAgreeWithAModelOverReopenings) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    io::Random random(seed);
    ManifestWorld world(seed);
    Model model;
    model.Apply(InitialEdit(seed));
    std::unique_ptr<Manifest> manifest = world.Create(InitialEdit(seed), kSmallFiles).value();

    for (int step = 0; step < 150; ++step) {
      std::vector<pb::Edit> edits(1 + random.Below(4));
      for (pb::Edit& edit : edits) edit = RandomEdit(random);
      std::vector<std::size_t> order;
      for (const Status& applied : world.ApplyTogether(*manifest, edits, order)) {
        ASSERT_TRUE(applied) << applied.error().ToString();
      }
      for (const std::size_t i : order) model.Apply(edits[i]);
      ASSERT_EQ(ModelOf(manifest->state()), model);
      if (random.OneIn(5)) {
        manifest.reset();
        manifest = world.Open(kSmallFiles).value();
        ASSERT_EQ(ModelOf(manifest->state()), model);
      }
      // The log never outgrows the limits by more than what was written at once.
      ASSERT_THAT(world.Names(), SizeIs(1));
    }
    EXPECT_GT(std::stoi(world.Names()[0]), 10);
    EXPECT_THAT(world.log(), IsEmpty());
  }
}

TEST(Manifest, EncodedSizeFollowsEveryEdit) {
  io::Random random(3);
  ManifestState state;
  for (int step = 0; step < 1000; ++step) {
    state.Apply(RandomEdit(random));
    const std::uint64_t exact = state.AsEdit().ByteSizeLong();
    const std::uint64_t elements =
        1 + state.log_streams().size() + state.tablets().size() + state.rows().size();
    ASSERT_GE(state.encoded_size(), exact);
    ASSERT_LE(state.encoded_size(), exact + kManifestFrame * elements);
  }
}

TEST(Manifest, EditsThatWaitTogetherAreWrittenTogether) {
  ManifestWorld world(1);
  const std::unique_ptr<Manifest> manifest = world.Create(InitialEdit()).value();
  int writes = 0;
  world.disk().Observe([&](const SimOperation& operation) {
    writes += operation.kind == SimOperation::Kind::kDurableWrite;
    return SimFault::kNone;
  });
  std::vector<pb::Edit> edits;
  for (std::int64_t id = 2001; id <= 2050; ++id) edits.push_back(LogStreamEdit(id, 10));
  std::vector<std::size_t> order;
  for (const Status& applied : world.ApplyTogether(*manifest, edits, order)) EXPECT_TRUE(applied);
  EXPECT_EQ(writes, 2);  // the first, and all that came while it was written
  EXPECT_THAT(manifest->state().log_streams(), SizeIs(1 + edits.size()));
}

TEST(Manifest, NothingIsVisibleBeforeItIsDurable) {
  ManifestWorld world(1);
  const std::unique_ptr<Manifest> manifest = world.Create(InitialEdit()).value();
  const Model before = ModelOf(manifest->state());
  int writes = 0;
  world.disk().Observe([&](const SimOperation& operation) {
    EXPECT_EQ(operation.kind, SimOperation::Kind::kDurableWrite);
    EXPECT_EQ(ModelOf(manifest->state()), before);
    ++writes;
    return SimFault::kNone;
  });
  EXPECT_TRUE(world.Run(manifest->Apply(LogStreamEdit(1009, 1))));
  EXPECT_EQ(writes, 1);
  EXPECT_TRUE(manifest->state().log_streams().contains({1009}));
}

TEST(Manifest, SameStateGivesTheSameBytes) {
  std::vector<Bytes> files;
  for (const bool ascending : {true, false}) {
    pb::Edit edit = InitialEdit();
    for (int i = 0; i < 200; ++i) {
      const int key = ascending ? i : 199 - i;
      (*edit.mutable_tenant()->mutable_parameters())[fmt::format("p{}", key)] = "v";
    }
    ManifestWorld world(1);
    ASSERT_TRUE(world.Create(std::move(edit)));
    files.push_back(world.ReadFile("1"));
  }
  EXPECT_EQ(files[0], files[1]);
}

TEST(Manifest, CreateAndOpenTellWhatIsThere) {
  ManifestWorld world(1);
  Result<std::unique_ptr<Manifest>> opened = world.Open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kFileNotExist);
  EXPECT_EQ(opened.error().path(), kManifestDir);
  EXPECT_EQ(world.Run(Manifest::Open(world.env(), "/nowhere")).error().code(),
            ErrorCode::kFileNotExist);

  pb::Edit nobody = InitialEdit();
  nobody.clear_tenant();
  EXPECT_EQ(world.Create(nobody).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(world.Names(), IsEmpty());

  ASSERT_TRUE(world.Create(InitialEdit()));
  EXPECT_EQ(world.Create(InitialEdit()).error().code(), ErrorCode::kEntryExist);
}

TEST(Manifest, OtherFilesInTheDirectoryAreLeftAlone) {
  ManifestWorld world(1);
  const std::vector<std::string> others = {"-1", "007", "1.tmp2", "2x", "notes.tmp", "x.7"};
  for (const std::string& name : others) world.WriteFile(name, 0, AsByteView("text"));
  world.WriteFile("1.tmp", 0, AsByteView("unfinished"));
  ASSERT_TRUE(world.Create(InitialEdit()));
  world.WriteFile("2.tmp", 0, AsByteView("unfinished"));
  ASSERT_TRUE(world.Open());
  std::vector<std::string> expected = others;
  expected.emplace_back("1");
  std::ranges::sort(expected);
  EXPECT_EQ(world.Names(), expected);
}

TEST(Manifest, EditsWithoutIdsAreRefusedWithoutHarm) {
  ManifestWorld world(1);
  const std::unique_ptr<Manifest> manifest = world.Create(InitialEdit()).value();
  const auto expect_refused = [&](const pb::Edit& edit, const std::string& field) {
    const Status applied = world.Run(manifest->Apply(edit));
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(applied.error().field(), field);
  };
  pb::Edit log_stream;
  log_stream.add_log_streams();
  expect_refused(log_stream, "log_streams[0].ls_id");
  pb::Edit tablet = InitialEdit();
  tablet.add_tablets()->set_ls_id(1);
  expect_refused(tablet, "tablets[1].tablet_id");
  pb::Edit removed;
  removed.add_removed_tablets()->set_tablet_id(1);
  expect_refused(removed, "removed_tablets[0].ls_id");
  EXPECT_TRUE(world.Run(manifest->Apply(InitialEdit(2))));
}

TEST(Manifest, AStateThatWouldNotFitIsRefusedAndRemovalsHelp) {
  constexpr ManifestLimits kTiny{.min_rewrite_size = 500, .max_state_size = 4000};
  ManifestWorld world(1);
  pb::Edit large = InitialEdit();
  *large.add_log_streams() = LogStreamEdit(1005, 5000).log_streams(0);
  EXPECT_EQ(world.Create(large, kTiny).error().code(), ErrorCode::kSizeOverflow);

  std::unique_ptr<Manifest> manifest = world.Create(InitialEdit(), kTiny).value();
  ASSERT_TRUE(world.Run(manifest->Apply(LogStreamEdit(1005, 2000))));
  const Model before = ModelOf(manifest->state());
  EXPECT_EQ(world.Run(manifest->Apply(LogStreamEdit(1006, 2000))).error().code(),
            ErrorCode::kSizeOverflow);
  EXPECT_EQ(ModelOf(manifest->state()), before);

  // Each alone would fit, together they don't: one is refused.
  std::vector<std::size_t> order;
  const std::vector<Status> both = world.ApplyTogether(
      *manifest, {LogStreamEdit(1, 1), LogStreamEdit(1007, 900), LogStreamEdit(1008, 900)}, order);
  EXPECT_EQ(std::ranges::count_if(both, [](const Status& one) { return one.has_value(); }), 2);

  pb::Edit removal;
  removal.add_removed_log_streams(1005);
  ASSERT_TRUE(world.Run(manifest->Apply(removal)));
  ASSERT_TRUE(world.Run(manifest->Apply(LogStreamEdit(1006, 2000))));
  const Model after = ModelOf(manifest->state());
  manifest.reset();
  EXPECT_EQ(ModelOf((*world.Open(kTiny))->state()), after);
}

TEST(Manifest, AfterAFailedWriteEverythingIsRefused) {
  for (const SimFault fault : {SimFault::kIoError, SimFault::kNoSpace}) {
    ManifestWorld world(1);
    std::unique_ptr<Manifest> manifest = world.Create(InitialEdit()).value();
    const Model before = ModelOf(manifest->state());
    world.disk().Observe([&](const SimOperation&) { return fault; });
    const Status failed = world.Run(manifest->Apply(InitialEdit(2)));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code(),
              fault == SimFault::kIoError ? ErrorCode::kIoError : ErrorCode::kServerOutofDiskSpace);
    EXPECT_EQ(failed.error().path(), kManifestDir + "/1");

    world.disk().Observe([](const SimOperation& operation) {
      ADD_FAILURE() << "nothing may be tried any more: " << ToString(operation);
      return SimFault::kNone;
    });
    const Status refused = world.Run(manifest->Apply(InitialEdit(3)));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::kStateNotMatch);
    EXPECT_THAT(refused.error().message(), HasSubstr(failed.error().message()));
    EXPECT_EQ(ModelOf(manifest->state()), before);
  }
}

}  // namespace
}  // namespace obbak::engine::manifest_test
