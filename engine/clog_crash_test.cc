// The clog's promise across power failures: whatever was acknowledged is there, nothing else than
// what was appended is there, and the log goes on.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/clog.h"
#include "engine/clog_files.h"
#include "engine/clog_reader.h"
#include "engine/clog_test_support.h"
#include "format/log_group.h"
#include "format/lsn.h"

namespace obbak::engine {
namespace {

using format::PalfBaseInfo;

// What a log holds before the workload, and what it must hold in the end.
struct History {
  io::SimImage image;
  std::vector<TestEntry> entries;
};

// Opens what a power failure left of `crashed`, checks it, goes on with the log, and checks again.
// `before`: the entries behind `start` that were there before the crashed workload.
void CheckSurvival(ClogWorld& crashed, std::uint64_t image_seed, const PalfBaseInfo& start,
                   const std::vector<TestEntry>& before) {
  std::vector<TestEntry> expected = before;
  expected.insert(expected.end(), crashed.appended().begin(), crashed.appended().end());

  ClogWorld world(image_seed, crashed.disk().CrashImage(image_seed));
  ASSERT_OK(world.Open(SmallClog(), start));
  EXPECT_GE(world.clog().end_lsn(), crashed.acknowledged());
  ASSERT_LE(world.replayed().size(), expected.size());
  EXPECT_TRUE(std::equal(world.replayed().begin(), world.replayed().end(), expected.begin()));

  std::vector<TestEntry> survived = world.replayed();
  ASSERT_OK(world.CommitMany(2, 3));
  survived.insert(survived.end(), world.appended().begin(), world.appended().end());
  ASSERT_OK(world.Close());
  ASSERT_OK(world.Open(SmallClog(), start));
  EXPECT_TRUE(world.replayed() == survived);
}

// Runs `workload` on `history` once per device operation that it takes, with the power going off at
// that operation, and checks several of the disks that this may leave.
template <class Workload>
void CrashEverywhere(const History& history, const PalfBaseInfo& start, std::uint64_t images,
                     std::uint64_t seed, Workload workload) {
  std::uint64_t crashes = 0;
  for (std::uint64_t stop = 1;; ++stop) {
    ClogWorld world(seed, history.image);
    ASSERT_OK(world.Open(SmallClog(), start));
    const std::uint64_t number = world.disk().operations() + stop;
    world.disk().StopAtOperation(number);
    workload(world);
    static_cast<void>(world.Close());
    if (world.disk().powered()) break;
    ++crashes;
    for (std::uint64_t image = 0; image < images; ++image) {
      SCOPED_TRACE("operation " + std::to_string(stop) + ", image " + std::to_string(image));
      // 0: nothing survives, 1: everything does, others draw.
      const std::uint64_t kind = image + stop % 2;
      const std::uint64_t image_seed = kind == 0 ? 0 : kind == 2 ? 1 : kind + 100 * stop;
      CheckSurvival(world, image_seed, start, history.entries);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  EXPECT_GT(crashes, 10U);
}

TEST(ClogCrashTest, SurvivesAPowerFailureAtEveryOperation) {
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    ClogWorld made(seed);
    ASSERT_OK(made.Create());
    ASSERT_OK(made.CommitMany(1, 2 * seed));
    ASSERT_OK(made.Close());
    CrashEverywhere({.image = made.disk().image(), .entries = made.appended()}, EmptyLog(), 4, seed,
                    [](ClogWorld& world) { static_cast<void>(world.CommitMany(3, 12)); });
  }
}

TEST(ClogCrashTest, SurvivesAPowerFailureWhileItRecovers) {
  ClogWorld made(11);
  ASSERT_OK(made.Create());
  ASSERT_OK(made.CommitMany(1, 3));
  made.disk().StopAtOperation(made.disk().operations() + 5);
  static_cast<void>(made.CommitMany(1, 20));
  static_cast<void>(made.Close());
  for (std::uint64_t image = 2; image < 12; ++image) {
    const io::SimImage torn = made.disk().CrashImage(image);
    for (std::uint64_t stop = 1;; ++stop) {
      ClogWorld world(stop, torn);
      world.disk().StopAtOperation(stop);
      const Status opened = world.Open();
      static_cast<void>(world.Close());
      if (world.disk().powered()) break;
      ClogWorld after(stop, world.disk().CrashImage(image * 100 + stop));
      ASSERT_OK(after.Open());
      EXPECT_GE(after.clog().end_lsn(), made.acknowledged());
      EXPECT_TRUE(
          std::equal(after.replayed().begin(), after.replayed().end(), made.appended().begin()));
    }
  }
}

// Where the power fails before a log's creation has ended, it can be created again.
TEST(ClogCrashTest, SurvivesAPowerFailureFromItsCreationOn) {
  for (std::uint64_t stop = 1;; ++stop) {
    ClogWorld world(stop);
    world.disk().StopAtOperation(stop);
    const bool created = world.Create().has_value();
    if (created) static_cast<void>(world.CommitMany(1, 3));
    static_cast<void>(world.Close());
    if (world.disk().powered()) break;
    for (std::uint64_t image = 0; image < 6; ++image) {
      SCOPED_TRACE("operation " + std::to_string(stop) + ", image " + std::to_string(image));
      ClogWorld after(image, world.disk().CrashImage(image));
      const Status opened = after.Open();
      if (created) ASSERT_OK(opened);
      if (!opened) {
        static_cast<void>(after.Run(after.disk().MakeDirectory("log")));
        ASSERT_OK(after.Run([](ClogWorld& in) -> io::Task<Status> {
          auto clog = co_await Clog::Create(in.env(), "log", kTestLs, EmptyLog(), SmallClog());
          if (!clog) co_return Fail(std::move(clog).error());
          co_return co_await (*clog)->Close();
        }(after)));
        ASSERT_OK(after.Open());
      }
      EXPECT_GE(after.clog().end_lsn(), world.acknowledged());
      ASSERT_OK(after.CommitMany(1, 2));
    }
  }
}

// Two blocks are full, or nearly; the workload recycles the first one and goes on into its file.
class ClogReuseTest : public testing::Test {
 protected:
  static void Fill(ClogWorld& world, format::Lsn end) {
    while (world.clog().end_lsn() < end) ASSERT_OK(world.Run(world.Commit(2'000'000)));
  }
};

TEST_F(ClogReuseTest, SurvivesAPowerFailureWhileBlocksAreRecycledAndReused) {
  ClogWorld made(21);
  ASSERT_OK(made.Create());
  Fill(made, format::BlockStart(1) + 62'000'000);
  const PalfBaseInfo second = *made.clog().BaseInfo(format::BlockStart(1));
  ASSERT_OK(made.Close());
  History history{.image = made.disk().image(), .entries = {}};
  std::ranges::copy_if(made.appended(), std::back_inserter(history.entries),
                       [&](const TestEntry& entry) { return entry.lsn >= second.curr_lsn; });

  CrashEverywhere(history, second, 1, 5, [&](ClogWorld& world) {
    static_cast<void>(world.Run(world.clog().Recycle(second.curr_lsn)));
    for (int i = 0; i < 5; ++i) static_cast<void>(world.Run(world.Commit(2'000'000)));
    static_cast<void>(world.CommitMany(2, 6));
  });
}

struct Group {
  format::Lsn lsn;
  Bytes bytes;
};

std::vector<Group> GroupsOf(ClogWorld& world) {
  std::vector<Group> all;
  ClogReader reader(world.clog(), format::Lsn{0});
  for (;;) {
    const auto groups = world.Run(reader.Read());
    EXPECT_TRUE(groups) << groups.error().ToString();
    if (!groups || groups->empty()) return all;
    for (const format::LogGroup& group : *groups) {
      all.push_back({group.lsn, Bytes(group.bytes.begin(), group.bytes.end())});
    }
  }
}

// As many as there is room for, until the power goes.
io::Task<void> AppendAll(ClogWorld& world, const std::vector<Group>& groups) {
  for (const Group& group : groups) {
    const auto header = ByteView(group.bytes).first<format::LogGroupEntryHeader::kSize>();
    const auto appended =
        world.clog().AppendRaw({group.lsn, format::LoadGroupHeader(header), group.bytes});
    if (!appended) co_return;
    if (world.random().OneIn(20)) co_await world.sim().loop().Yield();
    if (world.random().OneIn(60)) {
      if (!co_await world.clog().WaitDurable(world.clog().end_lsn())) co_return;
    }
  }
}

TEST(ClogCrashTest, RawGroupsThatWentToDiskTogetherAreTornBehindWhatWasDurableOnly) {
  ClogWorld from(8);
  ASSERT_OK(from.Create());
  for (int i = 0; i < 400; ++i) ASSERT_OK(from.Run(from.Commit(1 + from.random().Below(3000))));
  const std::vector<Group> groups = GroupsOf(from);
  std::uint64_t torn = 0;
  for (std::uint64_t stop = 1;; ++stop) {
    SCOPED_TRACE("operation " + std::to_string(stop));
    ClogWorld world(stop);
    ASSERT_OK(world.Create());
    world.disk().StopAtOperation(world.disk().operations() + stop);
    world.Run(AppendAll(world, groups));
    static_cast<void>(world.Close());
    if (world.disk().powered()) break;
    const format::Lsn durable = world.durable_at_close();
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      SCOPED_TRACE("image " + std::to_string(seed));
      const io::SimImage left = world.disk().CrashImage(seed);
      ClogWorld after(seed, left);
      ASSERT_OK(after.Open(SmallClog(), EmptyLog(), durable));
      ASSERT_GE(after.clog().end_lsn(), durable);
      ASSERT_LE(after.replayed().size(), from.appended().size());
      EXPECT_TRUE(
          std::equal(after.replayed().begin(), after.replayed().end(), from.appended().begin()));
      // What is left reads as any log does.
      ASSERT_OK(after.Close());
      ASSERT_OK(after.Open());
      ClogWorld strict(seed, left);
      if (!strict.Open()) ++torn;
      if (durable.value == 0) continue;
      ClogWorld damaged(seed, left);
      const std::uint64_t at = after.random().Below(durable.value);
      Bytes page = damaged.Contents(std::string("log/0"));
      page[OffsetInClogFile(format::Lsn{at})] ^= std::byte{1};
      damaged.Overwrite("log/0", 0, page);
      EXPECT_FALSE(damaged.Open(SmallClog(), EmptyLog(), durable));
    }
  }
  EXPECT_GT(torn, 0U);
}

}  // namespace
}  // namespace obbak::engine
