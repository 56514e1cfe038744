// TxContext: what one log stream knows of one transaction (ObPartTransCtx).
// docs/spec/clog-and-archive.md §11, §14; docs/spec/system-data.md §1.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "engine/clog.h"
#include "engine/memtable.h"
#include "format/addr.h"
#include "format/ids.h"
#include "format/tx_ids.h"
#include "format/tx_log_records.h"

namespace obbak::format {
class TxLogBlockBuilder;
}  // namespace obbak::format

namespace obbak::engine {

// Where a transaction's logs go.
class TxLogSink {
 public:
  // One log entry. Its bytes are copied.
  virtual Result<Clog::Appended> Append(ByteView payload) = 0;
  // A multi-data-source node is in the log, at `scn`; its commit or abort comes later.
  virtual Status OnMdsLogged(format::TxId tx, const format::TxBufferNode& node,
                             format::Scn scn) = 0;

 protected:
  ~TxLogSink() = default;
};

// Who the writer is, in the header of every block.
struct TxOrigin {
  std::int64_t cluster_id = 1;
  format::Addr scheduler;
};

// The same class serves whoever executes a transaction and whoever replays its logs: what it has
// logged and what it has read from the log is one state. Memory of the writes is that of their
// MemTables, which the context keeps alive.
class TxContext {
 public:
  enum class State { kActive, kPrepared, kCommitted, kAborted };

  // `origin` and `sink` must outlive the context.
  TxContext(format::LsId ls, format::TxId tx, format::Scn snapshot, const TxOrigin& origin,
            TxLogSink& sink);
  TxContext(const TxContext&) = delete;
  TxContext& operator=(const TxContext&) = delete;
  // Undecided writes are rolled back in memory; nothing is logged.
  ~TxContext();

  format::LsId ls() const { return ls_; }
  format::TxId id() const { return handle_.id; }
  State state() const { return state_; }
  TxHandle& handle() { return handle_; }

  // SCN of the first log entry; invalid as long as nothing is in the log.
  format::Scn first_scn() const { return first_scn_; }
  format::Scn last_scn() const { return last_scn_; }
  // Behind the last log entry: what to wait for.
  format::Lsn end_lsn() const { return end_lsn_; }
  bool has_logs() const { return first_scn_.IsValid(); }
  bool has_work() const { return has_logs() || !handle_.writes.empty() || !mds_.empty(); }
  // Bytes of redo that is not in the log yet, about.
  std::size_t pending_bytes() const { return pending_bytes_; }

  // Where the prepare log is and what it says; meaningful from kPrepared on.
  format::Lsn prepare_lsn() const { return prepare_lsn_; }
  format::Scn prepare_scn() const { return prepare_scn_; }
  // Of a two-phase commit: the log stream whose context knows all participants. Its own has
  // them in participants(). Set by the commit-info log.
  format::LsId upstream() const { return upstream_; }
  const std::vector<format::LsId>& participants() const { return participants_; }
  bool is_two_phase() const { return upstream_ != format::kInvalidLsId; }
  format::Scn commit_version() const { return commit_version_; }
  // SCN of the commit or abort log; invalid while there is none.
  format::Scn end_scn() const { return end_scn_; }
  // Every participant's prepare log, as the commit log of a two-phase commit names them.
  const std::vector<format::LsLogInfo>& prepares() const { return prepares_; }
  // No log of this transaction will follow: aborted, committed, or, in two phases, cleared.
  bool is_over() const {
    // At replay a clear log may be all that is seen of a transaction.
    return state_ == State::kAborted || is_cleared_ ||
           (state_ == State::kCommitted && !is_two_phase());
  }
  const std::vector<format::TxBufferNode>& mds() const { return mds_; }

  // ---- Execution

  // A write was made with handle(). `table` lies in `tablet`, whose schema has this version.
  void AddWrite(const WriteNode& node, const std::shared_ptr<MemTable>& table,
                format::TabletId tablet, std::int64_t schema_version);
  void AddMds(format::TxDataSourceType type, std::string data);

  // Logs all pending redo and multi-data-source nodes now, before the end of the transaction.
  Status LogPending();
  // Undoes writes with a sequence above `to`, in the log too where they are there.
  Status RollbackTo(format::TxSeq to);

  // One log stream: redo, commit info and commit. Returns the commit version.
  Result<format::Scn> LogCommit();
  // Two phases, 1: redo, commit info and prepare. `root` is the participant that lists all.
  Status LogPrepare(format::LsId root, std::span<const format::LsId> participants);
  // 2: everybody is prepared. `prepares` names every participant's prepare log.
  Status LogCommit(format::Scn version, std::span<const format::LsLogInfo> prepares);
  // 3: everybody's commit is durable.
  Status LogClear();
  // If there is anything in the log. The writes are rolled back.
  Status Abort();

  // The commit has become durable: the writes get their version. LogCommit came before, of either
  // kind, or for two phases `version` is decided.
  void CommitWrites(format::Scn version);
  // Two phases, without a commit log so far: the logs of all participants leave no other outcome.
  void DecideCommit(format::Scn version);

  // ---- Replay; errors say what makes no sense.

  void ReplayEntry(format::Scn scn, format::Lsn lsn, format::Lsn end_lsn, bool has_redo_or_mds);
  void KeepTable(const std::shared_ptr<MemTable>& table);
  Status ReplayMds(const format::TxMultiDataSourceLog& log, format::Scn scn);
  void ReplayRollbackTo(const format::TxRollbackToLog& log);
  void ReplayCommitInfo(const format::TxCommitInfoLog& log);
  void ReplayPrepare(format::Scn scn, format::Lsn lsn);
  // Sets version and end; the multi-data-source nodes of the log replace what is known.
  void ReplayCommit(const format::TxCommitLog& log, format::Scn scn);
  void ReplayAbort(const format::TxAbortLog& log, format::Scn scn);
  void ReplayClear() { is_cleared_ = true; }

 private:
  // What the redo must say of the MemTable that a write is in.
  struct Table {
    std::shared_ptr<MemTable> memtable;
    format::TabletId tablet;
    std::int64_t schema_version = 0;
  };

  using AddTail = std::function<void(format::TxLogBlockBuilder&)>;

  format::TxLogBlockBuilder NewBlock() const;
  Result<Clog::Appended> AppendBlock(format::TxLogBlockBuilder&& block);
  Status LogMds();
  // Logs the pending redo; the last block, which may have none, gets the logs of `add_tail`.
  Result<Clog::Appended> LogRedoAnd(const AddTail& add_tail);
  // A mutator of pending writes from `at` on, as many as one log takes; moves `at` behind them.
  Result<Bytes> MakeMutator(TxHandle::Writes::iterator& at);
  TxHandle::Writes::iterator FirstPending();
  const Table& TableOf(const WriteNode& node) const;
  format::TxCommitInfoLog CommitInfo() const;
  format::TxDataBackup DataBackup() const { return {first_scn_}; }

  format::LsId ls_;
  TxHandle handle_;
  const TxOrigin* origin_;
  TxLogSink* sink_;
  State state_ = State::kActive;

  std::vector<Table> tables_;
  std::size_t pending_bytes_ = 0;
  format::TxSeq logged_seq_;  // of the last write whose redo is in the log

  std::vector<format::TxBufferNode> mds_;
  std::size_t logged_mds_ = 0;

  std::int64_t next_entry_no_ = 0;
  format::Scn first_scn_;
  format::Scn last_scn_;
  format::Lsn end_lsn_{0};
  std::vector<format::Lsn> redo_lsns_;

  format::LsId upstream_ = format::kInvalidLsId;
  std::vector<format::LsId> participants_;
  format::Lsn prepare_lsn_;
  format::Scn prepare_scn_;
  format::Scn commit_version_;
  format::Scn end_scn_;
  std::vector<format::LsLogInfo> prepares_;
  bool is_cleared_ = false;
};

}  // namespace obbak::engine
