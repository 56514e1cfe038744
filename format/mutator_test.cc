#include "format/mutator.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "format/crc32c.h"
#include "format/mutator_codec.h"
#include "format/tx_log_random.h"

namespace obbak::format {
namespace {

// docs/spec/clog-and-archive.md §14.1: the mutator of the worked transaction.
constexpr std::string_view kMeta = "6d757461a84a68661c0000001b3635085c0000000100000000000000";
constexpr std::string_view kImage =
    "00030001030005000000000000000000ff01012c0168656c6c6f020305440010";
constexpr std::string_view kRow =
    "7fffefff000000000000030d41"
    "0000004f00010505"
    "3fff018080f9c0c1c48203030020"
    "00030001030005000000000000000000ff01012c0168656c6c6f020305440010"
    "00e78a8d09ffffffffffffffff7f00808082808080808040"
    "03";

std::vector<MutatorEntry> ReadAll(ByteView mutator) {
  Result<MutatorReader> reader = MutatorReader::Open(mutator);
  EXPECT_TRUE(reader) << reader.error().ToString();
  std::vector<MutatorEntry> entries;
  while (reader) {
    Result<std::optional<MutatorEntry>> entry = reader->Next();
    EXPECT_TRUE(entry) << entry.error().ToString();
    if (!entry || !*entry) break;
    entries.push_back(**entry);
  }
  return entries;
}

Bytes WorkedExample() {
  const Bytes image = FromHex(kImage).value();
  const Bytes key = EncodeRowkeyObjects(std::vector{IntObj(1)});
  MemtableMutatorRow row;
  row.rowkey = {1, key};
  row.table_version = 1700000000000000;
  row.dml_flag = {DmlFlag::kInsert};
  row.new_row = {image};
  row.acc_checksum = 0x01234567;
  row.seq_no = MakeTxSeq(1);
  row.column_cnt = 3;
  MutatorBuilder builder;
  builder.Add(TabletId{200001}, row);
  return std::move(builder).Finish().value();
}

TEST(Mutator, IsWrittenAsTheWorkedExampleShows) {
  EXPECT_EQ(ToHex(WorkedExample()), std::string(kMeta) + std::string(kRow));
}

// Rows are equal when they are written alike.
Bytes Written(const MutatorEntry& entry) {
  Encoder out;
  EncodeValue(out, entry.header);
  if (const auto* row = std::get_if<MemtableMutatorRow>(&entry.body)) EncodeRowBody(out, *row);
  if (const auto* lock = std::get_if<MutatorTableLock>(&entry.body)) EncodeRowBody(out, *lock);
  return out.bytes();
}

TEST(Mutator, ReaderGivesBackWhatTheBuilderTook) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    TxLogRandom random(seed);
    const ByteView mutator = random.Mutator(20);
    Bytes rows;
    for (const MutatorEntry& entry : ReadAll(mutator)) {
      const Bytes written = Written(entry);
      rows.insert(rows.end(), written.begin(), written.end());
    }
    EXPECT_EQ(ToHex(rows), ToHex(mutator.subspan(MutatorMeta::kSize))) << "seed " << seed;
  }
}

TEST(Mutator, ReaderBorrowsRowsFromTheMutator) {
  const Bytes mutator = WorkedExample();
  const std::vector<MutatorEntry> entries = ReadAll(mutator);
  ASSERT_EQ(entries.size(), 1u);
  const auto& row = std::get<MemtableMutatorRow>(entries[0].body);
  EXPECT_GE(row.new_row.bytes.data(), mutator.data());
  EXPECT_LT(row.new_row.bytes.data(), mutator.data() + mutator.size());
  const Result<std::vector<ObjView>> key = RowkeyObjects(row.rowkey);
  ASSERT_TRUE(key);
  EXPECT_EQ(*key, std::vector{IntObj(1)});
}

TEST(Mutator, EveryFlippedBitIsNoticed) {
  const Bytes good = WorkedExample();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    EXPECT_FALSE(MutatorReader::Open(bad)) << "bit " << bit;
  }
}

TEST(Mutator, EveryTruncationIsNoticed) {
  const Bytes good = WorkedExample();
  for (std::size_t size = 0; size < good.size(); ++size) {
    const Result<MutatorReader> reader = MutatorReader::Open(ByteView(good).first(size));
    ASSERT_FALSE(reader) << size;
    EXPECT_TRUE(reader.error().offset().has_value());
    EXPECT_FALSE(reader.error().field().empty());
  }
}

// A mutator with the given bytes as rows, checksums right.
Bytes WithRows(ByteView rows, std::uint32_t row_count) {
  MutatorMeta meta;
  meta.data_crc = static_cast<std::uint32_t>(Crc64(rows));
  meta.data_size = static_cast<std::uint32_t>(rows.size());
  meta.row_count = row_count;
  const Bytes unchecked = EncodeRecord(meta).value();
  meta.meta_crc = static_cast<std::uint32_t>(Crc64(ByteView(unchecked).subspan(8)));
  Bytes mutator = EncodeRecord(meta).value();
  mutator.insert(mutator.end(), rows.begin(), rows.end());
  return mutator;
}

TEST(Mutator, RowsThatAreDamagedUnderARightChecksumFailWithOffsetAndField) {
  const Bytes good = FromHex(kRow).value();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes rows = good;
    rows[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    const Bytes mutator = WithRows(rows, 1);
    Result<MutatorReader> reader = MutatorReader::Open(mutator);
    ASSERT_TRUE(reader);
    const Result<std::optional<MutatorEntry>> entry = reader->Next();
    if (entry) continue;
    EXPECT_GE(entry.error().offset().value_or(0), MutatorMeta::kSize);
    EXPECT_NE(entry.error().field(), "");
  }
}

TEST(Mutator, RowOfAnOldWriterKeepsDefaultsForWhatIsMissing) {
  // The worked row without anything behind old_row.
  Bytes rows = FromHex(kRow).value();
  rows.resize(13 + 0x4f - 24);
  rows[16] = static_cast<std::byte>(0x4f - 24);
  const Bytes mutator = WithRows(rows, 1);
  const std::vector<MutatorEntry> entries = ReadAll(mutator);
  ASSERT_EQ(entries.size(), 1u);
  const auto& row = std::get<MemtableMutatorRow>(entries[0].body);
  EXPECT_EQ(row.new_row.bytes.size(), 32u);
  EXPECT_EQ(row.acc_checksum, 0u);
  EXPECT_EQ(row.column_cnt, 0);
}

TEST(Mutator, RowOfANewerWriterIsReadWithoutItsAdditions) {
  Bytes rows = FromHex(kRow).value();
  rows.push_back(std::byte{7});
  rows[16] = std::byte{0x50};
  const Bytes mutator = WithRows(rows, 1);
  const std::vector<MutatorEntry> entries = ReadAll(mutator);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(std::get<MemtableMutatorRow>(entries[0].body).column_cnt, 3);
}

TEST(Mutator, RowOfAnUnknownTypeIsPassedOver) {
  Bytes rows = FromHex(
                   "7fffefff020000000000030d41"
                   "00000006abcd")
                   .value();
  const Bytes known = FromHex(kRow).value();
  rows.insert(rows.end(), known.begin(), known.end());
  const Bytes mutator = WithRows(rows, 2);
  const std::vector<MutatorEntry> entries = ReadAll(mutator);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(ToHex(std::get<ByteView>(entries[0].body)), "abcd");
  EXPECT_TRUE(std::holds_alternative<MemtableMutatorRow>(entries[1].body));
}

TEST(Mutator, RowsBeyondTheCountAreAnError) {
  Bytes rows = FromHex(kRow).value();
  rows.insert(rows.end(), rows.begin(), rows.end());
  const Bytes mutator = WithRows(rows, 1);
  Result<MutatorReader> reader = MutatorReader::Open(mutator);
  ASSERT_TRUE(reader);
  ASSERT_TRUE(reader->Next());
  EXPECT_FALSE(reader->Next());
}

TEST(Mutator, WithoutRowsIsRefused) { EXPECT_FALSE(MutatorBuilder().Finish()); }

TEST(Mutator, RowChecksumChainsAndIsNeverZero) {
  const Bytes image = FromHex(kImage).value();
  const std::uint32_t first = AccumulateRowChecksum(0, DmlFlag::kInsert, image);
  const std::uint32_t second = AccumulateRowChecksum(first, DmlFlag::kUpdate, image);
  EXPECT_NE(first, second);
  EXPECT_NE(AccumulateRowChecksum(0, DmlFlag::kDelete, image), first);
  EXPECT_NE(first, 0u);
  // crc64(LE32 0 ‖ LE32 3 ‖ LE64 32 ‖ image), taken at once.
  Bytes whole = FromHex("00000000030000002000000000000000").value();
  whole.insert(whole.end(), image.begin(), image.end());
  EXPECT_EQ(first, static_cast<std::uint32_t>(Crc64(whole)));
}

}  // namespace
}  // namespace obbak::format
