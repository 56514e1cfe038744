#include "format/group_entry_builder.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "format/log_reader.h"
#include "format/log_test_support.h"

namespace obbak::format {
namespace {

using Room = GroupEntryBuilder::Room;
constexpr Scn kFirstScn{1'700'000'000'000'000'001};

Bytes Counting(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

std::string HexOf(ByteView bytes) { return ToHex(bytes); }

// docs/spec/clog-and-archive.md §9.
TEST(GroupEntryBuilderTest, WritesTheWorkedExample) {
  GroupEntryBuilder builder(PalfBaseInfo(), 1);
  const Bytes counting = Counting(16);
  ASSERT_TRUE(builder.Append(kFirstScn, counting));
  EXPECT_EQ(HexOf(builder.Seal(Lsn{0})),
            "475200010000003000000000000000010000000000000000"
            "17979cfe362a0001000000005ae4c210"
            "00000000000000010000000000000000"
            "4c4800010000001017979cfe362a0001"
            "000000009bb992010000000000000001"
            "000102030405060708090a0b0c0d0e0f");
  ASSERT_EQ(builder.position().curr_lsn, Lsn{104});

  const auto hello = builder.Append(kMinScn, AsByteView("hello"));
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->lsn, Lsn{104 + 56});
  EXPECT_EQ(hello->scn, Scn{kFirstScn.value + 1});
  const ByteView second = builder.Seal(Lsn{104});
  const LogGroupEntryHeader header = LoadGroupHeader(second.first<LogGroupEntryHeader::kSize>());
  EXPECT_EQ(header.log_id, 2);
  EXPECT_EQ(header.accumulated_checksum, 0x63de9b27);
  EXPECT_EQ(header.flag, 1);
  EXPECT_EQ(builder.position().curr_lsn, Lsn{197});
}

TEST(GroupEntryBuilderTest, WritesTheWorkedExampleInOneGroup) {
  GroupEntryBuilder builder(PalfBaseInfo(), 1);
  const Bytes counting = Counting(16);
  ASSERT_TRUE(builder.Append(kFirstScn, counting));
  ASSERT_TRUE(builder.Append(kFirstScn, AsByteView("hello")));
  const ByteView group = builder.Seal(Lsn{0});
  const LogGroupEntryHeader header = LoadGroupHeader(group.first<LogGroupEntryHeader::kSize>());
  EXPECT_EQ(header.group_size, 0x55);
  EXPECT_EQ(header.max_scn, Scn{kFirstScn.value + 1});
  EXPECT_EQ(header.accumulated_checksum, 0xad86b347);
  EXPECT_EQ(header.flag, 1);
}

// The padding of §9 lies at LSN 197, where no builder pads; the one here has the same log before it
// but ends with its block, so only what depends on the LSN differs.
TEST(GroupEntryBuilderTest, PadsAsTheWorkedExample) {
  PalfBaseInfo position;
  position.curr_lsn = Lsn{kPalfBlockSize - 4096};
  position.prev_log_info.log_id = 2;
  position.prev_log_info.scn = Scn{kFirstScn.value + 1};
  position.prev_log_info.accum_checksum = 0x63de9b27;
  GroupEntryBuilder builder(position, 1);
  EXPECT_EQ(builder.RoomFor(3960), Room::kPadFirst);
  EXPECT_EQ(builder.RoomFor(4096 - 56 - 32), Room::kFits);
  const Result<ByteView> padding = builder.Pad(Lsn{197});
  ASSERT_TRUE(padding);
  EXPECT_EQ(HexOf(padding->first(56 + 32 + 16)),
            "4752000100000fc8000000000000000100000000000000c5"
            "17979cfe362a000300000000d7f12061"
            "00000000000000030000000000000003"
            "4c48000100000fa817979cfe362a0003"
            "00000000d7366dfe0000000000000003"
            "00010019000000000000000000000000");
  EXPECT_EQ(builder.position().curr_lsn, BlockStart(1));
  const auto next = builder.Append(kMinScn, AsByteView("x"));
  EXPECT_EQ(next->scn, Scn{kFirstScn.value + 3});
}

TEST(GroupEntryBuilderTest, RefusesWhatNoLogCanBe) {
  GroupEntryBuilder builder(PalfBaseInfo(), 1);
  EXPECT_EQ(builder.Append(kFirstScn, {}).error().code(), ErrorCode::kSizeOverflow);
  EXPECT_EQ(builder.Append(kFirstScn, Bytes(kMaxLogBodySize + 1)).error().code(),
            ErrorCode::kSizeOverflow);
  EXPECT_TRUE(builder.Append(kMaxScn, Bytes(kMaxLogBodySize)));
  builder.Seal(Lsn{0});
  EXPECT_EQ(builder.Append(kMinScn, Bytes(1)).error().code(), ErrorCode::kSizeOverflow);
}

TEST(GroupEntryBuilderTest, RefusesAnEntryWhereThereIsNoRoom) {
  PalfBaseInfo position;
  position.curr_lsn = Lsn{kPalfBlockSize - 5000};
  GroupEntryBuilder builder(position, 1);
  EXPECT_EQ(builder.Append(kFirstScn, Bytes(4000)).error().code(), ErrorCode::kStateNotMatch);
}

TEST(GroupEntryBuilderTest, RefusesPaddingThatIsNoGroup) {
  for (const std::uint64_t left : {std::uint64_t{1}, std::uint64_t{103}, kPalfBlockSize}) {
    PalfBaseInfo position;
    position.curr_lsn = Lsn{kPalfBlockSize - left};
    GroupEntryBuilder builder(position, 1);
    EXPECT_EQ(builder.Pad(Lsn{0}).error().code(), ErrorCode::kInvalidData);
  }
}

// Groups of every kind of size, across several blocks: all of the rules of §6 and §7 that a reader
// of the bytes can see.
TEST(GroupEntryBuilderTest, KeepsTheWriterRulesAcrossBlocks) {
  for (const std::size_t max_size : {std::size_t{300'000}, kMaxLogBodySize - 16}) {
    PalfBaseInfo start;
    start.curr_lsn = Lsn{3 * kPalfBlockSize - 5'000'000};
    start.prev_log_info.log_id = 7;
    TestLog log(start, max_size);
    log.AddGroups(15, 8, max_size);
    LogReader reader(start, LogMedium::kAppended);
    ByteView rest = log.bytes();
    Scn last = start.prev_log_info.scn;
    std::size_t paddings = 0;
    while (reader.Next(rest, true) == LogReader::Outcome::kGroup) {
      const LogGroup& group = reader.group();
      rest = rest.subspan(group.bytes.size());
      const std::uint64_t left = kPalfBlockSize - OffsetInBlock(group.lsn) - group.bytes.size();
      EXPECT_TRUE(left == 0 || left >= kMinBlockRest);
      EXPECT_LE(group.bytes.size(), kMaxGroupEntrySize);
      std::size_t entries = 0;
      for (const LogEntry& entry : group.entries()) {
        EXPECT_GT(entry.scn(), last);
        last = entry.scn();
        constexpr std::uint64_t kUnit = std::uint64_t{2} << 20;
        const std::uint64_t begin = OffsetInBlock(entry.lsn);
        const std::uint64_t end = begin + LogEntryHeader::kSize + entry.payload.size();
        EXPECT_TRUE(entries++ == 0 || begin / kUnit == end / kUnit) << "joined across a unit's end";
      }
      if (group.header.IsPadding()) {
        ++paddings;
        EXPECT_EQ(left, 0);
        EXPECT_GE(group.bytes.size(), kMinBlockRest);
      }
    }
    EXPECT_TRUE(rest.empty()) << reader.error().ToString();
    EXPECT_GT(paddings, 0);
    EXPECT_EQ(reader.position(), log.position());
  }
}

}  // namespace
}  // namespace obbak::format
