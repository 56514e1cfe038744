#include "engine/value_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include "engine/random_catalog_test_util.h"
#include "engine/wide_integer.h"
#include "format/column.h"

namespace obbak::engine {
namespace {

using format::CellKind;
using format::Datum;
using format::ObjType;

SqlType Type(std::string_view text) { return ParseSqlType(text).value(); }

std::string Hex(const Cell& cell) { return ToHex(AsByteView(cell.bytes())); }

struct Value {
  std::string_view type;
  std::string_view text;
  std::string_view hex;  // of the cell
};

class KnownValues : public testing::TestWithParam<Value> {};

TEST_P(KnownValues, HaveOceanBaseBytesAndTheirTextBack) {
  const SqlType type = Type(GetParam().type);
  const Result<Cell> cell = ParseValue(type, GetParam().text);
  ASSERT_TRUE(cell) << cell.error().ToString();
  EXPECT_EQ(Hex(*cell), GetParam().hex);
  EXPECT_EQ(ValueText(type, cell->datum()), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, KnownValues,
    testing::Values(
        Value{"tinyint", "-128", "80ffffffffffffff"}, Value{"bigint", "1", "0100000000000000"},
        Value{"bigint unsigned", "18446744073709551615", "ffffffffffffffff"},
        Value{"decimal(10,2)", "1.50", "9600000000000000"}, Value{"decimal(9,0)", "-1", "ffffffff"},
        Value{"decimal(4,4)", "0.0001", "01000000"},
        Value{"decimal(20,1)", "-0.1", "ffffffffffffffffffffffffffffffff"},
        Value{"float", "0.1", "cdcccc3d"}, Value{"double", "-0.5", "000000000000e0bf"},
        Value{"date", "1970-01-02", "01000000"}, Value{"date", "1969-12-31", "ffffffff"},
        Value{"datetime", "1970-01-01 00:00:01", "40420f0000000000"},
        Value{"timestamp(6)", "1969-12-31 23:59:59.999999", "ffffffffffffffff"},
        Value{"time(1)", "-00:00:00.1", "6079feffffffffff"}, Value{"year", "1901", "01"},
        Value{"year", "0000", "00"}, Value{"varchar(3)", "abc", "616263"},
        Value{"varchar(2)", "\xC3\xA4\xC3\xA4", "c3a4c3a4"},
        Value{"varbinary(2)", "0x00ff", "00ff"}, Value{"binary(3)", "0x010000", "010000"}));

struct BadValue {
  std::string_view type;
  std::string_view text;
  ErrorCode code;
};

class BadValues : public testing::TestWithParam<BadValue> {};

TEST_P(BadValues, AreRefused) {
  const Result<Cell> cell = ParseValue(Type(GetParam().type), GetParam().text);
  ASSERT_FALSE(cell) << GetParam().type << " " << GetParam().text << " gives " << Hex(*cell);
  EXPECT_EQ(cell.error().code(), GetParam().code) << cell.error().ToString();
}

constexpr ErrorCode kNo = ErrorCode::kInvalidArgument;
constexpr ErrorCode kRange = ErrorCode::kSizeOverflow;
INSTANTIATE_TEST_SUITE_P(
    Texts, BadValues,
    testing::Values(
        BadValue{"tinyint", "128", kRange}, BadValue{"tinyint", "-129", kRange},
        BadValue{"smallint unsigned", "65536", kRange}, BadValue{"mediumint", "8388608", kRange},
        BadValue{"int", "2147483648", kRange}, BadValue{"bigint", "9223372036854775808", kRange},
        BadValue{"bigint unsigned", "-1", kRange},
        BadValue{"bigint unsigned", "99999999999999999999", kRange}, BadValue{"int", "", kNo},
        BadValue{"int", " 1", kNo}, BadValue{"int", "1.0", kNo}, BadValue{"int", "+-1", kNo},
        BadValue{"int", "0x1", kNo}, BadValue{"int unsigned", "-x", kNo},
        BadValue{"double", "nan", kNo}, BadValue{"double", "inf", kNo},
        BadValue{"double", "1e999", kRange}, BadValue{"float", "1e39", kRange},
        BadValue{"float unsigned", "-1", kRange}, BadValue{"double", "1,5", kNo},
        BadValue{"decimal(4,2)", "100", kRange}, BadValue{"decimal(4,2)", "1.234", kRange},
        BadValue{"decimal(4,2)", ".", kNo}, BadValue{"decimal(4,2)", "1e1", kNo},
        BadValue{"date", "2023-02-29", kNo}, BadValue{"date", "0999-12-31", kNo},
        BadValue{"date", "2023-1-1", kNo}, BadValue{"date", "2023-01-01 ", kNo},
        BadValue{"datetime", "2023-01-01 24:00:00", kNo},
        BadValue{"datetime", "2023-01-01 00:00:00.1", kRange},
        BadValue{"datetime(6)", "2023-01-01 00:00:00.1234567", kNo},
        BadValue{"datetime", "2023-01-01 00:60:00", kNo}, BadValue{"time", "839:00:00", kNo},
        BadValue{"time", "-839:00:00", kNo}, BadValue{"year", "1900", kNo},
        BadValue{"year", "2156", kNo}, BadValue{"varchar(2)", "abc", kRange},
        BadValue{"varchar(2)", "\xC3", kNo}, BadValue{"varchar(9)", "\xED\xA0\x80", kNo},
        BadValue{"varbinary(1)", "0x0102", kRange}, BadValue{"varbinary(2)", "abc", kRange}));

TEST(ValueText, TakesWhatMeansTheSame) {
  const auto same = [](std::string_view type, std::string_view left, std::string_view right) {
    EXPECT_EQ(ParseValue(Type(type), left).value(), ParseValue(Type(type), right).value())
        << left << " " << right;
  };
  same("int", "+7", "007");
  same("decimal(6,2)", "-1", "-1.000");
  same("decimal(6,2)", ".5", "0.50");
  same("decimal(6,2)", "-0", "0");
  same("datetime", "2023-01-01", "2023-01-01T00:00:00");
  same("time", "1:02:03", "001:02:03");
  same("char(4)", "a  ", "a");
  same("varbinary(4)", "0xAB", "0xab");
  same("varbinary(4)", "0x0", "0x307830");
}

// A random cell of the type, in its range.
class RandomCells {
 public:
  explicit RandomCells(std::uint64_t seed) : random_(seed) {}

  Cell Of(const SqlType& type) {
    switch (format::CellKindOf(type.meta)) {
      case CellKind::kSigned:
        return Signed(type);
      case CellKind::kUnsigned:
        return Cell::UInt(random_() >> (64 - Bits(type.meta.type)) >>
                          random_() % Bits(type.meta.type));
      case CellKind::kDouble:
        return Finite<double, std::uint64_t>(type.meta.type == ObjType::kUDouble);
      case CellKind::kFloat:
        return Finite<float, std::uint32_t>(type.meta.type == ObjType::kUFloat);
      case CellKind::kDate: {
        const auto days = static_cast<std::int32_t>(Between(-354'285, 2'932'896));
        return Cell::Of(std::as_bytes(std::span(&days, 1)));
      }
      case CellKind::kYear:
        return Cell::Text(std::string(1, static_cast<char>(random_())));
      case CellKind::kDecimalInt:
        return Decimal(type);
      default:
        return Text(type);
    }
  }

 private:
  static unsigned Bits(ObjType type) {
    switch (type) {
      case ObjType::kTinyInt:
      case ObjType::kUTinyInt:
        return 8;
      case ObjType::kSmallInt:
      case ObjType::kUSmallInt:
        return 16;
      case ObjType::kMediumInt:
      case ObjType::kUMediumInt:
        return 24;
      case ObjType::kInt32:
      case ObjType::kUInt32:
        return 32;
      default:
        return 64;
    }
  }

  std::int64_t Between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }

  Cell Signed(const SqlType& type) {
    std::int64_t unit = 1'000'000;
    for (int i = 0; i < type.scale; ++i) unit /= 10;
    if (type.meta.type == ObjType::kTime) {
      return Cell::Int(Between(-3'020'399'000'000, 3'020'399'000'000) / unit * unit);
    }
    if (type.meta.type == ObjType::kDateTime || type.meta.type == ObjType::kTimestamp) {
      return Cell::Int(Between(-30'610'224'000'000'000, 253'402'300'799'999'999) / unit * unit);
    }
    const unsigned unused = 64 - Bits(type.meta.type);
    const auto value = static_cast<std::int64_t>(random_() << unused) >> unused;
    return Cell::Int(value >> Between(0, 63));
  }

  template <class T, class Word>
  Cell Finite(bool is_unsigned) {
    for (;;) {
      const auto value = std::bit_cast<T>(static_cast<Word>(random_()));
      if (!std::isfinite(value) || (is_unsigned && std::signbit(value))) continue;
      return Cell::Of(std::as_bytes(std::span(&value, 1)));
    }
  }

  Cell Decimal(const SqlType& type) {
    WideInteger value;
    for (std::int64_t i = Between(0, type.precision); i > 0; --i) {
      value.AppendDigit(static_cast<unsigned>(Between(0, 9)));
    }
    if (Between(0, 1) == 0) value.Negate();
    return Cell::Of(value.ToBytes(format::FixedCellSize(type.meta)));
  }

  Cell Text(const SqlType& type) {
    const bool is_binary = type.meta.cs_type == format::kCollationBinary;
    const bool is_fixed = type.meta.type == ObjType::kChar;
    std::string text;
    for (std::int64_t i = is_binary && is_fixed ? type.length : Between(0, type.length); i > 0;
         --i) {
      if (is_binary) {
        text.push_back(static_cast<char>(random_()));
      } else {
        constexpr std::string_view kEuro = "\xE2\x82\xAC";
        text +=
            Between(0, 4) == 0 ? kEuro : std::string_view("x0\\\",N", 7).substr(random_() % 7, 1);
      }
    }
    return Cell::Text(text);
  }

  std::mt19937_64 random_;
};

TEST(ValueText, EveryValueComesBackBitForBit) {
  RandomSchemas types(3);
  RandomCells cells(4);
  for (int i = 0; i < 20000; ++i) {
    const SqlType type = types.Type();
    const Cell cell = cells.Of(type);
    const std::string text = ValueText(type, cell.datum());
    const Result<Cell> again = ParseValue(type, text);
    ASSERT_TRUE(again) << ToText(type) << " " << text << ": " << again.error().ToString();
    EXPECT_EQ(*again, cell) << ToText(type) << " " << text;
  }
}

TEST(ValueText, CellsOfAnotherTypeAreShownAsBytes) {
  EXPECT_EQ(ValueText(Type("int"), Datum::Of(AsByteView("abc"))), "0x616263");
  EXPECT_EQ(ValueText(Type("varchar(9)"), Datum::Of(AsByteView("\xFF"))), "0xff");
  EXPECT_EQ(ValueText(Type("date"), Datum::Of(AsByteView("\xFF\xFF\xFF\x7F"))), "0xffffff7f");
  EXPECT_EQ(ValueText(Type("datetime"), Datum::Int(std::numeric_limits<std::int64_t>::min())),
            "0x0000000000000080");
  EXPECT_EQ(ValueText(Type("double"), Datum::Double(std::nan(""))), "0x000000000000f87f");
  EXPECT_EQ(ValueText(Type("int"), Datum()), "NULL");
}

TEST(WideInteger, HoldsDecimalsOf65Digits) {
  const SqlType type = Type("decimal(65,30)");
  const std::string text = "-" + std::string(35, '9') + "." + std::string(30, '9');
  const Result<Cell> cell = ParseValue(type, text);
  ASSERT_TRUE(cell);
  EXPECT_EQ(ValueText(type, cell->datum()), text);
}

}  // namespace
}  // namespace obbak::engine
