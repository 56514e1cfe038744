#include "engine/catalog_rows.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "engine/random_catalog_test_util.h"

namespace obbak::engine {
namespace {

using format::DmlFlag;

constexpr format::Timestamp kNow{1'700'000'000'123'456};

// System tables as they are after some changes; refuses what a table would refuse.
class Tables {
 public:
  void Apply(const SystemRowChanges& changes) {
    for (const SystemRowChange& change : changes) Apply(change);
  }

  Result<Catalog> Load() const {
    CatalogLoader loader;
    for (const SystemTable table : CatalogLoader::Tables()) {
      const auto rows = rows_.find(table);
      if (rows == rows_.end()) continue;
      for (const auto& [key, row] : rows->second) {
        if (Status status = loader.Add(table, Datums(row)); !status) return Fail(status.error());
      }
    }
    return std::move(loader).Finish();
  }

  std::size_t Count(SystemTable table) const {
    const auto rows = rows_.find(table);
    return rows == rows_.end() ? 0 : rows->second.size();
  }
  std::map<std::vector<std::string>, Row>& Of(SystemTable table) { return rows_[table]; }

 private:
  void Apply(const SystemRowChange& change) {
    const TableSchemaPtr schema = catalog_.FindTable(IdOf(change.table));
    ASSERT_NE(schema, nullptr);
    const std::vector<format::Datum> cells = Datums(change.row);
    const Status status =
        change.dml == DmlFlag::kDelete ? schema->CheckRowkey(cells) : schema->CheckRow(cells);
    ASSERT_TRUE(status) << NameOf(change.table) << " " << status.error().ToString();
    std::vector<std::string> key;
    for (std::size_t i = 0; i < schema->rowkey_count(); ++i) {
      key.emplace_back(change.row[i].bytes());
    }
    auto& rows = rows_[change.table];
    ASSERT_EQ(rows.contains(key), change.dml != DmlFlag::kInsert) << NameOf(change.table);
    if (change.dml == DmlFlag::kDelete) {
      rows.erase(key);
    } else {
      rows[key] = change.row;
    }
  }

  Catalog catalog_;
  std::map<SystemTable, std::map<std::vector<std::string>, Row>> rows_;
};

TEST(CatalogRows, EveryCatalogComesBack) {
  RandomSchemas random(5);
  for (int i = 0; i < 200; ++i) {
    const Catalog catalog = random.Any();
    Tables tables;
    tables.Apply(RowsOfNewTenant(catalog, kNow));
    const Result<Catalog> loaded = tables.Load();
    ASSERT_TRUE(loaded) << loaded.error().ToString();
    EXPECT_GE(catalog.schema_version(), loaded->schema_version());
    Catalog expected = *loaded;
    expected.RaiseSchemaVersion(catalog.schema_version());  // a dropped object's version
    EXPECT_TRUE(expected == catalog) << i;
  }
}

// One tenant that lives: after every change its rows say what its catalog says.
class LivingTenant {
 public:
  explicit LivingTenant(std::uint64_t seed) : random_(seed) {
    EXPECT_TRUE(catalog_.AddDatabase(
        {.database_id = kTestDatabase, .name = "test", .schema_version = Version()}));
    catalog_.PutLogStream({.id = format::kSysLsId, .create_scn = format::kBaseScn});
    tables_.Apply(RowsOfNewTenant(catalog_, kNow));
  }

  void Change() {
    switch (random_.Below(6)) {
      case 0:
        return CreateDatabase();
      case 1:
        return CreateLs();
      case 2:
        return DropTable();
      case 3:
        return DropDatabase();
      case 4:
        return Transfer();
      default:
        return CreateTable();
    }
  }

  void Check() const {
    const Result<Catalog> loaded = tables_.Load();
    ASSERT_TRUE(loaded) << loaded.error().ToString();
    EXPECT_TRUE(*loaded == catalog_);
  }

 private:
  std::int64_t Version() const { return catalog_.NextSchemaVersion(kNow.value); }

  void CreateDatabase() {
    const auto database = catalog_.NewDatabase(random_.Name(), kNow.value);
    if (!database) return;
    ASSERT_TRUE(catalog_.AddDatabase(*database));
    tables_.Apply(RowsOfCreateDatabase(catalog_, *database, kNow));
  }

  void DropDatabase() {
    const DatabaseSchema last = catalog_.databases().rbegin()->second;
    const std::int64_t version = Version();
    if (!catalog_.DropDatabase(last.database_id)) return;
    catalog_.RaiseSchemaVersion(version);
    tables_.Apply(RowsOfDropDatabase(last, version, kNow));
  }

  void CreateLs() {
    const LogStreamEntry ls{.id = catalog_.NewLsId(),
                            .group_id = catalog_.NewLsGroupId(),
                            .status = format::LsStatus::kCreating,
                            .create_scn = {100}};
    catalog_.PutLogStream(ls);
    tables_.Apply(RowsOfLogStream(catalog_, ls, true, kNow));
    LogStreamEntry normal = ls;
    normal.status = format::LsStatus::kNormal;
    catalog_.PutLogStream(normal);
    tables_.Apply(RowsOfLogStream(catalog_, normal, false, kNow));
  }

  void CreateTable() {
    const std::string database = catalog_.databases().rbegin()->second.name;
    const auto table =
        catalog_.NewTable(database, random_.Name(), random_.Definition(), kNow.value);
    if (!table) return;
    ASSERT_TRUE(catalog_.AddTable(*table));
    for (const format::TabletId tablet : (*table)->tablets()) {
      catalog_.PutTablet(tablet, {.table_id = (*table)->id(), .ls_id = {1001}});
    }
    tables_.Apply(RowsOfCreateTable(catalog_, **table, "create table ...", kNow));
  }

  void DropTable() {
    if (catalog_.tables().empty()) return;
    const TableSchemaPtr table = catalog_.tables().begin()->second;
    const std::int64_t version = Version();
    ASSERT_TRUE(catalog_.DropTable(table->id()));
    catalog_.RaiseSchemaVersion(version);
    tables_.Apply(RowsOfDropTable(*table, version, "drop table ...", kNow));
  }

  void Transfer() {
    if (catalog_.tablets().empty()) return;
    const auto [tablet, entry] = *catalog_.tablets().begin();
    catalog_.PutTablet(tablet, {.table_id = entry.table_id,
                                .ls_id = {entry.ls_id.value + 1},
                                .transfer_seq = entry.transfer_seq + 1});
    tables_.Apply(RowsOfTransfer(catalog_, std::span(&tablet, 1), kNow));
  }

  RandomSchemas random_;
  Catalog catalog_;
  Tables tables_;
};

TEST(CatalogRows, FollowEveryChange) {
  for (std::uint64_t seed = 10; seed < 15; ++seed) {
    LivingTenant tenant(seed);
    for (int i = 0; i < 40; ++i) {
      tenant.Change();
      tenant.Check();
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(CatalogRows, ContradictionsAreRefused) {
  RandomSchemas random(6);
  Catalog catalog;
  ASSERT_TRUE(catalog.AddDatabase({.database_id = kTestDatabase, .name = "test"}));
  const TableSchemaPtr table =
      catalog.NewTable("test", "t", random.Definition(), kNow.value).value();
  ASSERT_TRUE(catalog.AddTable(table));
  for (const format::TabletId tablet : table->tablets()) {
    catalog.PutTablet(tablet, {.table_id = table->id(), .ls_id = {1001}});
  }
  for (const SystemTable lost :
       {SystemTable::kTable, SystemTable::kColumn, SystemTable::kTabletToLs, SystemTable::kDatabase,
        SystemTable::kSysVariable}) {
    Tables tables;
    tables.Apply(RowsOfNewTenant(catalog, kNow));
    ASSERT_TRUE(tables.Load()) << tables.Load().error().ToString();
    tables.Of(lost).clear();
    EXPECT_FALSE(tables.Load()) << NameOf(lost);
  }
}

TEST(CatalogRows, DamagedRowsAreRefusedWithTheirColumn) {
  TabletToLsRow record;
  Row row = ToRow(record, kNow);
  row[3] = Cell();  // ls_id, behind the key and two time stamps
  CatalogLoader loader;
  const Status status = loader.Add(SystemTable::kTabletToLs, Datums(row));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kInvalidData);
  EXPECT_EQ(status.error().field(), "__all_tablet_to_ls.ls_id");
  row.pop_back();
  EXPECT_FALSE(loader.Add(SystemTable::kTabletToLs, Datums(row)));
}

TEST(CatalogRows, DropsLeaveAHistory) {
  Catalog catalog;
  ASSERT_TRUE(catalog.AddDatabase({.database_id = kTestDatabase, .name = "test"}));
  const TableDefinition definition = ParseTableDefinition("a int primary key, b int").value();
  const TableSchemaPtr table = catalog.NewTable("test", "t", definition, kNow.value).value();
  ASSERT_TRUE(catalog.AddTable(table));
  catalog.PutTablet(table->tablets()[0], {.table_id = table->id(), .ls_id = {1001}});
  Tables tables;
  tables.Apply(RowsOfNewTenant(catalog, kNow));
  tables.Apply(RowsOfDropTable(*table, catalog.NextSchemaVersion(kNow.value), "", kNow));
  EXPECT_EQ(tables.Count(SystemTable::kTable), 0U);
  EXPECT_EQ(tables.Count(SystemTable::kColumn), 0U);
  EXPECT_EQ(tables.Count(SystemTable::kTableHistory), 2U);
  EXPECT_EQ(tables.Count(SystemTable::kColumnHistory), 4U);
  EXPECT_EQ(tables.Count(SystemTable::kTabletToTableHistory), 2U);
  EXPECT_EQ(tables.Count(SystemTable::kDdlOperation), 3U);  // with the database's
}

}  // namespace
}  // namespace obbak::engine
