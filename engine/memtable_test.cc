#include "engine/memtable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/mvcc_test_support.h"
#include "format/mutator.h"

namespace obbak::engine {
namespace {

using format::Datum;
using format::DmlFlag;
using format::MakeTxSeq;
using format::OwnedKey;
using format::Scn;

// What an iterator must give.
struct Expected {
  std::int64_t commit_version;
  std::int64_t sequence;
  DmlFlag dml;
  OwnedKey cells;
};

std::vector<Expected> ExpectedScan(const MvccWorld& world, std::size_t table,
                                   const MemTable::ScanOptions& options) {
  std::vector<Expected> all;
  for (const OwnedKey& key : world.Keys(options.range, options.direction)) {
    auto versions = world.Visible(key, options.snapshot, options.reader, table);
    if (options.direction == Direction::kBackward) std::ranges::reverse(versions);
    for (const ModelVersion* version : versions) {
      const bool own = version->commit_version == 0;
      all.push_back({own ? RowVersion::kOwnWrite : version->commit_version, version->sequence,
                     version->dml, version->cells});
    }
  }
  return all;
}

bool SameCells(const MvccWorld& world, const Expected& expected, std::span<const Datum> cells) {
  const std::size_t count = ImageColumns(world.columns(), expected.dml);
  return cells.size() == world.columns().size() &&
         std::ranges::equal(cells.first(count), expected.cells.cells().first(count));
}

// A scan that goes on while the MemTable changes.
struct OpenScan {
  std::unique_ptr<RowIterator> iterator;
  std::vector<Expected> expected;
  std::size_t seen = 0;

  // False at the end.
  bool Step(const MvccWorld& world) {
    const Result<bool> moved = iterator->Next();
    EXPECT_TRUE(moved && *moved);
    if (!iterator->Valid()) {
      EXPECT_EQ(seen, expected.size());
      return false;
    }
    EXPECT_LT(seen, expected.size());
    if (seen >= expected.size()) return false;
    const RowVersion& row = iterator->row();
    EXPECT_EQ(row.commit_version, expected[seen].commit_version);
    EXPECT_EQ(row.sequence, expected[seen].sequence);
    EXPECT_EQ(row.dml, expected[seen].dml);
    EXPECT_TRUE(SameCells(world, expected[seen], row.cells));
    ++seen;
    return true;
  }
};

OpenScan BeginScan(MvccWorld& world, const TxHandle* reader) {
  const OwnedRange range(world);
  MemTable::ScanOptions options;
  options.range = range.range();
  options.direction = world.random().OneIn(2) ? Direction::kForward : Direction::kBackward;
  options.snapshot = world.now() - static_cast<std::int64_t>(world.random().Below(20));
  options.reader = reader;
  const std::size_t table = world.random().Below(world.tables().size());
  return {world.table(table).Scan(options), ExpectedScan(world, table, options)};
}

TEST(MemTable, ScansAgreeWithTheModelWhileItChanges) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    MvccWorld world(seed);
    std::list<OpenScan> scans;
    for (int step = 0; step < 400; ++step) {
      world.Step();
      if (world.random().OneIn(150)) world.Freeze();
      if (scans.size() < 6) scans.push_back(BeginScan(world, nullptr));
      for (auto scan = scans.begin(); scan != scans.end();) {
        const bool ended = world.random().OneIn(2) && !scan->Step(world);
        scan = ended ? scans.erase(scan) : std::next(scan);
      }
    }
    for (OpenScan& scan : scans) {
      while (scan.Step(world)) {
      }
    }
    if (HasFailure()) return;
  }
}

TEST(MemTable, AReaderSeesItsOwnWritesBeforeTheyAreDecided) {
  for (std::uint64_t seed = 100; seed < 140; ++seed) {
    SCOPED_TRACE(seed);
    MvccWorld world(seed);
    for (int step = 0; step < 300; ++step) {
      world.Step();
      OpenScan scan = BeginScan(world, world.AnyReader());
      while (scan.Step(world)) {
      }
    }
    if (HasFailure()) return;
  }
}

TEST(MemTable, CountsWhatItHolds) {
  MvccWorld world(7);
  for (int step = 0; step < 500; ++step) {
    world.Step();
    const MemTable& table = world.table(0);
    ASSERT_EQ(table.version_count(), world.VersionsIn(0, false));
    ASSERT_EQ(table.IsDecided(), world.VersionsIn(0, true) == 0);
    ASSERT_GE(table.row_count(), world.Keys({}, Direction::kForward).size());
  }
  world.DecideAll();
  EXPECT_TRUE(world.table(0).IsDecided());
  EXPECT_LE(world.table(0).max_commit_version(), world.now());
  EXPECT_GT(world.table(0).max_commit_version(), 0);
}

// The MemTable as its redo makes it: written in one, replayed into the other.
TEST(MemTable, ReplayOfTheRedoGivesTheSameMemTable) {
  for (std::uint64_t seed = 200; seed < 230; ++seed) {
    SCOPED_TRACE(seed);
    RowMaker maker(seed);
    const StoredColumns columns = maker.Columns();
    MemTable original(columns);
    MemTable replayed(columns);
    for (std::int64_t id = 1; id <= 20; ++id) {
      TxHandle tx{.id = {id}, .snapshot = format::kMaxScn, .writes = {}};
      TxHandle replay{.id = {id}, .snapshot = {}, .writes = {}};
      for (std::int64_t i = 1; i <= 10; ++i) {
        const OwnedKey key = maker.Key(columns);
        const OwnedKey row = maker.Row(columns, key.cells(), 3);
        static constexpr auto kFlags =
            std::to_array({DmlFlag::kLock, DmlFlag::kUpdate, DmlFlag::kInsert, DmlFlag::kDelete});
        const Result<WriteNode*> node =
            original.Write(tx, MakeTxSeq(i), kFlags[maker.random().Below(4)], row.cells());
        ASSERT_TRUE(node) << node.error().ToString();
        const MemTable::Redo redo{.seq = (*node)->seq,
                                  .dml = (*node)->dml,
                                  .key = key.cells(),
                                  .image = (*node)->image,
                                  .modify_count = (*node)->modify_count,
                                  .acc_checksum = (*node)->acc_checksum};
        const Result<WriteNode*> copy = replayed.Replay(replay, redo);
        ASSERT_TRUE(copy) << copy.error().ToString();
        EXPECT_EQ((*copy)->is_complete, (*node)->is_complete);

        MemTable::Redo wrong = redo;
        wrong.acc_checksum ^= 0x10;
        const auto refused = replayed.Replay(replay, wrong);
        // The same change once more has a predecessor that it does not know.
        EXPECT_EQ(refused.has_value(), redo.modify_count > 0);
        if (refused) replayed.Rollback(**refused);
      }
      const bool abort = maker.random().OneIn(3);
      for (TxHandle* handle : {&tx, &replay}) {
        abort ? RollbackWrites(*handle, {})
              : CommitWrites(*handle, Scn{static_cast<std::uint64_t>(id)});
      }
    }
    const auto left = original.Scan({});
    const auto right = replayed.Scan({});
    for (;;) {
      ASSERT_TRUE(left->Next().value_or(false));
      ASSERT_TRUE(right->Next().value_or(false));
      ASSERT_EQ(left->Valid(), right->Valid());
      if (!left->Valid()) break;
      EXPECT_EQ(left->row().commit_version, right->row().commit_version);
      EXPECT_EQ(left->row().sequence, right->row().sequence);
      EXPECT_TRUE(std::ranges::equal(left->row().cells, right->row().cells));
    }
    EXPECT_EQ(original.version_count(), replayed.version_count());
  }
}

// A log can bring a row's next change before the decision on the one before it.
TEST(MemTable, AnUndecidedChangeUnderAnotherCanBeRolledBack) {
  const StoredColumns columns{{format::ObjMeta::BigInt(), format::ObjMeta::BigInt()}, 1};
  MemTable table(columns);
  TxHandle first{.id = {1}, .snapshot = {}, .writes = {}};
  TxHandle second{.id = {2}, .snapshot = {}, .writes = {}};
  const auto key = std::to_array({Datum::Int(1)});
  for (TxHandle* tx : {&first, &second}) {
    const auto row = std::to_array({Datum::Int(1), Datum::Int(tx->id.value)});
    Arena arena;
    const ByteView image = EncodeRowImage(columns, DmlFlag::kInsert, row, arena);
    ASSERT_TRUE(table.Replay(*tx, {.seq = MakeTxSeq(1),
                                   .dml = DmlFlag::kInsert,
                                   .key = key,
                                   .image = image,
                                   .modify_count = 0,
                                   .acc_checksum = 0}));
  }
  RollbackWrites(first, {});
  CommitWrites(second, Scn{9});
  EXPECT_TRUE(table.IsDecided());
  const auto rows = table.Scan({});
  ASSERT_TRUE(rows->Next().value() && rows->Valid());
  EXPECT_EQ(rows->row().cells[1].AsInt(), 2);
  ASSERT_TRUE(rows->Next().value());
  EXPECT_FALSE(rows->Valid());
}

TEST(MemTable, RedoThatDoesNotFitIsRefused) {
  const StoredColumns columns{{format::ObjMeta::BigInt(), format::ObjMeta::BigInt()}, 1};
  MemTable table(columns);
  TxHandle tx{.id = {1}, .snapshot = {}, .writes = {}};
  const auto cells = std::to_array({Datum::Int(1), Datum::Int(2)});
  const auto other = std::to_array({Datum::Int(3)});
  Arena arena;
  const ByteView image = EncodeRowImage(columns, DmlFlag::kInsert, cells, arena);
  const auto replay = [&](MemTable::Redo redo) {
    redo.seq = MakeTxSeq(1);
    const Result<WriteNode*> node = table.Replay(tx, redo);
    return node ? std::nullopt : std::optional(node.error().code());
  };
  const std::span<const Datum> key = std::span(cells).first(1);
  EXPECT_EQ(replay({.seq = {}, .dml = DmlFlag::kInsert, .key = other, .image = image}),
            ErrorCode::kInvalidData);
  EXPECT_EQ(replay({.seq = {}, .dml = DmlFlag::kUpdate, .key = key, .image = image}),
            ErrorCode::kInvalidData);
  EXPECT_EQ(replay({.seq = {}, .dml = DmlFlag::kInsert, .key = key, .image = image.first(20)}),
            ErrorCode::kInvalidData);
  EXPECT_EQ(table.version_count(), 0U);
  EXPECT_EQ(replay({.seq = {}, .dml = DmlFlag::kInsert, .key = key, .image = image}), std::nullopt);
  RollbackWrites(tx, {});
}

TEST(MemTable, AnUnwritableRowChangesNothing) {
  const StoredColumns columns{{format::ObjMeta::BigInt(), format::ObjMeta::BigInt()}, 1};
  MemTable table(columns);
  TxHandle tx{.id = {1}, .snapshot = format::kMaxScn, .writes = {}};
  const auto nop_key = std::to_array({Datum::Nop(), Datum::Int(2)});
  const auto short_row = std::to_array({Datum::Int(1)});
  const auto text = std::to_array({Datum::Int(1), Datum::Of(AsByteView("abc"))});
  for (const std::span<const Datum> cells :
       {std::span<const Datum>(nop_key), std::span<const Datum>(short_row),
        std::span<const Datum>(text)}) {
    EXPECT_FALSE(table.Write(tx, MakeTxSeq(1), DmlFlag::kInsert, cells));
  }
  EXPECT_EQ(table.row_count(), 0U);
  EXPECT_TRUE(tx.writes.empty());
  // Of a deletion only the key counts.
  EXPECT_TRUE(table.Write(tx, MakeTxSeq(1), DmlFlag::kDelete, short_row));
  RollbackWrites(tx, {});
}

}  // namespace
}  // namespace obbak::engine
