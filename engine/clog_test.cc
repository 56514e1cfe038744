#include "engine/clog.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "engine/clog_reader.h"
#include "engine/clog_test_support.h"
#include "format/group_entry_builder.h"
#include "format/log_file_header.h"
#include "format/log_file_reader.h"
#include "format/log_group.h"
#include "io/aligned_bytes.h"

namespace obbak::engine {
namespace {

using format::kLogFileHeaderArea;
using format::kPalfBlockSize;
using format::LogFileReader;
using format::LogReader;
using format::Lsn;
using format::PalfBaseInfo;
using format::Scn;

std::string BlockPath(std::uint64_t block_id) { return "log/" + std::to_string(block_id); }

// Puts the groups of a log together anew from their entries, and expects the same bytes.
class Rebuilder {
 public:
  explicit Rebuilder(const PalfBaseInfo& base) : builder_(base, 1) {}

  void Check(const format::LogGroup& group) {
    const Lsn committed = group.header.committed_end_lsn;
    if (group.header.IsPadding()) {
      const Result<ByteView> padding = builder_.Pad(committed);
      ASSERT_TRUE(padding);
      EXPECT_TRUE(std::ranges::equal(*padding, group.bytes));
      return;
    }
    for (const format::LogEntry& entry : group.entries()) {
      ASSERT_EQ(builder_.RoomFor(entry.payload.size()), format::GroupEntryBuilder::Room::kFits);
      ASSERT_TRUE(builder_.Append(entry.scn(), entry.payload));
    }
    EXPECT_TRUE(std::ranges::equal(builder_.Seal(committed), group.bytes));
  }

 private:
  format::GroupEntryBuilder builder_;
};

// Reads the files as a server's tools would, each with its header, behind each other.
void CheckFiles(ClogWorld& world, const PalfBaseInfo& base, Lsn end) {
  Rebuilder rebuilder(base);
  PalfBaseInfo position = base;
  while (position.curr_lsn < end) {
    const Bytes bytes = world.Contents(BlockPath(BlockIdOf(position.curr_lsn)));
    auto file = LogFileReader::Open(bytes, format::LogFileKind::kBlock, position);
    ASSERT_OK(file);
    LogReader::Outcome outcome = file->Next();
    for (; outcome == LogReader::Outcome::kGroup; outcome = file->Next())
      rebuilder.Check(file->group());
    ASSERT_EQ(outcome, LogReader::Outcome::kEnd) << file->error().ToString();
    position = file->position();
  }
  EXPECT_EQ(position.curr_lsn, end);
}

TEST(ClogTest, GivesBackWhatWasAppendedAcrossBlocks) {
  ClogWorld world(1);
  ASSERT_OK(world.Create());
  while (world.clog().end_lsn() < format::BlockStart(2) + 1'000'000)
    ASSERT_OK(world.CommitMany(8, 40));
  const Lsn end = world.clog().end_lsn();
  EXPECT_EQ(world.clog().durable_end_lsn(), end);
  EXPECT_EQ(world.clog().durable_end_scn(), world.appended().back().scn);
  const PalfBaseInfo second = *world.clog().BaseInfo(format::BlockStart(1));
  ASSERT_OK(world.Close());
  CheckFiles(world, EmptyLog(), end);
  CheckFiles(world, second, end);

  ASSERT_OK(world.Open());
  EXPECT_EQ(world.replayed(), world.appended());
  EXPECT_EQ(world.clog().end_lsn(), end);
  EXPECT_EQ(*world.clog().BaseInfo(format::BlockStart(1)), second);

  // From a checkpoint in the second block on.
  ASSERT_OK(world.CommitMany(2, 3));
  ASSERT_OK(world.Close());
  ASSERT_OK(world.Open(SmallClog(), second));
  const auto from =
      std::ranges::lower_bound(world.appended(), second.curr_lsn, {}, &TestEntry::lsn);
  EXPECT_TRUE(
      std::ranges::equal(world.replayed(), std::ranges::subrange(from, world.appended().end())));
}

TEST(ClogTest, ZerosAheadNeverTouchTheLog) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    ClogWorld world(seed);
    ClogOptions options = SmallClog();
    options.zero_ahead = std::size_t{4096} << (seed % 10);
    ASSERT_OK(world.Create(options));
    for (int round = 0; round < 6; ++round) {
      ASSERT_OK(world.CommitMany(1 + seed % 5, 20));
      // Reopened, it overwrites what it had written ahead.
      ASSERT_OK(world.Close());
      ASSERT_OK(world.Open(options));
      ASSERT_EQ(world.replayed(), world.appended());
    }
    CheckFiles(world, EmptyLog(), world.clog().end_lsn());
  }
}

// How many log writes an action takes.
template <class Action>
std::size_t WritesOf(ClogWorld& world, Action action) {
  std::size_t writes = 0;
  world.disk().Observe([&writes](const io::SimOperation& operation) {
    if (operation.kind == io::SimOperation::Kind::kDurableWrite) ++writes;
    return io::SimFault::kNone;
  });
  action();
  world.disk().Observe(nullptr);
  return writes;
}

TEST(ClogTest, ALoneCommitIsOneWrite) {
  ClogWorld world(1);
  ClogOptions options = SmallClog();
  options.zero_ahead = 0;
  ASSERT_OK(world.Create(options));
  ASSERT_OK(world.Run(world.Commit(100)));  // with the block's header
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(WritesOf(world, [&] { EXPECT_TRUE(world.Run(world.Commit(4096))); }), 1U);
  }
}

TEST(ClogTest, CommitsOfOneTurnShareOneWrite) {
  ClogWorld world(1);
  ClogOptions options = SmallClog();
  options.zero_ahead = 0;
  ASSERT_OK(world.Create(options));
  ASSERT_OK(world.Run(world.Commit(100)));
  const auto commit64 = [](ClogWorld& in) -> io::Task<Status> {
    io::TaskGroup tasks(in.sim().loop());
    for (int i = 0; i < 64; ++i) {
      tasks.Spawn(
          [](ClogWorld& one) -> io::Task<void> { EXPECT_TRUE(co_await one.Commit(100)); }(in));
    }
    co_await tasks.Join();
    co_return Status();
  };
  // The order within a turn is random, so some may come behind the writer's turn.
  EXPECT_LE(WritesOf(world, [&] { EXPECT_TRUE(world.Run(commit64(world))); }), 2U);
}

TEST(ClogTest, TheHeaderNamesTheFirstEntry) {
  ClogWorld world(3);
  ASSERT_OK(world.Create());
  ASSERT_OK(world.CommitMany(1, 3));
  ASSERT_OK(world.Close());
  const auto header =
      format::HeaderArea<format::LogBlockHeader>::Read(world.Contents(BlockPath(0)));
  ASSERT_OK(header);
  EXPECT_EQ(header->min_scn, world.appended().front().scn);
  EXPECT_EQ(header->palf_id, kTestLs.value);

  // An entry whose SCN is not that one's is damage.
  format::LogBlockHeader other = *header;
  other.min_scn.value += 1;
  world.Overwrite(BlockPath(0), 0, *format::HeaderArea<format::LogBlockHeader>::Write(other));
  const Status opened = world.Open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kInvalidData);
  EXPECT_EQ(opened.error().path(), BlockPath(0));
  EXPECT_EQ(opened.error().offset(), 16U);
}

TEST(ClogTest, AFailedWriteEndsTheLogAndNothingMoreIsAcknowledged) {
  for (std::uint64_t failing = 1; failing < 25; ++failing) {
    ClogWorld world(failing);
    ASSERT_OK(world.Create());
    std::uint64_t count = 0;
    world.disk().Observe([&](const io::SimOperation& operation) {
      const bool write = operation.kind == io::SimOperation::Kind::kDurableWrite;
      return write && ++count == failing ? io::SimFault::kIoError : io::SimFault::kNone;
    });
    const Status committed = world.CommitMany(5, 20);
    ASSERT_FALSE(committed);
    EXPECT_EQ(committed.error().code(), ErrorCode::kIoError);
    EXPECT_EQ(world.clog().durable_end_lsn(), std::max(world.acknowledged(), Lsn{0}));
    const auto late = world.clog().Append(Scn{1}, Bytes(10));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code(), ErrorCode::kIoError);
    EXPECT_FALSE(world.Run(world.clog().AwaitRoom()));
    EXPECT_FALSE(world.Run(world.clog().WaitBeyond(world.clog().durable_end_lsn())));
    EXPECT_FALSE(world.Close());

    const Lsn acknowledged = world.acknowledged();
    world.disk().Observe(nullptr);
    ASSERT_OK(world.Open());
    EXPECT_GE(world.clog().end_lsn(), acknowledged);
    ASSERT_LE(world.replayed().size(), world.appended().size());
    EXPECT_TRUE(
        std::equal(world.replayed().begin(), world.replayed().end(), world.appended().begin()));
  }
}

TEST(ClogTest, TheBacklogHasABound) {
  ClogWorld world(5);
  ClogOptions options = SmallClog();
  options.max_backlog = 100'000;
  ASSERT_OK(world.Create(options));
  ASSERT_OK(world.Run([](Clog& clog) -> io::Task<Status> {
    for (int i = 0; i < 500; ++i) {
      if (Status room = co_await clog.AwaitRoom(); !room) co_return room;
      EXPECT_LE(clog.end_lsn() - clog.durable_end_lsn(), 100'000U);
      if (const auto appended = clog.Append(Scn{1}, Bytes(5000)); !appended)
        co_return Fail(appended.error());
    }
    co_return co_await clog.WaitDurable(clog.end_lsn());
  }(world.clog())));
}

TEST(ClogTest, DamageInTheMiddleIsRefusedAndNothingIsChanged) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    ClogWorld world(seed);
    ASSERT_OK(world.Create());
    ASSERT_OK(world.CommitMany(1, 12));
    ASSERT_OK(world.Close());
    const std::size_t size = kLogFileHeaderArea + world.appended().back().lsn.value + (4 << 20);
    Bytes bytes = world.Contents(BlockPath(0), size);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> groups;  // where they begin and end
    auto file = LogFileReader::Open(bytes, format::LogFileKind::kBlock, EmptyLog());
    ASSERT_OK(file);
    for (std::uint64_t begin = file->offset(); file->Next() == LogReader::Outcome::kGroup;
         begin = file->offset())
      groups.emplace_back(begin, file->offset());
    const auto [begin, end] = groups[world.random().Below(groups.size() - 1)];
    const std::uint64_t at = begin + world.random().Below(end - begin);
    bytes[at] ^= std::byte{1} << world.random().Below(8);
    world.Overwrite(BlockPath(0), at, {bytes[at]});

    const Status opened = world.Open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().path(), BlockPath(0));
    ASSERT_TRUE(opened.error().offset());
    EXPECT_GE(*opened.error().offset(), begin);
    EXPECT_LT(*opened.error().offset(), end);
    EXPECT_TRUE(world.Contents(BlockPath(0), size) == bytes);
  }
}

// A log of three blocks, made once.
const io::SimImage& ThreeBlocks() {
  static const io::SimImage image = [] {
    ClogWorld world(77);
    EXPECT_TRUE(world.Create());
    const auto fill = [](Clog& clog) -> io::Task<Status> {
      const Bytes payload(2'000'000, std::byte{0x5a});
      while (clog.end_lsn() < format::BlockStart(2) + 10'000'000) {
        if (Status room = co_await clog.AwaitRoom(); !room) co_return room;
        if (const auto appended = clog.Append(Scn{1}, payload); !appended)
          co_return Fail(appended.error());
      }
      co_return Status();
    };
    EXPECT_TRUE(world.Run(fill(world.clog())));
    EXPECT_TRUE(world.Close());
    return world.disk().image();
  }();
  return image;
}

TEST(ClogTest, AMissingFileIsNamed) {
  for (const std::uint64_t missing : {0U, 1U}) {
    ClogWorld world(1, ThreeBlocks());
    ASSERT_OK(world.Run(world.disk().Remove(BlockPath(missing))));
    const Status opened = world.Open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), ErrorCode::kFileNotExist);
    EXPECT_EQ(opened.error().path(), BlockPath(missing));
  }
}

TEST(ClogTest, OnlyTheLastFileMayHaveATail) {
  for (const std::uint64_t from : {0U, 30'000'000U}) {
    ClogWorld world(1, ThreeBlocks());
    world.Overwrite(BlockPath(1), kLogFileHeaderArea + from, Bytes(kPalfBlockSize - from));
    const Status opened = world.Open();
    ASSERT_FALSE(opened);
    // At a group's begin nothing is left of it, else a part.
    EXPECT_EQ(opened.error().code(),
              from == 0 ? ErrorCode::kInvalidData : ErrorCode::kChecksumError);
    EXPECT_EQ(opened.error().path(), BlockPath(1));
    EXPECT_GE(opened.error().offset(), kLogFileHeaderArea);
  }
}

TEST(ClogTest, BlocksBelowTheCheckpointStayUnlessThereIsAGap) {
  PalfBaseInfo third;
  {
    ClogWorld world(1, ThreeBlocks());
    ASSERT_OK(world.Open());
    third = *world.clog().BaseInfo(format::BlockStart(2));
  }
  ClogWorld world(1, ThreeBlocks());
  ASSERT_OK(world.Open(SmallClog(), third));
  EXPECT_EQ(world.clog().base_lsn(), Lsn{0});
  ClogReader reader(world.clog(), Lsn{0});
  ASSERT_OK(world.Run(reader.Read()));
  ASSERT_OK(world.Close());

  ASSERT_OK(world.Run(world.disk().Remove(BlockPath(1))));
  ASSERT_OK(world.Open(SmallClog(), third));
  EXPECT_EQ(world.clog().base_lsn(), third.curr_lsn);
  EXPECT_FALSE(world.Run(world.disk().Stat(BlockPath(0))));
}

TEST(ClogTest, WhatATornWriteLeftIsErased) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    ClogWorld world(seed);
    ASSERT_OK(world.Create());
    ASSERT_OK(world.CommitMany(1, 5));
    const std::uint64_t end = OffsetInClogFile(world.clog().end_lsn());
    ASSERT_OK(world.Close());
    // A page's rest of zeros and then something, or something at once.
    const std::uint64_t torn = seed % 2 == 0 ? end : io::AlignUp(end);
    world.Overwrite(BlockPath(0), torn, RandomPayload(world.random(), 1 + seed * 300'000));
    ASSERT_OK(world.Open());
    EXPECT_EQ(world.replayed(), world.appended());
    const Bytes bytes = world.Contents(BlockPath(0));
    EXPECT_TRUE(std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(end), bytes.end(),
                            [](std::byte byte) { return byte == std::byte{}; }));
  }
}

TEST(ClogTest, RecycledBlocksAreGoneAndTheirFilesUsedAgain) {
  ClogWorld world(9, ThreeBlocks());
  ASSERT_OK(world.Open());
  const PalfBaseInfo second = *world.clog().BaseInfo(format::BlockStart(1));
  const PalfBaseInfo third = *world.clog().BaseInfo(format::BlockStart(2));
  EXPECT_EQ(world.clog().LocateCoarsely(third.prev_log_info.scn), second.curr_lsn);
  EXPECT_EQ(world.clog().LocateCoarsely(Scn{third.prev_log_info.scn.value + 1}), third.curr_lsn);
  ClogReader reader(world.clog(), Lsn{0});
  ASSERT_OK(world.Run(reader.Read()));

  ASSERT_OK(world.Run(world.clog().Recycle(second.curr_lsn + 5)));
  EXPECT_EQ(world.clog().base_lsn(), second.curr_lsn);
  EXPECT_EQ(world.clog().LocateCoarsely(Scn{0}), second.curr_lsn);
  const auto read = world.Run(reader.Read());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::kErrOutOfLowerBound);
  EXPECT_FALSE(world.clog().BaseInfo(Lsn{0}));

  std::size_t created = 0;
  world.disk().Observe([&](const io::SimOperation& operation) {
    if (operation.kind == io::SimOperation::Kind::kAllocate) ++created;
    return io::SimFault::kNone;
  });
  while (world.clog().end_lsn() < format::BlockStart(3) + 100'000) {
    ASSERT_OK(world.Run(world.Commit(2'000'000)));
  }
  EXPECT_EQ(created, 0U);
  // Never the last one.
  ASSERT_OK(world.Run(world.clog().Recycle(format::BlockStart(9))));
  EXPECT_EQ(world.clog().base_lsn(), format::BlockStart(3));
  const PalfBaseInfo fourth = *world.clog().BaseInfo(format::BlockStart(3));
  ASSERT_OK(world.Close());
  ASSERT_OK(world.Open(SmallClog(), fourth));
  ASSERT_FALSE(world.replayed().empty());
  const std::size_t skipped = world.appended().size() - world.replayed().size();
  EXPECT_TRUE(std::ranges::equal(world.replayed(), std::span(world.appended()).subspan(skipped)));
}

TEST(ClogReaderTest, FollowsTheLogGroupByGroup) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    ClogWorld world(seed);
    ASSERT_OK(world.Create());
    Rebuilder rebuilder(EmptyLog());
    std::vector<TestEntry> seen;
    const auto follow = [&](Clog& clog) -> io::Task<void> {
      ClogReader reader(clog, Lsn{0});
      for (;;) {
        const auto groups = co_await reader.Read();
        if (!groups) ADD_FAILURE() << groups.error().ToString();
        if (!groups) co_return;
        for (const format::LogGroup& group : *groups) {
          rebuilder.Check(group);
          for (const format::LogEntry& entry : group.entries())
            seen.push_back({entry.lsn, entry.scn(), {entry.payload.begin(), entry.payload.end()}});
        }
        if (!groups->empty()) continue;
        const Status more = co_await clog.WaitBeyond(reader.lsn());
        if (more) continue;
        EXPECT_EQ(more.error().code(), ErrorCode::kCanceled);
        co_return;
      }
    };
    io::TaskGroup followers(world.sim().loop());
    followers.Spawn(follow(world.clog()));
    ASSERT_OK(world.CommitMany(4, 50));
    ASSERT_OK(world.Run([](Clog& clog, io::TaskGroup& tasks) -> io::Task<Status> {
      Status closed = co_await clog.Close();
      co_await tasks.Join();
      co_return closed;
    }(world.clog(), followers)));
    EXPECT_EQ(seen, world.appended());
  }
}

TEST(ClogTest, RawGroupsMakeTheSameLog) {
  ClogWorld from(4, ThreeBlocks());
  ASSERT_OK(from.Open());
  ASSERT_OK(from.CommitMany(3, 20));
  ClogWorld to(5);
  ASSERT_OK(to.Create());
  ClogReader reader(from.clog(), Lsn{0});
  for (;;) {
    const auto groups = from.Run(reader.Read());
    ASSERT_OK(groups);
    if (groups->empty()) break;
    for (const format::LogGroup& group : *groups) {
      ASSERT_OK(to.clog().AppendRaw(group));
      // Twice does not fit.
      EXPECT_EQ(to.clog().AppendRaw(group).error().code(), ErrorCode::kStateNotMatch);
    }
    ASSERT_OK(to.Run(to.clog().AwaitRoom()));
  }
  EXPECT_EQ(to.clog().end_lsn(), from.clog().end_lsn());
  EXPECT_EQ(to.clog().max_scn(), from.clog().max_scn());
  ASSERT_OK(to.Run(to.clog().WaitDurable(to.clog().end_lsn())));
  for (std::uint64_t block = 0; block < 3; ++block)
    EXPECT_TRUE(from.Contents(BlockPath(block)) == to.Contents(BlockPath(block)));
  // And goes on as a log of its own.
  ASSERT_OK(to.CommitMany(1, 2));
  ASSERT_OK(to.Close());
  ASSERT_OK(to.Open());
}

}  // namespace
}  // namespace obbak::engine
