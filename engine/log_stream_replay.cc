// LogStream's replay: log entries become what they were when they were written.
// docs/spec/clog-and-archive.md §14.3.
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/log_stream.h"
#include "engine/row_image.h"
#include "format/log_group.h"
#include "format/log_payload.h"
#include "format/mutator.h"
#include "format/tx_log_block.h"

namespace obbak::engine {
namespace {

using format::Scn;

bool HasRedoOrMds(const std::vector<format::TxLog>& logs) {
  bool ends = false;
  bool has = false;
  for (const format::TxLog& log : logs) {
    has = has || std::holds_alternative<format::TxRedoLog>(log) ||
          std::holds_alternative<format::TxMultiDataSourceLog>(log);
    ends = ends || std::holds_alternative<format::TxCommitInfoLog>(log);
  }
  // The entry of the commit info is not in its own list.
  return has && !ends;
}

Result<std::vector<format::TxLog>> DecodeLogs(format::TxLogBlockReader& block) {
  std::vector<format::TxLog> logs;
  for (;;) {
    const Result<std::optional<format::TxLogView>> view = block.Next();
    if (!view) return Fail(view.error());
    if (!view->has_value()) return logs;
    Result<format::TxLog> log = format::DecodeTxLog(**view);
    if (!log) return Fail(log.error());
    logs.push_back(*std::move(log));
  }
}

Error AtEntry(Error error, const format::LogEntry& entry) {
  return std::move(error).WithField("log entry at LSN " + std::to_string(entry.lsn.value) +
                                    ", SCN " + std::to_string(entry.scn().value));
}

}  // namespace

Status LogStream::Replay(const format::LogGroup& group) {
  for (const format::LogEntry& entry : group.entries()) {
    shared_.scns.Observe(entry.scn());
    if (Status status = Replay(entry); !status) return status;
  }
  return {};
}

Status LogStream::Replay(const format::LogEntry& entry) {
  if (entry.scn().value < record_.clog_checkpoint_scn()) return {};
  Status status = ReplayEntry(entry);
  if (!status) return Fail(AtEntry(std::move(status).error(), entry));
  return status;
}

Status LogStream::ReplayEntry(const format::LogEntry& entry) {
  const Result<format::LogBaseHeader> header = format::LoadBaseHeader(entry.payload);
  if (!header) return Fail(header.error());
  switch (header->log_type) {
    case format::LogBaseType::kTransService:
      return ReplayTransaction(entry);
    case format::LogBaseType::kTimestamp:
    case format::LogBaseType::kTransId:
      return ReplayIdLimit(entry, header->log_type);
    default:
      // Keep-alives, dictionaries and what obbak does not write change nothing here.
      return {};
  }
}

Status LogStream::ReplayIdLimit(const format::LogEntry& entry, format::LogBaseType service) {
  const auto log = format::LogPayload<format::PresistIdLog>::Decode(entry.payload);
  if (!log) return Fail(log.error());
  pb::IdLimit* limit = service == format::LogBaseType::kTimestamp
                           ? record_.mutable_timestamp_limit()
                           : record_.mutable_transaction_id_limit();
  if (log->body.limit_id <= limit->limited_id()) return {};
  limit->set_limited_id(log->body.limit_id);
  limit->set_latest_log_ts(entry.scn().value);
  return {};
}

Status LogStream::ReplayTransaction(const format::LogEntry& entry) {
  Result<format::TxLogBlockReader> block = format::TxLogBlockReader::Open(entry.payload);
  if (!block) return Fail(block.error());
  const format::TxId tx = block->header().tx_id.value;
  // Of the log stream, not of a transaction: a new leader begins to work.
  if (tx.value == 0) return {};
  const Result<std::vector<format::TxLog>> logs = DecodeLogs(*block);
  if (!logs) return Fail(logs.error());

  TxContext& context = OpenContext(tx, Scn{});
  context.ReplayEntry(entry.scn(), entry.lsn,
                      entry.lsn + format::LogEntryHeader::kSize + entry.payload.size(),
                      HasRedoOrMds(*logs));
  for (const format::TxLog& log : *logs) {
    const Status status = std::visit(
        [&](const auto& body) -> Status {
          using Log = std::decay_t<decltype(body)>;
          if constexpr (std::is_same_v<Log, format::TxRedoLog>) {
            return ReplayRedo(context, body.mutator, entry.scn());
          } else if constexpr (std::is_same_v<Log, format::TxMultiDataSourceLog>) {
            return context.ReplayMds(body, entry.scn());
          } else if constexpr (std::is_same_v<Log, format::TxRollbackToLog>) {
            context.ReplayRollbackTo(body);
          } else if constexpr (std::is_same_v<Log, format::TxCommitInfoLog>) {
            context.ReplayCommitInfo(body);
          } else if constexpr (std::is_same_v<Log, format::TxPrepareLog>) {
            context.ReplayPrepare(entry.scn(), entry.lsn);
          } else if constexpr (std::is_same_v<Log, format::TxCommitLog>) {
            context.ReplayCommit(body, entry.scn());
            context.CommitWrites(context.commit_version());
            return TakeEffect(context);
          } else if constexpr (std::is_same_v<Log, format::TxAbortLog>) {
            context.ReplayAbort(body, entry.scn());
            return TakeEffect(context);
          } else if constexpr (std::is_same_v<Log, format::TxClearLog>) {
            context.ReplayClear();
          }
          return {};
        },
        log);
    if (!status) return status;
  }
  if (context.is_over()) CloseContext(context);
  return {};
}

Status LogStream::ReplayRedo(TxContext& context, ByteView mutator, Scn scn) {
  Result<format::MutatorReader> reader = format::MutatorReader::Open(mutator);
  if (!reader) return Fail(reader.error());
  Arena values;
  std::vector<format::Datum> key;
  for (;;) {
    const Result<std::optional<format::MutatorEntry>> entry = reader->Next();
    if (!entry) return Fail(entry.error());
    if (!entry->has_value()) return {};
    const auto* row = std::get_if<format::MemtableMutatorRow>(&(*entry)->body);
    if (row == nullptr) continue;
    Tablet* tablet = FindTablet((*entry)->header.tablet_id);
    // Gone, or flushed.
    if (tablet == nullptr || tablet->checkpoint_scn() >= scn) continue;
    const Result<std::vector<format::ObjView>> objects = format::RowkeyObjects(row->rowkey);
    if (!objects) return Fail(objects.error());
    key.resize(tablet->columns().key_count);
    if (Status status = KeyFromObjects(tablet->columns(), *objects, values, key); !status) {
      return status;
    }
    const std::size_t bytes = tablet->active()->bytes();
    const Result<WriteNode*> node =
        tablet->active()->Replay(context.handle(), {.seq = row->seq_no,
                                                    .dml = row->dml_flag.value,
                                                    .key = key,
                                                    .image = row->new_row.bytes,
                                                    .modify_count = row->update_seq,
                                                    .acc_checksum = row->acc_checksum});
    if (!node) return Fail(node.error());
    active_bytes_ += tablet->active()->bytes() - bytes;
    context.KeepTable(tablet->active());
  }
}

}  // namespace obbak::engine
