#include "format/backup_inspect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "format/backup_file_samples.h"
#include "format/sstable_meta.h"
#include "format/tablet_info_file.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

using samples::AppendTo;

// Kinds of the file's parts; checks that they follow each other without gap.
std::vector<BackupPart> PartsOf(BackupFileKind kind, const Bytes& file) {
  std::vector<BackupPart> parts;
  std::uint64_t at = 0;
  EXPECT_TRUE(ForEachBlock(kind, RandomAccess::Of(file), {}, [&](const InspectedBlock& block) {
    EXPECT_EQ(block.offset, at);
    at += block.bytes.size();
    parts.push_back(block.part);
    return true;
  }));
  EXPECT_EQ(at, file.size());
  return parts;
}

// One record of every kind.
Bytes FullDataFile() {
  const TableKey key{.tablet_id = {200001},
                     .scn_range = {kMinScn, Scn{samples::kN + 1}},
                     .column_group_idx = 0,
                     .table_type = ITableType::kMajor};
  Bytes file;
  BackupDataFileWriter writer(samples::kExampleFile, AppendTo(file));
  const auto macro = writer.AppendMacroBlock(samples::kExampleId, Bytes(5000));
  SstableSeed sstable;
  sstable.key = key;
  sstable.rowkey_columns = 1;
  sstable.column_checksums = {0, 1, 2, 3};
  sstable.macro_blocks = {samples::kExampleId};
  EXPECT_TRUE(writer.AppendMeta({{200001}, BackupMetaType::kSstableMeta},
                                EncodeMeta({MinimalSstableMeta(sstable)}).value()));
  const BackupTabletMeta tablet{
      .tablet_id = {200001},
      .tablet_meta = DecodeMigrationTabletParam(samples::ExampleTabletParam()).value()};
  EXPECT_TRUE(
      writer.AppendMeta({{200001}, BackupMetaType::kTabletMeta}, EncodeMeta(tablet).value()));
  BackupMacroBlockIdMappingsMeta mappings;
  mappings.id_map_list.push_back(
      {key, {{samples::kExampleId, BackupPhysicalId::Of(macro.value()).value()}}});
  EXPECT_TRUE(writer.AppendMeta({{200001}, BackupMetaType::kMacroBlockIdMappingMeta},
                                EncodeMeta(mappings).value()));
  EXPECT_TRUE(writer.Finish());
  return file;
}

Bytes TabletInfoFile(int tablets) {
  Bytes file;
  TabletInfoFileWriter writer(3, AppendTo(file));
  MigrationTabletParam param = DecodeMigrationTabletParam(samples::ExampleTabletParam()).value();
  for (int i = 0; i < tablets; ++i) {
    ++param.tablet_id.value;
    EXPECT_TRUE(writer.Append(param));
  }
  EXPECT_TRUE(writer.Finish());
  return file;
}

TEST(BackupInspect, NamesEveryByteOfAGoodFile) {
  const std::vector<std::pair<BackupFileKind, Bytes>> files = {
      {BackupFileKind::kData, FullDataFile()},
      {BackupFileKind::kMacroRangeIndex, samples::ExampleRangeIndexFile()},
      {BackupFileKind::kMetaIndex, samples::IndexFile<BackupMetaIndex>({})},
      {BackupFileKind::kTabletInfo, TabletInfoFile(3)},
      {BackupFileKind::kTabletInfo, TabletInfoFile(0)}};
  for (const auto& [kind, file] : files) {
    EXPECT_EQ(RecognizeBackupFile(ByteView(file).first(48)), kind);
    EXPECT_TRUE(ForEachBlock(kind, RandomAccess::Of(file), {}, [](const InspectedBlock& block) {
      for (const Error& finding : block.inspection.findings) {
        ADD_FAILURE() << BackupPartName(block.part) << ": " << finding.ToString();
      }
      const Status named = ExpectEveryByteNamed(block.inspection.dissection, block.bytes.size());
      EXPECT_TRUE(named) << BackupPartName(block.part) << ": " << named.error().ToString();
      return true;
    }));
  }
}

TEST(BackupInspect, ShowsThePartsInFileOrder) {
  using enum BackupPart;
  EXPECT_EQ(PartsOf(BackupFileKind::kData, FullDataFile()),
            (std::vector{kFileHeader, kMacroBlock, kMeta, kMeta, kMeta, kMacroIndex, kMetaIndex,
                         kTrailer}));
  EXPECT_EQ(PartsOf(BackupFileKind::kMacroRangeIndex, samples::ExampleRangeIndexFile()),
            (std::vector{kFileHeader, kIndexLeaf, kIndexBranch, kTrailer}));
  EXPECT_EQ(PartsOf(BackupFileKind::kTabletInfo, TabletInfoFile(2)),
            (std::vector{kTablet, kTablet, kTrailer}));
}

TEST(BackupInspect, StillShowsTheRecordsOfADataFileWithoutItsTrailer) {
  using enum BackupPart;
  Bytes file = FullDataFile();
  file[file.size() - 40] ^= std::byte{1};
  EXPECT_EQ(PartsOf(BackupFileKind::kData, file),
            (std::vector{kFileHeader, kMacroBlock, kMeta, kMeta, kMeta, kMacroIndex, kMetaIndex,
                         kTrailer}));
}

TEST(BackupInspect, GoesOnBehindABrokenRecordHeader) {
  using enum BackupPart;
  Bytes file = FullDataFile();
  file[file.size() - 40] ^= std::byte{1};
  file[4096] ^= std::byte{0x80};
  const auto parts = PartsOf(BackupFileKind::kData, file);
  EXPECT_EQ(parts[1], kUnreadable);
  EXPECT_EQ(std::ranges::count(parts, kMeta), 3);

  Bytes tablets = TabletInfoFile(3);
  tablets[4096] ^= std::byte{0x80};
  EXPECT_EQ(PartsOf(BackupFileKind::kTabletInfo, tablets),
            (std::vector{kTablet, kUnreadable, kTablet, kTrailer}));
}

TEST(BackupInspect, StopsWhenTheVisitorHasSeenEnough) {
  const Bytes file = FullDataFile();
  int visits = 0;
  EXPECT_TRUE(ForEachBlock(BackupFileKind::kData, RandomAccess::Of(file), {},
                           [&](const InspectedBlock&) { return ++visits < 2; }));
  EXPECT_EQ(visits, 2);
}

TEST(BackupInspect, AReadThatFailsIsAnErrorAndNoFinding) {
  const Bytes file = FullDataFile();
  const RandomAccess broken(file.size(), [](ByteRange) -> Result<Bytes> {
    return Fail(ErrorCode::kIoError, "unplugged");
  });
  const Status status = VerifyBackupFile(BackupFileKind::kTabletInfo, broken);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kIoError);
}

TEST(BackupInspect, FindsTheSameWithAndWithoutDissection) {
  std::mt19937_64 random(11);
  const Bytes good = FullDataFile();
  for (int i = 0; i < 200; ++i) {
    Bytes file = good;
    for (int flips = 0; flips < 3; ++flips) {
      file[random() % file.size()] ^= static_cast<std::byte>(1U << random() % 8);
    }
    std::vector<std::size_t> counts[2];
    for (const bool dissect : {false, true}) {
      EXPECT_TRUE(ForEachBlock(BackupFileKind::kData, RandomAccess::Of(file), {.dissect = dissect},
                               [&](const InspectedBlock& block) {
                                 counts[dissect ? 1 : 0].push_back(
                                     block.inspection.findings.size());
                                 return true;
                               }));
    }
    EXPECT_EQ(counts[0], counts[1]);
  }
}

TEST(BackupInspect, EverySingleBitFlipOfATabletInfoFileIsReported) {
  for (const std::string& flip :
       samples::UnseenBitFlips(BackupFileKind::kTabletInfo, TabletInfoFile(1))) {
    ADD_FAILURE() << "unprotected: " << flip;
  }
}

TEST(BackupInspect, EveryTruncationOfATabletInfoFileIsRefused) {
  samples::ExpectEveryTruncationRefused(BackupFileKind::kTabletInfo, TabletInfoFile(2));
}

TEST(BackupInspect, RecognizesNothingInOtherFiles) {
  EXPECT_FALSE(RecognizeBackupFile({}));
  EXPECT_FALSE(RecognizeBackupFile(Bytes(48)));
  EXPECT_FALSE(RecognizeBackupFile(samples::ExampleTabletParam()));
}

}  // namespace
}  // namespace obbak::format
