#include "engine/sql_type.h"

#include <gtest/gtest.h>

#include <string_view>

#include "engine/random_catalog_test_util.h"

namespace obbak::engine {
namespace {

using format::ObjType;

struct TypeCase {
  std::string_view text;
  SqlType type;
};

class KnownTypes : public testing::TestWithParam<TypeCase> {};

TEST_P(KnownTypes, HaveOceanBaseMetas) {
  const Result<SqlType> type = ParseSqlType(GetParam().text);
  ASSERT_TRUE(type) << type.error().ToString();
  EXPECT_EQ(*type, GetParam().type);
}

constexpr format::ObjMeta kText{ObjType::kVarchar, 7, 45, -1};
INSTANTIATE_TEST_SUITE_P(
    Sql, KnownTypes,
    testing::Values(TypeCase{"bigint", {{ObjType::kInt, 5, 63, -1}, -1, 20, 0}},
                    TypeCase{"BIGINT(20) UNSIGNED", {{ObjType::kUInt64, 5, 63, -1}, -1, 20, 0}},
                    TypeCase{"integer", {{ObjType::kInt32, 5, 63, -1}, -1, 11, 0}},
                    TypeCase{"double precision", {{ObjType::kDouble, 5, 63, -1}, -1, -1, -1}},
                    TypeCase{"decimal(10, 2)", {{ObjType::kDecimalInt, 17, 63, 2}, -1, 10, 2}},
                    TypeCase{"numeric", {{ObjType::kDecimalInt, 17, 63, 0}, -1, 10, 0}},
                    TypeCase{"datetime(6)", {{ObjType::kDateTime, 5, 63, -1}, -1, -1, 6}},
                    TypeCase{"varchar(64)", {kText, 64, SqlType::kInCharacters, -1}},
                    TypeCase{"varchar(64) COLLATE utf8mb4_bin",
                             {{ObjType::kVarchar, 7, 46, -1}, 64, SqlType::kInCharacters, -1}},
                    TypeCase{"char", {{ObjType::kChar, 7, 45, -1}, 1, SqlType::kInCharacters, -1}},
                    TypeCase{"varbinary(16)",
                             {{ObjType::kVarchar, 7, 63, -1}, 16, SqlType::kInBytes, -1}}));

TEST(SqlType, PrintsWhatItParses) {
  RandomSchemas random(1);
  for (int i = 0; i < 2000; ++i) {
    const SqlType type = random.Type();
    const Result<SqlType> again = ParseSqlType(ToText(type));
    ASSERT_TRUE(again) << ToText(type);
    EXPECT_EQ(*again, type) << ToText(type);
  }
}

struct BadText {
  std::string_view text;
  std::uint64_t offset;
  ErrorCode code = ErrorCode::kInvalidArgument;
};

class BadTypes : public testing::TestWithParam<BadText> {};

TEST_P(BadTypes, AreRefusedAtTheirPlace) {
  const Result<SqlType> type = ParseSqlType(GetParam().text);
  ASSERT_FALSE(type) << GetParam().text;
  EXPECT_EQ(type.error().code(), GetParam().code);
  EXPECT_EQ(type.error().offset(), GetParam().offset) << type.error().ToString();
}

INSTANTIATE_TEST_SUITE_P(Sql, BadTypes,
                         testing::Values(BadText{"", 0}, BadText{"strange", 0},
                                         BadText{"varchar", 7}, BadText{"varchar(262145)", 8},
                                         BadText{"varchar(1", 9}, BadText{"decimal(66)", 8},
                                         BadText{"decimal(0)", 8}, BadText{"decimal(4,5)", 10},
                                         BadText{"bigint unsigned x", 16},
                                         BadText{"decimal(9,2) unsigned", 13},
                                         BadText{"varbinary(3) collate binary", 13},
                                         BadText{"varchar(3) collate latin1", 19},
                                         BadText{"text", 0, ErrorCode::kNotSupported},
                                         BadText{"json", 0, ErrorCode::kNotSupported},
                                         BadText{"`int`", 0}));

TEST(TableDefinition, ReadsBothForms) {
  const auto plain = ParseTableDefinition("id bigint not null, name varchar(64), primary key (id)");
  ASSERT_TRUE(plain) << plain.error().ToString();
  EXPECT_EQ(plain->columns.size(), 2U);
  EXPECT_EQ(plain->primary_key, std::vector<std::size_t>{0});
  EXPECT_FALSE(plain->columns[0].nullable);
  EXPECT_TRUE(plain->columns[1].nullable);
  const auto other = ParseTableDefinition("(`b ``c` date, A int PRIMARY KEY) partitions 4");
  ASSERT_TRUE(other) << other.error().ToString();
  EXPECT_EQ(other->columns[0].name, "b `c");
  EXPECT_EQ(other->primary_key, std::vector<std::size_t>{1});
  EXPECT_FALSE(other->columns[1].nullable);
  EXPECT_EQ(other->partitions, 4U);
}

TEST(TableDefinition, KeepsTheOrderOfTheKey) {
  const auto found = ParseTableDefinition("a int, b int, c int, primary key (c, a)");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->primary_key, (std::vector<std::size_t>{2, 0}));
}

TEST(TableDefinition, PrintsWhatItParses) {
  RandomSchemas random(2);
  for (int i = 0; i < 1000; ++i) {
    const TableDefinition definition = random.Definition();
    const auto again = ParseTableDefinition(ToText(definition));
    ASSERT_TRUE(again) << ToText(definition) << ": " << again.error().ToString();
    EXPECT_EQ(*again, definition) << ToText(definition);
  }
}

class BadDefinitions : public testing::TestWithParam<BadText> {};

TEST_P(BadDefinitions, AreRefusedAtTheirPlace) {
  const auto definition = ParseTableDefinition(GetParam().text);
  ASSERT_FALSE(definition) << GetParam().text;
  EXPECT_EQ(definition.error().code(), GetParam().code);
  EXPECT_EQ(definition.error().offset(), GetParam().offset) << definition.error().ToString();
}

INSTANTIATE_TEST_SUITE_P(
    Sql, BadDefinitions,
    testing::Values(BadText{"", 0}, BadText{"a int", 0},
                    BadText{"a int, A int, primary key (a)", 7},
                    BadText{"a int primary key, primary key (a)", 19},
                    BadText{"a int, primary key (b)", 20}, BadText{"a int, primary key (a, A)", 23},
                    BadText{"a int primary key,", 18}, BadText{"(a int primary key", 18},
                    BadText{"a int primary key partitions 0", 18},
                    BadText{"a int primary key partitions 8193", 29},
                    BadText{"a int default 3 primary key", 6, ErrorCode::kNotSupported},
                    BadText{"`a int primary key", 0}, BadText{"`` int primary key", 0},
                    BadText{"a int primary key) x", 17}));

}  // namespace
}  // namespace obbak::engine
