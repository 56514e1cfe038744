#include "engine/sstable.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "engine/sstable_test_support.h"

namespace obbak::engine {
namespace {

using format::Datum;
using format::DmlFlag;
using format::OwnedKey;
using format::Scn;

// id BIGINT PRIMARY KEY, two columns; every seventh key has a long chain of versions.
class ChainTable {
 public:
  static constexpr std::int64_t kKeys = 700;
  static constexpr std::int64_t kVersions = 200;

  explicit ChainTable(SstableWorld& storage) : storage_(storage) {
    const std::array columns = {format::ObjMeta::BigInt(), format::ObjMeta::BigInt(),
                                format::ObjMeta::Varbinary()};
    format_.tablet_id = {200'003};
    format_.schema = *format::RowSchema::Create(columns, 1);
    format_.micro_block_size = 512;
    format_.macro_block_size = 16 << 10;
    format_.compressor = format::CompressorType::kLz4;
    std::vector<ListedRows::Row> rows;
    for (std::int64_t id = 0; id < kKeys; ++id) {
      for (std::int64_t version = id % 7 == 0 ? kVersions : 1; version > 1; --version) {
        rows.push_back({100 + version, DmlFlag::kUpdate,
                        OwnedKey(std::array{Datum::Int(id), Datum::Int(version), Datum::Nop()})});
      }
      rows.push_back(
          {101, DmlFlag::kInsert,
           OwnedKey(std::array{Datum::Int(id), Datum::Int(1), Datum::Of(AsByteView("value"))})});
    }
    ListedRows source(std::move(rows));
    auto result = storage_.Run(WriteMini(storage_.store(), format_, {Scn{1}, Scn{1'000}}, source));
    EXPECT_TRUE(result) << result.error().ToString();
    sstable_ = result->sstable;
  }

  const Sstable& sstable() const { return *sstable_; }

 private:
  SstableWorld& storage_;
  TabletFormat format_;
  std::shared_ptr<const Sstable> sstable_;
};

struct Kept final : VersionSink {
  explicit Kept(std::size_t most_rows = SIZE_MAX) : most(most_rows) {}
  bool Take(const RowVersion& row) override {
    rows.push_back({row.commit_version, row.dml, OwnedKey(row.cells)});
    return rows.size() < most;
  }
  std::size_t most;
  std::vector<ListedRows::Row> rows;
};

TEST(Sstable, PointReadsFollowChainsAcrossMicroBlocks) {
  SstableWorld storage(1);
  const ChainTable table(storage);
  for (std::int64_t id = 0; id < ChainTable::kKeys; id += 7) {
    const std::array key = {Datum::Int(id)};
    const auto snapshot =
        static_cast<std::int64_t>(101 + storage.random().Below(ChainTable::kVersions - 1));
    Kept old;
    ASSERT_TRUE(storage.Run(table.sstable().Get(key, snapshot, old)));
    ASSERT_EQ(old.rows.size(), static_cast<std::size_t>(snapshot - 100));
    for (std::size_t i = 0; i < old.rows.size(); ++i)
      EXPECT_EQ(old.rows[i].commit_version, snapshot - static_cast<std::int64_t>(i));
    // Who sees everything needs one row, whatever the length of the chain.
    Kept newest;
    ASSERT_TRUE(storage.Run(table.sstable().Get(key, Sstable::kNoSnapshot, newest)));
    ASSERT_EQ(newest.rows.size(), 1U);
    EXPECT_EQ(newest.rows[0].cells.cells()[1].AsInt(), ChainTable::kVersions);
    EXPECT_EQ(AsText(newest.rows[0].cells.cells()[2].bytes()), "value");
    Kept two(2);
    ASSERT_TRUE(storage.Run(table.sstable().Get(key, snapshot, two)));
    EXPECT_LE(two.rows.size(), 2U);
    Kept none;
    ASSERT_TRUE(storage.Run(table.sstable().Get(key, 100, none)));
    EXPECT_TRUE(none.rows.empty());
  }
  Kept absent;
  ASSERT_TRUE(storage.Run(table.sstable().Get(std::array{Datum::Int(-1)}, 1'000, absent)));
  ASSERT_TRUE(storage.Run(table.sstable().Get(std::array{Datum::Int(10'000)}, 1'000, absent)));
  EXPECT_TRUE(absent.rows.empty());
  const Status short_key = storage.Run(table.sstable().Get({}, 1'000, absent));
  ASSERT_FALSE(short_key);
  EXPECT_EQ(short_key.error().code(), ErrorCode::kInvalidArgument);
}

TEST(Sstable, WarmPointReadsNeedNoDevice) {
  SstableWorld storage(2);
  const ChainTable table(storage);
  const std::array key = {Datum::Int(350)};
  Kept cold;
  const Result<bool> too_early = table.sstable().TryGet(key, 150, cold);
  ASSERT_TRUE(too_early);
  EXPECT_FALSE(*too_early);
  EXPECT_TRUE(cold.rows.empty());
  ASSERT_TRUE(storage.Run(table.sstable().Get(key, 150, cold)));
  const std::uint64_t operations = storage.disk().operations();
  Kept warm;
  const Result<bool> done = table.sstable().TryGet(key, 150, warm);
  ASSERT_TRUE(done);
  EXPECT_TRUE(*done);
  EXPECT_TRUE(std::ranges::equal(cold.rows, warm.rows, SameRow));
  EXPECT_EQ(storage.disk().operations(), operations);
}

TEST(Sstable, ACacheOfAnySizeGivesTheSameRowsAndKeepsItsBound) {
  for (const std::size_t capacity : {std::size_t{0}, std::size_t{20'000}, std::size_t{50'000}}) {
    SstableWorld storage(3, capacity);
    const ChainTable table(storage);
    for (int i = 0; i < 500; ++i) {
      const auto id = static_cast<std::int64_t>(storage.random().Below(ChainTable::kKeys));
      Kept kept;
      ASSERT_TRUE(storage.Run(table.sstable().Get(std::array{Datum::Int(id)}, 101, kept)));
      ASSERT_EQ(kept.rows.size(), 1U);
      ASSERT_LE(storage.cache().statistics().bytes, capacity);
    }
    EXPECT_GT(storage.cache().statistics().evictions, 0U);
    EXPECT_EQ(storage.cache().statistics().blocks > 0, capacity > 0);
  }
}

TEST(Sstable, ShortRangesReadFewBytes) {
  SstableWorld storage(4, 0);
  const ChainTable table(storage);
  const std::array from = {Datum::Int(351)};
  const std::array to = {Datum::Int(353)};
  const KeyRange range{from, true, to, true};
  const std::uint64_t before = storage.blocks().statistics().bytes_read;
  const auto rows = storage.Run(ReadAll(table.sstable().NewIterator(range, Direction::kForward)));
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->size(), 3U);
  EXPECT_LE(storage.blocks().statistics().bytes_read - before, 8U * 8192);
}

TEST(Sstable, OfAnotherTableIsRefused) {
  SstableWorld storage(5);
  const ChainTable table(storage);
  const auto schema = format::RowSchema::Create(std::array{format::ObjMeta::BigInt()}, 1);
  const auto encoded = table.sstable().EncodedMeta();
  const std::uint64_t used = storage.blocks().statistics().used_slots;
  const auto wrong = Sstable::Open(storage.store(), table.sstable().key(), *encoded, *schema);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), ErrorCode::kInvalidData);
  format::SstableMeta meta = table.sstable().meta();
  meta.macro_info.data_block_ids.back().second = 1'000'000;
  EXPECT_FALSE(
      Sstable::Create(storage.store(), table.sstable().key(), meta, table.sstable().schema()));
  EXPECT_EQ(storage.blocks().statistics().used_slots, used);
}

}  // namespace
}  // namespace obbak::engine
