// Transaction: reads and writes that take effect together or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/cell.h"
#include "engine/key_range.h"
#include "engine/memtable.h"
#include "engine/row_iterator.h"
#include "engine/schema.h"
#include "engine/snapshot_reader.h"
#include "format/datum.h"
#include "format/ids.h"
#include "format/mds_records.h"
#include "format/tx_ids.h"
#include "format/tx_log_records.h"
#include "io/task.h"

namespace obbak::engine {

class LogStream;
class Tablet;
class TxContext;
struct TabletView;
struct TenantCore;
struct TxPart;

// A place inside a transaction to which it can go back.
struct Savepoint {
  format::TxSeq seq;
};

// The rows of a table at one snapshot, in key order over all partitions.
class TableScan {
 public:
  static constexpr std::size_t kBatchRows = 1024;
  static constexpr std::size_t kBatchBytes = std::size_t{1} << 20;

  // Of the partitions whose views these are.
  TableScan(const TableSchema& table, std::vector<std::shared_ptr<const TabletView>> views,
            const KeyRange& range, Direction direction, format::Scn snapshot,
            const std::vector<const TxHandle*>& readers);
  TableScan(const TableScan&) = delete;
  TableScan& operator=(const TableScan&) = delete;

  RowBatch NewBatch() const { return RowBatch(columns_.size()); }
  // The next rows, in stored column order, in the place of what the batch held. False: there are
  // none behind these.
  io::Task<Result<bool>> Fetch(RowBatch& batch, std::size_t max_rows = kBatchRows);

  // Gives every row that is left to `take`, whose failure ends the scan. `take` must live until the
  // task has ended: name it, don't write it into the call.
  using TakeRow = std::function<Status(std::span<const format::Datum> row)>;
  io::Task<Status> ForEach(const TakeRow& take);

 private:
  StoredColumns columns_;
  std::vector<std::shared_ptr<const TabletView>> views_;
  std::unique_ptr<SnapshotScan> rows_;
};

// Reads see the tenant as it was at snapshot(), and the transaction's own writes. A write fails
// when somebody else has written the row since or is about to: OB_TRY_LOCK_ROW_CONFLICT,
// OB_TRANSACTION_SET_VIOLATION; the transaction then goes on without that write, and may be rolled
// back and tried again. One task at a time. A transaction that is neither committed nor rolled
// back must be: Rollback() before the end of its life.
class Transaction {
 public:
  Transaction(TenantCore& tenant, format::TxId id, format::Scn snapshot);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  format::TxId id() const { return id_; }
  format::Scn snapshot() const { return snapshot_; }

  // Rows and keys are in stored column order and checked against the schema.

  // Fails with OB_ERR_PRIMARY_KEY_DUPLICATE when there is a row with this key.
  io::Task<Status> Insert(const TableSchema& table, std::span<const format::Datum> row);
  // Inserts the row or replaces the one with this key, without reading it.
  io::Task<Status> Put(const TableSchema& table, std::span<const format::Datum> row);
  // Changes the columns that are not NOP. False when there is no such row.
  io::Task<Result<bool>> Update(const TableSchema& table, std::span<const format::Datum> row);
  // Deletes the row, whether it exists or not, without reading it.
  io::Task<Status> Delete(const TableSchema& table, std::span<const format::Datum> rowkey);

  io::Task<Result<std::optional<Row>>> Get(const TableSchema& table,
                                           std::span<const format::Datum> rowkey);
  // Must not outlive the transaction, which may go on writing meanwhile; whether the scan shows
  // those writes is undefined. `range` need not outlive the call.
  Result<std::unique_ptr<TableScan>> Scan(const TableSchema& table, const KeyRange& range = {},
                                          Direction direction = Direction::kForward);

  Savepoint CreateSavepoint() const { return {format::MakeTxSeq(next_seq_ - 1)}; }
  // Undoes the writes since then.
  Status RollbackTo(Savepoint savepoint);

  // Adds a change that is not a row to the part of the transaction on a log stream.
  // The context lives until the transaction's end.
  Result<TxContext*> RegisterMultiDataSource(format::LsId ls, format::TxDataSourceType type,
                                             std::string data);

  // Returns the commit version once the transaction is durable and every later snapshot shows it.
  // After an error it is rolled back, or, when the error is that of a log, nobody knows before the
  // tenant is opened again.
  io::Task<Result<format::Scn>> Commit();
  Status Rollback();

 private:
  enum class State { kActive, kCommitted, kRolledBack };

  Result<TxContext*> ContextOn(format::LsId ls);
  io::Task<Status> Write(const TableSchema& table, format::DmlFlag dml,
                         std::span<const format::Datum> cells);
  Status CheckActive() const;
  // nullptr: nothing was written there.
  const TxHandle* HandleOn(format::LsId ls) const;
  std::vector<TxPart> TakeParts();
  Status Undo();

  TenantCore* tenant_;
  format::TxId id_;
  format::Scn snapshot_;
  std::int64_t next_seq_ = 1;
  State state_ = State::kActive;
  // Parts, by log stream; they belong to the log streams.
  std::map<format::LsId, std::pair<LogStream*, TxContext*>> contexts_;
};

// Whose undecided writes a reader sees on a log stream; empty: nobody's.
using ReaderOf = std::function<const TxHandle*(format::LsId)>;

// Reads outside of and inside transactions. kSnapshotDiscarded when versions of `snapshot` are
// gone.
io::Task<Result<std::optional<Row>>> GetRow(TenantCore& core, const TableSchema& table,
                                            std::span<const format::Datum> rowkey,
                                            format::Scn snapshot, const ReaderOf& reader_of);
Result<std::unique_ptr<TableScan>> ScanTable(TenantCore& core, const TableSchema& table,
                                             const KeyRange& range, Direction direction,
                                             format::Scn snapshot, const ReaderOf& reader_of);

}  // namespace obbak::engine
