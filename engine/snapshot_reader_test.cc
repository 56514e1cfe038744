#include "engine/snapshot_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/mvcc_test_support.h"
#include "io/sim_world.h"

namespace obbak::engine {
namespace {

using format::Datum;
using format::DmlFlag;
using format::OwnedKey;

// A source whose rows have to be fetched now and then, and which forgets each row when it moves.
class SlowSource final : public RowIterator {
 public:
  SlowSource(std::unique_ptr<RowIterator> rows, std::uint64_t seed, io::Loop& loop)
      : rows_(std::move(rows)), random_(seed), loop_(loop) {}

  Result<bool> Next() override {
    if (random_.OneIn(3)) return false;
    Result<bool> moved = rows_->Next();
    if (!moved || !rows_->Valid()) return moved;
    kept_ = std::make_unique<OwnedKey>(rows_->row().cells);
    row_ = rows_->row();
    row_.cells = kept_->cells();
    return true;
  }
  io::Task<Status> Load() override {
    co_await loop_.Yield();
    co_return Status{};
  }
  bool Valid() const override { return rows_->Valid(); }
  const RowVersion& row() const override { return row_; }

 private:
  std::unique_ptr<RowIterator> rows_;
  io::Random random_;
  io::Loop& loop_;
  std::unique_ptr<OwnedKey> kept_;
  RowVersion row_;
};

struct Reading {
  std::int64_t snapshot;
  const TxHandle* reader;
  Direction direction;
};

// A transaction reads at its own snapshot: what it changed is based on that.
Reading AnyReading(MvccWorld& world) {
  const TxHandle* reader = world.AnyReader();
  const std::int64_t snapshot =
      reader != nullptr ? static_cast<std::int64_t>(reader->snapshot.value)
                        : world.now() - static_cast<std::int64_t>(world.random().Below(15));
  return {snapshot, reader, world.random().OneIn(2) ? Direction::kForward : Direction::kBackward};
}

std::vector<OwnedKey> ExpectedRows(const MvccWorld& world, const KeyRange& range,
                                   const Reading& reading) {
  std::vector<OwnedKey> rows;
  for (const OwnedKey& key : world.Keys(range, reading.direction)) {
    if (auto row = world.Row(key, reading.snapshot, reading.reader)) rows.push_back(*row);
  }
  return rows;
}

// The newest MemTable first; one of them perhaps twice, as while it is being flushed.
std::vector<std::unique_ptr<RowIterator>> Sources(MvccWorld& world, const KeyRange& range,
                                                  const Reading& reading, io::Loop& loop) {
  std::vector<std::unique_ptr<RowIterator>> sources;
  for (std::size_t i = world.tables().size(); i-- > 0;) {
    MemTable::ScanOptions options;
    options.range = range;
    options.direction = reading.direction;
    // Without it the scan has to leave newer versions out itself.
    if (world.random().OneIn(2)) options.snapshot = reading.snapshot;
    options.reader = reading.reader;
    options.stop_when_complete = options.snapshot == reading.snapshot && world.random().OneIn(2);
    for (std::uint64_t copies = 1 + world.random().Below(2); copies > 0; --copies) {
      sources.push_back(
          std::make_unique<SlowSource>(world.table(i).Scan(options), world.random().Next(), loop));
    }
  }
  return sources;
}

bool SameRow(std::span<const Datum> row, const OwnedKey& expected) {
  return std::ranges::equal(row, expected.cells());
}

TEST(SnapshotScan, GivesTheRowsOfTheModel) {
  for (std::uint64_t seed = 300; seed < 340; ++seed) {
    SCOPED_TRACE(seed);
    MvccWorld world(seed);
    io::SimWorld outside(seed);
    for (int step = 0; step < 300; ++step) {
      world.Step();
      if (world.random().OneIn(60)) world.Freeze();
      if (!world.random().OneIn(4)) continue;
      const Reading reading = AnyReading(world);
      const OwnedRange range(world);
      const auto expected = ExpectedRows(world, range.range(), reading);
      SnapshotScan scan(world.columns(), reading.direction, reading.snapshot,
                        Sources(world, range.range(), reading, outside.loop()));
      RowBatch batch(world.columns().size());
      std::size_t seen = 0;
      for (bool more = true; more;) {
        batch.Clear();
        const std::size_t most = 1 + world.random().Below(10);
        const auto fetched =
            outside.loop().Run(scan.Fetch(batch, most, 1 + world.random().Below(500)));
        ASSERT_TRUE(fetched) << fetched.error().ToString();
        more = *fetched;
        ASSERT_LE(batch.size(), most);
        ASSERT_LE(seen + batch.size(), expected.size());
        for (std::size_t i = 0; i < batch.size(); ++i, ++seen) {
          ASSERT_TRUE(SameRow(batch.row(i), expected[seen]));
        }
      }
      ASSERT_EQ(seen, expected.size());
    }
    if (HasFailure()) return;
  }
}

TEST(PointRead, GivesTheRowOfTheModel) {
  for (std::uint64_t seed = 400; seed < 430; ++seed) {
    SCOPED_TRACE(seed);
    MvccWorld world(seed);
    RowBatch batch(world.columns().size());
    for (int step = 0; step < 400; ++step) {
      world.Step();
      if (world.random().OneIn(60)) world.Freeze();
      const Reading reading = AnyReading(world);
      const OwnedKey& key = world.AnyKey();
      const std::optional<OwnedKey> expected = world.Row(key, reading.snapshot, reading.reader);

      RowFuse fuse(world.columns(), batch);
      fuse.Begin();
      for (std::size_t i = world.tables().size(); i-- > 0 && !fuse.complete();) {
        ASSERT_TRUE(world.table(i).Read(key.cells(), reading.snapshot, reading.reader, fuse));
      }
      const Result<bool> exists = fuse.End();
      ASSERT_TRUE(exists);
      ASSERT_EQ(*exists, expected.has_value());
      ASSERT_TRUE(!*exists || SameRow(batch.row(batch.size() - 1), *expected));
      if (batch.size() == 10) batch.Clear();
    }
    if (HasFailure()) return;
  }
}

TEST(SnapshotScan, BatchesEndAtTheirByteLimit) {
  const StoredColumns columns{{format::ObjMeta::BigInt(), format::ObjMeta::Varchar()}, 1};
  MemTable table(columns);
  TxHandle tx{.id = {1}, .snapshot = {}, .writes = {}};
  const std::string text(92, 'x');
  for (std::int64_t i = 0; i < 10; ++i) {
    const auto row = std::to_array({Datum::Int(i), Datum::Of(AsByteView(text))});
    ASSERT_TRUE(table.Write(tx, format::MakeTxSeq(i + 1), DmlFlag::kInsert, row));
  }
  CommitWrites(tx, format::Scn{5});
  std::vector<std::unique_ptr<RowIterator>> sources;
  sources.push_back(table.Scan({}));
  SnapshotScan scan(columns, Direction::kForward, 5, std::move(sources));
  io::SimWorld outside(1);
  RowBatch batch(2);
  EXPECT_TRUE(outside.loop().Run(scan.Fetch(batch, 100, 300)).value());
  EXPECT_EQ(batch.size(), 3U);
  EXPECT_EQ(batch.bytes(), 300U);
  batch.Clear();
  EXPECT_FALSE(outside.loop().Run(scan.Fetch(batch, 100, 10'000)).value());
  EXPECT_EQ(batch.size(), 7U);
}

// Whatever the versions say, also those that no engine makes; deletions bring old values along.
TEST(RowFuse, FromEitherEndGivesTheSame) {
  RowMaker maker(5);
  for (int round = 0; round < 5000; ++round) {
    const StoredColumns columns = maker.Columns();
    const OwnedKey key = maker.Key(columns);
    std::vector<OwnedKey> rows;
    std::vector<RowVersion> versions;  // newest first
    for (std::uint64_t count = maker.random().Below(6); count > 0; --count) {
      static constexpr auto kFlags =
          std::to_array({DmlFlag::kUpdate, DmlFlag::kUpdate, DmlFlag::kInsert, DmlFlag::kDelete});
      const DmlFlag dml = kFlags[maker.random().Below(kFlags.size())];
      rows.push_back(maker.Row(columns, key.cells(), dml == DmlFlag::kUpdate ? 2 : 0));
      versions.push_back({.commit_version = static_cast<std::int64_t>(count),
                          .sequence = 1,
                          .dml = dml,
                          .cells = rows.back().cells()});
    }
    RowBatch newest_first(columns.size());
    RowFuse older(columns, newest_first);
    older.Begin();
    for (const RowVersion& version : versions) older.AddOlder(version);
    const Result<bool> forward = older.End();

    RowBatch oldest_first(columns.size());
    RowFuse newer(columns, oldest_first);
    newer.Begin();
    for (std::size_t i = versions.size(); i-- > 0;) newer.AddNewer(versions[i]);
    const Result<bool> backward = newer.End();

    ASSERT_EQ(forward.has_value(), backward.has_value());
    ASSERT_EQ(forward.value_or(false), backward.value_or(false));
    ASSERT_EQ(newest_first.size(), oldest_first.size());
    if (!newest_first.empty()) {
      ASSERT_TRUE(std::ranges::equal(newest_first.row(0), oldest_first.row(0)));
    }
  }
}

TEST(RowFuse, AnUpdateOfNothingIsAnError) {
  const StoredColumns columns{{format::ObjMeta::BigInt(), format::ObjMeta::BigInt()}, 1};
  const auto update = std::to_array({Datum::Int(1), Datum::Nop()});
  RowBatch batch(2);
  RowFuse fuse(columns, batch);
  fuse.Begin();
  fuse.AddOlder({.commit_version = 3, .sequence = 1, .dml = DmlFlag::kUpdate, .cells = update});
  const Result<bool> exists = fuse.End();
  ASSERT_FALSE(exists);
  EXPECT_EQ(exists.error().code(), ErrorCode::kInvalidData);
  EXPECT_TRUE(batch.empty());
}

}  // namespace
}  // namespace obbak::engine
