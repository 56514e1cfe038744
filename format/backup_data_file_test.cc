#include "format/backup_data_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "format/backup_file_samples.h"
#include "format/backup_inspect.h"
#include "format/crc32c.h"
#include "format/sstable_meta.h"

namespace obbak::format {
namespace {

using samples::AppendTo;

LogicMacroBlockId Id(std::uint64_t tablet, std::int64_t seq) {
  return {.data_seq = {seq}, .logic_version = samples::kN, .tablet_id = tablet, .info = 0};
}

Bytes Payload(std::mt19937_64& random, std::size_t size) {
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

// A mapping record of a tablet without SSTables: the smallest meta there is.
Bytes EmptyMapping() { return EncodeMeta(BackupMacroBlockIdMappingsMeta{}).value(); }

TEST(BackupDataFile, GivesBackEveryRecordForAnyNumberOfThem) {
  std::mt19937_64 random(1);
  for (const std::size_t count : {0U, 1U, 255U, 256U, 257U, 600U}) {
    Bytes file;
    BackupDataFileWriter writer(samples::kExampleFile, AppendTo(file));
    std::vector<Bytes> blocks;
    std::vector<BackupMacroBlockIndex> written;
    for (std::size_t i = 0; i < count; ++i) {
      blocks.push_back(Payload(random, random() % 5000));
      written.push_back(
          writer.AppendMacroBlock(Id(200001 + i / 100, static_cast<std::int64_t>(i)), blocks.back())
              .value());
    }
    std::vector<BackupMetaIndex> metas;
    for (std::size_t i = 0; i < count; ++i) {
      metas.push_back(
          writer.AppendMeta({{1 + i}, BackupMetaType::kMacroBlockIdMappingMeta}, EmptyMapping())
              .value());
    }
    ASSERT_TRUE(writer.Finish());
    EXPECT_EQ(writer.size(), file.size());

    const RandomAccess access = RandomAccess::Of(file);
    const BackupDataFileIndex index = ReadBackupDataFileIndex(access).value();
    EXPECT_EQ(index.macro_blocks, written);
    EXPECT_EQ(index.metas, metas);
    for (std::size_t i = 0; i < count; ++i) {
      const Bytes record = access
                               .Read({static_cast<std::uint64_t>(written[i].offset),
                                      static_cast<std::uint64_t>(written[i].length)})
                               .value();
      const ByteView payload = DecodeMacroRecord(record).value();
      EXPECT_TRUE(std::ranges::equal(payload, blocks[i]));
    }
    const Status verified = VerifyBackupFile(BackupFileKind::kData, access);
    EXPECT_TRUE(verified) << verified.error().ToString();
  }
}

TEST(BackupDataFile, BlocksThatTheCallerWritesGiveTheSameFile) {
  std::mt19937_64 random(2);
  Bytes appended;
  Bytes placed;
  BackupDataFileWriter one(samples::kExampleFile, AppendTo(appended));
  BackupDataFileWriter other(samples::kExampleFile, AppendTo(placed));
  for (std::int64_t i = 0; i < 300; ++i) {
    const Bytes block = Payload(random, 1 + random() % 9000);
    const auto index = one.AppendMacroBlock(Id(200001, i), block);
    ASSERT_TRUE(index);
    const auto place = other.PlaceMacroBlock(Id(200001, i), block.size(), Crc64(block));
    ASSERT_TRUE(place);
    EXPECT_EQ(place->index, *index);
    placed.insert(placed.end(), block.begin(), block.end());
    placed.resize(placed.size() + place->padding);
  }
  ASSERT_TRUE(one.AppendMeta({{1}, BackupMetaType::kMacroBlockIdMappingMeta}, EmptyMapping()));
  ASSERT_TRUE(other.AppendMeta({{1}, BackupMetaType::kMacroBlockIdMappingMeta}, EmptyMapping()));
  ASSERT_TRUE(one.Finish());
  ASSERT_TRUE(other.Finish());
  EXPECT_TRUE(appended == placed);
}

TEST(BackupDataFile, EverySingleBitFlipIsReported) {
  const auto unseen = samples::UnseenBitFlips(BackupFileKind::kData, samples::ExampleDataFile());
  for (const std::string& flip : unseen) ADD_FAILURE() << "unprotected: " << flip;
}

TEST(BackupDataFile, EveryTruncationIsRefused) {
  samples::ExpectEveryTruncationRefused(BackupFileKind::kData, samples::ExampleDataFile());
}

TEST(BackupDataFile, RefusesMacroBlocksBehindMetasAndWhatNoRestoreCouldRead) {
  Bytes file;
  BackupDataFileWriter writer(samples::kExampleFile, AppendTo(file));
  const Bytes large(kMaxBackupRecordSize - BackupCommonHeader::kSize);
  EXPECT_TRUE(writer.AppendMacroBlock(Id(1, 0), large));
  const auto too_large = writer.AppendMacroBlock(Id(1, 1), Bytes(large.size() + 1));
  ASSERT_FALSE(too_large);
  EXPECT_EQ(too_large.error().code(), ErrorCode::kSizeOverflow);
  ASSERT_TRUE(writer.AppendMeta({{1}, BackupMetaType::kMacroBlockIdMappingMeta}, EmptyMapping()));
  const auto late = writer.AppendMacroBlock(Id(1, 2), Bytes(1));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::kStateNotMatch);
  EXPECT_TRUE(writer.Finish());
  EXPECT_FALSE(writer.Finish());
}

TEST(BackupDataFile, IsWorthlessAfterASinkHasFailed) {
  int calls = 0;
  BackupDataFileWriter writer(samples::kExampleFile, [&](ByteView) -> Status {
    if (++calls == 2) return Fail(ErrorCode::kIoError, "disk full");
    return {};
  });
  const auto first = writer.AppendMacroBlock(Id(1, 0), Bytes(10));
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code(), ErrorCode::kIoError);
  EXPECT_FALSE(writer.AppendMacroBlock(Id(1, 1), Bytes(10)));
  EXPECT_FALSE(writer.Finish());
  EXPECT_EQ(calls, 2);
}

TEST(BackupDataFile, NeverHandsOutAnInvalidIndexEntry) {
  for (const LogicMacroBlockId& id : {Id(0, 0), Id(1, -1)}) {
    Bytes file;
    BackupDataFileWriter writer(samples::kExampleFile, AppendTo(file));
    EXPECT_FALSE(writer.AppendMacroBlock(id, Bytes(10)));
  }
  BackupDataFileId turn_too_high = samples::kExampleFile;
  turn_too_high.turn_id = kMaxBackupTurnId + 1;
  Bytes file;
  BackupDataFileWriter writer(turn_too_high, AppendTo(file));
  EXPECT_FALSE(writer.AppendMacroBlock(Id(1, 0), Bytes(10)));
}

TEST(BackupDataFile, RangesAreTheRunsOfEachTablet) {
  std::vector<BackupMacroBlockIndex> entries;
  for (const std::uint64_t tablet : {5U, 5U, 7U, 5U}) {
    BackupMacroBlockIndex& entry = entries.emplace_back();
    entry.logic_id = Id(tablet, static_cast<std::int64_t>(entries.size()));
  }
  const auto ranges = RangesOfIndexBlock(entries, {.offset = 100, .length = 50});
  ASSERT_EQ(ranges.size(), 3U);
  EXPECT_EQ(ranges[0].start_key, Id(5, 1));
  EXPECT_EQ(ranges[0].end_key, Id(5, 2));
  EXPECT_EQ(ranges[1].end_key, Id(7, 3));
  EXPECT_EQ(ranges[2].start_key, Id(5, 4));
  for (const BackupMacroRangeIndex& range : ranges) {
    EXPECT_EQ(range.offset, 100);
    EXPECT_EQ(range.length, 50);
  }
}

TEST(MacroDataSeq, PartsMakeUpTheNumber) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 1000; ++i) {
    const MacroDataSeq seq{static_cast<std::int64_t>(random())};
    EXPECT_EQ(MacroDataSeqOf(PartsOf(seq)), seq);
  }
}

TEST(LogicMacroBlockId, OrdersByTabletVersionSequenceAndColumnGroup) {
  const LogicMacroBlockId base{.data_seq = {5}, .logic_version = 5, .tablet_id = 5, .info = 5};
  LogicMacroBlockId above = base;
  above.info = 6;
  EXPECT_LT(base, above);
  above = {.data_seq = {6}, .logic_version = 5, .tablet_id = 5, .info = 0};
  EXPECT_LT(base, above);
  above = {.data_seq = {0}, .logic_version = 6, .tablet_id = 5, .info = 0};
  EXPECT_LT(base, above);
  above = {.data_seq = {0}, .logic_version = 0, .tablet_id = 6, .info = 0};
  EXPECT_LT(base, above);
  above = {.data_seq = {-1}, .logic_version = 5, .tablet_id = 5, .info = 9};
  EXPECT_GT(base, above);
}

}  // namespace
}  // namespace obbak::format
