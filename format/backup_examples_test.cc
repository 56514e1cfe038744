// The worked examples of docs/spec/backup-data-files.md §17, written and read.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "format/backup_data_file.h"
#include "format/backup_file_samples.h"
#include "format/backup_index_file.h"
#include "format/backup_index_records.h"
#include "format/backup_inspect.h"
#include "format/sstable_meta.h"
#include "format/tablet_info_file.h"
#include "format/tablet_meta.h"

namespace obbak::format {
namespace samples {

Bytes ExampleTabletParam() {
  return Hex(
      "ff ff ff ff fe cb 50 21 00 00 00 00 00 00 00 02 00 00 00 00 00 00 02 c7 00 00 00 00 00 00 "
      "00 03 "
      "eb 00 00 00 00 00 03 0d 41 00 00 00 00 00 03 0d 41 00 00 00 00 00 00 00 00 17 97 9c fe 36 "
      "2a 00 "
      "00 17 97 9c fe 36 2a 00 00 17 97 9c fe 36 2a 00 00 00 00 00 00 00 00 00 00 17 97 9c fe 36 "
      "2a 00 "
      "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 84 80 80 80 00 00 00 00 00 03 00 "
      "03 00 "
      "00 00 01 02 80 80 80 40 0a 80 80 01 00 00 ff ff ff ff 0f 01 00 00 00 00 01 00 10 05 05 3f "
      "ff 02 "
      "01 8a 80 80 80 00 03 00 05 05 3f ff 00 07 00 ff 01 8a 80 80 80 00 01 00 05 05 3f ff 00 07 "
      "00 ff "
      "00 00 00 00 00 00 00 02 01 01 01 01 00 80 80 01 02 03 01 04 00 01 00 00 00 00 00 00 00 00 "
      "00 00 "
      "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 ff ff ff ff ff ff "
      "ff ff "
      "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 17 97 9c fe 36 2a "
      "00 00 "
      "01 01 89 80 80 80 00 ff ff ff ff ff ff 0f 00 00 01 ff ff ff ff ff ff ff ff ff ff ff 01 ff "
      "ff ff "
      "ff ff ff ff ff ff 01 ff ff ff ff ff ff ff ff ff 01 ff ff ff ff ff ff ff ff ff 01 ff ff ff "
      "ff ff "
      "ff ff ff ff 01 01 81 80 80 80 00 00 ff ff ff ff 0f 00 00 01 01 89 80 80 80 00 01 00 ff ff "
      "ff ff "
      "0f 00 00 01 01 00 e9 07 00 80 80 a8 b1 e3 9f e7 cb 17 80 80 a8 b1 e3 9f e7 cb 17 80 80 a8 "
      "b1 e3 "
      "9f e7 cb 17 01 83 80 80 80 00 81 82 4c ff ff ff ff 0f 4a 01 c4 80 80 80 00 01 ff ff ff ff "
      "ff ff "
      "ff ff ff 01 ff ff ff ff ff ff ff ff 01 80 80 a8 b1 e3 9f e7 cb 17 80 80 a8 b1 e3 9f e7 cb "
      "17 ff "
      "ff ff ff ff ff ff ff ff 01 ff ff ff ff ff ff ff ff ff 01 ff ff ff ff ff ff ff ff ff 01 00 "
      "01 01 "
      "89 80 80 80 00 ff ff ff ff ff ff 0f 00 00 01 ff ff ff ff ff ff ff ff ff ff ff 01 ff ff ff "
      "ff ff "
      "ff ff ff ff 01 ff ff ff ff ff ff ff ff ff 01 ff ff ff ff ff ff ff ff ff 01 ff ff ff ff ff "
      "ff ff "
      "ff ff 01 01 81 80 80 80 00 00 ff ff ff ff 0f 00 00 01 01 89 80 80 80 00 ff ff ff ff ff ff "
      "0f 00 "
      "00 01 ff ff ff ff ff ff ff ff ff ff ff 01 ff ff ff ff ff ff ff ff ff 01 ff ff ff ff ff ff "
      "ff ff "
      "ff 01 ff ff ff ff ff ff ff ff ff 01 ff ff ff ff ff ff ff ff ff 01 01 81 80 80 80 00 00 ff "
      "ff ff "
      "ff 0f 00 00 01 00 00 01 81 80 80 80 00 00 01 8b 80 80 80 00 00 00 00 00 00 00 00 00 00 00 "
      "00 00 "
      "00 00 00 00 00 00 01 ");
}

Bytes ExampleDataFile() {
  Bytes macro_block(64);
  for (std::size_t i = 0; i < macro_block.size(); ++i) macro_block[i] = static_cast<std::byte>(i);
  const BackupTabletMeta meta{
      .tablet_id = {200001},
      .tablet_meta = DecodeMigrationTabletParam(ExampleTabletParam()).value()};
  Bytes file;
  BackupDataFileWriter writer(kExampleFile, AppendTo(file));
  EXPECT_TRUE(writer.AppendMacroBlock(kExampleId, macro_block));
  EXPECT_TRUE(writer.AppendMeta({{200001}, BackupMetaType::kTabletMeta}, EncodeMeta(meta).value()));
  EXPECT_TRUE(writer.Finish());
  return file;
}

Bytes ExampleRangeIndexFile() {
  const Bytes data = ExampleDataFile();
  const BackupDataFileIndex index = ReadBackupDataFileIndex(RandomAccess::Of(data)).value();
  return IndexFile(
      RangesOfIndexBlock(index.macro_blocks,
                         {.offset = static_cast<std::uint64_t>(index.trailer.macro_index_offset),
                          .length = static_cast<std::uint64_t>(index.trailer.macro_index_length)}));
}

}  // namespace samples

namespace {

using samples::Hex;
using samples::Slice;

TEST(BackupExamples, ADataFileIsTheOneOfTheSpecification) {
  const Bytes file = samples::ExampleDataFile();
  ASSERT_EQ(file.size(), 12551U);
  EXPECT_EQ(ToHex(Slice(file, 0, 16)),
            ToHex(Hex("00 00 00 00 01 00 00 00 0f 0f 00 00 00 00 00 00")));
  EXPECT_EQ(ToHex(Slice(file, 0x1000, 48)),
            ToHex(Hex("00 00 01 00 00 00 01 00 30 00 89 2a 00 00 00 00 "
                      "40 00 00 00 00 00 00 00 40 00 00 00 00 00 00 00 "
                      "8c dd a5 f8 00 00 00 00 90 0f 00 00 00 00 00 00 ")));
  EXPECT_EQ(ToHex(Slice(file, 0x2000, 70)),
            ToHex(Hex("01 00 01 00 00 00 01 00 30 00 be 18 00 00 00 00 "
                      "d5 02 00 00 00 00 00 00 d5 02 00 00 00 00 00 00 "
                      "93 06 e7 12 00 00 00 00 fb 0c 00 00 00 00 00 00 "
                      "01 cf 85 80 80 00 | 00 00 00 00 00 03 0d 41 | ff ff ff ff fe cb 50 21 ")));
  EXPECT_EQ(ToHex(Slice(file, 0x3000, file.size() - 0x3000)),
            ToHex(Hex("02 00 01 00 00 00 01 00 30 00 e9 96 00 00 00 00 "
                      "2a 00 00 00 00 00 00 00 2a 00 00 00 00 00 00 00 "
                      "94 0e 4f 98 00 00 00 00 00 00 00 00 00 00 00 00 "
                      "01 a4 80 80 80 00 "
                      "01 8e 80 80 80 00 | 00 | 81 80 a8 b1 e3 9f e7 cb 17 | c1 9a 0c | 00 "
                      "02 | 00 00 00 00 00 00 03 eb | 01 | 00 | 00 | 80 20 | 80 20 "
                      "03 00 01 00 00 00 01 00 30 00 b8 5b 00 00 00 00 "
                      "25 00 00 00 00 00 00 00 25 00 00 00 00 00 00 00 "
                      "69 6d e2 36 00 00 00 00 00 00 00 00 00 00 00 00 "
                      "01 9f 80 80 80 00 | 01 89 80 80 80 00 00 00 00 00 00 03 0d 41 01 "
                      "02 | 00 00 00 00 00 00 03 eb | 01 | 00 | 00 | 80 40 | 80 20 "
                      "00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 "
                      "01 00 00 00 00 00 00 00 00 30 00 00 00 00 00 00 "
                      "5a 00 00 00 00 00 00 00 5a 30 00 00 00 00 00 00 "
                      "55 00 00 00 00 00 00 00 af 30 00 00 00 00 00 00 "
                      "58 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
                      "a2 30 00 00 00 00 00 00 ")));
  EXPECT_TRUE(VerifyBackupFile(BackupFileKind::kData, RandomAccess::Of(file)));
}

TEST(BackupExamples, AnIndexFileIsTheOneOfTheSpecification) {
  const Bytes file = samples::ExampleRangeIndexFile();
  ASSERT_EQ(file.size(), 4381U);
  EXPECT_EQ(ToHex(Slice(file, 0, 12)), "01000000010000001f1f0000");
  const std::string range =
      "01 b7 80 80 80 00 "
      "01 8e 80 80 80 00 00 81 80 a8 b1 e3 9f e7 cb 17 c1 9a 0c 00 "
      "01 8e 80 80 80 00 00 81 80 a8 b1 e3 9f e7 cb 17 c1 9a 0c 00 "
      "02 00 00 00 00 00 00 03 eb 01 00 00 80 60 5a ";
  EXPECT_EQ(ToHex(Slice(file, 0x1000, file.size() - 0x1000)),
            ToHex(Hex("04 00 01 00 00 00 01 00 30 00 c8 84 00 00 00 00 "
                      "4a 00 00 00 00 00 00 00 4a 00 00 00 00 00 00 00 "
                      "9b d9 67 5d 00 00 00 00 00 00 00 00 00 00 00 00 "
                      "01 87 80 80 80 00 ff ff ff ff 0f 04 00 " +
                      range +
                      "00 00 01 00 00 00 01 00 30 00 d9 77 00 00 00 00 "
                      "53 00 00 00 00 00 00 00 53 00 00 00 00 00 00 00 "
                      "11 35 f8 42 00 00 00 00 00 00 00 00 00 00 00 00 "
                      "01 87 80 80 80 00 ff ff ff ff 0f 00 01 "
                      "01 c0 80 80 80 00 " +
                      range +
                      "80 20 7a "
                      "00 00 00 00 01 00 00 00 7a 10 00 00 00 00 00 00 "
                      "83 00 00 00 00 00 00 00 f8 10 00 00 00 00 00 00 ")));
  EXPECT_TRUE(VerifyBackupFile(BackupFileKind::kMacroRangeIndex, RandomAccess::Of(file)));
}

TEST(BackupExamples, AnEmptyIndexFileIsHeaderAndTrailer) {
  const Bytes file = samples::IndexFile<BackupMacroRangeIndex>({});
  ASSERT_EQ(file.size(), 4128U);
  EXPECT_EQ(ToHex(Slice(file, 4096, 32)),
            "0000000001000000001000000000000000000000000000000110000000000000");
}

TEST(BackupExamples, APhysicalIdPacksAnIndexEntry) {
  BackupMacroBlockIndex index;
  index.logic_id = samples::kExampleId;
  index.backup_set_id = {2};
  index.ls_id = {1003};
  index.turn_id = 1;
  index.file_id = 3;
  index.offset = 2393243648;
  index.length = 2015232;
  const BackupPhysicalId id = BackupPhysicalId::Of(index).value();
  EXPECT_EQ(
      ToHex(EncodeIndexRecord(id).value()),
      ToHex(Hex("00 00 00 00 00 00 03 eb | 00 00 00 03 00 00 10 00 | 07 b0 08 ea 60 00 00 02")));
  EXPECT_EQ(id.file(), index.file());
  EXPECT_EQ(id.offset(), index.offset);
  EXPECT_EQ(id.length(), index.length);
}

TEST(BackupExamples, AMappingRecordPointsAtTheMacroBlockOfTheDataFile) {
  const Bytes data = samples::ExampleDataFile();
  const BackupDataFileIndex index = ReadBackupDataFileIndex(RandomAccess::Of(data)).value();
  BackupMacroBlockIdMappingsMeta mappings;
  BackupMacroBlockIdMapping& mapping = mappings.id_map_list.emplace_back();
  mapping.table_key = {.tablet_id = {200001},
                       .scn_range = {kMinScn, Scn{samples::kN + 1}},
                       .column_group_idx = 0,
                       .table_type = ITableType::kMajor};
  mapping.id_pair_list.push_back(
      {samples::kExampleId, BackupPhysicalId::Of(index.macro_blocks.at(0)).value()});
  const Bytes bytes = EncodeMeta(mappings).value();
  EXPECT_EQ(
      ToHex(bytes),
      ToHex(Hex("01 01 "
                "01 9a 80 80 80 00 00 00 00 00 00 03 0d 41 "
                "01 8a 80 80 80 00 00 81 80 a8 b1 e3 9f e7 cb 17 00 0a "
                "01 "
                "01 ac 80 80 80 00 01 8e 80 80 80 00 00 81 80 a8 b1 e3 9f e7 cb 17 c1 9a 0c 00 "
                "00 00 00 00 00 00 03 eb 00 00 00 00 00 00 10 00 00 04 00 00 01 00 00 02 ")));
  EXPECT_EQ(DecodeBackupMacroBlockIdMappingsMeta(bytes).value(), mappings);
}

TEST(BackupExamples, ATabletInfoFileEndsAsTheOneOfTheSpecification) {
  const MigrationTabletParam param =
      DecodeMigrationTabletParam(samples::ExampleTabletParam()).value();
  Bytes file;
  TabletInfoFileWriter writer(1, samples::AppendTo(file));
  ASSERT_TRUE(writer.Append(param));
  ASSERT_TRUE(writer.Finish());
  ASSERT_EQ(file.size(), 4096U + 96U);
  EXPECT_EQ(ToHex(Slice(file, 4096, 96)),
            ToHex(Hex("25 00 01 00 01 00 01 00 30 00 59 75 00 00 00 00  30 00 00 00 00 00 00 00 30 "
                      "00 00 00 00 00 00 00 "
                      "0d 55 41 20 00 00 00 00 00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 01 00 "
                      "00 00 00 00 00 00 30 "
                      "00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 01  00 00 00 00 00 00 00 00 00 "
                      "00 00 00 00 00 10 00 ")));
}

TEST(BackupExamples, ATabletParamIsReadAndWrittenBack) {
  const Bytes bytes = samples::ExampleTabletParam();
  const MigrationTabletParam param = DecodeMigrationTabletParam(bytes).value();
  EXPECT_EQ(param.tablet_id.value, 200001U);
  EXPECT_EQ(param.storage_schema.column_array.size(), 2U);
  EXPECT_EQ(ToHex(EncodeMeta(param).value()), ToHex(bytes));
}

TEST(BackupExamples, AnSstableMetaIsReadAndWrittenBack) {
  const Bytes bytes =
      Hex("01 a5 81 80 80 00 00 00 00 00 00 03 0d 41 01 85 01 00 00 00 01 00 00 00 52 00 00 00 00 "
          "00 00 00 "
          "00 00 00 00 00 00 00 00 00 01 80 20 80 20 b9 60 00 03 04 01 01 00 00 01 01 81 80 a8 b1 "
          "e3 9f e7 "
          "cb 17 00 00 81 80 a8 b1 e3 9f e7 cb 17 81 80 a8 b1 e3 9f e7 cb 17 00 00 00 02 00 04 00 "
          "00 01 00 "
          "00 00 00 04 01 02 03 04 01 9a 80 80 80 00 00 00 00 00 00 03 0d 41 01 8a 80 80 80 00 00 "
          "81 80 a8 "
          "b1 e3 9f e7 cb 17 00 0a 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 01 8e 80 80 80 00 "
          "00 81 80 "
          "a8 b1 e3 9f e7 cb 17 c1 9a 0c 00 ");
  const std::vector<BackupSstableMeta> metas = DecodeBackupSstableMetas(bytes).value();
  ASSERT_EQ(metas.size(), 1U);
  EXPECT_EQ(metas[0].logic_id_list.at(0), samples::kExampleId);
  EXPECT_EQ(ToHex(EncodeMeta(metas).value()), ToHex(bytes));
}

}  // namespace
}  // namespace obbak::format
