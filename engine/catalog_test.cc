#include "engine/catalog.h"

#include <gtest/gtest.h>

#include "engine/system_tables.h"

namespace obbak::engine {
namespace {

constexpr std::int64_t kNow = 1'700'000'000'000'003;

TableDefinition Definition() {
  return ParseTableDefinition("a int primary key partitions 2").value();
}

Catalog WithTest(NameCaseMode mode = NameCaseMode::kInsensitive) {
  Catalog catalog(mode);
  EXPECT_TRUE(catalog.AddDatabase({.database_id = kTestDatabase, .name = "test"}));
  return catalog;
}

TEST(Catalog, GivesOutOceanBaseIds) {
  Catalog catalog = WithTest();
  const TableSchemaPtr table = catalog.NewTable("test", "t1", Definition(), kNow).value();
  EXPECT_EQ(table->id(), 500002U);
  EXPECT_EQ(table->tablets(), (std::vector<format::TabletId>{{200001}, {200002}}));
  EXPECT_EQ(table->schema_version(), kNow - 3);
  EXPECT_EQ(table->columns()[0].id, 16U);
  EXPECT_EQ(catalog.NewLsId(), format::LsId{1001});
  EXPECT_EQ(catalog.NewDatabase("d", kNow).value().database_id, 500003U);
  EXPECT_EQ(catalog.NewTabletId(), format::TabletId{200003});
}

TEST(Catalog, SchemaVersionsAscendWhateverTheClockSays) {
  Catalog catalog = WithTest();
  std::int64_t last = 0;
  for (const std::int64_t now : {kNow, kNow, kNow - 1000000, std::int64_t{0}, kNow + 7}) {
    const std::int64_t version = catalog.NextSchemaVersion(now);
    EXPECT_GT(version, last);
    EXPECT_EQ(version % 8, 0);
    catalog.RaiseSchemaVersion(version);
    last = version;
  }
}

TEST(Catalog, FindsNamesAsItsModeSays) {
  const auto found = [](NameCaseMode mode, std::string_view name) {
    Catalog catalog = WithTest(mode);
    EXPECT_TRUE(catalog.AddTable(catalog.NewTable("test", "Tab", Definition(), kNow).value()));
    const TableSchemaPtr table = catalog.FindTable(kTestDatabase, name);
    return table == nullptr ? std::string() : table->name();
  };
  EXPECT_EQ(found(NameCaseMode::kSensitive, "Tab"), "Tab");
  EXPECT_EQ(found(NameCaseMode::kSensitive, "tab"), "");
  EXPECT_EQ(found(NameCaseMode::kLowerCase, "TAB"), "tab");
  EXPECT_EQ(found(NameCaseMode::kInsensitive, "TAB"), "Tab");
}

TEST(Catalog, RefusesWhatDoesNotFit) {
  Catalog catalog = WithTest();
  const TableSchemaPtr table = catalog.NewTable("test", "t", Definition(), kNow).value();
  ASSERT_TRUE(catalog.AddTable(table));
  const Catalog before = catalog;
  EXPECT_EQ(catalog.AddTable(table).error().code(), ErrorCode::kEntryExist);
  EXPECT_EQ(catalog.NewTable("test", "T", Definition(), kNow).error().code(),
            ErrorCode::kEntryExist);
  EXPECT_EQ(catalog.NewTable("none", "t", Definition(), kNow).error().code(),
            ErrorCode::kEntryNotExist);
  EXPECT_EQ(catalog.NewTable("oceanbase", "t", Definition(), kNow).error().code(),
            ErrorCode::kOpNotAllow);
  EXPECT_EQ(catalog.NewDatabase("TEST", kNow).error().code(), ErrorCode::kEntryExist);
  EXPECT_EQ(catalog.NewDatabase("", kNow).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(catalog.DropDatabase(kTestDatabase).error().code(), ErrorCode::kOpNotAllow);
  EXPECT_EQ(catalog.DropDatabase(kOceanbaseDatabase).error().code(), ErrorCode::kOpNotAllow);
  EXPECT_EQ(catalog.DropDatabase(1).error().code(), ErrorCode::kEntryNotExist);
  EXPECT_EQ(catalog.DropTable(3).error().code(), ErrorCode::kEntryNotExist);
  EXPECT_EQ(catalog.ResolveTable("u").error().code(), ErrorCode::kEntryNotExist);
  EXPECT_EQ(catalog.ResolveTable("x.t").error().code(), ErrorCode::kEntryNotExist);
  EXPECT_TRUE(catalog == before);
}

TEST(Catalog, KnowsWhereTabletsAre) {
  Catalog catalog = WithTest();
  const TableSchemaPtr table = catalog.NewTable("test", "t", Definition(), kNow).value();
  ASSERT_TRUE(catalog.AddTable(table));
  catalog.PutTablet({200001}, {.table_id = table->id(), .ls_id = {1001}});
  catalog.PutTablet({200002}, {.table_id = table->id(), .ls_id = {1002}});
  EXPECT_EQ(catalog.LsOf({200002}).value(), format::LsId{1002});
  EXPECT_EQ(catalog.TableOf({200001}), table);
  EXPECT_EQ(catalog.ResolveTable("Test.T").value(), table);
  EXPECT_EQ(catalog.LsOf(TabletOf(SystemTable::kTable)).value(), format::kSysLsId);
  EXPECT_EQ(catalog.TableOf(TabletOf(SystemTable::kTable))->name(), "__all_table");
  EXPECT_EQ(catalog.ResolveTable("oceanbase.__all_ls").value()->id(), 352U);
  ASSERT_TRUE(catalog.DropTable(table->id()));
  EXPECT_EQ(catalog.LsOf({200001}).error().code(), ErrorCode::kEntryNotExist);
  EXPECT_EQ(catalog.TableOf({200001}), nullptr);
  EXPECT_EQ(catalog.FindTable(kTestDatabase, "t"), nullptr);
  ASSERT_TRUE(catalog.DropDatabase(kTestDatabase));
  EXPECT_EQ(catalog.FindDatabase("test"), nullptr);
  // What is gone leaves its ids used.
  EXPECT_EQ(catalog.NewObjectId(), table->id() + 1);
}

}  // namespace
}  // namespace obbak::engine
