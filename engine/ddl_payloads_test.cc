#include "engine/ddl_payloads.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/golden_vectors_test_util.h"
#include "engine/random_catalog_test_util.h"
#include "engine/system_tables.h"
#include "format/data_dict_log.h"
#include "format/mds_payload.h"
#include "format/obj_codec.h"
#include "format/record.h"
#include "format/tablet_mds_records.h"

namespace obbak::engine {
namespace {

using format::Scn;
using format::TabletId;

constexpr std::int64_t kSchemaVersion = 1'700'000'000'000'000;
constexpr format::LsId kLs{1001};
constexpr Scn kScn{1'700'000'000'123'456'789};

// The table of the vectors.
TableSpec GoldenSpec() {
  const TableDefinition definition =
      ParseTableDefinition("id bigint primary key, name varchar(64), score bigint").value();
  Catalog catalog;
  EXPECT_TRUE(catalog.AddDatabase({.database_id = kTestDatabase, .name = "test"}));
  TableSpec spec = catalog.NewTable("test", "t1", definition, kSchemaVersion).value()->spec();
  spec.row_store = format::RowStoreType::kEncoding;
  return spec;
}

TableSchemaPtr GoldenTable() { return TableSchema::Create(GoldenSpec()).value(); }

template <class Record>
std::string PayloadHex(const Record& record) {
  return ToHex(AsByteView(format::EncodeMdsPayload(record).value()));
}

TEST(DdlPayloads, CreateTableIsTheGoldenOne) {
  format::BatchCreateTabletArg arg =
      CreateTabletsArg(*GoldenTable(), kLs, GoldenTable()->tablets(), format::kBaseScn);
  // The collation's level means nothing; the vector's table has another one.
  arg.create_tablet_schemas[0].storage_schema.column_array[1].meta_type.cs_level = 2;
  EXPECT_EQ(PayloadHex(arg),
            GoldenHex("51_mds.json", "ObBatchCreateTabletArg", "CREATE TABLE, one partition"));
}

TEST(DdlPayloads, DropIsTheDocumentedOne) {
  const TabletId tablet{200001};
  EXPECT_EQ(PayloadHex(RemoveTabletsArg(kLs, {&tablet, 1})),
            "0192808080000100000000000"
            "30d4100000000000003e900");
}

TEST(DdlPayloads, TabletsOfAllPartitionsShareOneSchema) {
  const std::vector<TabletId> tablets = {{200001}, {200003}};
  const format::BatchCreateTabletArg arg = CreateTabletsArg(*GoldenTable(), kLs, tablets, kScn);
  EXPECT_EQ(arg.tablets.size(), 2U);
  EXPECT_EQ(arg.tablets[1].data_tablet_id, tablets[1]);
  EXPECT_EQ(arg.create_tablet_schemas.size(), 1U);
  EXPECT_TRUE(format::EncodeMdsPayload(arg));
}

TEST(DdlPayloads, LogStreamChangesAreTheDocumentedOnes) {
  LogStreamEntry ls{
      .id = kLs, .group_id = 1001, .status = format::LsStatus::kCreating, .create_scn = kScn};
  EXPECT_EQ(PayloadHex(LsAttrOf(ls, format::LsOperationType::kCreatePre)),
            "019d8080800000000000000003e9e907000000959a97ece39fe7cb17018180808000"
            "00");
  ls.status = format::LsStatus::kNormal;
  EXPECT_EQ(PayloadHex(LsAttrOf(ls, format::LsOperationType::kCreateEnd)),
            GoldenHex("51_mds.json", "ObLSAttr", "create LS 1001, end"));
}

class Inner : public testing::TestWithParam<std::pair<std::uint64_t, std::size_t>> {};

TEST_P(Inner, TabletsAreTheGoldenOnes) {
  const std::uint64_t tablet = GetParam().first;
  const std::size_t size = GetParam().second;
  const Bytes bytes =
      format::EncodeMeta(FreshInnerTablet(kLs, {tablet}, Scn{1'700'000'000'123'451'789})).value();
  EXPECT_EQ(bytes.size(), size);
  if (tablet == 49403) return;  // of the lock table, only the size is known
  const auto is_this = [&](const boost::json::object& vector) {
    const boost::json::value& id = vector.at("fields").at("tablet_id");
    return id.is_int64() && id.as_int64() == static_cast<std::int64_t>(tablet);
  };
  EXPECT_EQ(ToHex(bytes), GoldenHexIf("53_more_tx_logs.json", "ObMigrationTabletParam", is_this));
}

INSTANTIATE_TEST_SUITE_P(Tablets, Inner,
                         testing::Values(std::pair(49401, 764), std::pair(49402, 810),
                                         std::pair(49403, 744)));

TableSchemaPtr GoldenSystemTable(SystemTable table) {
  for (TableSchemaPtr& schema :
       SystemTableSchemas(kSchemaVersion, format::RowStoreType::kEncoding)) {
    if (schema->id() == IdOf(table)) return std::move(schema);
  }
  return nullptr;
}

TEST(DdlPayloads, FreshTabletsAreTheGoldenOnes) {
  const format::MigrationTabletParam meta =
      FreshTablet(*GoldenSystemTable(SystemTable::kLs), kLs, {200001},
                  Scn{1'700'000'000'123'455'789}, format::kBaseScn);
  EXPECT_EQ(ToHex(format::EncodeMeta(meta).value()),
            GoldenHex("53_more_tx_logs.json", "ObMigrationTabletParam",
                      "tablet whose creation was not flushed (schema of __all_ls reused)"));
}

TEST(DdlPayloads, FlushedSystemTabletsAreTheGoldenOnes) {
  constexpr Scn kRedo{1'700'000'000'123'455'839};
  constexpr Scn kCommit{1'700'000'000'123'455'889};
  format::MigrationTabletParam meta =
      FreshTablet(*GoldenSystemTable(SystemTable::kTabletToLs), format::kSysLsId, {343},
                  Scn{1'700'000'000'123'451'789}, format::kBaseScn);
  meta.clog_checkpoint_scn = meta.mds_checkpoint_scn = {kScn};
  meta.mds_data = CommittedCreation(
      {.tx_id = {5001}, .redo_scn = kRedo, .commit_scn = kCommit, .commit_version = kCommit});
  EXPECT_EQ(
      ToHex(format::EncodeMeta(meta).value()),
      GoldenHex("53_more_tx_logs.json", "ObMigrationTabletParam", "__all_tablet_to_ls in LS 1"));
}

TEST(DdlPayloads, FreshTabletsAreValidAndUnflushed) {
  const format::MigrationTabletParam meta =
      FreshTablet(*GoldenTable(), kLs, {200001}, kScn, format::kBaseScn);
  EXPECT_TRUE(format::EncodeMeta(meta));
  EXPECT_EQ(meta.mds_data, format::TabletMdsData());
  EXPECT_EQ(meta.clog_checkpoint_scn.value, format::kBaseScn);
  EXPECT_EQ(meta.create_schema_version.value, kSchemaVersion);
}

TEST(DdlPayloads, CommittedCreationIsTheGoldenUserData) {
  const format::TabletMdsData mds = CommittedCreation(
      {.tx_id = {5001}, .redo_scn = {kScn.value - 1}, .commit_scn = kScn, .commit_version = kScn});
  const format::MdsDumpKv& kv = mds.tablet_status_committed_kv;
  EXPECT_EQ(ToHex(AsByteView(kv.v.user_data)),
            GoldenHex("51_mds.json", "ObTabletCreateDeleteMdsUserData",
                      "created and committed user tablet"));
  EXPECT_EQ(kv.v.crc_check_number, format::MdsChecksum(kv.v));
  EXPECT_EQ(kv.v.writer_id, 5001);
}

TEST(Transfers, TheTabletArrivesWithItsSequenceRaised) {
  const Transfer transfer{.source = kLs,
                          .destination = {1002},
                          .tablets = {{.tablet_id = {200001}, .transfer_seq = 4}},
                          .task_id = 7};
  format::MigrationTabletParam meta = FreshTablet(*GoldenTable(), kLs, {200001}, kScn, kScn);
  meta.transfer_info.transfer_seq = 4;
  EXPECT_FALSE(StartTransferIn(transfer, kScn, {meta})) << "it has no status";
  meta.mds_data = CommittedCreation(
      {.tx_id = {5001}, .redo_scn = kScn, .commit_scn = kScn, .commit_version = kScn});
  const auto info = StartTransferIn(transfer, {kScn.value + 5}, {meta});
  ASSERT_TRUE(info) << info.error().ToString();
  ASSERT_TRUE(format::EncodeMdsPayload(*info));
  const format::MigrationTabletParam& moved = info->tablet_meta_list.at(0);
  EXPECT_EQ(moved.ls_id, format::LsId{1002});
  EXPECT_EQ(moved.transfer_info.transfer_seq, 5);
  EXPECT_TRUE(moved.transfer_info.has_transfer_table);
  const format::MdsDumpNode& node = moved.mds_data.tablet_status_committed_kv.v;
  EXPECT_EQ(node.crc_check_number, format::MdsChecksum(node));
  const auto status =
      format::DecodeRecord<format::TabletCreateDeleteMdsUserData>(AsByteView(node.user_data));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->tablet_status.value, format::TabletStatus::kTransferIn);
  EXPECT_EQ(status->transfer_ls_id, kLs);
  EXPECT_EQ(status->create_commit_scn, kScn);
}

std::string TransferHex(std::string_view record, std::int64_t task_id) {
  return GoldenHexIf("51_mds.json", record, [&](const boost::json::object& vector) {
    return vector.at("fields").at("task_id").as_int64() == task_id;
  });
}

TEST(Transfers, TheOtherStepsAreTheGoldenOnes) {
  const Transfer transfer{.source = kLs,
                          .destination = {1002},
                          .tablets = {{.tablet_id = {200001}, .transfer_seq = 0},
                                      {.tablet_id = {200002}, .transfer_seq = 1}},
                          .task_id = 3};
  EXPECT_EQ(PayloadHex(StartTransferOut(transfer, kScn, 2)),
            TransferHex("ObTXStartTransferOutInfo", 3));
  EXPECT_EQ(PayloadHex(FinishTransferOut(transfer, {kScn.value + 2})),
            TransferHex("ObTXFinishTransferOutInfo", 3));
  EXPECT_EQ(PayloadHex(FinishTransferIn(transfer, {kScn.value - 2})),
            TransferHex("ObTXFinishTransferInInfo", 3));
  Transfer first = transfer;
  first.tablets.pop_back();
  first.task_id = 1;
  EXPECT_EQ(PayloadHex(StartTransferOutPrepare(first)), TransferHex("ObTXStartTransferOutInfo", 1));
  EXPECT_EQ(PayloadHex(TransferDestPrepare(first)), TransferHex("ObTransferDestPrepareInfo", 1));
}

TEST(Dictionary, TablesAreTheGoldenOnes) {
  format::DictTableMeta meta = DictMetaOf(*GoldenTable(), NameCaseMode::kInsensitive);
  // The vector's table has defaults, and another collation level.
  format::Obj name;
  name.meta = {format::ObjType::kVarchar, 2, format::kCollationUtf8mb4GeneralCi, -1};
  name.text = "x";
  format::Obj score;
  score.meta = format::ObjMeta::BigInt();
  score.number = 42;
  meta.columns[1].meta_type.cs_level = 2;
  meta.columns[1].orig_default_value = meta.columns[1].cur_default_value = name;
  meta.columns[2].orig_default_value = meta.columns[2].cur_default_value = score;
  EXPECT_EQ(ToHex(format::EncodeRecord(meta).value()),
            GoldenHex("52_data_dictionary.json", "ObDictTableMeta",
                      "user table with three columns, one key column"));

  const Catalog catalog;
  format::DictTableMeta system = DictMetaOf(*catalog.FindTable(343), NameCaseMode::kInsensitive);
  system.schema_version = kSchemaVersion;
  EXPECT_EQ(ToHex(format::EncodeRecord(system).value()),
            GoldenHex("52_data_dictionary.json", "ObDictTableMeta",
                      "system table __all_tablet_to_ls: no columns are stored"));
}

TEST(Dictionary, EveryCatalogHasOneThatComesBack) {
  RandomSchemas random(7);
  for (int i = 0; i < 50; ++i) {
    const std::vector<format::DictMeta> metas =
        DictionaryOf(random.Any(), {.name = "mysql_tenant"});
    format::DictionaryReader reader;
    const Result<std::vector<Bytes>> entries = format::EncodeDictionary(metas, kScn, 1);
    ASSERT_TRUE(entries) << entries.error().ToString();
    for (const Bytes& entry : *entries) {
      ASSERT_TRUE(reader.Add(entry));
    }
    EXPECT_EQ(std::move(reader).Finish().value(), metas);
  }
}

}  // namespace
}  // namespace obbak::engine
