#include "format/flat_row.h"

#include <gtest/gtest.h>

#include "format/block_test_util.h"
#include "format/macro_block_inspection.h"
#include "format/record.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

Bytes Encode(const RowView& row, std::size_t keys) {
  Bytes bytes(MaxFlatRowSize(row.cells));
  bytes.resize(WriteFlatRow(row, keys, bytes));
  return bytes;
}

RowFlags RandomFlags(RandomRows& random) {
  return {.dml = static_cast<DmlFlag>(random.Below(5)),
          .insert_delete = random.Below(4) == 0,
          .mvcc = {static_cast<std::uint8_t>(random.Below(64))},
          .trans_id = static_cast<std::int64_t>(random.Below(1000))};
}

TEST(FlatRow, RowsOfAnyShapeReadBackAndEveryByteHasAName) {
  RandomRows random(1);
  for (std::size_t columns = 1; columns <= 600; columns += columns < 120 ? 1 : 17) {
    for (const std::uint64_t nops : {0U, 50U, 92U, 99U}) {
      const std::size_t keys = 1 + random.Below(std::min<std::size_t>(columns, 60));
      const std::vector<Datum> cells = random.Cells(columns, keys, nops);
      const RowFlags flags = RandomFlags(random);
      const Bytes bytes = Encode({flags, cells}, keys);
      const Result<FlatRow> row = FlatRow::Open(bytes);
      ASSERT_TRUE(row) << row.error().ToString();
      EXPECT_EQ(row->flags(), flags);
      EXPECT_EQ(row->column_count(), columns);
      EXPECT_EQ(row->rowkey_count(), keys);
      std::vector<Datum> read(columns);
      ASSERT_TRUE(row->ReadCells(read));
      EXPECT_EQ(read, cells) << columns << " columns, " << keys << " keys";
      for (std::size_t i = 0; i < columns; ++i) EXPECT_EQ(*row->Cell(i), cells[i]);
      std::vector<Datum> some(random.Below(columns + 1));
      ASSERT_TRUE(row->ReadCells(some));
      EXPECT_TRUE(std::equal(some.begin(), some.end(), cells.begin()));

      Dissection dissection;
      ASSERT_TRUE(
          DissectFlatRow(bytes, 0, bytes.size(), "row", MicroBlockRole::kData, {}, dissection));
      const Status named = ExpectEveryByteNamed(dissection, bytes.size());
      EXPECT_TRUE(named) << named.error().ToString();
    }
  }
}

TEST(FlatRow, AUsedRowBecomesWhatAFreshOneWouldBe) {
  RandomRows random(3);
  FlatRow used;
  for (int i = 0; i < 3000; ++i) {
    // Few shapes, so that the layout often stays and often changes.
    const std::size_t columns = std::size_t{1} << random.Below(8);
    const std::vector<Datum> cells = random.Cells(columns, 1 + random.Below(columns), 50);
    Bytes bytes = Encode({RandomFlags(random), cells}, 1);
    if (random.Below(3) == 0) bytes.resize(random.Below(bytes.size() + 1));
    if (random.Below(3) == 0 && !bytes.empty())
      bytes[random.Below(bytes.size())] ^= std::byte{1} << static_cast<int>(random.Below(8));
    const Result<FlatRow> fresh = FlatRow::Open(bytes);
    const Status status = used.Reset(bytes);
    ASSERT_EQ(status.has_value(), fresh.has_value());
    if (!fresh) {
      EXPECT_EQ(status.error().ToString(), fresh.error().ToString());
      continue;
    }
    EXPECT_EQ(used.flags(), fresh->flags());
    EXPECT_EQ(used.rowkey_count(), fresh->rowkey_count());
    EXPECT_EQ(used.size(), fresh->size());
    ASSERT_EQ(used.column_count(), fresh->column_count());
    std::vector<Datum> expected(fresh->column_count());
    std::vector<Datum> read(fresh->column_count());
    const Status read_fresh = fresh->ReadCells(expected);
    ASSERT_EQ(used.ReadCells(read).has_value(), read_fresh.has_value());
    if (read_fresh) {
      EXPECT_EQ(read, expected);
    }
  }
}

TEST(FlatRow, HeaderIsTheDescribedRecord) {
  RandomRows random(2);
  const std::vector<Datum> cells = random.Cells(7, 2, 20);
  const RowFlags flags{
      .dml = DmlFlag::kDelete, .insert_delete = true, .mvcc = {0x29}, .trans_id = 9};
  const Bytes bytes = Encode({flags, cells}, 2);
  const Result<FlatRowHeader> header =
      DecodeRecord<FlatRowHeader>(ByteView(bytes).first(FlatRowHeader::kSize));
  ASSERT_TRUE(header);
  const FlatRowHeader expected{.row_flag = 0x84,
                               .multi_version_flag = 0x29,
                               .rowkey_cnt = 2,
                               .column_cnt = 7,
                               .cluster_info = 0x05,
                               .trans_id = 9};
  EXPECT_EQ(*header, expected);
}

TEST(FlatRow, LongValuesNeedWiderOffsets) {
  for (const std::size_t size : {200U, 256U, 65'000U, 65'536U, 200'000U}) {
    const Bytes text(size, std::byte{'x'});
    const std::vector<Datum> cells = {Datum::Of(text), Datum::Int(1), Datum::Of(text)};
    const Bytes bytes = Encode({{}, cells}, 1);
    const Result<FlatRow> row = FlatRow::Open(bytes);
    ASSERT_TRUE(row);
    std::vector<Datum> read(3);
    ASSERT_TRUE(row->ReadCells(read));
    EXPECT_EQ(read, cells);
  }
}

// Reads all that a row offers. Whatever the bytes are: no crash, no read beyond them.
void Probe(ByteView bytes) {
  const Result<FlatRow> row = FlatRow::Open(bytes);
  if (!row) return;
  std::vector<Datum> cells(row->column_count());
  const bool all = row->ReadCells(cells).has_value();
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Result<Datum> cell = row->Cell(i);
    if (all) {
      ASSERT_TRUE(cell);
      EXPECT_EQ(*cell, cells[i]);
    }
  }
}

TEST(FlatRow, DamagedAndTruncatedRowsAreHarmless) {
  RandomRows random(3);
  for (const std::size_t columns : {1U, 5U, 48U, 60U, 130U}) {
    const Bytes good = Encode({{}, random.Cells(columns, 1, 90)}, 1);
    for (std::size_t size = 0; size < good.size(); ++size)
      Probe(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
      Bytes bad = good;
      bad[bit / 8] ^= std::byte{1} << (bit % 8);
      Probe(bad);
    }
  }
}

}  // namespace
}  // namespace obbak::format
