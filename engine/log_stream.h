// LogStream: a part of the tenant with a commit log of its own - its tablets and the transactions
// that are open on them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/clog.h"
#include "engine/env.h"
#include "engine/manifest.pb.h"
#include "engine/scn_service.h"
#include "engine/sstable.h"
#include "engine/tablet.h"
#include "engine/tx_context.h"
#include "format/ids.h"
#include "format/log_base_header.h"
#include "format/tx_ids.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::format {
struct BatchCreateTabletArg;
struct TxStartTransferInInfo;
struct LogEntry;
}  // namespace obbak::format

namespace obbak::engine {

class LogStream;

// What the log streams of a tenant share; outlives them.
struct LogStreamShared {
  Env env;
  ScnService& scns;
  const SstableStore& store;
  const TxOrigin& origin;
  // All of them: a tablet that moves brings its SSTables along.
  const std::map<format::LsId, std::unique_ptr<LogStream>>& streams;
};

class LogStream final : public TxLogSink {
 public:
  struct Arrival {
    format::TabletId tablet;
    format::LsId from;
  };

  // Of a new log stream, or of one that the manifest names. The clog and the tablets are added
  // afterwards.
  LogStream(const LogStreamShared& shared, pb::LogStream record);
  LogStream(const LogStream&) = delete;
  LogStream& operator=(const LogStream&) = delete;
  ~LogStream();

  format::LsId id() const { return id_; }
  // The manifest's record, as the next checkpoint shall have it.
  const pb::LogStream& record() const { return record_; }
  pb::LogStream& mutable_record() { return record_; }

  // ---- The log
  void AttachClog(std::unique_ptr<Clog> clog) { clog_ = std::move(clog); }
  bool has_clog() const { return clog_ != nullptr; }
  Clog& clog() { return *clog_; }
  const Clog& clog() const { return *clog_; }
  // An entry with a new SCN.
  Result<Clog::Appended> Append(ByteView payload) override;
  // The first log of a leader; so it takes the next SCN of its log, not the time.
  Status StartWorking();
  Status OnMdsLogged(format::TxId tx, const format::TxBufferNode& node, format::Scn scn) override;

  // Log blocks from here on stay, whatever the checkpoint: who archives the log moves this on.
  // kInvalidLsn: nobody needs them.
  void KeepLogFrom(format::Lsn lsn) { keep_from_ = lsn; }
  // Blocks below it are free.
  format::Lsn recyclable_lsn() const {
    return std::min(format::Lsn{record_.clog_base_lsn()}, keep_from_);
  }

  // ---- Tablets
  void AddTablet(std::shared_ptr<Tablet> tablet);
  // Tablets that were dropped since the last call; the manifest is to forget them. Until it has,
  // they must live: it names their blocks, and nothing else may be written there.
  std::vector<std::shared_ptr<Tablet>> TakeDropped() { return std::exchange(dropped_, {}); }
  // nullptr: not here.
  Tablet* FindTablet(format::TabletId id) const;
  bool IsCreationCommitted(format::TabletId id) const { return !creations_.contains(id); }
  const std::map<format::TabletId, std::shared_ptr<Tablet>>& tablets() const { return tablets_; }
  // Memory of all MemTables.
  std::size_t memtable_bytes() const;

  // Memory of the active MemTables, counted since the last freeze, replayed changes included.
  // Returns the sum.
  std::size_t AddActiveBytes(std::size_t bytes) { return active_bytes_ += bytes; }
  std::size_t active_bytes() const { return active_bytes_; }

  // ---- Transactions
  TxContext& OpenContext(format::TxId tx, format::Scn snapshot);
  TxContext* FindContext(format::TxId tx) const;
  const std::unordered_map<std::int64_t, std::unique_ptr<TxContext>>& contexts() const {
    return contexts_;
  }
  // The commit or abort is decided (commit: and durable, its rows carry their versions): its
  // multi-data-source nodes take effect.
  Status TakeEffect(TxContext& context);
  // The transaction needs nothing of its logs any more.
  void CloseContext(TxContext& context);
  // Some transaction was decided; for who waits for frozen MemTables.
  io::WaitQueue& decided() { return decided_; }

  // ---- Freeze and checkpoint

  // Every open transaction's redo is logged; then the active MemTables end. What they hold has
  // redo up to the returned SCN, and whatever comes has it above.
  Result<format::Scn> Freeze();
  // The same where that is known: all redo in memory is up to `end`, and logged.
  void FreezeAt(format::Scn end);
  // The highest SCN up to `applied` such that all effects of log entries up to it are in SSTables
  // or in metas of tablets, and no open transaction has logs up to it. `applied`: every entry up to
  // it is durable and has had its effect.
  //
  // It may lie between the logs of a transaction that has ended: replay then begins in its middle.
  // Its end is replayed in any case - a standby is never asked for a point before one of its
  // checkpoints -, and what it wrote carries its version already.
  format::Scn SafeCheckpoint(format::Scn applied);

  // ---- Replay

  // One group of the log, in order. Entries below the record's checkpoint are passed over.
  Status Replay(const format::LogGroup& group);
  // One entry, in order; the same. Who replays entries sees to what SCNs are given out next.
  Status Replay(const format::LogEntry& entry);
  // Tablets whose arrival from another log stream was replayed since the last call, and may be
  // committed by an entry to come: their data must be in SSTables of the other log stream by then.
  std::vector<Arrival> TakeArrivals() { return std::exchange(arrivals_, {}); }

 private:
  Status ReplayEntry(const format::LogEntry& entry);
  Status ReplayTransaction(const format::LogEntry& entry);
  Status ReplayRedo(TxContext& context, ByteView mutator, format::Scn scn);
  Status ReplayIdLimit(const format::LogEntry& entry, format::LogBaseType service);

  Status CreateTablets(const format::BatchCreateTabletArg& arg, format::Scn scn);
  Status ReceiveTablets(const format::TxStartTransferInInfo& info, format::Scn scn);
  // Committed: they have their data now.
  Status FinishReceiving(const TxContext& context, const format::TxStartTransferInInfo& info);
  Status CommitNode(const TxContext& context, const format::TxBufferNode& node);
  // The tablet, unless it has that change already, or later ones: at replay a tablet of the
  // manifest may be newer than the log entry, and even have left and come back since.
  Tablet* FindUnchanged(format::TabletId id, format::Scn commit_scn) const;
  void Drop(format::TabletId id, format::Scn commit_scn);
  Status AbortNode(const format::TxBufferNode& node);

  LogStreamShared shared_;
  format::LsId id_;
  pb::LogStream record_;
  std::unique_ptr<Clog> clog_;
  std::map<format::TabletId, std::shared_ptr<Tablet>> tablets_;
  std::unordered_map<std::int64_t, std::unique_ptr<TxContext>> contexts_;  // by transaction id
  // Tablets whose creation is not committed, with the SCN of the log entry that says it.
  std::map<format::TabletId, format::Scn> creations_;
  std::vector<Arrival> arrivals_;
  std::vector<std::shared_ptr<Tablet>> dropped_;
  format::Lsn keep_from_ = format::kInvalidLsn;
  std::size_t active_bytes_ = 0;
  io::WaitQueue decided_;
};

}  // namespace obbak::engine
