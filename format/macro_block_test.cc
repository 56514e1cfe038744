#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "format/block_test_util.h"
#include "format/macro_block_inspection.h"
#include "format/macro_block_reader.h"
#include "format/macro_block_writer.h"
#include "format/sstable_index_builder.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

constexpr std::int64_t kSnapshot = 1'700'000'000'000'000'000;
constexpr std::uint8_t kOnlyVersion = MvccFlags::kFirst | MvccFlags::kCompacted | MvccFlags::kLast;

struct TestRow {
  RowFlags flags;
  std::vector<Datum> cells;
};

SstableDesc Desc(MergeType merge, CompressorType compressor, std::size_t value_columns) {
  std::vector<ObjMeta> columns = {ObjMeta::BigInt(), ObjMeta::Varchar()};
  columns.resize(2 + value_columns, ObjMeta::Varbinary());
  SstableDesc desc;
  desc.tablet_id = {200001};
  desc.merge_type = merge;
  desc.schema = *RowSchema::Create(columns, 2);
  desc.compressor = compressor;
  desc.snapshot_version = kSnapshot;
  desc.end_scn = kSnapshot;
  desc.schema_version = 7;
  desc.micro_block_size = 4096;
  desc.macro_block_size = 64 << 10;
  desc.macro_store_size = 64 << 10;
  return desc;
}

std::vector<TestRow> SortedRows(RandomRows& random, const SstableDesc& desc, std::size_t count) {
  std::vector<TestRow> rows;
  for (std::size_t i = 0; i < count; ++i) {
    TestRow row;
    if (desc.is_multi_version()) row.flags.mvcc.bits = kOnlyVersion;
    row.cells = random.Cells(desc.schema.columns.size(), 0, 0);
    row.cells[0] = Datum::Int(static_cast<std::int64_t>(i / 3) - 50);
    row.cells[1] = Datum::UInt(i % 3);
    row.cells[2] = Datum::Int(-1 - static_cast<std::int64_t>(random.Below(kSnapshot)));
    row.cells[3] = Datum::Int(0);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<DataBlockInfo> Write(const SstableDesc& desc, const std::vector<TestRow>& rows,
                                 TestSink& sink) {
  Result<MacroBlockWriter> writer = MacroBlockWriter::Create(desc, sink);
  EXPECT_TRUE(writer);
  for (const TestRow& row : rows) {
    const Status status = writer->Append({row.flags, row.cells});
    EXPECT_TRUE(status) << status.error().ToString();
  }
  EXPECT_TRUE(writer->Finish());
  return writer->TakeBlocks();
}

void ExpectAt(const MacroBlockCursor& cursor, const TestRow& row) {
  ASSERT_TRUE(cursor.Valid());
  EXPECT_EQ(cursor.flags(), row.flags);
  EXPECT_TRUE(std::ranges::equal(cursor.cells(), row.cells));
}

class MacroBlocks : public testing::TestWithParam<std::tuple<MergeType, CompressorType>> {};

TEST_P(MacroBlocks, RowsReadBackInBothDirectionsAndByKey) {
  const auto [merge, compressor] = GetParam();
  RandomRows random(1);
  for (const std::size_t value_columns : {0U, 1U, 3U, 60U, 300U}) {
    const SstableDesc desc = Desc(merge, compressor, value_columns);
    const std::vector<TestRow> rows = SortedRows(random, desc, 900);
    TestSink sink;
    const std::vector<DataBlockInfo> blocks = Write(desc, rows, sink);
    ASSERT_EQ(blocks.size(), sink.blocks.size());
    std::size_t first = 0;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      const Result<MacroBlockReader> reader = MacroBlockReader::Open(sink.blocks[b]);
      ASSERT_TRUE(reader) << reader.error().ToString();
      const Status sums = reader->VerifyColumnChecksums();
      EXPECT_TRUE(sums) << sums.error().ToString();
      const std::size_t end = first + reader->row_count();
      MacroBlockCursor cursor(*reader);
      ASSERT_TRUE(cursor.SeekToFirst());
      for (std::size_t i = first; i < end; ++i) {
        ExpectAt(cursor, rows[i]);
        ASSERT_TRUE(cursor.Next());
      }
      EXPECT_FALSE(cursor.Valid());
      ASSERT_TRUE(cursor.SeekToLast());
      for (std::size_t i = end; i-- > first;) {
        ExpectAt(cursor, rows[i]);
        ASSERT_TRUE(cursor.Prev());
      }
      EXPECT_FALSE(cursor.Valid());
      for (std::size_t i = first; i < end; i += 7) {
        ASSERT_TRUE(cursor.Seek(std::span(rows[i].cells).first(4)));
        ExpectAt(cursor, rows[i]);
      }
      first = end;
      const Inspection inspection = InspectMacroBlock(sink.blocks[b]);
      EXPECT_TRUE(inspection.findings.empty()) << inspection.findings.front().ToString();
      const Status named = ExpectEveryByteNamed(inspection.dissection, sink.blocks[b].size());
      EXPECT_TRUE(named) << named.error().ToString();
    }
    EXPECT_EQ(first, rows.size());

    SstableIndexBuilder builder(desc, sink, **Compressor::Of(compressor));
    for (const DataBlockInfo& block : blocks) ASSERT_TRUE(builder.Add(block));
    const Result<SstableIndex> index = builder.Finish();
    ASSERT_TRUE(index) << index.error().ToString();
    EXPECT_EQ(index->row_count, static_cast<std::int64_t>(rows.size()));
    EXPECT_EQ(index->other_blocks.size() + blocks.size(), sink.blocks.size());
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, MacroBlocks,
    testing::Combine(testing::Values(MergeType::kMajor, MergeType::kMetaMajor, MergeType::kMinor),
                     testing::Values(CompressorType::kNone, CompressorType::kLz4,
                                     CompressorType::kSnappy, CompressorType::kZlib,
                                     CompressorType::kZstd138)));

TEST(MacroBlock, SeekFindsTheFirstRowOfAPrefixAndNothingBehindTheEnd) {
  RandomRows random(2);
  const SstableDesc desc = Desc(MergeType::kMinor, CompressorType::kNone, 1);
  const std::vector<TestRow> rows = SortedRows(random, desc, 300);
  TestSink sink;
  Write(desc, rows, sink);
  const Result<MacroBlockReader> reader = MacroBlockReader::Open(sink.blocks.at(0));
  ASSERT_TRUE(reader);
  MacroBlockCursor cursor(*reader);
  const Datum prefix[] = {Datum::Int(-49)};
  ASSERT_TRUE(cursor.Seek(prefix));
  ExpectAt(cursor, rows[3]);
  const Datum below[] = {Datum::Int(-1000)};
  ASSERT_TRUE(cursor.Seek(below));
  ExpectAt(cursor, rows[0]);
  const Datum above[] = {Datum::Int(1'000'000)};
  ASSERT_TRUE(cursor.Seek(above));
  EXPECT_FALSE(cursor.Valid());
}

// One byte of the common header says which kind of block this is; flips between two kinds of index
// rows are the only ones that no checksum covers.
TEST(MacroBlock, EverySingleBitFlipIsReported) {
  RandomRows random(3);
  for (const MergeType merge : {MergeType::kMajor, MergeType::kMinor}) {
    for (const CompressorType compressor : {CompressorType::kNone, CompressorType::kLz4}) {
      const SstableDesc desc = Desc(merge, compressor, 2);
      TestSink sink;
      Write(desc, SortedRows(random, desc, 12), sink);
      Bytes block = sink.blocks.at(0);
      for (std::size_t bit = 0; bit < 8 * block.size(); ++bit) {
        const std::byte mask = std::byte{1} << (bit % 8);
        block[bit / 8] ^= mask;
        EXPECT_FALSE(InspectMacroBlock(block).findings.empty()) << "byte " << bit / 8;
        if (bit / 8 < sink.used[0]) {
          EXPECT_FALSE(MacroBlockReader::Open(block)) << "byte " << bit / 8;
        }
        block[bit / 8] ^= mask;
      }
      for (std::size_t size = 0; size < sink.used[0]; ++size) {
        const Bytes cut(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_FALSE(MacroBlockReader::Open(cut));
        EXPECT_FALSE(InspectMacroBlock(cut).findings.empty());
      }
    }
  }
}

// Alone, without the macro block around it, a micro block leaves some bits unprotected.
TEST(MicroBlock, OnlyFlagBitsAndTheReservedWordAreUnprotected) {
  RandomRows random(4);
  MicroBlockWriter writer(6, 2, true);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(writer.Append({{}, random.Cells(6, 2, 0)}));
  const Result<SealedMicroBlock> sealed = writer.Seal(**Compressor::Of(CompressorType::kNone));
  ASSERT_TRUE(sealed);
  Bytes bytes(sealed->bytes.begin(), sealed->bytes.end());
  Bytes scratch;
  ASSERT_TRUE(MicroBlockReader::Open(bytes, CompressorType::kNone, scratch));
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    const bool is_flag = bit > 8 * 14 && bit < 8 * 16;
    const bool is_reserved = bit >= 8 * 56 && bit < 8 * 64;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_EQ(MicroBlockReader::Open(bytes, CompressorType::kNone, scratch).has_value(),
              is_flag || is_reserved)
        << "bit " << bit;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

TEST(MicroBlock, RefusesEncodedRows) {
  RandomRows random(5);
  MicroBlockWriter writer(3, 1, false);
  ASSERT_TRUE(writer.Append({{}, random.Cells(3, 1, 0)}));
  const Result<SealedMicroBlock> sealed = writer.Seal(**Compressor::Of(CompressorType::kNone));
  ASSERT_TRUE(sealed);
  Bytes bytes(sealed->bytes.begin(), sealed->bytes.end());
  bytes[20] = std::byte{1};
  bytes[8] ^= std::byte{1};  // keeps the header checksum right
  Bytes scratch;
  const Result<MicroBlockReader> read =
      MicroBlockReader::Open(bytes, CompressorType::kNone, scratch);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::kNotSupported);
}

// docs/spec/macro-block.md §3.3 and §10.
TEST(MicroBlock, CellChecksumsAreThoseOfTheSpecification) {
  EXPECT_EQ(CellChecksum(Datum::Int(0)), 0x8E62D771U);
  EXPECT_EQ(CellChecksum(Datum::Int(1)), 0xC75EAA56U);
  EXPECT_EQ(CellChecksum(Datum::Int(-5)), 0x6B30AC51U);
  EXPECT_EQ(CellChecksum(Datum::Of(AsByteView("alice"))), 0x948160C0U);
  EXPECT_EQ(CellChecksum(Datum::Of(AsByteView("bob"))), 0x365390F6U);
  EXPECT_EQ(CellChecksum(Datum::Of({})), 0U);
  EXPECT_EQ(CellChecksum(Datum()), 0x82F63B78U);
}

// --- The worked examples of docs/spec/macro-block.md §10, whole macro blocks ---

SstableDesc SpecDesc(MergeType merge, std::int64_t version) {
  SstableDesc desc;
  desc.tablet_id = {200001};
  desc.merge_type = merge;
  const ObjMeta columns[] = {ObjMeta::BigInt(), ObjMeta::Varchar(45), ObjMeta::BigInt()};
  desc.schema = *RowSchema::Create(columns, 1);
  desc.snapshot_version = version;
  desc.end_scn = version;
  desc.schema_version = 7;
  return desc;
}

std::string WrittenHex(const SstableDesc& desc, const std::vector<TestRow>& rows) {
  TestSink sink;
  Write(desc, rows, sink);
  return ToHex(ByteView(sink.blocks.at(0)).first(sink.used.at(0)));
}

constexpr std::string_view kMajorExample =
    "1800000001000000e903000001000000d90300005bc80143c10000000200ef03410d0300000000000a002a36fe"
    "9c9717000000000000000005000000030000000000000003000000d601000001000000d9000000fd000000d601"
    "0000fc000000d20200001f010000ad07f9db000000000000000000000000000000000000000001000000000000"
    "000000000000000000000000000000000005053fff05053fff05053fff0000000000000000000000002cf0bf6b"
    "01000000e1fdb4bd01000000538628ab010000002e2dcb4d01000000cb0157f20100000000ed03020068000000"
    "5d290500030005000300000000000000ed0000009500000003002a36fe9c97179500000095000000a9788a8a00"
    "00000000000000000000002cf0bf6b01000000e1fdb4bd01000000538628ab010000002e2dcb4d01000000cb01"
    "57f20100000000030003050005000000000000000000ff0101ffffd5c9016368e800616c6963656402030b0c11"
    "0404041000030003050005000000000000000000ff0102feffd5c9016368e800e093040002030b0c0c04340410"
    "00030003050005000000000000000000ff012c01fdffd5c9016368e800626f62fbffffffffffffff02040c0d10"
    "04040010000000002b0000005400000085000000ed030200600000001fb00400030005000100000000000000f4"
    "0000009c00000000000000000000009c0000009c0000005530c779000000000000000000000000971847880000"
    "00001a7c75300000000071d7628e000000007428b5570000000000030003040005000000000000000000ff012c"
    "01fdffd5c9016368e8000100010b020000000000000000000000ffffffffffffffff0000000000000000d90000"
    "00fd00000000000000000000000000000000000000000000000000000000000000000000000300000000000000"
    "070000000000000000000000000000000100000000000000000000000000000202040c0d040410000000009400"
    "0000ed030200600000000fb3040003000500010000000000000017010000bf0000000000000000000000bf0000"
    "00bf000000d18daaf100000000000000000000000097184788000000001a7c75300000000071d7628e00000000"
    "50b5a8fd0000000000030003040005000000000000000000ff012c01fdffd5c9016368e8000000000100000093"
    "00000000000000000000000000000000ad8fe4df0d030501d6039501950100d603fc0103008380a8b1e39fe7cb"
    "1700000001000000078a80a8b1e39fe7cb17018e80808000008a80a8b1e39fe7cb17c19a0c0000000000000000"
    "00ffffffffffffffff000000000000000005ace0ffdd16e1fbd3ed1bd38ca2d91aaedaacee14cb83dc921f9501"
    "0001000002040c0d04041000000000b7000000";
constexpr std::string_view kMinorExample =
    "1800000001000000e903000001000000920300003bed33d9c10000000200ef03410d0300000000001e002a36fe"
    "9c9717000000000000000005000000030000000000000004000000d501000001000000d9000000fc000000d501"
    "0000eb000000c0020000ea00000020042eaa000000000000000000000000000000000000000001000000000000"
    "000000000000000000000000000000000005053fff05053fff05053fff00000000000000000000000000000000"
    "00000000000000000000000000000000000000000000000000000000000000000000000000ed03020040000000"
    "20310500030000000400000000040000e8000000bc00000014002a36fe9c9717bc000000bc00000017a89d2700"
    "000000000000000000000000030d03050005000000000000000000ff0101ecffd5c9016368e801000000000000"
    "80616c696365c802030b13180400041000020003050005000000000000000000ff0101ecffd5c9016368e800c8"
    "02030b0c0c0424041000032803050005000000000000000000ff0101f5ffd5c9016368e800616c696365640203"
    "0b0c110404041000042903050005000000000000000000ff0102f4ffd5c9016368e80002030b0c0c0424021000"
    "000000320000005800000083000000a8000000ed030200400000009f990400030000000100000000000000e300"
    "0000ab0000000000000000000000ab000000ab000000cf93b10900000000000000000000000000030003040005"
    "000000000000000000ff0102f4ffd5c9016368e80001000103000000000000000000000000ffffffffffffffff"
    "0000000000000000d9000000fc0000000000000000000000000000000000000000000000000000000000000000"
    "00000004000000000000000700000000000000000000000000000001000000000000001e002a36fe9c97171400"
    "2a36fe9c9717000000000000000002030b0c04041000000000a3000000ed03020040000000d9eb040003000000"
    "0100000000000000e2000000aa0000000000000000000000aa000000aa000000cd45f5ad000000000000000000"
    "00000000030003040005000000000000000000ff0102f4ffd5c9016368e800000000010000007f000000000000"
    "00000000000000000000a088b8d10a030501d503bc01bc0100d503eb0104009480a8b1e39fe7cb170000000100"
    "0000079e80a8b1e39fe7cb17018e80808000009e80a8b1e39fe7cb17c19a0c000000000000000000ffffffffff"
    "ffffff0000000000000000050000000000bc010000010002030b0c04041000000000a2000000";

TEST(MacroBlock, MajorExampleOfTheSpecification) {
  const auto row = [](std::int64_t key, std::int64_t version, Datum text, std::int64_t number) {
    return TestRow{{},
                   {Datum::Int(key), Datum::Int(-kSnapshot - version), Datum::Int(0), text,
                    Datum::Int(number)}};
  };
  EXPECT_EQ(WrittenHex(SpecDesc(MergeType::kMajor, kSnapshot + 10),
                       {row(1, 1, Datum::Of(AsByteView("alice")), 100), row(2, 2, {}, 300'000),
                        row(300, 3, Datum::Of(AsByteView("bob")), -5)}),
            kMajorExample);
}

TEST(MacroBlock, MinorExampleOfTheSpecification) {
  const auto row = [](DmlFlag dml, std::uint8_t mvcc, std::int64_t key, std::int64_t version,
                      std::int64_t sequence, Datum text, Datum number) {
    return TestRow{
        {.dml = dml, .insert_delete = false, .mvcc = {mvcc}, .trans_id = 0},
        {Datum::Int(key), Datum::Int(-kSnapshot - version), Datum::Int(sequence), text, number}};
  };
  const Datum alice = Datum::Of(AsByteView("alice"));
  EXPECT_EQ(WrittenHex(SpecDesc(MergeType::kMinor, kSnapshot + 30),
                       {row(DmlFlag::kInsert, 0x0D, 1, 20, -INT64_MAX, alice, Datum::Int(200)),
                        row(DmlFlag::kUpdate, 0, 1, 20, 0, Datum::Nop(), Datum::Int(200)),
                        row(DmlFlag::kInsert, 0x28, 1, 11, 0, alice, Datum::Int(100)),
                        row(DmlFlag::kDelete, 0x29, 2, 12, 0, Datum::Nop(), Datum::Nop())}),
            kMinorExample);
}

TEST(MacroBlockWriter, RefusesRowsThatBreakTheRulesOfVersions) {
  const SstableDesc desc = SpecDesc(MergeType::kMinor, kSnapshot);
  struct Case {
    const char* what;
    std::int64_t key, version, sequence, trans_id;
    std::uint8_t mvcc;
  };
  for (const Case& bad : {Case{"lower key", 1, -5, 0, 0, kOnlyVersion},
                          Case{"same key behind the last", 5, -4, 0, 0, kOnlyVersion},
                          Case{"positive version", 6, 5, 0, 0, kOnlyVersion},
                          Case{"sequence of a committed row", 6, -5, -1, 0, kOnlyVersion},
                          Case{"shadow without its sequence", 6, -5, 0, 0, 0x0D},
                          Case{"uncommitted without transaction", 6, -5, -1, 0, 0x23},
                          Case{"transaction of a committed row", 6, -5, 0, 9, kOnlyVersion},
                          Case{"first and nothing else", 6, -5, 0, 0, 0x01}}) {
    TestSink sink;
    Result<MacroBlockWriter> writer = MacroBlockWriter::Create(desc, sink);
    ASSERT_TRUE(writer);
    RowFlags flags;
    flags.mvcc.bits = kOnlyVersion;
    const Datum good[] = {Datum::Int(5), Datum::Int(-5), Datum::Int(0), Datum(), Datum()};
    ASSERT_TRUE(writer->Append({flags, good}));
    flags.mvcc.bits = bad.mvcc;
    flags.trans_id = bad.trans_id;
    const Datum cells[] = {Datum::Int(bad.key), Datum::Int(bad.version), Datum::Int(bad.sequence),
                           Datum(), Datum()};
    const Status status = writer->Append({flags, cells});
    ASSERT_FALSE(status) << bad.what;
    EXPECT_EQ(status.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(MacroBlockWriter, RowsLargerThanAMicroBlockGetTheirOwn) {
  SstableDesc desc = Desc(MergeType::kMinor, CompressorType::kNone, 1);
  desc.macro_block_size = kMacroBlockSize;
  desc.macro_store_size = kMacroBlockSize;
  const Bytes large(1'500'000, std::byte{'x'});
  RandomRows random(6);
  std::vector<TestRow> rows = SortedRows(random, desc, 6);
  for (TestRow& row : rows) row.cells[4] = Datum::Of(large);
  TestSink sink;
  EXPECT_EQ(Write(desc, rows, sink).size(), rows.size());
  for (const Bytes& block : sink.blocks) EXPECT_TRUE(MacroBlockReader::Open(block));
}

TEST(IndexTree, GrowsLevelsAndMacroBlocksWhenThereAreManyBlocks) {
  SstableDesc desc = Desc(MergeType::kMinor, CompressorType::kNone, 1);
  desc.macro_block_size = 16 << 10;
  desc.macro_store_size = 16 << 10;
  RandomRows random(7);
  const std::vector<TestRow> rows = SortedRows(random, desc, 20'000);
  TestSink sink;
  const std::vector<DataBlockInfo> blocks = Write(desc, rows, sink);
  ASSERT_GT(blocks.size(), 50U);
  desc.macro_block_size = kMacroBlockSize;
  desc.macro_store_size = kMacroBlockSize;
  SstableIndexBuilder builder(desc, sink, **Compressor::Of(CompressorType::kNone));
  for (const DataBlockInfo& block : blocks) ASSERT_TRUE(builder.Add(block));
  EXPECT_FALSE(builder.Add(blocks.front())) << "keys must ascend";
  const Result<SstableIndex> index = builder.Finish();
  ASSERT_TRUE(index);
  EXPECT_EQ(index->data_root.height, 3);
  EXPECT_EQ(index->other_blocks.size(), index->is_meta_root ? 1U : 2U);
  for (std::size_t i = blocks.size(); i < sink.blocks.size(); ++i) {
    const Inspection inspection = InspectMacroBlock(sink.blocks[i]);
    EXPECT_TRUE(inspection.findings.empty()) << inspection.findings.front().ToString();
    EXPECT_TRUE(ExpectEveryByteNamed(inspection.dissection, sink.blocks[i].size()));
  }
}

}  // namespace
}  // namespace obbak::format
