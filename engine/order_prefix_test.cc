// format::OrderPrefix against format::CompareCells; here because the random cells are.
#include <gtest/gtest.h>

#include "engine/mvcc_test_support.h"
#include "format/column.h"

namespace obbak::engine {
namespace {

using format::Datum;
using format::ObjMeta;

TEST(OrderPrefix, NeverDisagreesWithTheOrderOfCells) {
  RowMaker maker(3);
  for (const ObjMeta& type : KeyTypes()) {
    for (int i = 0; i < 5000; ++i) {
      const Datum left = maker.Cell(type);
      const Datum right = maker.Cell(type);
      ASSERT_TRUE(format::CheckKeyCell(type, left));
      const int order = format::CompareCells(type, left, right);
      const std::uint64_t left_prefix = format::OrderPrefix(type, left);
      const std::uint64_t right_prefix = format::OrderPrefix(type, right);
      ASSERT_TRUE(order != 0 || left_prefix == right_prefix);
      ASSERT_TRUE(order >= 0 || left_prefix <= right_prefix);
      ASSERT_TRUE(order <= 0 || left_prefix >= right_prefix);
      const bool at_an_end = left_prefix == 0 || left_prefix == ~std::uint64_t{0};
      if (format::OrderPrefixDecides(type) && left_prefix == right_prefix && !at_an_end) {
        ASSERT_EQ(order, 0);
      }
    }
  }
}

TEST(OrderPrefix, IsOfUseForEveryType) {
  RowMaker maker(4);
  for (const ObjMeta& type : KeyTypes()) {
    int distinct = 0;
    for (int i = 0; i < 1000; ++i) {
      const Datum left = maker.Cell(type);
      const Datum right = maker.Cell(type);
      distinct += format::OrderPrefix(type, left) != format::OrderPrefix(type, right);
    }
    EXPECT_GT(distinct, 500) << static_cast<int>(type.type);
  }
}

TEST(CheckKeyCell, RefusesNumbersThatAreNone) {
  const ObjMeta type = ObjMeta::Numeric(format::ObjType::kDouble);
  EXPECT_FALSE(format::CheckKeyCell(type, Datum::Double(std::numeric_limits<double>::quiet_NaN())));
  EXPECT_TRUE(format::CheckKeyCell(type, Datum::Double(std::numeric_limits<double>::infinity())));
  EXPECT_TRUE(format::CheckKeyCell(type, Datum()));
}

}  // namespace
}  // namespace obbak::engine
