// Random tables and catalogs for property tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <string_view>

#include "engine/catalog.h"
#include "engine/names.h"
#include "engine/sql_type.h"

namespace obbak::engine {

class RandomSchemas {
 public:
  explicit RandomSchemas(std::uint64_t seed) : random_(seed) {}

  std::uint64_t Below(std::uint64_t n) {
    return std::uniform_int_distribution<std::uint64_t>(0, n - 1)(random_);
  }
  bool OneIn(std::uint64_t n) { return Below(n) == 0; }

  std::string Name() {
    static constexpr auto kCharacters = std::to_array<std::string_view>(
        {"a", "b", "C", "D", "_", "$", "7", " ", "`", ".", "-", "\xC3\xA4", "\xE6\x9D\xB1"});
    std::string name(1, static_cast<char>('a' + Below(26)));
    for (std::uint64_t i = Below(12); i > 0; --i) name += kCharacters[Below(kCharacters.size())];
    return name;
  }

  SqlType Type() {
    static constexpr auto kTypes = std::to_array<std::string_view>(
        {"tinyint", "smallint unsigned", "mediumint", "int", "int unsigned", "bigint",
         "bigint unsigned", "float", "double", "float unsigned", "datetime(3)", "timestamp(6)",
         "date", "time", "time(2)", "year"});
    switch (Below(4)) {
      case 0: {
        const std::uint64_t precision = 1 + Below(65);
        return Parsed("decimal(" + std::to_string(precision) + "," +
                      std::to_string(Below(std::min<std::uint64_t>(precision, 30) + 1)) + ")");
      }
      case 1:
        return Parsed("varchar(" + std::to_string(Below(300)) + ")" +
                      (OneIn(2) ? " collate utf8mb4_bin" : ""));
      case 2:
        return Parsed((OneIn(2) ? "varbinary(" : "char(") + std::to_string(1 + Below(200)) + ")");
      default:
        return Parsed(kTypes[Below(kTypes.size())]);
    }
  }

  TableDefinition Definition() {
    TableDefinition definition;
    std::set<std::string> names;
    for (std::uint64_t i = 1 + Below(12); i > 0; --i) {
      std::string name = Name();
      if (!names.insert(FoldedName(name)).second) continue;
      definition.columns.push_back({.name = name, .type = Type(), .nullable = !OneIn(3)});
    }
    std::vector<std::size_t> places(definition.columns.size());
    for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
    std::ranges::shuffle(places, random_);
    places.resize(1 + Below(std::min<std::size_t>(places.size(), 4)));
    for (const std::size_t key : places) definition.columns[key].nullable = false;
    definition.primary_key = places;
    if (OneIn(3)) definition.partitions = static_cast<std::uint32_t>(2 + Below(6));
    return definition;
  }

  // A catalog with a history: things were made, moved and dropped.
  Catalog Any() {
    Catalog catalog(static_cast<NameCaseMode>(Below(3)));
    const std::int64_t start = 1'700'000'000'000'000;
    std::int64_t now = start;
    EXPECT_TRUE(catalog.AddDatabase({.database_id = kTestDatabase,
                                     .name = "test",
                                     .schema_version = catalog.NextSchemaVersion(now)}));
    catalog.PutLogStream({.id = format::kSysLsId, .create_scn = format::kBaseScn});
    for (std::uint64_t i = Below(4); i > 0; --i) {
      catalog.PutLogStream({.id = catalog.NewLsId(),
                            .group_id = catalog.NewLsGroupId(),
                            .status = static_cast<format::LsStatus>(Below(9)),
                            .flag = Below(4),
                            .create_scn = {1 + Below(format::Scn::kMaxValue)}});
    }
    for (std::uint64_t i = Below(20); i > 0; --i) {
      now += static_cast<std::int64_t>(Below(100)) - 20;
      Change(catalog, now);
    }
    return catalog;
  }

 private:
  static SqlType Parsed(std::string_view text) {
    const Result<SqlType> type = ParseSqlType(text);
    EXPECT_TRUE(type) << text;
    return *type;
  }

  std::string AnyDatabase(const Catalog& catalog) {
    auto place = catalog.databases().begin();
    std::advance(place, Below(catalog.databases().size()));
    return place->second.name;
  }

  void Change(Catalog& catalog, std::int64_t now) {
    if (OneIn(4)) {
      const auto database = catalog.NewDatabase(Name(), now);
      if (!database) return;  // the name is taken
      EXPECT_TRUE(catalog.AddDatabase(*database));
    } else if (OneIn(5) && !catalog.tables().empty()) {
      EXPECT_TRUE(catalog.DropTable(catalog.tables().rbegin()->first));
    } else {
      const auto table = catalog.NewTable(AnyDatabase(catalog), Name(), Definition(), now);
      if (!table) return;  // the name is taken, or the database is OceanBase's
      EXPECT_TRUE(catalog.AddTable(*table));
      for (const format::TabletId tablet : (*table)->tablets()) {
        catalog.PutTablet(tablet, {.table_id = (*table)->id(),
                                   .ls_id = {static_cast<std::int64_t>(1000 + Below(4))},
                                   .transfer_seq = static_cast<std::int64_t>(Below(3))});
      }
    }
  }

  std::mt19937_64 random_;
};

}  // namespace obbak::engine
