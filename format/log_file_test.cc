#include <gtest/gtest.h>

#include <algorithm>

#include "format/log_file_header.h"
#include "format/log_file_reader.h"
#include "format/log_test_support.h"

namespace obbak::format {
namespace {

using Outcome = LogReader::Outcome;

// Every bit of the header area matters: of the header by its checksum and rules, of the rest
// because it must be zero.
template <class H>
void ExpectEveryBitChecked(const H& header) {
  Bytes area = *HeaderArea<H>::Write(header);
  ASSERT_EQ(area.size(), kLogFileHeaderArea);
  const Result<H> read = HeaderArea<H>::Read(area);
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_EQ(*read, HeaderArea<H>::Checksummed(header));
  for (std::size_t bit = 0; bit < 8 * area.size(); ++bit) {
    area[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_FALSE(HeaderArea<H>::Read(area)) << bit;
    area[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  for (const std::size_t size : {std::size_t{0}, H::kSize - 1, H::kSize, area.size() - 1}) {
    EXPECT_FALSE(HeaderArea<H>::Read(ByteView(area).first(size))) << size;
  }
}

TEST(HeaderAreaTest, EveryBitIsChecked) {
  ExpectEveryBitChecked(ArchiveFileHeader{.start_lsn = Lsn{67'104'768}});
  ExpectEveryBitChecked(LogBlockHeader{.min_lsn = BlockStart(7),
                                       .min_scn = Scn{1'700'000'000'000'000'001},
                                       .curr_block_id = 7,
                                       .palf_id = 1001});
  ExpectEveryBitChecked(
      LsMetaFileHeader{.timestamp = Scn{1'700'000'000'000'000'010}, .data_checksum = 0x47});
}

// docs/spec/clog-and-archive.md §3, §15, §18.1.
TEST(HeaderAreaTest, WritesTheWorkedExamples) {
  const auto hex = [](const Result<Bytes>& area, std::size_t size) {
    return ToHex(ByteView(*area).first(size));
  };
  EXPECT_EQ(hex(HeaderArea<LogBlockHeader>::Write(
                    {.min_scn = Scn{1'700'000'000'000'000'001}, .palf_id = 1001}),
                LogBlockHeader::kSize),
            "49420001000000000000000000000000"
            "17979cfe362a0001ffffffffffffffff"
            "000000000000000000000000000003e9"
            "000000003ea759a1");
  EXPECT_EQ(hex(HeaderArea<ArchiveFileHeader>::Write({}), ArchiveFileHeader::kSize),
            "4648000100000000000000000000400000000000000000000000000038b4681a");
  EXPECT_EQ(hex(HeaderArea<ArchiveFileHeader>::Write({.start_lsn = Lsn{0x4000000}}),
                ArchiveFileHeader::kSize),
            "46480001000000000000000000004000000000000400000000000000d8f1d6aa");
  EXPECT_EQ(hex(HeaderArea<LsMetaFileHeader>::Write(
                    {.timestamp = Scn{1'700'000'000'000'000'010}, .data_checksum = 0x47}),
                LsMetaFileHeader::kSize),
            "534800010000000017979cfe362a000a000000000000004700000000152ac283");
}

TEST(HeaderAreaTest, RefusesToWriteWhatItWouldNotRead) {
  EXPECT_FALSE(HeaderArea<ArchiveFileHeader>::Write({.flag = 1}));
  EXPECT_FALSE(HeaderArea<ArchiveFileHeader>::Write({.start_lsn = kInvalidLsn}));
  EXPECT_FALSE(HeaderArea<LogBlockHeader>::Write({.curr_block_id = 1}));
  EXPECT_FALSE(HeaderArea<LsMetaFileHeader>::Write({.data_checksum = 0}));
}

Bytes ArchiveFile(Lsn start, ByteView log) {
  Bytes file = *HeaderArea<ArchiveFileHeader>::Write({.start_lsn = start});
  file.insert(file.end(), log.begin(), log.end());
  return file;
}

TEST(LogFileReaderTest, RecognizesFilesByTheirMagic) {
  EXPECT_EQ(RecognizeLogFile(AsByteView("FH")), LogFileKind::kArchive);
  EXPECT_EQ(RecognizeLogFile(AsByteView("IB...")), LogFileKind::kBlock);
  EXPECT_EQ(RecognizeLogFile(AsByteView("F")), std::nullopt);
  EXPECT_EQ(RecognizeLogFile(AsByteView("GR")), std::nullopt);
}

// A block whose first part one piece has and whose rest the next piece, then the next block: the
// chain holds over all three files, and a file that is left out is noticed.
TEST(LogFileReaderTest, ChainsFilesOfOneLog) {
  PalfBaseInfo start;
  start.curr_lsn = Lsn{kPalfBlockSize - 20'000};
  TestLog log(start);
  log.AddGroups(30, 3, 1000);
  const auto& ends = log.group_ends();
  const std::size_t cut = ends[2];
  const auto block_end = static_cast<std::size_t>(BlockStart(1) - start.curr_lsn);
  ASSERT_NE(std::ranges::find(ends, block_end), ends.end());
  const ByteView bytes = log.bytes();
  const std::vector<Bytes> files = {
      ArchiveFile(start.curr_lsn, bytes.first(cut)),
      ArchiveFile(start.curr_lsn + cut, bytes.subspan(cut, block_end - cut)),
      ArchiveFile(BlockStart(1), bytes.subspan(block_end))};
  PalfBaseInfo position = start;
  std::size_t groups = 0;
  for (const Bytes& file : files) {
    Result<LogFileReader> reader = LogFileReader::Open(file, LogFileKind::kArchive, position);
    ASSERT_TRUE(reader) << reader.error().ToString();
    Outcome outcome{};
    while ((outcome = reader->Next()) == Outcome::kGroup) ++groups;
    EXPECT_EQ(outcome, Outcome::kEnd);
    position = reader->position();
  }
  EXPECT_EQ(groups, ends.size());
  EXPECT_EQ(position, log.position());
  EXPECT_FALSE(LogFileReader::Open(files[2], LogFileKind::kArchive, start));
}

TEST(LogFileReaderTest, ReportsOffsetsInTheFile) {
  TestLog log;
  log.AddGroups(5, 2, 100);
  Bytes file = ArchiveFile(Lsn{0}, log.bytes());
  const std::size_t group = kLogFileHeaderArea + log.group_ends()[2];
  file[group + 40] ^= std::byte{0x80};
  Result<LogFileReader> reader = LogFileReader::Open(file, LogFileKind::kArchive);
  ASSERT_TRUE(reader);
  while (reader->Next() == Outcome::kGroup) {
  }
  EXPECT_EQ(reader->error().offset(), group + 48);
  EXPECT_EQ(reader->offset(), group);
}

TEST(LogFileReaderTest, ReadsABlockFileOfFixedSize) {
  TestLog log;
  log.AddGroups(5, 2, 100);
  Bytes file = *HeaderArea<LogBlockHeader>::Write({.palf_id = 1});
  file.insert(file.end(), log.bytes().begin(), log.bytes().end());
  file.resize(kLogFileSize);
  Result<LogFileReader> reader = LogFileReader::Open(file, LogFileKind::kBlock, log.start());
  ASSERT_TRUE(reader) << reader.error().ToString();
  std::size_t groups = 0;
  Outcome outcome{};
  while ((outcome = reader->Next()) == Outcome::kGroup) ++groups;
  EXPECT_EQ(outcome, Outcome::kEnd);
  EXPECT_EQ(groups, log.group_ends().size());
}

TEST(LogFileReaderTest, RefusesBytesBehindTheBlock) {
  const Lsn start{kPalfBlockSize - 5000};
  PalfBaseInfo position;
  position.curr_lsn = start;
  GroupEntryBuilder builder(position, 1);
  const Result<ByteView> padding = builder.Pad(start);
  Bytes file = ArchiveFile(start, *padding);
  file.push_back(std::byte{0});
  Result<LogFileReader> reader = LogFileReader::Open(file, LogFileKind::kArchive);
  EXPECT_EQ(reader->Next(), Outcome::kGroup);
  EXPECT_EQ(reader->Next(), Outcome::kDamaged);
  EXPECT_EQ(reader->error().offset(), file.size() - 1);
}

}  // namespace
}  // namespace obbak::format
