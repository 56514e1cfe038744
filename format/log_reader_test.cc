#include "format/log_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "format/log_test_support.h"

namespace obbak::format {
namespace {

using Outcome = LogReader::Outcome;

// Reads `log` to its end.
struct Reading {
  Reading(LogReader from, ByteView log) : reader(std::move(from)) {
    while ((outcome = reader.Next(log.subspan(used), true)) == Outcome::kGroup) {
      ++groups;
      for (const LogEntry& entry : reader.group().entries()) {
        if (entry.header.IsPadding()) continue;
        entries.push_back({.lsn = entry.lsn,
                           .scn = entry.scn(),
                           .payload = Bytes(entry.payload.begin(), entry.payload.end())});
      }
      used += reader.group().bytes.size();
    }
  }

  LogReader reader;
  Outcome outcome{};
  std::size_t groups = 0;
  std::size_t used = 0;
  std::vector<TestLog::Entry> entries;
};

Reading Read(const TestLog& log, ByteView bytes, LogMedium medium = LogMedium::kAppended) {
  return {LogReader(log.start(), medium), bytes};
}

std::size_t GroupsWithin(const TestLog& log, std::size_t size) {
  return static_cast<std::size_t>(std::ranges::upper_bound(log.group_ends(), size) -
                                  log.group_ends().begin());
}

TEST(LogReaderTest, GivesBackWhatTheBuilderWrote) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    PalfBaseInfo start;
    if (seed % 2 == 1) start.curr_lsn = Lsn{kPalfBlockSize - 30'000};  // with padding in between
    TestLog log(start, seed);
    log.AddGroups(40, 6, 3000);
    for (const LogMedium medium : {LogMedium::kAppended, LogMedium::kPreallocated}) {
      const Reading reading = Read(log, log.bytes(), medium);
      EXPECT_EQ(reading.outcome, Outcome::kEnd);
      EXPECT_EQ(reading.groups, log.group_ends().size());
      EXPECT_EQ(reading.entries, log.entries());
      EXPECT_EQ(reading.reader.position(), log.position());
    }
  }
}

TEST(LogReaderTest, ReadsOnFromAnyGroupWithAndWithoutItsPosition) {
  TestLog log;
  log.AddGroups(10, 3, 200);
  LogReader reader(log.start(), LogMedium::kAppended);
  ByteView rest = log.bytes();
  while (reader.Next(rest, true) == Outcome::kGroup) {
    rest = rest.subspan(reader.group().bytes.size());
    const Reading known(LogReader(reader.position(), LogMedium::kAppended), rest);
    EXPECT_EQ(known.outcome, Outcome::kEnd);
    EXPECT_EQ(known.reader.position(), log.position());
    const Reading unknown(LogReader(reader.lsn(), LogMedium::kAppended), rest);
    EXPECT_EQ(unknown.outcome, Outcome::kEnd);
    EXPECT_EQ(unknown.groups, known.groups);
  }
}

TEST(LogReaderTest, GivesTheSameGroupsInChunksOfAnySize) {
  TestLog log;
  log.AddGroups(30, 4, 500);
  for (std::size_t chunk = 1; chunk < 700; chunk += 13) {
    LogReader reader(log.start(), LogMedium::kAppended);
    Bytes window;
    std::size_t read = 0;
    std::size_t groups = 0;
    while (true) {
      const Outcome outcome = reader.Next(window, read == log.bytes().size());
      if (outcome == Outcome::kGroup) {
        ++groups;
        window.erase(window.begin(),
                     window.begin() + static_cast<std::ptrdiff_t>(reader.group().bytes.size()));
      } else if (outcome == Outcome::kNeedMore) {
        ASSERT_GT(reader.needed(), window.size());
        const std::size_t size = std::min(chunk, log.bytes().size() - read);
        const ByteView next = ByteView(log.bytes()).subspan(read, size);
        window.insert(window.end(), next.begin(), next.end());
        read += size;
      } else {
        EXPECT_EQ(outcome, Outcome::kEnd);
        break;
      }
    }
    EXPECT_EQ(groups, log.group_ends().size());
    EXPECT_EQ(reader.position(), log.position());
  }
}

TEST(LogReaderTest, AppendedLogCutAtAnyByteHasTheWholeGroupsAndATornTail) {
  TestLog log;
  log.AddGroups(6, 3, 90);
  for (std::size_t size = 0; size <= log.bytes().size(); ++size) {
    const Reading reading = Read(log, ByteView(log.bytes()).first(size));
    EXPECT_EQ(reading.groups, GroupsWithin(log, size)) << size;
    EXPECT_EQ(reading.outcome, reading.used == size ? Outcome::kEnd : Outcome::kTornTail) << size;
  }
}

// The file behind the tear holds zeros, or a log of before: groups with smaller ids and SCNs, whose
// beginning the tear may have cut.
TEST(LogReaderTest, PreallocatedLogTornAtAnyByteEndsThere) {
  TestLog older({}, 5);
  older.AddGroups(12, 3, 90);
  PalfBaseInfo start = older.position();
  start.curr_lsn = Lsn{0};
  TestLog log(start, 6);
  log.AddGroups(6, 3, 90);
  for (const bool reused : {false, true}) {
    for (std::size_t size = 0; size <= log.bytes().size(); ++size) {
      Bytes file = reused ? older.bytes() : Bytes();
      file.resize(std::max(file.size(), log.bytes().size()) + 500);
      std::ranges::copy(ByteView(log.bytes()).first(size), file.begin());
      const Reading reading = Read(log, file, LogMedium::kPreallocated);
      EXPECT_EQ(reading.groups, GroupsWithin(log, size)) << size;
      const bool zeros = std::ranges::all_of(ByteView(file).subspan(reading.used),
                                             [](std::byte byte) { return byte == std::byte{}; });
      EXPECT_EQ(reading.outcome, zeros ? Outcome::kEnd : Outcome::kTornTail) << size;
    }
  }
}

// A write that got lost or was cut short, and a later one that was not.
TEST(LogReaderTest, AHoleBeforeLaterGroupsIsDamageOnEveryMedium) {
  TestLog log;
  log.AddGroups(6, 3, 90);
  for (const LogMedium medium : {LogMedium::kAppended, LogMedium::kPreallocated}) {
    for (std::size_t group = 0; group + 1 < log.group_ends().size(); ++group) {
      const std::size_t begin = group == 0 ? 0 : log.group_ends()[group - 1];
      for (std::size_t from = begin; from < log.group_ends()[group]; ++from) {
        Bytes file = log.bytes();
        std::fill(file.begin() + static_cast<std::ptrdiff_t>(from),
                  file.begin() + static_cast<std::ptrdiff_t>(log.group_ends()[group]), std::byte{});
        if (file == log.bytes()) continue;
        file.resize(file.size() + 100);
        if (medium == LogMedium::kAppended) file.resize(log.bytes().size());
        const Reading reading = Read(log, file, medium);
        EXPECT_EQ(reading.outcome, Outcome::kDamaged) << from;
        EXPECT_EQ(reading.groups, group);
      }
    }
  }
}

// Bits that no check covers: those of a padding entry behind its base header.
bool IsUnprotected(const TestLog& log, std::size_t at) {
  const std::size_t group = GroupsWithin(log, at);
  const std::size_t begin = group == 0 ? 0 : log.group_ends()[group - 1];
  const auto header =
      LoadGroupHeader(ByteView(log.bytes()).subspan(begin).first<LogGroupEntryHeader::kSize>());
  return header.IsPadding() &&
         at - begin >= LogGroupEntryHeader::kSize + LogEntryHeader::kSize + kPaddingChecksumSize;
}

TEST(LogReaderTest, NoticesEveryFlippedBitThatTheFormatProtects) {
  PalfBaseInfo start;
  start.curr_lsn = Lsn{kPalfBlockSize - 6000};
  TestLog log(start);
  log.AddGroups(6, 3, 90);
  log.Append(log.Payload(1500));
  log.Append(log.Payload(1500));
  log.AddGroups(3, 3, 90);
  std::size_t unprotected = 0;
  for (const LogMedium medium : {LogMedium::kAppended, LogMedium::kPreallocated}) {
    Bytes bytes = log.bytes();
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      const std::size_t at = bit / 8;
      bytes[at] ^= std::byte{1} << (bit % 8);
      const Reading reading = Read(log, bytes, medium);
      bytes[at] ^= std::byte{1} << (bit % 8);
      if (IsUnprotected(log, at)) {
        ++unprotected;
        EXPECT_EQ(reading.outcome, Outcome::kEnd);
        continue;
      }
      const std::size_t group = GroupsWithin(log, at);
      EXPECT_EQ(reading.groups, group) << at;
      // In the last group of its block a preallocated file cannot tell damage from a torn write;
      // nothing behind it in that file proves that it was complete.
      const bool last_in_block = group + 1 == log.group_ends().size() ||
                                 (start.curr_lsn + log.group_ends()[group]).value == kPalfBlockSize;
      EXPECT_EQ(reading.outcome, medium == LogMedium::kPreallocated && last_in_block
                                     ? Outcome::kTornTail
                                     : Outcome::kDamaged)
          << at;
    }
  }
  EXPECT_GT(unprotected, 0);
}

// Both flips of a pair may cancel in the parity bit; with the chain known, no pair in the header of
// a group in the middle goes unnoticed but those in the fields that no checksum covers.
TEST(LogReaderTest, TwoFlippedHeaderBitsAreNoticedOutsideOfUncoveredFields) {
  TestLog log;
  log.AddGroups(3, 2, 40);
  const std::size_t begin = log.group_ends()[0];
  const auto uncovered = [](std::size_t byte) {
    return (byte >= 8 && byte < 24) || byte >= 48;  // proposal_id, committed_end_lsn, flag
  };
  Bytes bytes = log.bytes();
  for (std::size_t a = 0; a < 8 * LogGroupEntryHeader::kSize; ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      bytes[begin + a / 8] ^= std::byte{1} << (a % 8);
      bytes[begin + b / 8] ^= std::byte{1} << (b % 8);
      const Reading reading = Read(log, bytes);
      bytes[begin + a / 8] ^= std::byte{1} << (a % 8);
      bytes[begin + b / 8] ^= std::byte{1} << (b % 8);
      if (uncovered(a / 8) && uncovered(b / 8)) continue;
      EXPECT_EQ(reading.outcome, Outcome::kDamaged) << a << " " << b;
      EXPECT_EQ(reading.groups, 1);
    }
  }
}

// A changed header field whose parity was put right again, in the middle of a log.
class LogReaderFieldTest : public testing::Test {
 protected:
  void SetUp() override { log_.AddGroups(4, 2, 60); }

  using Change = void (*)(LogGroupEntryHeader& header);
  const Error& ErrorAfter(Change change) {
    Bytes bytes = log_.bytes();
    const auto view =
        std::span(bytes).subspan(log_.group_ends()[1]).first<LogGroupEntryHeader::kSize>();
    LogGroupEntryHeader header = LoadGroupHeader(view);
    change(header);
    StoreHeader(header, view);
    reading_.emplace(Read(log_, bytes));
    EXPECT_EQ(reading_->outcome, Outcome::kDamaged);
    return reading_->reader.error();
  }

  TestLog log_;
  std::optional<Reading> reading_;
};

TEST_F(LogReaderFieldTest, SaysWhichFieldIsWrong) {
  const auto field = [&](Change change) { return ErrorAfter(change).field(); };
  using H = LogGroupEntryHeader;
  EXPECT_EQ(field([](H& h) { h.magic = 0x4753; }), "group_header.magic");
  EXPECT_EQ(field([](H& h) { h.version = 3; }), "group_header.version");
  EXPECT_EQ(field([](H& h) { h.group_size -= 1; }), "entry_header.log_size");
  EXPECT_EQ(field([](H& h) { h.group_size = -1; }), "group_header.group_size");
  EXPECT_EQ(field([](H& h) { h.group_size = 0x7fffffff; }), "group_header.group_size");
  EXPECT_EQ(field([](H& h) { h.group_size = 1'000'000; }), "group_header.group_size");
  EXPECT_EQ(field([](H& h) { h.proposal_id = H::kInvalidProposalId; }), "group_header.proposal_id");
  EXPECT_EQ(field([](H& h) { h.committed_end_lsn = kInvalidLsn; }),
            "group_header.committed_end_lsn");
  EXPECT_EQ(field([](H& h) { h.committed_end_lsn.value += 1; }), "group_header.committed_end_lsn");
  EXPECT_EQ(field([](H& h) { h.max_scn = kInvalidScn; }), "group_header.max_scn");
  EXPECT_EQ(field([](H& h) { h.max_scn.value += 1; }), "group_header.max_scn");
  EXPECT_EQ(field([](H& h) { h.accumulated_checksum ^= 1; }), "group_header.accumulated_checksum");
  EXPECT_EQ(field([](H& h) { h.log_id = 0; }), "group_header.log_id");
  EXPECT_EQ(field([](H& h) { h.log_id += 1; }), "group_header.log_id");
  EXPECT_EQ(field([](H& h) { h.log_id = std::numeric_limits<std::int64_t>::max(); }),
            "group_header.log_id");
  EXPECT_EQ(field([](H& h) { h.flag |= 0x8; }), "group_header.flag");
  EXPECT_EQ(field([](H& h) { h.flag |= kLogFlagPadding; }), "entry_header.flag");
}

TEST_F(LogReaderFieldTest, ALaterVersionIsNotSupportedRatherThanDamage) {
  const Error& error = ErrorAfter([](LogGroupEntryHeader& header) { header.version = 2; });
  EXPECT_EQ(error.code(), ErrorCode::kNotSupported);
  EXPECT_EQ(error.offset(), 2);
}

TEST_F(LogReaderFieldTest, TheErrorHasTheOffsetInTheBytesShown) {
  const Error& error = ErrorAfter([](LogGroupEntryHeader& header) { header.log_id += 1; });
  EXPECT_EQ(error.offset(), 40);
}

TEST(LogReaderTest, AcceptsGroupsWrittenByARestoredTenant) {
  TestLog log;
  log.AddGroups(4, 2, 60);
  Bytes bytes = log.bytes();
  const auto view = std::span(bytes).subspan(log.group_ends()[1]).first<56>();
  LogGroupEntryHeader header = LoadGroupHeader(view);
  header.flag |= kLogFlagRawWrite;
  header.proposal_id = 99;
  header.committed_end_lsn = Lsn{0};
  StoreHeader(header, view);
  EXPECT_EQ(Read(log, bytes).outcome, Outcome::kEnd);
}

TEST(LogReaderTest, RefusesAGroupThatCrossesItsBlock) {
  TestLog log;
  log.AddGroups(1, 1, 500);
  LogReader reader(Lsn{kPalfBlockSize - log.bytes().size() + 1}, LogMedium::kAppended);
  EXPECT_EQ(reader.Next(log.bytes(), true), Outcome::kDamaged);
  EXPECT_EQ(reader.error().field(), "group_header.group_size");
  LogReader fits(Lsn{kPalfBlockSize - log.bytes().size()}, LogMedium::kAppended);
  EXPECT_EQ(fits.Next(log.bytes(), true), Outcome::kGroup);
}

TEST(LogReaderTest, RefusesLsnsThatNoLogReaches) {
  LogReader reader(kInvalidLsn, LogMedium::kAppended);
  EXPECT_EQ(reader.Next({}, true), Outcome::kDamaged);
}

TEST(LogReaderTest, ATornTailCanBeReadOnceItIsComplete) {
  TestLog log;
  log.AddGroups(2, 2, 60);
  const std::size_t first = log.group_ends()[0];
  Reading reading = Read(log, ByteView(log.bytes()).first(first + 70));
  ASSERT_EQ(reading.outcome, Outcome::kTornTail);
  EXPECT_EQ(reading.reader.Next(ByteView(log.bytes()).subspan(first), true), Outcome::kGroup);
  EXPECT_EQ(reading.reader.position(), log.position());
}

}  // namespace
}  // namespace obbak::format
