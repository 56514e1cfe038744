#include "engine/transaction.h"

#include <cassert>
#include <utility>

#include "engine/commit.h"
#include "engine/log_stream.h"
#include "engine/tablet.h"
#include "engine/tenant_core.h"

namespace obbak::engine {
namespace {

using format::Datum;
using format::DmlFlag;
using format::Scn;

// A context's redo is logged early once so much is pending: memory of a long transaction's log
// stays bounded, and its commit quick.
constexpr std::size_t kLogEarly = std::size_t{1} << 20;

Row ToRow(std::span<const Datum> cells) {
  Row row;
  row.reserve(cells.size());
  for (const Datum& cell : cells) row.emplace_back(cell);
  return row;
}

Status Discarded(const Tablet& tablet, Scn snapshot) {
  return Fail(Error(ErrorCode::kSnapshotDiscarded,
                    "versions of SCN " + std::to_string(snapshot.value) + " are gone from tablet " +
                        std::to_string(tablet.id().value) +
                        ": a major compaction keeps those from " +
                        std::to_string(tablet.multi_version_start()) + " on"));
}

StoredColumns ColumnsOf(const TableSchema& table) { return StoredColumnsOf(table.row_schema()); }

}  // namespace

TableScan::TableScan(const TableSchema& table, std::vector<std::shared_ptr<const TabletView>> views,
                     const KeyRange& range, Direction direction, Scn snapshot,
                     const std::vector<const TxHandle*>& readers)
    : columns_(ColumnsOf(table)), views_(std::move(views)) {
  std::vector<std::unique_ptr<RowIterator>> sources;
  for (std::size_t i = 0; i < views_.size(); ++i) {
    AddSources(*views_[i], range, direction, snapshot, readers[i], sources);
  }
  rows_ = std::make_unique<SnapshotScan>(
      columns_, direction, static_cast<std::int64_t>(snapshot.value), std::move(sources));
}

io::Task<Result<bool>> TableScan::Fetch(RowBatch& batch, std::size_t max_rows) {
  batch.Clear();
  co_return co_await rows_->Fetch(batch, max_rows, kBatchBytes);
}

io::Task<Status> TableScan::ForEach(const TakeRow& take) {
  RowBatch batch = NewBatch();
  for (bool more = true; more;) {
    const Result<bool> fetched = co_await Fetch(batch);
    if (!fetched) co_return Fail(fetched.error());
    more = *fetched;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (Status status = take(batch.row(i)); !status) co_return status;
    }
  }
  co_return Status();
}

Status CheckReadable(const Tablet& tablet, Scn snapshot) {
  if (static_cast<std::int64_t>(snapshot.value) < tablet.multi_version_start()) {
    return Discarded(tablet, snapshot);
  }
  return {};
}

Result<std::unique_ptr<TableScan>> ScanTable(TenantCore& core, const TableSchema& table,
                                             const KeyRange& range, Direction direction,
                                             Scn snapshot, const ReaderOf& reader_of) {
  std::vector<std::shared_ptr<const TabletView>> views;
  std::vector<const TxHandle*> readers;
  for (const format::TabletId id : table.tablets()) {
    const auto found = core.FindTablet(id);
    if (!found) return Fail(found.error());
    const auto& [stream, tablet] = *found;
    if (Status status = CheckReadable(*tablet, snapshot); !status) return Fail(status.error());
    views.push_back(tablet->view());
    readers.push_back(reader_of ? reader_of(stream->id()) : nullptr);
  }
  return std::make_unique<TableScan>(table, std::move(views), range, direction, snapshot, readers);
}

io::Task<Result<std::optional<Row>>> GetRow(TenantCore& core, const TableSchema& table,
                                            std::span<const Datum> rowkey, Scn snapshot,
                                            const ReaderOf& reader_of) {
  if (Status status = table.CheckRowkey(rowkey); !status) co_return Fail(status.error());
  const auto found = core.FindTablet(table.TabletOf(rowkey));
  if (!found) co_return Fail(found.error());
  const auto& [stream, tablet] = *found;
  if (Status status = CheckReadable(*tablet, snapshot); !status) co_return Fail(status.error());
  const TxHandle* reader = reader_of ? reader_of(stream->id()) : nullptr;
  const StoredColumns columns = ColumnsOf(table);
  RowBatch batch(columns.size());
  const Result<bool> exists =
      co_await ReadRow(columns, tablet->view(), rowkey, snapshot, reader, batch);
  if (!exists) co_return Fail(exists.error());
  if (!*exists) co_return std::optional<Row>();
  co_return std::optional<Row>(ToRow(batch.row(0)));
}

Transaction::Transaction(TenantCore& tenant, format::TxId id, Scn snapshot)
    : tenant_(&tenant), id_(id), snapshot_(snapshot) {}

Transaction::~Transaction() {
  // Only in memory; the log says nothing, which means the same.
  if (state_ == State::kActive) (void)Undo();
}

Status Transaction::CheckActive() const {
  if (state_ == State::kActive) return tenant_->CheckUsable();
  return Fail(ErrorCode::kStateNotMatch, "the transaction has ended");
}

Result<TxContext*> Transaction::ContextOn(format::LsId ls) {
  auto found = contexts_.find(ls);
  if (found == contexts_.end()) {
    LogStream* stream = tenant_->FindStream(ls);
    if (stream == nullptr) {
      return Fail(ErrorCode::kEntryNotExist, "there is no log stream " + std::to_string(ls.value));
    }
    TxContext& context = stream->OpenContext(id_, snapshot_);
    found = contexts_.emplace(ls, std::pair(stream, &context)).first;
  }
  return found->second.second;
}

const TxHandle* Transaction::HandleOn(format::LsId ls) const {
  const auto found = contexts_.find(ls);
  return found == contexts_.end() ? nullptr : &found->second.second->handle();
}

io::Task<Status> Transaction::Write(const TableSchema& table, DmlFlag dml,
                                    std::span<const Datum> cells) {
  const std::span<const Datum> rowkey = cells.first(table.rowkey_count());
  // Only who has written nothing yet: a flush waits for everybody else.
  while (contexts_.empty() && tenant_->memtable_bytes > tenant_->engine.memstore_limit) {
    tenant_->memory_used.WakeAll();
    co_await tenant_->memory_freed.Wait();
    if (Status status = tenant_->CheckUsable(); !status) co_return status;
  }
  for (std::shared_ptr<const TabletView> checked;;) {
    const auto found = tenant_->FindTablet(table.TabletOf(rowkey));
    if (!found) co_return Fail(found.error());
    const auto& [stream, tablet] = *found;
    if (tablet->is_leaving()) {
      co_return Fail(Error(ErrorCode::kTryLockRowConflict, "the tablet is being moved")
                         .WithAdvice("roll back and try again"));
    }
    // A version in an SSTable may conflict; while that is looked for, a flush may make new ones.
    if (tablet->max_flushed_version() > static_cast<std::int64_t>(snapshot_.value) &&
        checked != tablet->view()) {
      checked = tablet->view();
      const Result<std::int64_t> newest = co_await NewestFlushedVersion(checked, rowkey);
      if (!newest) co_return Fail(newest.error());
      if (*newest > static_cast<std::int64_t>(snapshot_.value)) {
        co_return Fail(ErrorCode::kTransactionSetViolation,
                       "the row was changed since the transaction began");
      }
      continue;
    }
    Result<TxContext*> context = ContextOn(stream->id());
    if (!context) co_return Fail(context.error());
    const std::size_t before = tablet->active()->bytes();
    const Result<WriteNode*> node =
        tablet->Write((*context)->handle(), format::MakeTxSeq(next_seq_), dml, cells);
    if (!node) co_return Fail(node.error());
    ++next_seq_;
    tenant_->AddMemory(*stream, tablet->active()->bytes() - before);
    (*context)->AddWrite(**node, tablet->active(), tablet->id(), tablet->format().schema_version);
    if ((*context)->pending_bytes() < kLogEarly) co_return Status();
    if (Status status = (*context)->LogPending(); !status) co_return status;
    co_return co_await stream->clog().AwaitRoom();
  }
}

io::Task<Status> Transaction::Insert(const TableSchema& table, std::span<const Datum> row) {
  if (Status status = CheckActive(); !status) co_return status;
  if (Status status = table.CheckRow(row); !status) co_return status;
  const auto there = co_await Get(table, row.first(table.rowkey_count()));
  if (!there) co_return Fail(there.error());
  if (there->has_value()) {
    co_return Fail(ErrorCode::kErrPrimaryKeyDuplicate,
                   "there is a row with this primary key in " + table.name());
  }
  co_return co_await Write(table, DmlFlag::kInsert, row);
}

io::Task<Status> Transaction::Put(const TableSchema& table, std::span<const Datum> row) {
  if (Status status = CheckActive(); !status) co_return status;
  if (Status status = table.CheckRow(row); !status) co_return status;
  co_return co_await Write(table, DmlFlag::kInsert, row);
}

io::Task<Result<bool>> Transaction::Update(const TableSchema& table, std::span<const Datum> row) {
  if (Status status = CheckActive(); !status) co_return Fail(status.error());
  const auto there = co_await Get(table, row.first(table.rowkey_count()));
  if (!there) co_return Fail(there.error());
  if (!there->has_value()) co_return false;
  std::vector<Datum> changed = Datums(**there);
  for (std::size_t i = 0; i < row.size() && i < changed.size(); ++i) {
    if (!row[i].is_nop()) changed[i] = row[i];
  }
  if (Status status = table.CheckRow(changed); !status) co_return Fail(status.error());
  if (Status status = co_await Write(table, DmlFlag::kUpdate, row); !status) {
    co_return Fail(status.error());
  }
  co_return true;
}

io::Task<Status> Transaction::Delete(const TableSchema& table, std::span<const Datum> rowkey) {
  if (Status status = CheckActive(); !status) co_return status;
  if (Status status = table.CheckRowkey(rowkey); !status) co_return status;
  co_return co_await Write(table, DmlFlag::kDelete, rowkey);
}

io::Task<Result<std::optional<Row>>> Transaction::Get(const TableSchema& table,
                                                      std::span<const Datum> rowkey) {
  if (Status status = CheckActive(); !status) co_return Fail(status.error());
  co_return co_await GetRow(*tenant_, table, rowkey, snapshot_,
                            [this](format::LsId ls) { return HandleOn(ls); });
}

Result<std::unique_ptr<TableScan>> Transaction::Scan(const TableSchema& table,
                                                     const KeyRange& range, Direction direction) {
  if (Status status = CheckActive(); !status) return Fail(status.error());
  return ScanTable(*tenant_, table, range, direction, snapshot_,
                   [this](format::LsId ls) { return HandleOn(ls); });
}

Status Transaction::RollbackTo(Savepoint savepoint) {
  if (Status status = CheckActive(); !status) return status;
  for (const auto& [ls, part] : contexts_) {
    if (Status status = part.second->RollbackTo(savepoint.seq); !status) return status;
  }
  return {};
}

Result<TxContext*> Transaction::RegisterMultiDataSource(format::LsId ls,
                                                        format::TxDataSourceType type,
                                                        std::string data) {
  if (Status status = CheckActive(); !status) return Fail(status.error());
  Result<TxContext*> context = ContextOn(ls);
  if (context) (*context)->AddMds(type, std::move(data));
  return context;
}

std::vector<TxPart> Transaction::TakeParts() {
  std::vector<TxPart> parts;
  for (const auto& [ls, part] : contexts_) parts.push_back({part.first, part.second});
  contexts_.clear();
  return parts;
}

Status Transaction::Undo() {
  state_ = State::kRolledBack;
  return AbortTransaction(TakeParts());
}

io::Task<Result<Scn>> Transaction::Commit() {
  if (Status status = CheckActive(); !status) co_return Fail(status.error());
  if (Status status = tenant_->ReserveIds(); !status) co_return Fail(status.error());
  state_ = State::kCommitted;
  co_return co_await CommitTransaction(*tenant_, TakeParts());
}

Status Transaction::Rollback() {
  if (Status status = CheckActive(); !status) return status;
  return Undo();
}

}  // namespace obbak::engine
