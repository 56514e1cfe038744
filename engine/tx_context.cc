#include "engine/tx_context.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "engine/row_image.h"
#include "format/mutator.h"
#include "format/tx_log_block.h"

namespace obbak::engine {
namespace {

using format::LsId;
using format::Lsn;
using format::Scn;
using format::TxSeq;

// A mutator is closed once it is longer than this; one more row always fits into the log, and so
// do the logs behind it.
constexpr std::size_t kMutatorTarget = std::size_t{256} << 10;
// What a row takes in the redo besides its key and image, about.
constexpr std::size_t kRowOverhead = 64;

}  // namespace

TxContext::TxContext(LsId ls, format::TxId tx, Scn snapshot, const TxOrigin& origin,
                     TxLogSink& sink)
    : ls_(ls), origin_(&origin), sink_(&sink) {
  handle_.id = tx;
  handle_.snapshot = snapshot;
}

TxContext::~TxContext() { RollbackWrites(handle_, TxSeq{0}); }

void TxContext::KeepTable(const std::shared_ptr<MemTable>& table) {
  const bool known = std::ranges::any_of(
      tables_, [&](const Table& known_table) { return known_table.memtable == table; });
  if (!known) tables_.push_back({.memtable = table, .tablet = {}, .schema_version = 0});
}

void TxContext::AddWrite(const WriteNode& node, const std::shared_ptr<MemTable>& table,
                         format::TabletId tablet, std::int64_t schema_version) {
  pending_bytes_ += node.image.size() + kRowOverhead;
  // Mostly the table of the write before.
  for (auto at = tables_.rbegin(); at != tables_.rend(); ++at) {
    if (at->memtable == table) return;
  }
  tables_.push_back({table, tablet, schema_version});
}

void TxContext::AddMds(format::TxDataSourceType type, std::string data) {
  mds_.push_back({type, std::move(data), static_cast<std::int64_t>(mds_.size()) + 1});
}

const TxContext::Table& TxContext::TableOf(const WriteNode& node) const {
  const auto found = std::ranges::find_if(
      tables_, [&](const Table& table) { return table.memtable.get() == node.row->table; });
  assert(found != tables_.end());
  return *found;
}

TxHandle::Writes::iterator TxContext::FirstPending() {
  auto first = handle_.writes.end();
  while (first != handle_.writes.begin() && std::prev(first)->seq > logged_seq_) --first;
  return first;
}

Result<Bytes> TxContext::MakeMutator(TxHandle::Writes::iterator& at) {
  format::MutatorBuilder mutator;
  std::vector<format::ObjView> key;
  for (; at != handle_.writes.end() && mutator.size() < kMutatorTarget; ++at) {
    const Table& table = TableOf(*at);
    const StoredColumns& columns = table.memtable->columns();
    key.resize(columns.key_count);
    KeyToObjects(columns, at->row->key, key);
    const Bytes objects = format::EncodeRowkeyObjects(key);
    format::MemtableMutatorRow row;
    row.rowkey = {key.size(), objects};
    row.table_version = table.schema_version;
    row.dml_flag = {at->dml};
    row.update_seq = at->modify_count;
    row.new_row = {at->image};
    row.acc_checksum = at->acc_checksum;
    row.seq_no = at->seq;
    row.column_cnt = static_cast<std::int64_t>(columns.size());
    mutator.Add(table.tablet, row);
    logged_seq_ = at->seq;
  }
  return std::move(mutator).Finish();
}

format::TxLogBlockBuilder TxContext::NewBlock() const {
  format::TxLogBlockHeader header;
  header.org_cluster_id = origin_->cluster_id;
  header.tx_id = {handle_.id};
  header.scheduler = origin_->scheduler;
  header.log_entry_no = {next_entry_no_};
  header.cluster_version = format::kDataVersion4301;
  return format::TxLogBlockBuilder(header);
}

Result<Clog::Appended> TxContext::AppendBlock(format::TxLogBlockBuilder&& block) {
  const Result<Bytes> payload = std::move(block).Finish();
  if (!payload) return Fail(payload.error());
  const Result<Clog::Appended> appended = sink_->Append(*payload);
  if (!appended) return appended;
  ++next_entry_no_;
  if (!first_scn_.IsValid()) first_scn_ = appended->scn;
  last_scn_ = appended->scn;
  end_lsn_ = appended->end_lsn;
  return appended;
}

Status TxContext::LogMds() {
  for (; logged_mds_ < mds_.size(); ++logged_mds_) {
    const format::TxBufferNode node = mds_[logged_mds_];
    format::TxLogBlockBuilder block = NewBlock();
    block.Add(format::TxMultiDataSourceLog{{node}});
    const Result<Clog::Appended> appended = AppendBlock(std::move(block));
    if (!appended) return Fail(appended.error());
    redo_lsns_.push_back(appended->lsn);
    if (Status status = sink_->OnMdsLogged(handle_.id, node, appended->scn); !status) return status;
  }
  return {};
}

Result<Clog::Appended> TxContext::LogRedoAnd(const AddTail& add_tail) {
  auto at = FirstPending();
  pending_bytes_ = 0;
  for (;;) {
    format::TxLogBlockBuilder block = NewBlock();
    Result<Bytes> mutator{Bytes()};
    if (at != handle_.writes.end()) {
      mutator = MakeMutator(at);
      if (!mutator) return Fail(mutator.error());
      block.Add(format::TxRedoLog{.ctx_redo_info = {}, .mutator = *mutator});
    }
    const bool is_last = at == handle_.writes.end();
    if (is_last && add_tail) {
      add_tail(block);
      return AppendBlock(std::move(block));
    }
    const Result<Clog::Appended> appended = AppendBlock(std::move(block));
    if (!appended) return appended;
    redo_lsns_.push_back(appended->lsn);
    if (is_last) return appended;
  }
}

Status TxContext::LogPending() {
  if (Status status = LogMds(); !status) return status;
  if (FirstPending() == handle_.writes.end()) return {};
  const Result<Clog::Appended> appended = LogRedoAnd(nullptr);
  if (!appended) return Fail(appended.error());
  return {};
}

Status TxContext::RollbackTo(TxSeq to) {
  const TxSeq newest = handle_.writes.empty() ? TxSeq{0} : handle_.writes.back().seq;
  if (newest <= to) return {};
  const bool is_logged = logged_seq_ > to;
  RollbackWrites(handle_, to);
  if (!is_logged) return {};
  format::TxLogBlockBuilder block = NewBlock();
  block.Add(format::TxRollbackToLog{.from = newest, .to = to});
  const Result<Clog::Appended> appended = AppendBlock(std::move(block));
  if (!appended) return Fail(appended.error());
  return {};
}

format::TxCommitInfoLog TxContext::CommitInfo() const {
  format::TxCommitInfoLog log;
  log.scheduler = origin_->scheduler;
  log.participants = participants_;
  log.upstream = upstream_;
  log.redo_lsns = redo_lsns_;
  return log;
}

Result<Scn> TxContext::LogCommit() {
  if (Status status = LogMds(); !status) return Fail(status.error());
  participants_ = {ls_};
  const Result<Clog::Appended> appended = LogRedoAnd([this](format::TxLogBlockBuilder& block) {
    block.Add(CommitInfo());
    format::TxCommitLog commit;
    commit.trans_type = format::TransType::kSp;
    commit.multi_source_data = mds_;
    commit.tx_data_backup = DataBackup();
    commit.prev_log_type = {format::PrevLogType::kSelf};
    block.Add(commit);
  });
  if (!appended) return Fail(appended.error());
  state_ = State::kCommitted;
  commit_version_ = end_scn_ = appended->scn;
  return appended->scn;
}

Status TxContext::LogPrepare(LsId root, std::span<const LsId> participants) {
  if (Status status = LogMds(); !status) return status;
  upstream_ = root;
  if (ls_ == root) participants_.assign(participants.begin(), participants.end());
  const Result<Clog::Appended> appended = LogRedoAnd([this](format::TxLogBlockBuilder& block) {
    format::TxCommitInfoLog info = CommitInfo();
    for (const LsId participant : participants_)
      info.commit_parts.push_back({.ls_id = participant});
    block.Add(info);
    format::TxPrepareLog prepare;
    prepare.prev_log_type = {format::PrevLogType::kSelf};
    block.Add(prepare);
  });
  if (!appended) return Fail(appended.error());
  state_ = State::kPrepared;
  prepare_lsn_ = appended->lsn;
  prepare_scn_ = appended->scn;
  return {};
}

Status TxContext::LogCommit(Scn version, std::span<const format::LsLogInfo> prepares) {
  assert(state_ == State::kPrepared);
  format::TxCommitLog commit;
  commit.commit_version = version;
  commit.multi_source_data = mds_;
  commit.trans_type = format::TransType::kDist;
  commit.tx_data_backup = DataBackup();
  commit.prev_lsn = prepare_lsn_;
  commit.ls_log_info_arr.assign(prepares.begin(), prepares.end());
  commit.prev_log_type = {format::PrevLogType::kPrepare};
  format::TxLogBlockBuilder block = NewBlock();
  block.Add(commit);
  const Result<Clog::Appended> appended = AppendBlock(std::move(block));
  if (!appended) return Fail(appended.error());
  state_ = State::kCommitted;
  commit_version_ = version;
  end_scn_ = appended->scn;
  prepares_ = std::move(commit.ls_log_info_arr);
  return {};
}

Status TxContext::LogClear() {
  format::TxLogBlockBuilder block = NewBlock();
  block.Add(format::TxClearLog{});
  const Result<Clog::Appended> appended = AppendBlock(std::move(block));
  if (!appended) return Fail(appended.error());
  is_cleared_ = true;
  return {};
}

Status TxContext::Abort() {
  RollbackWrites(handle_, TxSeq{0});
  state_ = State::kAborted;
  if (!has_logs()) return {};
  format::TxAbortLog abort;
  abort.multi_source_data = mds_;
  abort.tx_data_backup = DataBackup();
  format::TxLogBlockBuilder block = NewBlock();
  block.Add(abort);
  const Result<Clog::Appended> appended = AppendBlock(std::move(block));
  if (!appended) return Fail(appended.error());
  end_scn_ = appended->scn;
  return {};
}

void TxContext::CommitWrites(Scn version) {
  commit_version_ = version;
  engine::CommitWrites(handle_, version);
}

void TxContext::DecideCommit(Scn version) {
  state_ = State::kCommitted;
  // The commit log, which has a higher SCN, will say so again.
  end_scn_ = version;
  CommitWrites(version);
}

void TxContext::ReplayEntry(Scn scn, Lsn lsn, Lsn end_lsn, bool has_redo_or_mds) {
  ++next_entry_no_;
  if (!first_scn_.IsValid()) first_scn_ = scn;
  last_scn_ = scn;
  end_lsn_ = end_lsn;
  if (has_redo_or_mds) redo_lsns_.push_back(lsn);
}

Status TxContext::ReplayMds(const format::TxMultiDataSourceLog& log, Scn scn) {
  for (const format::TxBufferNode& node : log.data) {
    mds_.push_back(node);
    ++logged_mds_;
    if (Status status = sink_->OnMdsLogged(handle_.id, node, scn); !status) return status;
  }
  return {};
}

void TxContext::ReplayRollbackTo(const format::TxRollbackToLog& log) {
  RollbackWrites(handle_, log.to);
}

void TxContext::ReplayCommitInfo(const format::TxCommitInfoLog& log) {
  participants_ = log.participants;
  upstream_ = log.upstream;
}

void TxContext::ReplayPrepare(Scn scn, Lsn lsn) {
  state_ = State::kPrepared;
  prepare_scn_ = scn;
  prepare_lsn_ = lsn;
}

void TxContext::ReplayCommit(const format::TxCommitLog& log, Scn scn) {
  state_ = State::kCommitted;
  commit_version_ = log.commit_version.IsValid() ? log.commit_version : scn;
  end_scn_ = scn;
  prepares_ = log.ls_log_info_arr;
  if (!log.multi_source_data.empty()) mds_ = log.multi_source_data;
}

void TxContext::ReplayAbort(const format::TxAbortLog& log, Scn scn) {
  state_ = State::kAborted;
  end_scn_ = scn;
  if (!log.multi_source_data.empty()) mds_ = log.multi_source_data;
  RollbackWrites(handle_, TxSeq{0});
}

}  // namespace obbak::engine
