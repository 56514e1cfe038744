#include "engine/system_tables.h"

#include <gtest/gtest.h>

#include <string_view>

#include "engine/golden_vectors_test_util.h"
#include "format/record.h"
#include "format/storage_schema_codec.h"

namespace obbak::engine {
namespace {

constexpr std::int64_t kSchemaVersion = 1'700'000'000'000'000;

struct GoldenTable {
  SystemTable table;
  std::string_view note;
};

class GoldenTables : public testing::TestWithParam<GoldenTable> {};

TEST_P(GoldenTables, HaveTheStorageSchemaThatOceanBaseWrites) {
  for (const TableSchemaPtr& table :
       SystemTableSchemas(kSchemaVersion, format::RowStoreType::kEncoding)) {
    if (table->id() != IdOf(GetParam().table)) continue;
    EXPECT_EQ(ToHex(format::EncodeRecord(MakeStorageSchema(*table)).value()),
              GoldenHex("53_more_tx_logs.json", "ObStorageSchema", GetParam().note));
  }
}

INSTANTIATE_TEST_SUITE_P(
    SystemTables, GoldenTables,
    testing::Values(GoldenTable{SystemTable::kCoreTable, "__all_core_table, tablet 1"},
                    GoldenTable{SystemTable::kTable, "__all_table, tablet 3"},
                    GoldenTable{SystemTable::kColumn, "__all_column, tablet 4"},
                    GoldenTable{SystemTable::kTabletToLs, "__all_tablet_to_ls, tablet 343"}));

TEST(SystemTables, AreListedByIdWithTheirOwnTablet) {
  ObjectId last = 0;
  for (const TableSchemaPtr& table : SystemTableSchemas()) {
    EXPECT_GT(table->id(), last);
    last = table->id();
    EXPECT_EQ(table->tablets(), std::vector<format::TabletId>{{table->id()}});
    EXPECT_TRUE(table->is_inner());
    EXPECT_EQ(NameOf(static_cast<SystemTable>(table->id())), table->name());
    EXPECT_EQ(table->columns()[0].name, "gmt_create");
  }
}

// Ids that docs/spec/system-data.md §4.2 states.
TEST(SystemTables, ColumnsHaveTheirDocumentedIds) {
  const auto id = [](SystemTable table, std::string_view column) {
    for (const TableSchemaPtr& schema : SystemTableSchemas()) {
      if (schema->id() == IdOf(table)) {
        return schema->columns()[schema->FindColumn(column).value()].id;
      }
    }
    return std::uint64_t{0};
  };
  EXPECT_EQ(id(SystemTable::kTable, "compress_func_name"), 32U);
  EXPECT_EQ(id(SystemTable::kTable, "schema_version"), 50U);
  EXPECT_EQ(id(SystemTable::kTable, "row_store_type"), 64U);
  EXPECT_EQ(id(SystemTable::kTable, "tablet_id"), 79U);
  EXPECT_EQ(id(SystemTable::kTable, "auto_increment_cache_size"), 99U);
  EXPECT_EQ(id(SystemTable::kColumn, "cur_default_value_v2"), 44U);
  EXPECT_EQ(id(SystemTable::kColumn, "local_session_vars"), 50U);
  EXPECT_EQ(id(SystemTable::kDdlOperation, "exec_tenant_id"), 28U);
  EXPECT_EQ(id(SystemTable::kDatabase, "in_recyclebin"), 25U);
  EXPECT_EQ(id(SystemTable::kSysVariable, "max_val"), 26U);
  EXPECT_EQ(id(SystemTable::kSysStat, "info"), 23U);
  EXPECT_EQ(id(SystemTable::kTabletToLs, "transfer_seq"), 21U);
  EXPECT_EQ(id(SystemTable::kLs, "create_scn"), 22U);
  EXPECT_EQ(id(SystemTable::kTabletToTableHistory, "is_deleted"), 22U);
  EXPECT_EQ(id(SystemTable::kFreezeInfo, "schema_version"), 20U);
  EXPECT_EQ(id(SystemTable::kDataDictionaryInLog, "end_lsn"), 20U);
  EXPECT_EQ(id(SystemTable::kDatabaseHistory, "schema_version"), 20U);
  EXPECT_EQ(id(SystemTable::kDatabaseHistory, "is_deleted"), 21U);
}

TEST(SystemTables, RowsFitTheirSchemasAndComeBack) {
  const auto check = [](const auto& record) {
    using Record = std::decay_t<decltype(record)>;
    const Row row = ToRow(record, {1});
    for (const TableSchemaPtr& schema : SystemTableSchemas()) {
      if (schema->id() != IdOf(Record::kTable)) continue;
      const Status status = schema->CheckRow(Datums(row));
      EXPECT_TRUE(status) << status.error().ToString();
      const Row key = ToRowkey(record);
      EXPECT_EQ(key, Row(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(key.size())));
      EXPECT_EQ(key.size(), schema->rowkey_count());
    }
    const Result<Record> again = FromRow<Record>(Datums(row));
    ASSERT_TRUE(again) << again.error().ToString();
    EXPECT_EQ(*again, record);
  };
  check(CoreTableRow{"a", 1, "b", std::nullopt});
  check(CoreTableRow{"a", -1, "b", "c"});
  TableRow table;
  table.table_name = "t";
  table.progressive_merge_round = std::nullopt;
  check(table);
  ColumnRow column;
  column.data_scale = -3;
  check(column);
  DdlOperationRow operation;
  operation.ddl_stmt_str = "create table t (a int)";
  check(operation);
  check(DatabaseRow{500001, "d", 46});
  check(DatabaseHistoryRow{500001, 8, 1});
  check(SysVariableRow{"", "n", 5, "1", "i"});
  check(SysStatRow{"", "n", 5, "1", "i"});
  check(TabletToLsRow{200001, 1001, 500002, 3});
  check(LsRow{1001, 1001, "NORMAL", "", 5});
  check(TabletToTableHistoryRow{200001, 8, 500002, 1});
  check(FreezeInfoRow{7});
  check(DataDictionaryInLogRow{1, 2, 3});
}

TEST(SystemTables, LongTextsHaveTheirLobHeader) {
  DdlOperationRow operation;
  operation.ddl_stmt_str = "x";
  const Row row = ToRow(operation, {1});
  EXPECT_EQ(row[11].bytes(), std::string_view("\x01\x84\0\0x", 5));
}

}  // namespace
}  // namespace obbak::engine
