#include "engine/row_image.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "engine/mvcc_test_support.h"
#include "format/flat_row.h"
#include "format/mutator.h"

namespace obbak::engine {
namespace {

using format::Datum;
using format::DmlFlag;
using format::ObjMeta;
using format::ObjView;
using format::OwnedKey;

TEST(RowImage, HoldsTheRowOrItsKeyAlone) {
  RowMaker maker(1);
  for (int round = 0; round < 500; ++round) {
    const StoredColumns columns = maker.Columns();
    const OwnedKey key = maker.Key(columns);
    const OwnedKey row = maker.Row(columns, key.cells(), 3);
    for (const DmlFlag dml :
         {DmlFlag::kLock, DmlFlag::kUpdate, DmlFlag::kInsert, DmlFlag::kDelete}) {
      Arena arena;
      ASSERT_TRUE(CheckRow(columns, dml, row.cells()));
      const ByteView image = EncodeRowImage(columns, dml, row.cells(), arena);
      const std::size_t stored = ImageColumns(columns, dml);
      const bool key_only = dml == DmlFlag::kDelete || dml == DmlFlag::kLock;
      EXPECT_EQ(stored, key_only ? columns.key_count : columns.size());
      EXPECT_EQ(format::FlatRow::Open(image)->column_count(), stored);

      std::vector<Datum> cells(columns.size());
      const Status decoded = DecodeRowImage(columns, dml, image, cells);
      ASSERT_TRUE(decoded) << decoded.error().ToString();
      EXPECT_TRUE(std::ranges::equal(std::span(cells).first(stored), row.cells().first(stored)));
      EXPECT_TRUE(std::ranges::all_of(std::span(cells).subspan(stored), &Datum::is_nop));
    }
  }
}

// The example of docs/spec/clog-and-archive.md §13.
TEST(RowImage, IsTheOneOfTheSpecification) {
  const StoredColumns columns{{ObjMeta::BigInt(), ObjMeta::BigInt(), ObjMeta::Varchar()}, 1};
  const auto cells =
      std::to_array({Datum::Int(1), Datum::Int(300), Datum::Of(AsByteView("hello"))});
  Arena arena;
  EXPECT_EQ(ToHex(EncodeRowImage(columns, DmlFlag::kInsert, cells, arena)),
            "00030001030005000000000000000000ff01012c0168656c6c6f020305440010");
}

// MySQL's delete writes the whole old row; only its key counts.
TEST(RowImage, OfADeletionThatHoldsMoreOnlyTheKeyIsRead) {
  const StoredColumns columns{{ObjMeta::BigInt(), ObjMeta::BigInt()}, 1};
  const auto row = std::to_array({Datum::Int(1), Datum::Int(2)});
  Bytes image(format::MaxFlatRowSize(row));
  image.resize(format::WriteFlatRow({.flags = {.dml = DmlFlag::kDelete}, .cells = row}, 1, image));
  std::array<Datum, 2> cells;
  ASSERT_TRUE(DecodeRowImage(columns, DmlFlag::kDelete, image, cells));
  EXPECT_EQ(cells[0].AsInt(), 1);
  EXPECT_TRUE(cells[1].is_nop());
}

TEST(RowImage, OfAnotherTableIsRefused) {
  const StoredColumns columns{{ObjMeta::BigInt(), ObjMeta::BigInt()}, 1};
  const StoredColumns wider{{ObjMeta::BigInt(), ObjMeta::BigInt(), ObjMeta::BigInt()}, 1};
  const StoredColumns two_keys{{ObjMeta::BigInt(), ObjMeta::BigInt()}, 2};
  const StoredColumns dates{{ObjMeta::BigInt(), ObjMeta::Numeric(format::ObjType::kDate)}, 1};
  const auto row = std::to_array({Datum::Int(1), Datum::Int(2)});
  Arena arena;
  const ByteView image = EncodeRowImage(columns, DmlFlag::kInsert, row, arena);
  for (const StoredColumns& other : {wider, two_keys, dates}) {
    std::vector<Datum> cells(other.size());
    const Status status = DecodeRowImage(other, DmlFlag::kInsert, image, cells);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code(), ErrorCode::kInvalidData);
  }
}

TEST(KeyObjects, ThroughTheRedoGiveTheSameCells) {
  RowMaker maker(2);
  for (int round = 0; round < 3000; ++round) {
    const StoredColumns columns = maker.Columns();
    const OwnedKey key = maker.Key(columns);
    std::vector<ObjView> objects(columns.key_count);
    KeyToObjects(columns, key.cells(), objects);
    const Bytes stored = format::EncodeRowkeyObjects(objects);
    const auto read = format::RowkeyObjects({.count = objects.size(), .objects = stored});
    ASSERT_TRUE(read) << read.error().ToString();
    Arena arena;
    std::vector<Datum> cells(columns.key_count);
    const Status status = KeyFromObjects(columns, *read, arena, cells);
    ASSERT_TRUE(status) << status.error().ToString();
    EXPECT_TRUE(std::ranges::equal(cells, key.cells()));
  }
}

// NUMBER stands in no key of ours, but its object is made of the same bytes.
TEST(KeyObjects, OfNumberTakeDescriptorAndDigits) {
  const StoredColumns columns{{ObjMeta::Numeric(format::ObjType::kNumber)}, 1};
  const Bytes bytes = *FromHex("010000c02a000000");  // 42
  const auto cells = std::to_array({Datum::Of(ByteView(bytes))});
  std::array<ObjView, 1> objects;
  KeyToObjects(columns, cells, objects);
  EXPECT_EQ(objects[0].number, 0xc0000001);
  EXPECT_EQ(ToHex(AsByteView(objects[0].text)), "2a000000");
}

TEST(KeyObjects, OfOtherTypesAreRefused) {
  const StoredColumns columns{{ObjMeta::BigInt(), ObjMeta::Decimal(5, 2)}, 2};
  const auto good = std::to_array({Datum::Int(1), Datum()});
  Arena arena;
  std::array<Datum, 2> cells;
  const auto code = [&](std::span<const ObjView> objects) {
    const Status status = KeyFromObjects(columns, objects, arena, cells);
    return status ? std::nullopt : std::optional(status.error().code());
  };
  std::array<ObjView, 2> objects;
  KeyToObjects(columns, good, objects);
  EXPECT_EQ(code(objects), std::nullopt);
  EXPECT_EQ(code(std::span(objects).first(1)), ErrorCode::kInvalidData);
  objects[0].meta.type = format::ObjType::kInt32;
  EXPECT_EQ(code(objects), ErrorCode::kInvalidData);
  objects[0].meta.type = format::ObjType::kInt;
  objects[1] = {.meta = ObjMeta::Decimal(5, 3), .number = 3, .text = {"\0\0\0\0", 4}};
  EXPECT_EQ(code(objects), ErrorCode::kInvalidData);
  objects[1].number = 2;
  EXPECT_EQ(code(objects), std::nullopt);
  objects[1].text = {"\0\0", 2};
  EXPECT_EQ(code(objects), ErrorCode::kInvalidData);
}

TEST(CheckRow, RefusesKeysThatTheirObjectsCannotHold) {
  const StoredColumns columns{{ObjMeta::Numeric(format::ObjType::kTinyInt)}, 1};
  const auto check = [&](std::int64_t value) {
    const auto cells = std::to_array({Datum::Int(value)});
    return CheckRow(columns, DmlFlag::kInsert, cells).has_value();
  };
  EXPECT_TRUE(check(-128));
  EXPECT_TRUE(check(127));
  EXPECT_FALSE(check(-129));
  EXPECT_FALSE(check(128));
}

}  // namespace
}  // namespace obbak::engine
