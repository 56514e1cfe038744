#include "format/group_rewrite.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "format/log_reader.h"
#include "format/log_test_support.h"

namespace obbak::format {
namespace {

using Outcome = LogReader::Outcome;

// With padding in it.
TestLog SomeLog() {
  PalfBaseInfo start;
  start.curr_lsn = Lsn{kPalfBlockSize - 20'000};
  TestLog log(start);
  log.AddGroups(20, 5, 800);
  return log;
}

TEST(GroupRewriteTest, RawWrittenGroupsAreTheSameLog) {
  const TestLog log = SomeLog();
  Bytes bytes = log.bytes();
  std::size_t begin = 0;
  for (const std::size_t end : log.group_ends()) {
    MarkRawWrite(std::span(bytes).subspan(begin, end - begin), 77, Lsn{begin});
    begin = end;
  }
  LogReader reader(log.start(), LogMedium::kAppended);
  ByteView rest = bytes;
  std::vector<TestLog::Entry> entries;
  while (reader.Next(rest, true) == Outcome::kGroup) {
    EXPECT_EQ(reader.group().header.proposal_id, 77);
    EXPECT_NE(reader.group().header.flag & kLogFlagRawWrite, 0);
    for (const LogEntry& entry : reader.group().entries()) {
      if (!entry.header.IsPadding())
        entries.push_back({entry.lsn, entry.scn(), {entry.payload.begin(), entry.payload.end()}});
    }
    rest = rest.subspan(reader.group().bytes.size());
  }
  EXPECT_TRUE(rest.empty()) << reader.error().ToString();
  EXPECT_EQ(entries, log.entries());
  EXPECT_EQ(reader.position().prev_log_info.accum_checksum,
            log.position().prev_log_info.accum_checksum);
}

// Cut at every SCN there is, before the first, and behind the last.
TEST(GroupRewriteTest, ATruncatedGroupIsAValidEndOfTheLogWithExactlyTheEntriesUpToTheScn) {
  const TestLog log = SomeLog();
  LogReader reader(log.start(), LogMedium::kAppended);
  ByteView rest = log.bytes();
  while (true) {
    const PalfBaseInfo before = reader.position();
    if (reader.Next(rest, true) != Outcome::kGroup) break;
    const LogGroup group = reader.group();
    std::vector<Scn> scns{Scn{before.prev_log_info.scn.value}};
    for (const LogEntry& entry : group.entries()) scns.push_back(entry.scn());
    for (const Scn last : scns) {
      const Bytes cut = TruncateGroup(group, last, before.prev_log_info.accum_checksum);
      const auto kept = std::ranges::count_if(scns, [&](Scn scn) { return scn <= last; }) - 1;
      EXPECT_EQ(cut.empty(), kept == 0);
      if (cut.empty()) continue;
      LogReader again(before, LogMedium::kAppended);
      ASSERT_EQ(again.Next(cut, true), Outcome::kGroup) << again.error().ToString();
      EXPECT_EQ(again.group().bytes.size(), cut.size());
      const LogEntries entries = again.group().entries();
      EXPECT_EQ(std::distance(entries.begin(), entries.end()), kept);
      EXPECT_EQ(again.position().prev_log_info.scn, last);
    }
    EXPECT_EQ(ToHex(TruncateGroup(group, kMaxScn, before.prev_log_info.accum_checksum)),
              ToHex(group.bytes));
    rest = rest.subspan(group.bytes.size());
  }
  EXPECT_TRUE(rest.empty());
}

}  // namespace
}  // namespace obbak::format
