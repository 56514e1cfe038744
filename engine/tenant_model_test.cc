// A tenant against a model: random tables, transactions beside each other, flushes, compactions,
// transfers, DDL and restarts; whatever was read, at whatever SCN, is what a map of versions says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/clog_test_support.h"
#include "engine/mvcc_test_support.h"
#include "engine/random_catalog_test_util.h"
#include "engine/tablet.h"
#include "engine/tenant.h"
#include "engine/tenant_core.h"
#include "engine/tenant_test_support.h"
#include "format/owned_key.h"
#include "io/sim_world.h"
#include "io/sync.h"

namespace obbak::engine {
namespace {

using format::Datum;
using format::OwnedKey;
using format::Scn;

// A row, or that there is none.
using MaybeRow = std::optional<Row>;

struct KeyLess {
  std::vector<format::ObjMeta> types;
  bool operator()(const OwnedKey& left, const OwnedKey& right) const {
    return format::CompareKeys(types, left.cells(), right.cells()) < 0;
  }
};

// What a transaction has changed so far.
using Changes = std::map<OwnedKey, MaybeRow, KeyLess>;

struct ModelTable {
  explicit ModelTable(TableSchemaPtr table)
      : schema(std::move(table)),
        columns(StoredColumnsOf(schema->row_schema())),
        less{{columns.key().begin(), columns.key().end()}},
        versions(less) {}

  // As it was at `snapshot`, with what `changes` did.
  Changes At(Scn snapshot, const Changes& changes) const {
    Changes rows(less);
    for (const auto& [key, history] : versions) {
      for (const auto& [version, row] : history) {
        if (version <= snapshot) rows[key] = row;
      }
    }
    for (const auto& [key, row] : changes) rows[key] = row;
    return rows;
  }

  TableSchemaPtr schema;
  StoredColumns columns;
  KeyLess less;
  std::vector<OwnedKey> pool;
  // Oldest first.
  std::map<OwnedKey, std::vector<std::pair<Scn, MaybeRow>>, KeyLess> versions;
  // It is being dropped: whatever fails, fails for that.
  bool is_leaving = false;
};
using ModelTablePtr = std::shared_ptr<ModelTable>;

// A range whose bounds are kept.
struct OwnedRange {
  OwnedKey begin, end;
  bool begin_included = true, end_included = false;

  KeyRange range() const { return {begin.cells(), begin_included, end.cells(), end_included}; }
  bool Contains(const ModelTable& table, const OwnedKey& key) const {
    const auto compare = [&](const OwnedKey& bound) {
      return format::CompareKeys(table.less.types, key.cells(), bound.cells());
    };
    if (!begin.empty() && compare(begin) < (begin_included ? 0 : 1)) return false;
    return end.empty() || compare(end) < (end_included ? 1 : 0);
  }
};

// Something that was read. Judged when all commits before it are known to the model.
struct Reading {
  ModelTablePtr table;
  Scn snapshot;
  Changes changes;
  OwnedRange range;
  Direction direction = Direction::kForward;
  std::vector<Row> rows;
};

// A transaction that was committed.
struct Commitment {
  Scn snapshot;
  Scn version;
  std::map<ModelTablePtr, Changes> changes;
};

bool SameRow(const ModelTable& table, const OwnedKey& key, const Row& expected, const Row& found) {
  const std::vector<Datum> cells = Datums(found);
  const std::size_t keys = table.columns.key_count;
  // Of equal keys any may be found.
  return found.size() == expected.size() &&
         format::CompareKeys(table.less.types, key.cells(), std::span(cells).first(keys)) == 0 &&
         std::equal(found.begin() + static_cast<std::ptrdiff_t>(keys), found.end(),
                    expected.begin() + static_cast<std::ptrdiff_t>(keys));
}

class ModelWorld {
 public:
  explicit ModelWorld(std::uint64_t seed)
      : world_(seed), random_(seed * 7919), maker_(seed), schemas_(seed), seed_(seed) {}

  void Run() {
    auto made = world_.loop().Run(Tenant::Create(EnvOf(world_), "/t", Tenants(), Options()));
    ASSERT_OK(made);
    tenant_ = *std::move(made);
    for (int i = 0; i < 2; ++i) ASSERT_OK(world_.loop().Run(AddTable()));
    for (int round = 0; round < 3; ++round) {
      SCOPED_TRACE("round " + std::to_string(round));
      world_.loop().Run(Round());
      ASSERT_OK(failure_);
      Judge();
      if (random_.OneIn(2)) Reopen();
      if (testing::Test::HasFatalFailure()) return;
      ASSERT_OK(world_.loop().Run(ReadTheOldAndTheNew()));
      Judge();
      if (testing::Test::HasFailure()) return;
    }
    ASSERT_OK(world_.loop().Run(tenant_->Close()));
  }

  std::uint64_t commits() const { return commits_; }
  std::uint64_t readings() const { return judged_; }

 private:
  TenantOptions Tenants() {
    TenantOptions options;
    options.user_log_streams = static_cast<int>(1 + random_.Below(3));
    return options;
  }

  EngineOptions Options() {
    EngineOptions options = SmallEngine();
    if (seed_ % 2 == 0) return options;
    options.background = true;
    options.freeze_trigger = 32 << 10;
    options.memstore_limit = 1 << 20;
    options.minor_trigger = 3;
    options.keep_alive_interval = std::chrono::milliseconds(5);
    return options;
  }

  void Reopen() {
    ASSERT_OK(world_.loop().Run(tenant_->Close()));
    tenant_.reset();
    auto opened = world_.loop().Run(Tenant::Open(EnvOf(world_), "/t", Options()));
    ASSERT_OK(opened);
    tenant_ = *std::move(opened);
    for (const ModelTablePtr& table : tables_) {
      const TableSchemaPtr schema = tenant_->catalog().FindTable(table->schema->id());
      ASSERT_NE(schema, nullptr);
      ASSERT_EQ(schema->spec(), table->schema->spec());
    }
    EXPECT_EQ(tenant_->catalog().tables().size(), tables_.size());
  }

  // Writers beside whoever changes tables and tablets.
  io::Task<void> Round() {
    io::TaskGroup tasks(world_.loop());
    for (int writer = 0; writer < 3; ++writer) tasks.Spawn(Writer());
    tasks.Spawn(Maintainer());
    co_await tasks.Join();
  }

  io::Task<void> Writer() {
    for (int i = 0; i < 8 && failure_; ++i) {
      Status status = co_await OneTransaction();
      if (!status && failure_) failure_ = std::move(status);
    }
  }

  io::Task<void> Maintainer() {
    for (int i = 0; i < 4 && failure_; ++i) {
      Status status = co_await Maintain();
      if (!status && failure_) failure_ = std::move(status);
    }
  }

  io::Task<Status> Maintain() {
    switch (random_.Below(6)) {
      case 0:
        return tenant_->Flush();
      case 1:
        return Minor();
      case 2:
        return Major();
      case 3:
        return AddTable();
      case 4:
        return tables_.size() > 2 ? DropTable() : AddTable();
      default:
        return Move();
    }
  }

  io::Task<Status> Minor() {
    const auto compacted = co_await tenant_->CompactMinor();
    if (!compacted) co_return Fail(compacted.error());
    co_return Status();
  }

  io::Task<Status> Major() {
    discarded_ = tenant_->snapshot();
    const auto compacted = co_await tenant_->CompactMajor();
    if (!compacted) co_return Fail(compacted.error());
    EXPECT_LE(compacted->first, discarded_);
    co_return Status();
  }

  io::Task<Status> Move() {
    const auto streams = tenant_->catalog().log_streams().size() - 1;
    if (streams < 2) return tenant_->Flush();
    const ModelTable& table = *tables_[random_.Below(tables_.size())];
    const auto& tablets = table.schema->tablets();
    const format::TabletId tablet = tablets[random_.Below(tablets.size())];
    const format::LsId from = *tenant_->catalog().LsOf(tablet);
    const auto next = (static_cast<std::size_t>(from.value) - 1000) % streams + 1001;
    return tenant_->MoveTablet(tablet, format::LsId{static_cast<std::int64_t>(next)});
  }

  io::Task<Status> AddTable() {
    TableDefinition definition = schemas_.Definition();
    definition.partitions = static_cast<std::uint32_t>(1 + random_.Below(8));
    const auto made =
        co_await tenant_->CreateTable("t" + std::to_string(next_table_++), std::move(definition));
    if (!made) co_return Fail(made.error());
    auto table = std::make_shared<ModelTable>(*made);
    for (int i = 0; i < 200 && table->pool.size() < 15; ++i) {
      OwnedKey key = maker_.Key(table->columns);
      if (table->schema->CheckRowkey(key.cells())) table->pool.push_back(std::move(key));
    }
    if (!table->pool.empty()) {
      tables_.push_back(std::move(table));
      co_return Status();
    }
    co_return co_await tenant_->DropTable((*made)->name());
  }

  io::Task<Status> DropTable() {
    const std::size_t index = random_.Below(tables_.size());
    const ModelTablePtr table = tables_[index];
    table->is_leaving = true;
    tables_.erase(tables_.begin() + static_cast<std::ptrdiff_t>(index));
    co_return co_await tenant_->DropTable(table->schema->name());
  }

  // ---- Transactions

  struct Tx {
    std::unique_ptr<Transaction> tx;
    std::map<ModelTablePtr, Changes> changes;
    std::vector<std::pair<Savepoint, std::map<ModelTablePtr, Changes>>> savepoints;
  };

  Changes& ChangesOf(Tx& tx, const ModelTablePtr& table) {
    return tx.changes.try_emplace(table, table->less).first->second;
  }

  // An error that may happen to anybody, who then begins again.
  bool IsBadLuck(const ModelTable& table, const Error& error, Scn snapshot) const {
    return table.is_leaving || error.code() == ErrorCode::kTryLockRowConflict ||
           error.code() == ErrorCode::kTransactionSetViolation ||
           (error.code() == ErrorCode::kSnapshotDiscarded && snapshot < discarded_);
  }

  io::Task<Status> OneTransaction() {
    auto begun = tenant_->Begin();
    if (!begun) co_return Fail(begun.error());
    Tx tx{.tx = *std::move(begun), .changes = {}, .savepoints = {}};
    for (std::uint64_t steps = 1 + random_.Below(8); steps > 0; --steps) {
      const ModelTablePtr table = tables_[random_.Below(tables_.size())];
      Status status = co_await Step(tx, table);
      if (status) continue;
      if (!IsBadLuck(*table, status.error(), tx.tx->snapshot())) co_return status;
      if (random_.OneIn(2)) continue;  // without that change
      co_return tx.tx->Rollback();
    }
    if (random_.OneIn(6)) co_return tx.tx->Rollback();
    const Scn snapshot = tx.tx->snapshot();
    const auto version = co_await tx.tx->Commit();
    if (!version) co_return Fail(version.error());
    EXPECT_LE(*version, tenant_->snapshot());
    std::erase_if(tx.changes, [](const auto& entry) { return entry.second.empty(); });
    if (tx.changes.empty()) co_return Status();
    ++commits_;
    for (const auto& [table, changes] : tx.changes) {
      for (const auto& [key, row] : changes) {
        auto& history = table->versions.try_emplace(key).first->second;
        history.emplace_back(*version, row);
        std::ranges::sort(history, {}, [](const auto& entry) { return entry.first; });
      }
    }
    commitments_.push_back({snapshot, *version, std::move(tx.changes)});
    co_return Status();
  }

  io::Task<Status> Step(Tx& tx, const ModelTablePtr& table) {
    const OwnedKey& key = table->pool[random_.Below(table->pool.size())];
    switch (random_.Below(8)) {
      case 0:
      case 1:
        return Write(tx, table, key, /*insert=*/false);
      case 2:
        return Write(tx, table, key, /*insert=*/true);
      case 3:
        return Update(tx, table, key);
      case 4:
        return Delete(tx, table, key);
      case 5:
        return SaveOrUndo(tx);
      case 6:
        return Get(tx, table, key);
      default:
        return Scan(tx, table);
    }
  }

  // A row that the table takes, with NOPs if they are wanted.
  std::optional<OwnedKey> DrawRow(const ModelTable& table, const OwnedKey& key,
                                  std::uint64_t nops) {
    for (int i = 0; i < 100; ++i) {
      OwnedKey row = maker_.Row(table.columns, key.cells(), nops);
      if (table.schema->CheckRow(row.cells())) return row;
    }
    return std::nullopt;
  }

  static Row ToRow(std::span<const Datum> cells) {
    Row row;
    for (const Datum& cell : cells) row.emplace_back(cell);
    return row;
  }

  // What the reader of `tx` finds at a key, as an observation.
  void Observe(Tx& tx, const ModelTablePtr& table, const OwnedKey& key, std::vector<Row> rows) {
    OwnedRange only{.begin = key, .end = key, .begin_included = true, .end_included = true};
    readings_.push_back({.table = table,
                         .snapshot = tx.tx->snapshot(),
                         .changes = ChangesOf(tx, table),
                         .range = std::move(only),
                         .rows = std::move(rows)});
  }

  io::Task<Status> Write(Tx& tx, ModelTablePtr table, OwnedKey key, bool insert) {
    const std::optional<OwnedKey> row = DrawRow(*table, key, 0);
    if (!row) co_return Status();
    Changes& changes = ChangesOf(tx, table);
    if (insert) {
      const auto there = co_await tx.tx->Get(*table->schema, key.cells());
      if (!there) co_return Fail(there.error());
      Status status = co_await tx.tx->Insert(*table->schema, row->cells());
      if (there->has_value()) {
        EXPECT_FALSE(status);
        if (status) co_return Status();
        const bool is_duplicate = status.error().code() == ErrorCode::kErrPrimaryKeyDuplicate;
        co_return is_duplicate ? Status() : status;
      }
      if (!status) co_return status;
    } else {
      Status status = co_await tx.tx->Put(*table->schema, row->cells());
      if (!status) co_return status;
    }
    changes.insert_or_assign(key, ToRow(row->cells()));
    co_return Status();
  }

  io::Task<Status> Update(Tx& tx, ModelTablePtr table, OwnedKey key) {
    const std::optional<OwnedKey> row = DrawRow(*table, key, 2);
    if (!row) co_return Status();
    const auto before = co_await tx.tx->Get(*table->schema, key.cells());
    if (!before) co_return Fail(before.error());
    const Result<bool> updated = co_await tx.tx->Update(*table->schema, row->cells());
    if (!updated) co_return Fail(updated.error());
    EXPECT_EQ(*updated, before->has_value());
    if (!*updated) co_return Status();
    Row after = **before;
    for (std::size_t i = table->columns.key_count; i < after.size(); ++i) {
      if (!row->cells()[i].is_nop()) after[i] = Cell(row->cells()[i]);
    }
    ChangesOf(tx, table).insert_or_assign(key, std::move(after));
    co_return Status();
  }

  io::Task<Status> Delete(Tx& tx, ModelTablePtr table, OwnedKey key) {
    Status status = co_await tx.tx->Delete(*table->schema, key.cells());
    if (status) ChangesOf(tx, table).insert_or_assign(key, std::nullopt);
    co_return status;
  }

  io::Task<Status> SaveOrUndo(Tx& tx) {
    if (tx.savepoints.empty() || random_.OneIn(2)) {
      tx.savepoints.emplace_back(tx.tx->CreateSavepoint(), tx.changes);
      co_return Status();
    }
    tx.savepoints.resize(1 + random_.Below(tx.savepoints.size()));
    tx.changes = tx.savepoints.back().second;
    co_return tx.tx->RollbackTo(tx.savepoints.back().first);
  }

  io::Task<Status> Get(Tx& tx, ModelTablePtr table, OwnedKey key) {
    const auto row = co_await tx.tx->Get(*table->schema, key.cells());
    if (!row) co_return Fail(row.error());
    Observe(tx, table, key, row->has_value() ? std::vector<Row>{**row} : std::vector<Row>{});
    co_return Status();
  }

  io::Task<Status> Scan(Tx& tx, ModelTablePtr table) {
    Reading reading{.table = table,
                    .snapshot = tx.tx->snapshot(),
                    .changes = ChangesOf(tx, table),
                    .range = DrawRange(*table),
                    .direction = DrawDirection(),
                    .rows = {}};
    auto scan = tx.tx->Scan(*table->schema, reading.range.range(), reading.direction);
    if (!scan) co_return Fail(scan.error());
    co_return co_await Finish(**scan, std::move(reading));
  }

  Direction DrawDirection() {
    return random_.OneIn(2) ? Direction::kForward : Direction::kBackward;
  }

  OwnedRange DrawRange(const ModelTable& table) {
    OwnedRange range;
    const auto bound = [&] {
      const OwnedKey& key = table.pool[random_.Below(table.pool.size())];
      return OwnedKey(key.cells().first(1 + random_.Below(key.cells().size())));
    };
    if (!random_.OneIn(3)) range.begin = bound();
    if (!random_.OneIn(3)) range.end = bound();
    range.begin_included = random_.OneIn(2);
    range.end_included = random_.OneIn(2);
    return range;
  }

  io::Task<Status> Finish(TableScan& scan, Reading reading) {
    RowBatch batch = scan.NewBatch();
    const std::size_t batch_rows = 1 + random_.Below(10);
    for (bool more = true; more;) {
      const Result<bool> fetched = co_await scan.Fetch(batch, batch_rows);
      if (!fetched) co_return Fail(fetched.error());
      more = *fetched;
      for (std::size_t i = 0; i < batch.size(); ++i) reading.rows.push_back(ToRow(batch.row(i)));
    }
    readings_.push_back(std::move(reading));
    co_return Status();
  }

  // ---- Readers of snapshots

  io::Task<Status> ReadTheOldAndTheNew() {
    for (const ModelTablePtr& table : tables_) {
      for (int i = 0; i < 6; ++i) {
        Scn snapshot = tenant_->snapshot();
        if (i > 0 && !commitments_.empty()) {
          const Scn version = commitments_[random_.Below(commitments_.size())].version;
          snapshot = Scn{version.value - random_.Below(2)};
        }
        Status status = co_await ReadAt(table, snapshot);
        if (!status) {
          const bool is_discarded = status.error().code() == ErrorCode::kSnapshotDiscarded;
          if (!is_discarded || snapshot >= discarded_) co_return status;
        }
      }
    }
    co_return Status();
  }

  io::Task<Status> ReadAt(ModelTablePtr table, Scn snapshot) {
    Reading reading{.table = table,
                    .snapshot = snapshot,
                    .changes = Changes(table->less),
                    .range = {},
                    .direction = DrawDirection(),
                    .rows = {}};
    if (random_.OneIn(2)) reading.range = DrawRange(*table);
    if (random_.OneIn(3)) {
      const OwnedKey& key = table->pool[random_.Below(table->pool.size())];
      reading.range = {.begin = key, .end = key, .begin_included = true, .end_included = true};
      const auto row = co_await tenant_->Get(table->schema, key.cells(), snapshot);
      if (!row) co_return Fail(row.error());
      if (row->has_value()) reading.rows.push_back(**row);
      readings_.push_back(std::move(reading));
      co_return Status();
    }
    auto scan = tenant_->Scan(table->schema, reading.range.range(), reading.direction, snapshot);
    if (!scan) co_return Fail(scan.error());
    co_return co_await Finish(**scan, std::move(reading));
  }

  // ---- The verdict

  void Judge() {
    for (const Commitment& commitment : commitments_) JudgeCommit(commitment);
    for (const Reading& reading : readings_) {
      if (!reading.table->is_leaving) JudgeReading(reading);
      if (testing::Test::HasFailure()) return;
    }
    judged_ += readings_.size();
    readings_.clear();
  }

  // Nobody else has changed the same rows between its snapshot and its version.
  static void JudgeCommit(const Commitment& commitment) {
    for (const auto& [table, changes] : commitment.changes) {
      for (const auto& [key, row] : changes) {
        for (const auto& [version, other] : table->versions.at(key)) {
          EXPECT_FALSE(commitment.snapshot < version && version < commitment.version)
              << "an update was lost";
        }
      }
    }
  }

  static void JudgeReading(const Reading& reading) {
    const ModelTable& table = *reading.table;
    std::vector<std::pair<OwnedKey, Row>> expected;
    for (const auto& [key, row] : table.At(reading.snapshot, reading.changes)) {
      if (row && reading.range.Contains(table, key)) expected.emplace_back(key, *row);
    }
    if (reading.direction == Direction::kBackward) std::ranges::reverse(expected);
    ASSERT_EQ(reading.rows.size(), expected.size())
        << table.schema->name() << " at " << reading.snapshot.value;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_TRUE(SameRow(table, expected[i].first, expected[i].second, reading.rows[i]))
          << table.schema->name() << " at " << reading.snapshot.value << ", row " << i;
    }
  }

  io::SimWorld world_;
  io::Random random_;
  RowMaker maker_;
  RandomSchemas schemas_;
  std::uint64_t seed_;
  std::unique_ptr<Tenant> tenant_;
  std::vector<ModelTablePtr> tables_;
  int next_table_ = 0;
  std::vector<Commitment> commitments_;
  std::vector<Reading> readings_;
  // Versions from here on are there in any case.
  Scn discarded_{0};
  Status failure_;
  std::uint64_t commits_ = 0;
  std::uint64_t judged_ = 0;
};

// OBBAK_MODEL_SEEDS=2000 looks further.
std::uint64_t Seeds() {
  const char* seeds = std::getenv("OBBAK_MODEL_SEEDS");
  return seeds == nullptr ? 60 : std::strtoul(seeds, nullptr, 10);
}

TEST(TenantModel, WhateverIsReadIsWhatAMapOfVersionsSays) {
  std::uint64_t commits = 0;
  std::uint64_t readings = 0;
  for (std::uint64_t seed = 0; seed < Seeds(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ModelWorld world(seed);
    world.Run();
    if (HasFailure()) return;
    commits += world.commits();
    readings += world.readings();
  }
  EXPECT_GT(commits, 10 * Seeds());
  EXPECT_GT(readings, 30 * Seeds());
}

}  // namespace
}  // namespace obbak::engine
