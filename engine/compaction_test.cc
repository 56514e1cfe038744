#include "engine/compaction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "engine/memtable.h"
#include "engine/mvcc_test_support.h"
#include "engine/snapshot_reader.h"
#include "engine/sstable_test_support.h"
#include "format/macro_block_inspection.h"
#include "format/macro_block_reader.h"
#include "format/storage_schema.h"
#include "format/vector_record.h"

namespace obbak::engine {
namespace {

using format::Datum;
using format::DmlFlag;
using format::OwnedKey;
using format::Scn;
using SstablePtr = std::shared_ptr<const Sstable>;

// Blocks so small that a few rows fill many of them.
TabletFormat AnyFormat(const StoredColumns& columns, io::Random& random) {
  static constexpr auto kCompressors =
      std::to_array({format::CompressorType::kNone, format::CompressorType::kLz4,
                     format::CompressorType::kZstd138});
  TabletFormat format;
  format.tablet_id = {200'001};
  format.schema = *format::RowSchema::Create(columns.types, columns.key_count);
  format.compressor = kCompressors[random.Below(kCompressors.size())];
  format.schema_version = 1'700'000'000'000'000;
  format.micro_block_size = std::size_t{256} << random.Below(4);
  format.macro_block_size = 4096 * (2 + random.Below(4));
  format.pctfree = random.OneIn(2) ? 0 : 10;
  return format;
}

// A tablet's SSTables beside the model of all its rows.
class Tablet {
 public:
  explicit Tablet(std::uint64_t seed)
      : world_(seed),
        storage_(seed, std::size_t{world_.random().Below(3)} << 14, 1 + world_.random().Below(3)),
        format_(AnyFormat(world_.columns(), world_.random())) {
    const std::uint64_t tables = 1 + random().Below(4);
    for (std::uint64_t i = 0; i < tables; ++i) {
      for (std::uint64_t steps = random().Below(300); steps > 0; --steps) world_.Step();
      if (i + 1 < tables) world_.Freeze();
    }
    world_.DecideAll();
  }

  MvccWorld& world() { return world_; }
  SstableWorld& storage() { return storage_; }
  io::Random& random() { return world_.random(); }
  const TabletFormat& format() const { return format_; }
  std::int64_t AnySnapshot(std::int64_t from) {
    return from + static_cast<std::int64_t>(
                      random().Below(static_cast<std::uint64_t>(world_.now() - from) + 1));
  }

  // Of every MemTable one, oldest first.
  std::vector<SstablePtr> Flush() {
    std::vector<SstablePtr> minis;
    for (std::size_t i = 0; i < world_.tables().size(); ++i) {
      const std::unique_ptr<RowIterator> rows = world_.table(i).Scan({});
      const format::ScnRange range{Scn{1'000 + 10 * i}, Scn{1'010 + 10 * i}};
      minis.push_back(Take(storage_.Run(WriteMini(storage_.store(), format_, range, *rows))));
    }
    return minis;
  }

  SstablePtr Take(Result<CompactionResult> result) {
    EXPECT_TRUE(result) << result.error().ToString();
    if (!result) return nullptr;
    ExpectSound(*result->sstable);
    return result->sstable;
  }

  // Every block is one that the strict readers accept, and the meta survives a restart.
  void ExpectSound(const Sstable& sstable) {
    const auto encoded = sstable.EncodedMeta();
    ASSERT_TRUE(encoded);
    const auto again = Sstable::Open(storage_.store(), sstable.key(), *encoded, sstable.schema());
    ASSERT_TRUE(again) << again.error().ToString();
    EXPECT_EQ((*again)->meta(), sstable.meta());
    const auto infos = storage_.Run(sstable.LoadDataBlocks());
    ASSERT_TRUE(infos) << infos.error().ToString();
    std::set<format::LogicMacroBlockId> ids;
    std::int64_t rows = 0;
    for (const format::DataBlockInfo& info : *infos) {
      rows += info.meta.row_count;
      EXPECT_TRUE(ids.insert(info.meta.logic_id).second);
      const Bytes block = storage_.Read(info.meta.macro_id);
      const auto reader = format::MacroBlockReader::Open(block);
      ASSERT_TRUE(reader) << reader.error().ToString();
      EXPECT_TRUE(reader->VerifyColumnChecksums());
      EXPECT_EQ(reader->meta()->logic_id, info.meta.logic_id);
    }
    EXPECT_EQ(rows, sstable.row_count());
    const auto& macro_info = sstable.meta().macro_info;
    for (const auto* list : {&macro_info.data_block_ids, &macro_info.other_block_ids}) {
      for (const format::MacroBlockId& id : *list) {
        const Bytes block = storage_.Read(id);
        const format::Inspection inspection = format::InspectMacroBlock(block);
        EXPECT_TRUE(inspection.findings.empty()) << inspection.findings.front().ToString();
        const Status named = format::ExpectEveryByteNamed(inspection.dissection, block.size());
        EXPECT_TRUE(named) << named.error().ToString();
      }
    }
  }

  // What reads of `sources`, oldest first, give at snapshots from `oldest_snapshot` on.
  void ExpectReadsLikeTheModel(const std::vector<SstablePtr>& sources,
                               std::int64_t oldest_snapshot) {
    for (int i = 0; i < 12 && !testing::Test::HasFatalFailure(); ++i) {
      const std::int64_t snapshot = AnySnapshot(oldest_snapshot);
      ExpectScan(sources, snapshot);
      ExpectGet(sources, snapshot, world_.AnyKey());
    }
  }

  void ExpectScan(const std::vector<SstablePtr>& sources, std::int64_t snapshot) {
    const OwnedRange range(world_);
    const Direction direction = random().OneIn(2) ? Direction::kForward : Direction::kBackward;
    std::vector<std::unique_ptr<RowIterator>> iterators;
    for (const SstablePtr& source : sources) {
      iterators.insert(iterators.begin(), source->NewIterator(range.range(), direction));
    }
    SnapshotScan scan(world_.columns(), direction, snapshot, std::move(iterators));
    RowBatch batch(world_.columns().size());
    const auto more = storage_.Run(scan.Fetch(batch, SIZE_MAX, SIZE_MAX));
    ASSERT_TRUE(more) << more.error().ToString();
    std::size_t seen = 0;
    for (const OwnedKey& key : world_.Keys(range.range(), direction)) {
      const auto row = world_.Row(key, snapshot, nullptr);
      if (!row) continue;
      ASSERT_LT(seen, batch.size());
      EXPECT_TRUE(std::ranges::equal(batch.row(seen++), row->cells()));
    }
    EXPECT_EQ(seen, batch.size());
  }

  void ExpectGet(const std::vector<SstablePtr>& sources, std::int64_t snapshot,
                 const OwnedKey& key) {
    struct Sink final : VersionSink {
      explicit Sink(RowFuse& into) : fuse(into) {}
      bool Take(const RowVersion& row) override {
        fuse.AddOlder(row);
        return !fuse.complete();
      }
      RowFuse& fuse;
    };
    RowBatch batch(world_.columns().size());
    RowFuse fuse(world_.columns(), batch);
    fuse.Begin();
    for (std::size_t i = sources.size(); i-- > 0 && !fuse.complete();) {
      Sink sink(fuse);
      const Status status = storage_.Run(sources[i]->Get(key.cells(), snapshot, sink));
      ASSERT_TRUE(status) << status.error().ToString();
    }
    const Result<bool> exists = fuse.End();
    ASSERT_TRUE(exists) << exists.error().ToString();
    const auto row = world_.Row(key, snapshot, nullptr);
    ASSERT_EQ(*exists, row.has_value());
    if (row) {
      EXPECT_TRUE(std::ranges::equal(batch.row(0), row->cells()));
    }
  }

 private:
  MvccWorld world_;
  SstableWorld storage_;
  TabletFormat format_;
};

constexpr std::int64_t kBegin = 1'000;

TEST(Compaction, MiniSstablesReadLikeTheModel) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Tablet tablet(seed);
    tablet.ExpectReadsLikeTheModel(tablet.Flush(), kBegin);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Compaction, MinorMergesKeepEveryVersion) {
  for (std::uint64_t seed = 100; seed < 160; ++seed) {
    SCOPED_TRACE(seed);
    Tablet tablet(seed);
    std::vector<SstablePtr> sources = tablet.Flush();
    std::int64_t oldest = kBegin;
    while (sources.size() > 1) {
      const auto count = static_cast<std::ptrdiff_t>(2 + tablet.random().Below(sources.size() - 1));
      const auto first =
          sources.begin() + static_cast<std::ptrdiff_t>(tablet.random().Below(
                                sources.size() - static_cast<std::size_t>(count) + 1));
      const std::int64_t recycle = tablet.random().OneIn(2) ? 0 : tablet.AnySnapshot(kBegin);
      oldest = std::max(oldest, recycle);
      const SstablePtr merged = tablet.Take(tablet.storage().Run(
          MergeMinor(tablet.storage().store(), tablet.format(), {first, first + count}, recycle)));
      ASSERT_NE(merged, nullptr);
      EXPECT_EQ(merged->key().table_type, format::ITableType::kMinor);
      EXPECT_EQ(merged->key().scn_range.start_scn, (*first)->key().scn_range.start_scn);
      *first = merged;
      sources.erase(first + 1, first + count);
      tablet.ExpectReadsLikeTheModel(sources, oldest);
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(Compaction, MajorMergesGiveTheRowsOfTheirSnapshot) {
  for (std::uint64_t seed = 200; seed < 260; ++seed) {
    SCOPED_TRACE(seed);
    Tablet tablet(seed);
    const std::vector<SstablePtr> increments = tablet.Flush();
    SstablePtr major;
    std::int64_t snapshot = kBegin;
    for (int round = 0; round < 3; ++round) {
      snapshot = tablet.AnySnapshot(snapshot);
      major = tablet.Take(tablet.storage().Run(
          MergeMajor(tablet.storage().store(), tablet.format(), major, increments, snapshot)));
      ASSERT_NE(major, nullptr);
      EXPECT_EQ(major->key().snapshot_version().value, static_cast<std::uint64_t>(snapshot));
      EXPECT_LE(major->max_merged_trans_version(), snapshot);
      EXPECT_EQ(major->meta().basic_meta.upper_trans_version, snapshot);
      tablet.ExpectScan({major}, snapshot);
      std::vector<SstablePtr> sources = increments;
      sources.insert(sources.begin(), major);
      tablet.ExpectReadsLikeTheModel(sources, snapshot);
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(Compaction, WithoutRowsGivesAnSstableWithoutBlocks) {
  SstableWorld storage(1);
  TabletFormat format;
  format.tablet_id = {49'401};
  format.schema = *format::RowSchema::Create(std::array{format::ObjMeta::BigInt()}, 1);
  const auto major = storage.Run(MergeMajor(storage.store(), format, nullptr, {}, 1));
  ASSERT_TRUE(major) << major.error().ToString();
  EXPECT_TRUE(major->sstable->is_empty());
  EXPECT_EQ(major->sstable->block_count(), 0U);
  EXPECT_EQ(major->sstable->max_merged_trans_version(), 1);
  const auto rows = storage.Run(ReadAll(major->sstable->NewIterator({}, Direction::kForward)));
  ASSERT_TRUE(rows);
  EXPECT_TRUE(rows->empty());
  EXPECT_EQ(storage.blocks().statistics().used_slots, 0U);
}

// A table of many blocks: id BIGINT PRIMARY KEY, value VARBINARY.
class LargeTable {
 public:
  static constexpr std::int64_t kRows = 20'000;

  explicit LargeTable(std::uint64_t seed) : storage_(seed, 1 << 20) {
    format_.tablet_id = {200'002};
    const std::array columns = {format::ObjMeta::BigInt(), format::ObjMeta::Varbinary()};
    format_.schema = *format::RowSchema::Create(columns, 1);
    format_.macro_block_size = 64 << 10;
    format_.micro_block_size = 4096;
    std::vector<ListedRows::Row> rows;
    for (std::int64_t id = 0; id < kRows; ++id) rows.push_back(Row(2 * id, 10));
    first_ = Write({Scn{1}, Scn{20}}, std::move(rows));
  }

  SstableWorld& storage() { return storage_; }
  const TabletFormat& format() const { return format_; }
  const SstablePtr& first() const { return first_; }

  ListedRows::Row Row(std::int64_t id, std::int64_t version, DmlFlag dml = DmlFlag::kInsert) {
    Bytes value(100);
    for (std::byte& byte : value) byte = static_cast<std::byte>(storage_.random().Next());
    return {version, dml, OwnedKey(std::array{Datum::Int(id), Datum::Of(value)})};
  }

  SstablePtr Write(format::ScnRange range, std::vector<ListedRows::Row> rows) {
    ListedRows source(std::move(rows));
    auto result = storage_.Run(WriteMini(storage_.store(), format_, range, source));
    EXPECT_TRUE(result) << result.error().ToString();
    return result ? result->sstable : nullptr;
  }

  CompactionResult Major(SstablePtr previous, std::vector<SstablePtr> increments,
                         std::int64_t snapshot) {
    auto result = storage_.Run(MergeMajor(storage_.store(), format_, std::move(previous),
                                          std::move(increments), snapshot));
    EXPECT_TRUE(result) << result.error().ToString();
    return result ? *std::move(result) : CompactionResult();
  }

  std::vector<format::DataBlockInfo> Blocks(const Sstable& sstable) {
    auto blocks = storage_.Run(sstable.LoadDataBlocks());
    EXPECT_TRUE(blocks);
    return *std::move(blocks);
  }

 private:
  SstableWorld storage_;
  TabletFormat format_;
  SstablePtr first_;
};

TEST(Compaction, MajorMergesRewriteOnlyTheBlocksThatChanged) {
  LargeTable table(3);
  const CompactionResult before = table.Major(nullptr, {table.first()}, 20);
  const std::size_t blocks = before.sstable->data_block_count();
  ASSERT_GT(blocks, 30U);
  EXPECT_EQ(before.statistics.blocks_reused, 0U);
  EXPECT_EQ(before.statistics.blocks_written, blocks);

  // An update, a deletion, and two new rows, one of them behind all others.
  const SstablePtr changes =
      table.Write({Scn{20}, Scn{40}},
                  {table.Row(100, 31, DmlFlag::kUpdate), table.Row(10'001, 32),
                   table.Row(20'000, 33, DmlFlag::kDelete), table.Row(2 * LargeTable::kRows, 34)});
  const CompactionResult after = table.Major(before.sstable, {table.first(), changes}, 40);
  EXPECT_EQ(after.sstable->row_count(), LargeTable::kRows + 1);
  EXPECT_GE(after.statistics.blocks_reused, blocks - 4);
  EXPECT_LE(after.statistics.blocks_written, 6U);
  EXPECT_LE(after.statistics.blocks_read, 8U);
  EXPECT_EQ(after.sstable->meta().basic_meta.use_old_macro_block_count,
            static_cast<std::int64_t>(after.statistics.blocks_reused));

  // Reused blocks are the same ones; the others have the new version.
  std::set<format::LogicMacroBlockId> old_ids;
  std::set<std::int64_t> old_slots;
  for (const auto& block : table.Blocks(*before.sstable)) {
    old_ids.insert(block.meta.logic_id);
    old_slots.insert(block.meta.macro_id.second);
  }
  std::size_t reused = 0;
  for (const auto& block : table.Blocks(*after.sstable)) {
    const bool is_old = old_slots.contains(block.meta.macro_id.second);
    EXPECT_EQ(is_old, old_ids.contains(block.meta.logic_id));
    EXPECT_EQ(block.meta.logic_id.logic_version, is_old ? 20U : 40U);
    reused += is_old ? 1 : 0;
  }
  EXPECT_EQ(reused, after.statistics.blocks_reused);

  // Nothing new: nothing is written but the index.
  const CompactionResult again = table.Major(after.sstable, {changes}, 50);
  EXPECT_EQ(again.statistics.blocks_written, 0U);
  EXPECT_EQ(again.statistics.blocks_reused, after.sstable->data_block_count());
}

TEST(Compaction, SharedBlocksLiveAsLongAsOneSstableHasThem) {
  LargeTable table(4);
  CompactionResult old = table.Major(nullptr, {table.first()}, 20);
  const CompactionResult now = table.Major(old.sstable, {}, 30);
  const std::size_t shared = old.sstable->data_block_count();
  const auto used = [&] { return table.storage().blocks().statistics().used_slots; };
  const std::uint64_t with_both = used();
  const std::size_t own = old.sstable->block_count() - shared;
  old.sstable.reset();
  EXPECT_EQ(used(), with_both - own);
  const auto rows = table.storage().Run(ReadAll(now.sstable->NewIterator({}, Direction::kForward)));
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->size(), static_cast<std::size_t>(LargeTable::kRows));
}

TEST(Compaction, LongScansGiveEveryRowInBothDirections) {
  LargeTable table(5);
  const CompactionResult major = table.Major(nullptr, {table.first()}, 20);
  for (const SstablePtr& sstable : {table.first(), major.sstable}) {
    auto forward = table.storage().Run(ReadAll(sstable->NewIterator({}, Direction::kForward)));
    auto backward = table.storage().Run(ReadAll(sstable->NewIterator({}, Direction::kBackward)));
    ASSERT_TRUE(forward && backward);
    ASSERT_EQ(forward->size(), static_cast<std::size_t>(LargeTable::kRows));
    for (std::size_t i = 0; i < forward->size(); ++i)
      ASSERT_EQ((*forward)[i].cells.cells()[0].AsInt(), 2 * static_cast<std::int64_t>(i));
    std::ranges::reverse(*backward);
    ASSERT_TRUE(std::ranges::equal(*forward, *backward, SameRow));
  }
}

TEST(Compaction, AfterAnErrorNoBlockIsTaken) {
  LargeTable table(6);
  const auto used = table.storage().blocks().statistics().used_slots;
  const SstablePtr changes =
      table.Write({Scn{20}, Scn{40}}, {table.Row(100, 31), table.Row(9'000, 32)});
  const auto with_changes = table.storage().blocks().statistics().used_slots;
  EXPECT_GT(with_changes, used);
  int failures = 0;
  for (std::uint64_t at = 1;; at += 1 + at / 3) {
    const std::uint64_t first = table.storage().disk().operations();
    table.storage().disk().Observe([&](const io::SimOperation& operation) {
      return operation.number == first + at ? io::SimFault::kIoError : io::SimFault::kNone;
    });
    const auto result = table.storage().Run(
        MergeMinor(table.storage().store(), table.format(), {table.first(), changes}));
    table.storage().disk().Observe(nullptr);
    if (table.storage().disk().operations() < first + at) {
      EXPECT_TRUE(result);
      break;
    }
    ++failures;
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), ErrorCode::kIoError);
    EXPECT_EQ(table.storage().blocks().statistics().used_slots, with_changes);
  }
  EXPECT_GT(failures, 5);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = table.storage().Run(MergeMajor(
      table.storage().store(), table.format(), nullptr, {table.first()}, 50, stop.get_token()));
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), ErrorCode::kCanceled);
}

io::Task<Status> Flip(io::File& file, std::uint64_t page, std::size_t byte,
                      const io::AlignedBytes& buffer) {
  const Result<std::size_t> read = co_await file.Read(page, buffer.span());
  if (!read) co_return Fail(read.error());
  buffer.span()[byte] ^= std::byte{0x10};
  co_return co_await file.Write(page, buffer.span());
}

TEST(Compaction, FlippedBitsAreNoticedAndTheBlockIsNamed) {
  LargeTable table(7);
  const std::vector<format::DataBlockInfo> blocks = table.Blocks(*table.first());
  auto file = table.storage().Run(
      table.storage().disk().Open(SstableWorld::FileOptions().path, {.direct = true}));
  ASSERT_TRUE(file);
  io::Random& random = table.storage().random();
  for (int i = 0; i < 40; ++i) {
    const format::MacroMeta& meta = blocks[random.Below(blocks.size())].meta;
    // Anywhere in the block for a merge; scans don't look at the macro block's own headers.
    const std::uint64_t headers = 1'000;
    const bool is_merge = i % 2 == 0;
    const std::uint64_t byte =
        is_merge ? random.Below(static_cast<std::uint64_t>(meta.block_offset + meta.block_size))
                 : headers + random.Below(static_cast<std::uint64_t>(meta.occupy_size) - headers);
    const std::uint64_t page =
        static_cast<std::uint64_t>(meta.macro_id.second) * format::kMacroBlockSize +
        io::AlignDown(byte);
    const io::AlignedBytes buffer(io::Disk::kAlignment);
    const auto flip = [&] {
      ASSERT_TRUE(table.storage().Run(Flip(**file, page, byte % io::Disk::kAlignment, buffer)));
    };
    flip();
    Error error(ErrorCode::kErrUnexpected, "");
    if (is_merge) {
      const auto result = table.storage().Run(
          MergeMajor(table.storage().store(), table.format(), nullptr, {table.first()}, 20));
      ASSERT_FALSE(result) << "byte " << byte;
      error = result.error();
    } else {
      SstableWorld& storage = table.storage();
      MicroBlockCache cold(0);
      SstableStore store{storage.loop(), storage.blocks(), cold, storage.store().scan_buffers,
                         storage.store().background};
      const auto sstable = Sstable::Open(store, table.first()->key(), *table.first()->EncodedMeta(),
                                         table.format().schema);
      ASSERT_TRUE(sstable);
      const auto rows = storage.Run(ReadAll((*sstable)->NewIterator({}, Direction::kForward)));
      ASSERT_FALSE(rows) << "byte " << byte;
      error = rows.error();
      storage.Run(storage.store().background.Join());
    }
    EXPECT_NE(error.path().find("macro block " + std::to_string(meta.macro_id.second)),
              std::string::npos)
        << error.ToString();
    EXPECT_TRUE(error.offset()) << error.ToString();
    flip();
  }
}

TEST(TabletFormat, FollowsTheTablesSchema) {
  const std::vector<format::TableColumn> columns = {{format::ObjMeta::Varchar(), false},
                                                    {format::ObjMeta::BigInt(), true}};
  const format::StorageSchema schema = format::PlainTableSchema(
      columns, 77, format::RowStoreType::kFlat, format::CompressorType::kZstd138);
  const auto format = TabletFormat::Of({200'001}, schema);
  ASSERT_TRUE(format) << format.error().ToString();
  EXPECT_EQ(format->schema.rowkey_count, 3U);
  EXPECT_EQ(format->schema.columns.front(), format::ObjMeta::BigInt());
  EXPECT_EQ(format->schema.columns.back(), format::ObjMeta::Varchar());
  EXPECT_EQ(format->schema_version, 77);
  EXPECT_EQ(format->compressor, format::CompressorType::kZstd138);
  format::StorageSchema encrypted = schema;
  encrypted.encryption = "aes";
  EXPECT_EQ(TabletFormat::Of({1}, encrypted).error().code(), ErrorCode::kNotSupported);
}

}  // namespace
}  // namespace obbak::engine
