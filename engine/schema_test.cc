#include "engine/schema.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "engine/random_catalog_test_util.h"
#include "engine/value_text.h"
#include "format/storage_schema.h"

namespace obbak::engine {
namespace {

using format::Datum;

// A table of two tablets' partitions for `definition`.
Result<TableSchemaPtr> Make(std::string_view definition) {
  Catalog catalog;
  EXPECT_TRUE(
      catalog.AddDatabase({.database_id = kTestDatabase, .name = "test", .schema_version = 8}));
  const Result<TableDefinition> parsed = ParseTableDefinition(definition);
  EXPECT_TRUE(parsed) << definition;
  return catalog.NewTable("test", "t", *parsed, 1);
}

Row ParsedKey(const TableSchema& table, std::vector<std::string_view> texts) {
  Row row;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    row.push_back(ParseValue(table.stored_column(i).type, texts[i]).value());
  }
  return row;
}

TEST(TableSchema, StoresTheKeyFirstInKeyOrder) {
  const TableSchemaPtr table =
      Make("a int, b varchar(9), c int, d date, primary key (c, b)").value();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < table->column_count(); ++i) {
    names.push_back(table->stored_column(i).name);
    EXPECT_EQ(table->stored_order()[table->definition_order()[i]], i);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"c", "b", "a", "d"}));
  EXPECT_EQ(table->rowkey_count(), 2U);
  EXPECT_EQ(table->row_schema().rowkey_count, 4U);
  EXPECT_EQ(table->rowkey_types()[1].type, format::ObjType::kVarchar);
  EXPECT_EQ(table->FindColumn("D").value(), 3U);
  EXPECT_EQ(table->FindColumn("e").error().code(), ErrorCode::kEntryNotExist);

  const format::StorageSchema schema = MakeStorageSchema(*table);
  ASSERT_EQ(schema.rowkey_array.size(), 2U);
  EXPECT_EQ(schema.rowkey_array[0].column_idx, 18U);
  EXPECT_EQ(schema.rowkey_array[1].column_idx, 17U);
  format::Rules rules;
  CheckRules(schema, rules);
  EXPECT_TRUE(rules.ToStatus(ErrorCode::kInvalidArgument));
}

TEST(TableSchema, RefusesWhatNoTableCanBe) {
  const TableSpec good = Make("a int primary key, b int").value()->spec();
  const auto refused = [&](auto change) {
    TableSpec spec = good;
    change(spec);
    return !TableSchema::Create(std::move(spec)).has_value();
  };
  EXPECT_FALSE(refused([](TableSpec&) {}));
  EXPECT_TRUE(refused([](TableSpec& spec) { spec.columns.clear(); }));
  EXPECT_TRUE(refused([](TableSpec& spec) { spec.columns[0].rowkey_position = 0; }));
  EXPECT_TRUE(refused([](TableSpec& spec) { spec.columns[0].rowkey_position = 2; }));
  EXPECT_TRUE(refused([](TableSpec& spec) { spec.columns[0].nullable = true; }));
  EXPECT_TRUE(refused([](TableSpec& spec) { spec.columns[1].name = "A"; }));
  EXPECT_TRUE(refused([](TableSpec& spec) { spec.columns[1].id = 16; }));
  EXPECT_TRUE(refused([](TableSpec& spec) { spec.columns[0].id = 15; }));
  EXPECT_TRUE(refused([](TableSpec& spec) { spec.tablets.clear(); }));
  EXPECT_TRUE(refused([](TableSpec& spec) { spec.tablets.push_back(spec.tablets[0]); }));
  EXPECT_TRUE(refused([](TableSpec& spec) { spec.name.clear(); }));
  EXPECT_TRUE(refused([](TableSpec& spec) {
    spec.columns[0].type.meta = {format::ObjType::kLongText, 7, 45, -1};
  }));
}

TEST(Partitions, KeysThatAreEqualShareOne) {
  const TableSchemaPtr table =
      Make(
          "a varchar(20), b double, c varchar(20) collate utf8mb4_bin, primary key (a, b, c) "
          "partitions 97")
          .value();
  const auto partition = [&](std::vector<std::string_view> texts) {
    const Row key = ParsedKey(*table, texts);
    return table->PartitionOf(Datums(key));
  };
  EXPECT_EQ(partition({"abc", "0", "x"}), partition({"ABC  ", "-0", "x   "}));
  EXPECT_NE(partition({"abc", "0", "x"}), partition({"abc", "0", "X"}));
  EXPECT_NE(partition({"abc", "0", "x"}), partition({"abd", "0", "x"}));
  EXPECT_NE(partition({"abc", "0", "x"}), partition({"abc", "1", "x"}));
}

TEST(Partitions, AreAboutEquallyLarge) {
  const TableSchemaPtr table = Make("a bigint primary key partitions 8").value();
  std::map<std::uint64_t, int> counts;
  for (int i = 0; i < 8000; ++i) {
    const Datum key = Datum::Int(i);
    ++counts[table->TabletOf({&key, 1}).value];
  }
  ASSERT_EQ(counts.size(), 8U);
  for (const auto& [tablet, count] : counts) EXPECT_NEAR(count, 1000, 150);
}

// The rule is part of the stored data: rows would not be found again under another one.
TEST(Partitions, NeverMove) {
  const TableSchemaPtr table =
      Make("a bigint, b varchar(9), primary key (a, b) partitions 1000").value();
  const Row first = ParsedKey(*table, {"1", "x"});
  const Row second = ParsedKey(*table, {"-7", "Hello"});
  EXPECT_EQ(table->PartitionOf(Datums(first)), 368U);
  EXPECT_EQ(table->PartitionOf(Datums(second)), 226U);
}

TEST(TableSchema, ChecksRows) {
  const TableSchemaPtr table =
      Make("a varchar(2) primary key, b int not null, c varbinary(2)").value();
  const auto code = [&](std::vector<Datum> cells) {
    const Status status = table->CheckRow(cells);
    return status ? ErrorCode{} : status.error().code();
  };
  const auto text = [](std::string_view bytes) { return Datum::Of(AsByteView(bytes)); };
  EXPECT_EQ(code({text("ab"), Datum::Int(1), Datum()}), ErrorCode{});
  EXPECT_EQ(code({text("ab"), Datum::Nop(), Datum::Nop()}), ErrorCode{});
  EXPECT_EQ(code({text("ab"), Datum::Int(1)}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({Datum(), Datum::Int(1), Datum()}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({Datum::Nop(), Datum::Int(1), Datum()}), ErrorCode::kInvalidData);
  EXPECT_EQ(code({text("ab"), Datum(), Datum()}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({text("ab"), text("abc"), Datum()}), ErrorCode::kInvalidData);
  EXPECT_EQ(code({text("abc"), Datum::Int(1), Datum()}), ErrorCode::kSizeOverflow);
  EXPECT_EQ(code({text("ab"), Datum::Int(1), text("abc")}), ErrorCode::kSizeOverflow);
  EXPECT_EQ(code({text("\xC3\xA4"), Datum::Int(1), Datum()}), ErrorCode::kNotSupported);
  const Datum key = text("ab");
  EXPECT_TRUE(table->CheckRowkey({&key, 1}));
  EXPECT_EQ(table->CheckRowkey({}).error().code(), ErrorCode::kInvalidArgument);
  const std::vector<Datum> bad = {text("abc"), Datum::Int(1), Datum()};
  EXPECT_EQ(table->CheckRow(bad).error().field(), "a");
}

}  // namespace
}  // namespace obbak::engine
