#include "engine/manifest.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "io/random.h"
#include "io/sim_world.h"
#include "io/sync.h"

namespace obbak::engine {
namespace {

using io::SimFault;
using io::SimImage;
using io::SimOperation;
using io::SimWorld;
using io::Task;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kDir = "/manifest";
// Small, so that a few edits are enough for a new file.
constexpr ManifestLimits kSmall{.min_rewrite_size = 2000, .max_state_size = kMaxManifestRecord};

// What a manifest should hold, kept in a way of its own: each element as its encoded message, so
// that nothing of one is forgotten in a comparison.
struct Model {
  std::string tenant;
  std::map<std::int64_t, std::string> log_streams;
  std::map<std::pair<std::int64_t, std::uint64_t>, std::string> tablets;

  bool operator==(const Model&) const = default;

  void Apply(const pb::Edit& edit) {
    for (const auto& gone : edit.removed_tablets()) tablets.erase({gone.ls_id(), gone.tablet_id()});
    for (const std::int64_t gone : edit.removed_log_streams()) {
      log_streams.erase(gone);
      std::erase_if(tablets, [&](const auto& tablet) { return tablet.first.first == gone; });
    }
    if (edit.has_tenant()) tenant = edit.tenant().SerializeAsString();
    for (const auto& put : edit.log_streams()) log_streams[put.ls_id()] = put.SerializeAsString();
    for (const auto& put : edit.tablets()) {
      tablets[{put.ls_id(), put.tablet_id()}] = put.SerializeAsString();
    }
  }
};

Model ModelOf(const ManifestState& state) {
  Model model{.tenant = state.tenant().SerializeAsString(), .log_streams = {}, .tablets = {}};
  for (const auto& [id, log_stream] : state.log_streams()) {
    model.log_streams[id.value] = log_stream.SerializeAsString();
  }
  for (const auto& [address, tablet] : state.tablets()) {
    model.tablets[{address.first.value, address.second.value}] = tablet.SerializeAsString();
  }
  return model;
}

std::ostream& operator<<(std::ostream& out, const Model& model) {
  out << "{tenant of " << model.tenant.size() << " bytes; log streams";
  for (const auto& [id, bytes] : model.log_streams) out << " " << id << ":" << bytes.size();
  out << "; tablets";
  for (const auto& [id, bytes] : model.tablets) {
    out << " " << id.first << "/" << id.second << ":" << bytes.size();
  }
  return out << "}";
}

std::string RandomBytes(io::Random& random, std::size_t max_size) {
  std::string bytes(random.Below(max_size + 1), '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Next());
  return bytes;
}

std::int64_t RandomLsId(io::Random& random) {
  return random.OneIn(3) ? 1 : 1001 + static_cast<std::int64_t>(random.Below(3));
}

pb::Tenant RandomTenant(io::Random& random) {
  pb::Tenant tenant;
  tenant.set_tenant_id(1002);
  // Names need not be UTF-8.
  tenant.set_tenant_name(RandomBytes(random, 20));
  tenant.set_role(random.OneIn(2) ? pb::Tenant::PRIMARY : pb::Tenant::RESTORING);
  // One at most: with more, a map's order in memory would be in the model's bytes.
  if (random.OneIn(2)) (*tenant.mutable_parameters())["p"] = RandomBytes(random, 8);
  return tenant;
}

pb::LogStream RandomLogStream(io::Random& random) {
  pb::LogStream log_stream;
  log_stream.set_ls_id(RandomLsId(random));
  log_stream.set_clog_checkpoint_scn(random.Next());
  log_stream.set_clog_base_lsn(random.Next());
  if (random.OneIn(2)) log_stream.set_palf_base(RandomBytes(random, 40));
  if (random.OneIn(3)) log_stream.mutable_timestamp_limit()->set_latest_log_ts(random.Next());
  return log_stream;
}

pb::Tablet RandomTablet(io::Random& random) {
  pb::Tablet tablet;
  tablet.set_ls_id(RandomLsId(random));
  tablet.set_tablet_id(200001 + random.Below(6));
  tablet.set_meta(RandomBytes(random, 300));
  for (std::uint64_t i = random.Below(3); i > 0; --i) {
    pb::Sstable& sstable = *tablet.add_sstables();
    sstable.set_table_key(RandomBytes(random, 30));
    sstable.set_meta(RandomBytes(random, 200));
  }
  return tablet;
}

pb::Edit RandomEdit(io::Random& random) {
  pb::Edit edit;
  if (random.OneIn(8)) *edit.mutable_tenant() = RandomTenant(random);
  for (std::uint64_t i = random.Below(3); i > 0; --i) {
    *edit.add_log_streams() = RandomLogStream(random);
  }
  for (std::uint64_t i = random.Below(4); i > 0; --i) *edit.add_tablets() = RandomTablet(random);
  for (std::uint64_t i = random.Below(3); i > 0; --i) {
    pb::TabletAddress& removed = *edit.add_removed_tablets();
    removed.set_ls_id(RandomLsId(random));
    removed.set_tablet_id(200001 + random.Below(6));
  }
  if (random.OneIn(6)) edit.add_removed_log_streams(RandomLsId(random));
  return edit;
}

pb::Edit InitialEdit(std::uint64_t seed = 1) {
  io::Random random(seed);
  pb::Edit edit;
  *edit.mutable_tenant() = RandomTenant(random);
  *edit.add_log_streams() = RandomLogStream(random);
  *edit.add_tablets() = RandomTablet(random);
  return edit;
}

pb::Edit LogStreamEdit(std::int64_t id, std::size_t size) {
  pb::Edit edit;
  pb::LogStream& log_stream = *edit.add_log_streams();
  log_stream.set_ls_id(id);
  log_stream.set_palf_base(std::string(size, 'x'));
  return edit;
}

SimImage ImageWithDirectory() {
  SimImage image;
  EXPECT_EQ(image.Create(kDir, /*directory=*/true), 0);
  image.SyncDirectory(SimImage::kRoot, image.sequence());
  return image;
}

// A simulated world and what a test does in it.
class World {
 public:
  explicit World(std::uint64_t seed, SimImage image = ImageWithDirectory())
      : sim_(seed, std::move(image)) {}

  Env env() {
    return Env{.loop = sim_.loop(),
               .disk = sim_.disk(),
               .clock = sim_.clock(),
               .random = sim_.random(),
               .log = Logger(LogLevel::kInfo, [this](LogLevel, std::string_view message) {
                 log_.emplace_back(message);
               })};
  }
  io::SimDisk& disk() { return sim_.disk(); }
  const std::vector<std::string>& log() const { return log_; }

  template <class T>
  T Run(Task<T> task) {
    return sim_.loop().Run(std::move(task));
  }

  Result<std::unique_ptr<Manifest>> Create(pb::Edit initial, ManifestLimits limits = {}) {
    return Run(Manifest::Create(env(), kDir, std::move(initial), limits));
  }
  Result<std::unique_ptr<Manifest>> Open(ManifestLimits limits = {}) {
    return Run(Manifest::Open(env(), kDir, limits));
  }

  // Applies all at the same time. Tells in `started` the order in which they were awaited.
  std::vector<Status> ApplyTogether(Manifest& manifest, const std::vector<pb::Edit>& edits,
                                    std::vector<std::size_t>& started) {
    std::vector<Status> results(edits.size());
    io::TaskGroup group(sim_.loop());
    for (std::size_t i = 0; i < edits.size(); ++i) {
      group.Spawn(ApplyOne(manifest, edits[i], i, results, started));
    }
    Run(group.Join());
    return results;
  }

  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const io::DirEntry& entry : Run(disk().List(kDir)).value()) names.push_back(entry.name);
    return names;
  }
  Bytes ReadFile(const std::string& name) {
    const std::unique_ptr<io::File> file = Run(disk().Open(kDir + "/" + name, {})).value();
    Bytes bytes(file->size());
    Run(Read(*file, bytes));
    return bytes;
  }
  void WriteFile(const std::string& name, std::uint64_t offset, ByteView bytes) {
    const std::unique_ptr<io::File> file =
        Run(disk().Open(kDir + "/" + name, {.create = true})).value();
    EXPECT_TRUE(Run(Write(*file, offset, bytes)));
  }

 private:
  static Task<void> ApplyOne(Manifest& manifest, pb::Edit edit, std::size_t i,
                             std::vector<Status>& results, std::vector<std::size_t>& started) {
    started.push_back(i);
    results[i] = co_await manifest.Apply(std::move(edit));
  }
  static Task<void> Read(io::File& file, Bytes& bytes) {
    EXPECT_EQ((co_await file.Read(0, bytes)).value(), bytes.size());
  }
  static Task<Status> Write(io::File& file, std::uint64_t offset, ByteView bytes) {
    co_return co_await file.Write(offset, bytes);
  }

  SimWorld sim_;
  std::vector<std::string> log_;
};

TEST(Manifest, RandomEditsAgreeWithAModelOverReopenings) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    io::Random random(seed);
    World world(seed);
    Model model;
    model.Apply(InitialEdit(seed));
    std::unique_ptr<Manifest> manifest = world.Create(InitialEdit(seed), kSmall).value();

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
        manifest = world.Open(kSmall).value();
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
    const std::uint64_t elements = 1 + state.log_streams().size() + state.tablets().size();
    ASSERT_GE(state.encoded_size(), exact);
    ASSERT_LE(state.encoded_size(), exact + kManifestFrame * elements);
  }
}

TEST(Manifest, EditsThatWaitTogetherAreWrittenTogether) {
  World world(1);
  const std::unique_ptr<Manifest> manifest = world.Create(InitialEdit()).value();
  int writes = 0;
  world.disk().Observe([&](const SimOperation& operation) {
    writes += operation.kind == SimOperation::Kind::kDurableWrite;
    return SimFault::kNone;
  });
  std::vector<pb::Edit> edits;
  for (std::int64_t id = 1001; id <= 1050; ++id) edits.push_back(LogStreamEdit(id, 10));
  std::vector<std::size_t> order;
  for (const Status& applied : world.ApplyTogether(*manifest, edits, order)) EXPECT_TRUE(applied);
  EXPECT_EQ(writes, 2);  // the first, and all that came while it was written
  EXPECT_THAT(manifest->state().log_streams(), SizeIs(51));
}

TEST(Manifest, NothingIsVisibleBeforeItIsDurable) {
  World world(1);
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
    World world(1);
    ASSERT_TRUE(world.Create(std::move(edit)));
    files.push_back(world.ReadFile("1"));
  }
  EXPECT_EQ(files[0], files[1]);
}

TEST(Manifest, CreateAndOpenTellWhatIsThere) {
  World world(1);
  Result<std::unique_ptr<Manifest>> opened = world.Open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kFileNotExist);
  EXPECT_EQ(opened.error().path(), kDir);
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
  World world(1);
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
  World world(1);
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
  World world(1);
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
    World world(1);
    std::unique_ptr<Manifest> manifest = world.Create(InitialEdit()).value();
    const Model before = ModelOf(manifest->state());
    world.disk().Observe([&](const SimOperation&) { return fault; });
    const Status failed = world.Run(manifest->Apply(InitialEdit(2)));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code(),
              fault == SimFault::kIoError ? ErrorCode::kIoError : ErrorCode::kServerOutofDiskSpace);
    EXPECT_EQ(failed.error().path(), kDir + "/1");

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
}  // namespace obbak::engine
