// The manifest under power failures, failing devices and flipped bits.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "engine/manifest.h"
#include "engine/manifest_file.h"
#include "engine/manifest_test_support.h"
#include "io/random.h"
#include "io/sim_disk.h"
#include "io/sim_image.h"

namespace obbak::engine::manifest_test {
namespace {

using io::SimDisk;
using io::SimFault;
using io::SimImage;
using io::SimOperation;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// Everything lost, everything kept, and draws in between.
constexpr std::uint64_t kCrashImages = 8;

// What a workload did until the power went.
struct History {
  // models[k]: after the first k edits that were begun. Before Create there is no model.
  std::vector<Model> models;
  // So many of these edits were acknowledged at least; all those begun might be there.
  std::size_t acknowledged = 0;
  bool created = false;
};

// Create, then edits in groups of one to three, until something fails.
History RunWorkload(ManifestWorld& world, std::uint64_t seed) {
  io::Random random(seed);
  History history;
  history.models.emplace_back().Apply(InitialEdit(seed));
  const auto manifest = world.Create(InitialEdit(seed), kSmallFiles);
  if (!manifest) return history;
  history.created = true;
  for (int step = 0; step < 25; ++step) {
    std::vector<pb::Edit> edits(1 + random.Below(3));
    for (pb::Edit& edit : edits) edit = RandomEdit(random);
    std::vector<std::size_t> order;
    const std::vector<Status> results = world.ApplyTogether(**manifest, edits, order);
    for (const std::size_t i : order) {
      history.models.push_back(history.models.back());
      history.models.back().Apply(edits[i]);
      if (results[i]) history.acknowledged = history.models.size() - 1;
    }
    const bool failed = !std::ranges::all_of(results, &Status::has_value);
    if (failed) return history;
  }
  return history;
}

// Opens what a crash left. Which model it agrees with, among those that are allowed; nothing when
// there is no manifest, which only a Create that did not return allows.
std::optional<std::size_t> ExpectAllowed(ManifestWorld& world, const History& history) {
  const auto manifest = world.Open(kSmallFiles);
  if (!manifest) {
    EXPECT_EQ(manifest.error().code(), ErrorCode::kFileNotExist) << manifest.error().ToString();
    EXPECT_FALSE(history.created);
    return std::nullopt;
  }
  const Model found = ModelOf((*manifest)->state());
  // From the end: an edit without effect gives the same model again.
  for (std::size_t k = history.models.size(); k-- > history.acknowledged;) {
    if (history.models[k] == found) return k;
  }
  ADD_FAILURE() << "neither an acknowledged state nor one after it: "
                << ::testing::PrintToString(found);
  return std::nullopt;
}

// What was found once stays, and the manifest goes on from there.
void ExpectLasting(const SimImage& recovered, const Model& model, std::uint64_t seed) {
  ManifestWorld world(seed, recovered);
  const auto manifest = world.Open(kSmallFiles);
  ASSERT_TRUE(manifest) << manifest.error().ToString();
  ASSERT_EQ(ModelOf((*manifest)->state()), model);
  ASSERT_THAT(world.Names(), SizeIs(1));

  Model next = model;
  next.Apply(LogStreamEdit(1009, 3000));
  ASSERT_TRUE(world.Run((*manifest)->Apply(LogStreamEdit(1009, 3000))));
  ManifestWorld again(seed, world.disk().CrashImage(0));
  const auto reopened = again.Open(kSmallFiles);
  ASSERT_TRUE(reopened) << reopened.error().ToString();
  EXPECT_EQ(ModelOf((*reopened)->state()), next);
}

TEST(ManifestCrash, AtEveryOperationAcknowledgedEditsAreThereAndOthersWhole) {
  constexpr std::uint64_t kSeed = 5;
  std::uint64_t operations = 0;
  int files = 0;
  {
    ManifestWorld world(kSeed);
    const History history = RunWorkload(world, kSeed);
    ASSERT_EQ(history.acknowledged, history.models.size() - 1);
    operations = world.disk().operations();
    files = std::stoi(world.Names()[0]);
  }
  ASSERT_GT(files, 2) << "the workload should go through several files";

  bool lost_one = false;
  bool kept_one = false;
  for (std::uint64_t stop = 1; stop <= operations; ++stop) {
    ManifestWorld world(kSeed);
    world.disk().StopAtOperation(stop);
    const History history = RunWorkload(world, kSeed);
    for (std::uint64_t crash = 0; crash < kCrashImages; ++crash) {
      SCOPED_TRACE(fmt::format("power off at operation {}, image {}", stop, crash));
      ManifestWorld after(crash, world.disk().CrashImage(crash));
      const std::optional<std::size_t> found = ExpectAllowed(after, history);
      if (HasFatalFailure() || HasNonfatalFailure()) return;
      if (!found) {
        ASSERT_TRUE(after.Create(InitialEdit(kSeed))) << "a Create that crashed is no obstacle";
        continue;
      }
      lost_one |= *found == history.acknowledged && *found + 1 < history.models.size();
      kept_one |= *found > history.acknowledged;
      ExpectLasting(after.disk().CrashImage(0), history.models[*found], crash);
      if (HasFatalFailure() || HasNonfatalFailure()) return;
    }
  }
  // Both ends of what is allowed were met, so the test can tell them apart.
  EXPECT_TRUE(lost_one);
  EXPECT_TRUE(kept_one);
}

TEST(ManifestCrash, DuringRecoveryNothingIsLostEither) {
  constexpr std::uint64_t kSeed = 6;
  std::uint64_t operations = 0;
  {
    ManifestWorld world(kSeed);
    RunWorkload(world, kSeed);
    operations = world.disk().operations();
  }
  std::uint64_t recoveries = 0;
  for (std::uint64_t stop = 1; stop <= operations; ++stop) {
    ManifestWorld world(kSeed);
    world.disk().StopAtOperation(stop);
    const History history = RunWorkload(world, kSeed);
    const SimImage left = world.disk().CrashImage(stop);
    for (std::uint64_t second = 1;; ++second) {
      SCOPED_TRACE(fmt::format("power off at operation {}, then at {} of recovery", stop, second));
      ManifestWorld recovery(stop, left);
      recovery.disk().StopAtOperation(second);
      const auto opened = recovery.Open(kSmallFiles);
      for (const std::uint64_t crash : {std::uint64_t{0}, std::uint64_t{1}, stop + second}) {
        ManifestWorld after(crash, recovery.disk().CrashImage(crash));
        const std::optional<std::size_t> found = ExpectAllowed(after, history);
        if (opened && found) {
          EXPECT_EQ(history.models[*found], ModelOf((*opened)->state()));
        }
        if (HasFatalFailure() || HasNonfatalFailure()) return;
      }
      ++recoveries;
      if (recovery.disk().operations() < second) break;
    }
  }
  EXPECT_GT(recoveries, operations);
}

// The device fails, the process ends, and only after another has opened the manifest the power
// goes: what that one has seen must not have been in the page cache alone.
TEST(ManifestCrash, AfterAnyFailingOperationAReopenedManifestIsRightAndLasting) {
  constexpr std::uint64_t kSeed = 7;
  for (std::uint64_t failing = 1;; ++failing) {
    SCOPED_TRACE(failing);
    ManifestWorld world(kSeed);
    world.disk().Observe([&](const SimOperation& operation) {
      return operation.number == failing ? SimFault::kIoError : SimFault::kNone;
    });
    const History history = RunWorkload(world, kSeed);
    if (world.disk().operations() < failing) break;
    ManifestWorld after(failing, world.disk().image());
    const std::optional<std::size_t> found = ExpectAllowed(after, history);
    if (found) ExpectLasting(after.disk().CrashImage(0), history.models[*found], failing);
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
}

TEST(ManifestCrash, ATornTailIsReportedAndGoneForGood) {
  ManifestWorld world(1);
  const std::unique_ptr<Manifest> manifest = world.Create(InitialEdit()).value();
  const Model before = ModelOf(manifest->state());
  const std::size_t end = world.ReadFile("1").size();
  world.WriteFile("1", end, AsByteView("the beginning of a record"));

  const auto opened = world.Open();
  ASSERT_TRUE(opened) << opened.error().ToString();
  EXPECT_EQ(ModelOf((*opened)->state()), before);
  ASSERT_THAT(world.log(), SizeIs(1));
  EXPECT_THAT(world.log()[0],
              AllOf(HasSubstr("/manifest/1"), HasSubstr(fmt::format("{:#x}", end))));
  EXPECT_THAT(world.Names(), ::testing::ElementsAre("2"));
  EXPECT_EQ(ParseManifestFile(world.ReadFile("2"))->records.size(), 1U);
}

TEST(ManifestCrash, FlippedBitsAreErrorsThatNameThePlaceOrCutTheLastRecordAlone) {
  SimImage image;
  std::vector<Model> models;
  Bytes file;
  {
    ManifestWorld world(1);
    const std::unique_ptr<Manifest> manifest = world.Create(InitialEdit()).value();
    models.push_back(ModelOf(manifest->state()));
    for (std::uint64_t i = 2; i < 6; ++i) {
      ASSERT_TRUE(world.Run(manifest->Apply(InitialEdit(i))));
      models.push_back(ModelOf(manifest->state()));
    }
    file = world.ReadFile("1");
    image = world.disk().image();
  }
  const std::uint64_t last = ParseManifestFile(file)->records.back().offset;

  for (std::size_t at = 0; at < file.size(); ++at) {
    SCOPED_TRACE(at);
    ManifestWorld world(at, image);
    const std::byte damaged = file[at] ^ std::byte{1} << (at % 8);
    world.WriteFile("1", at, ByteView(&damaged, 1));
    const Bytes whole = world.ReadFile("1");
    const auto opened = world.Open();
    if (at >= last) {
      ASSERT_TRUE(opened) << opened.error().ToString();
      EXPECT_EQ(ModelOf((*opened)->state()), models[models.size() - 2]);
      EXPECT_THAT(world.log(), SizeIs(1));
      continue;
    }
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().path(), "/manifest/1");
    EXPECT_TRUE(opened.error().offset());
    EXPECT_THAT(opened.error().advice(), Not(IsEmpty()));
    // Evidence is not touched.
    EXPECT_EQ(world.ReadFile("1"), whole);
    EXPECT_THAT(world.Names(), SizeIs(1));
  }
}

TEST(ManifestCrash, ADamagedSuccessorIsNotReplacedByAnOldManifest) {
  ManifestWorld world(1);
  ASSERT_TRUE(world.Create(InitialEdit()));
  Bytes second = world.ReadFile("1");
  second[20] ^= std::byte{1};
  world.WriteFile("2", 0, second);
  const auto opened = world.Open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kChecksumError);
  EXPECT_EQ(opened.error().path(), "/manifest/2");
  EXPECT_THAT(world.Names(), SizeIs(2));
}

TEST(ManifestCrash, ARecordThatHoldsNoEditsIsNamed) {
  ManifestWorld world(1);
  ASSERT_TRUE(world.Create(InitialEdit()));
  const Bytes file = world.ReadFile("1");
  pb::Record without_id;
  without_id.add_edits()->add_tablets();
  for (const std::string& payload : {std::string("\xff\xff"), without_id.SerializeAsString()}) {
    ManifestWorld damaged(1, world.disk().image());
    damaged.WriteFile("1", file.size(), EncodeManifestRecord(2, AsByteView(payload)));
    const auto opened = damaged.Open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), ErrorCode::kInvalidData);
    EXPECT_EQ(opened.error().offset(), file.size());
  }
}

}  // namespace
}  // namespace obbak::engine::manifest_test
