#include "format/tablet_meta.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "format/backup_file_samples.h"
#include "format/sstable_meta.h"
#include "format/tablet_info_file.h"

namespace obbak::format {
namespace {

ObjMeta IntType() { return ObjMeta::BigInt(); }

TabletSeed Seed() {
  return {
      .ls_id = {1003},
      .tablet_id = {200001},
      .create_scn = Scn{samples::kN - 1},
      .create_tx_id = 1001,
      .snapshot = Scn{samples::kN},
      .storage_schema = PlainTableSchema({{IntType(), true}, {IntType(), false}}, 1700000000000000,
                                         RowStoreType::kFlat, CompressorType::kNone)};
}

// "" for a record that passes, the first field that does not otherwise.
template <class R>
std::string FirstBrokenField(const R& record) {
  const Result<Bytes> bytes = EncodeMeta(record);
  return bytes ? "" : bytes.error().field();
}

TEST(TabletMeta, TheSmallestParamIsValidAndReadsBack) {
  const MigrationTabletParam param = MinimalTabletParam(Seed());
  const Result<Bytes> bytes = EncodeMeta(BackupTabletMeta{{200001}, param});
  ASSERT_TRUE(bytes) << bytes.error().ToString();
  EXPECT_EQ(DecodeBackupTabletMeta(*bytes).value().tablet_meta, param);
}

TEST(TabletMeta, AnEmptyShellHasNeitherSchemaNorMediumList) {
  MigrationTabletParam shell = MinimalTabletParam(Seed());
  const std::size_t with_schema = EncodeMeta(shell).value().size();
  shell.is_empty_shell = true;
  shell.mds_data = InnerTabletMdsData();
  const Bytes bytes = EncodeMeta(shell).value();
  EXPECT_LT(bytes.size(), with_schema);
  EXPECT_EQ(DecodeMigrationTabletParam(bytes).value().storage_schema, StorageSchema());
}

TEST(TabletMeta, NamesTheFieldThatBreaksARule) {
  const std::vector<std::pair<std::string, std::function<void(MigrationTabletParam&)>>> cases = {
      {"ls_id", [](auto& param) { param.ls_id = kInvalidLsId; }},
      {"tablet_id", [](auto& param) { param.tablet_id = {0}; }},
      {"data_tablet_id", [](auto& param) { param.data_tablet_id = {0}; }},
      {"create_scn", [](auto& param) { param.create_scn = {kMinScn}; }},
      {"multi_version_start", [](auto& param) { param.multi_version_start = {-1}; }},
      {"snapshot_version", [](auto& param) { param.multi_version_start = {samples::kN + 1}; }},
      {"compat_mode", [](auto& param) { param.compat_mode = {TabletCompatMode::kInvalid}; }},
      {"ha_status", [](auto& param) { param.ha_status = {{5}}; }},
      {"transfer_info.transfer_seq", [](auto& param) { param.transfer_info.transfer_seq = -1; }},
      {"start_scn", [](auto& param) { param.start_scn = {Scn{samples::kN + 1}}; }},
      {"storage_schema.column_cnt", [](auto& param) { param.storage_schema.column_cnt = 3; }},
  };
  for (const auto& [field, damage] : cases) {
    MigrationTabletParam param = MinimalTabletParam(Seed());
    damage(param);
    EXPECT_EQ(FirstBrokenField(param), field);
  }
}

TEST(TabletMeta, OnlyACompleteReplicaCanBeBackedUp) {
  BackupTabletMeta meta{{200001}, MinimalTabletParam(Seed())};
  meta.tablet_meta.ha_status = {{0x100}};
  EXPECT_EQ(FirstBrokenField(meta.tablet_meta), "");
  EXPECT_EQ(FirstBrokenField(meta), "tablet_meta.ha_status");
}

TEST(TabletMeta, RefusesAnotherMagicNumberVersionOrLength) {
  const Bytes good = samples::ExampleTabletParam();
  for (const std::size_t at : {0U, 8U, 16U, 23U}) {
    Bytes bytes = good;
    bytes[at] ^= std::byte{1};
    EXPECT_FALSE(DecodeMigrationTabletParam(bytes)) << at;
  }
}

TEST(TabletMeta, TruncatedRecordsAreRefusedAndNeverCrash) {
  const Bytes good = samples::ExampleTabletParam();
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(DecodeMigrationTabletParam(ByteView(good).first(size))) << size;
  }
}

TEST(SstableMeta, TheSmallestRecordIsValidAndReadsBack) {
  SstableSeed seed;
  seed.key = {.tablet_id = {200001},
              .scn_range = {kMinScn, Scn{samples::kN}},
              .column_group_idx = 0,
              .table_type = ITableType::kMajor};
  seed.rowkey_columns = 1;
  seed.column_checksums = {0, 1, 2, 3};
  seed.macro_blocks = {samples::kExampleId};
  const std::vector<BackupSstableMeta> metas = {MinimalSstableMeta(seed)};
  const Bytes bytes = EncodeMeta(metas).value();
  EXPECT_EQ(DecodeBackupSstableMetas(bytes).value(), metas);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeBackupSstableMetas(ByteView(bytes).first(size))) << size;
  }
  EXPECT_FALSE(EncodeMeta(std::vector<BackupSstableMeta>()));
}

TEST(SstableMeta, APlaceholderNeverReachesAFile) {
  BackupMacroBlockIdMappingsMeta mappings;
  BackupMacroBlockIdMapping& mapping = mappings.id_map_list.emplace_back();
  mapping.table_key.tablet_id = {1};
  mapping.id_pair_list.push_back({samples::kExampleId, BackupPhysicalId::Placeholder()});
  EXPECT_EQ(FirstBrokenField(mappings), "id_map_list[0].id_pair_list[0].physical_id.ls_id");
}

TEST(TabletInfoFile, GivesBackEveryTablet) {
  for (const int count : {0, 1, 7}) {
    Bytes file;
    TabletInfoFileWriter writer(1, samples::AppendTo(file));
    std::vector<MigrationTabletParam> params;
    for (int i = 0; i < count; ++i) {
      TabletSeed seed = Seed();
      seed.tablet_id.value += static_cast<std::uint64_t>(i);
      params.push_back(MinimalTabletParam(seed));
      ASSERT_TRUE(writer.Append(params.back()));
    }
    const TabletInfoTrailer trailer = writer.Finish().value();
    EXPECT_EQ(trailer.tablet_cnt, count);
    EXPECT_FALSE(writer.Append(MinimalTabletParam(Seed())));
    std::vector<MigrationTabletParam> read;
    ASSERT_TRUE(
        ForEachTablet(RandomAccess::Of(file), [&](const MigrationTabletParam& param) -> Status {
          read.push_back(param);
          return {};
        }));
    EXPECT_EQ(read, params);
  }
}

TEST(TabletInfoFile, HasRoomUpToTheLimitLessTheReserve) {
  Bytes file;
  TabletInfoFileWriter writer(1, samples::AppendTo(file));
  EXPECT_TRUE(writer.HasRoomFor(711, 4096 + 1024));
  EXPECT_FALSE(writer.HasRoomFor(711, 4096 + 1023));
  ASSERT_TRUE(writer.Append(MinimalTabletParam(Seed())));
  EXPECT_FALSE(writer.HasRoomFor(711, 4096 + 1024));
}

}  // namespace
}  // namespace obbak::format
