#include "format/tx_log_inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "format/mds_payload.h"
#include "format/tx_log_block.h"
#include "format/tx_log_codec.h"

namespace obbak::format {
namespace {

void DissectLog(Decoder& in) {
  const TxLogType type = DecodeTxLogType(in);
  const bool known = VisitTxLogType(type, [&](auto&& log) { DecodeField(in, "body", log); });
  if (known) return;
  const Decoder::Scope scope(in, "body", FieldKind::kFraming);
  SkipTxLogBody(in, type);
}

std::string TransTypeText(TransType type) {
  const std::string_view name = NameOf(type);
  return name.empty() ? fmt::format("trans_type {}", static_cast<int>(type)) : std::string(name);
}

std::string Join(const std::vector<TxBufferNode>& nodes) {
  std::string text;
  for (const TxBufferNode& node : nodes) {
    if (!text.empty()) text += "; ";
    text += Summary(node);
  }
  return text;
}

// ", " before `nodes` when there are any.
std::string Append(const std::vector<TxBufferNode>& nodes) {
  return nodes.empty() ? std::string() : ", " + Join(nodes);
}

std::string LsList(const std::vector<LsId>& list) {
  std::string text;
  for (const LsId ls : list) text += fmt::format("{}{}", text.empty() ? "" : ", ", ls.value);
  return text;
}

struct LineText {
  std::string operator()(const TxRedoLog& log) const {
    const Result<MutatorReader> reader = MutatorReader::Open(log.mutator);
    if (!reader) return reader.error().ToString();
    return fmt::format("{} rows, {} bytes", reader->meta().row_count, log.mutator.size());
  }
  std::string operator()(const TxRollbackToLog& log) const {
    return fmt::format("undo seq {} down to {}", log.from.value, log.to.value);
  }
  std::string operator()(const TxMultiDataSourceLog& log) const { return Join(log.data); }
  std::string operator()(const TxActiveInfoLog& log) const {
    return fmt::format("{}, session {}, schema version {}", TransTypeText(log.trans_type),
                       log.session_id, log.schema_version);
  }
  std::string operator()(const TxRecordLog& log) const {
    return fmt::format("{} redo entries", log.redo_lsns.size());
  }
  std::string operator()(const TxCommitInfoLog& log) const {
    return fmt::format("participants [{}], upstream {}, {} redo entries", LsList(log.participants),
                       log.upstream.value, log.redo_lsns.size());
  }
  std::string operator()(const TxPrepareLog& log) const {
    return fmt::format("previous log {}", NameOf(log.prev_log_type.value));
  }
  std::string operator()(const TxCommitLog& log) const {
    const std::string version = log.commit_version.IsValid()
                                    ? fmt::to_string(log.commit_version.value)
                                    : std::string("is the entry's SCN");
    return fmt::format("{}, commit version {}{}", TransTypeText(log.trans_type), version,
                       Append(log.multi_source_data));
  }
  std::string operator()(const TxAbortLog& log) const {
    return "rolled back" + Append(log.multi_source_data);
  }
  std::string operator()(const TxClearLog&) const { return "may be forgotten"; }
  std::string operator()(const TxStartWorkingLog& log) const {
    return fmt::format("leader epoch {:#x}", log.leader_epoch);
  }
  std::string operator()(const TxBigSegmentLog& log) const {
    return fmt::format("part of {} bytes, {} bytes follow", log.part.size(),
                       log.header.remain_length);
  }
};

// Appends the rows of one redo that begins at `offset`.
Status AppendRows(ByteView mutator, std::size_t offset, std::vector<RowChange>& changes) {
  Result<MutatorReader> reader = MutatorReader::Open(mutator);
  if (!reader) return Fail(std::move(reader).error().ShiftOffset(offset));
  for (std::size_t index = 0;; ++index) {
    Result<std::optional<MutatorEntry>> entry = reader->Next();
    if (!entry) return Fail(std::move(entry).error().ShiftOffset(offset));
    if (!*entry) return {};
    RowChange& change = changes.emplace_back(RowChange{offset, index, **entry, {}});
    const auto* row = std::get_if<MemtableMutatorRow>(&change.entry.body);
    if (row == nullptr) continue;
    Result<std::vector<ObjView>> rowkey = RowkeyObjects(row->rowkey);
    if (!rowkey) return Fail(std::move(rowkey).error());
    change.rowkey = std::move(*rowkey);
  }
}

struct ChangeText {
  const RowChange& change;

  std::string operator()(const MemtableMutatorRow& row) const {
    std::string key;
    for (const ObjView& object : change.rowkey) {
      key += fmt::format("{}{}", key.empty() ? "" : ", ", ToText(object));
    }
    std::string dml(NameOf(row.dml_flag.value));
    if (dml.empty()) dml = fmt::format("dml {}", static_cast<int>(row.dml_flag.value));
    return fmt::format("{} tablet {} key ({}) seq {}, {} columns, {} bytes", dml,
                       change.entry.header.tablet_id.value, key, TxSeqTag::Text(row.seq_no.value),
                       row.column_cnt, row.new_row.bytes.size());
  }
  std::string operator()(const MutatorTableLock& lock) const {
    return fmt::format("TABLE_LOCK {} {} mode {} {} seq {}", NameOf(lock.obj_type.value),
                       lock.obj_id.value, static_cast<int>(lock.mode.value),
                       NameOf(lock.lock_type.value), TxSeqTag::Text(lock.seq_no.value));
  }
  std::string operator()(const ByteView& unknown) const {
    return fmt::format("row of type {}, {} bytes",
                       static_cast<int>(change.entry.header.mutator_type), unknown.size());
  }
};

}  // namespace

void DissectTxLogBlock(Decoder& in) {
  LogBaseHeader base;
  DecodeField(in, "base_header", base);
  if (!in.ok()) return;
  TxLogBlockHeader header;
  DecodeField(in, "block_header", header);
  const Decoder::Scope logs(in, "logs", FieldKind::kArray);
  for (std::int64_t i = 0; in.ok() && in.remaining() > 0; ++i) {
    const Decoder::Scope log(in, i, FieldKind::kRecord);
    DissectLog(in);
  }
}

Inspection InspectTxLogBlock(ByteView block) {
  Inspection inspection;
  Decoder in(block, &inspection.dissection);
  DissectTxLogBlock(in);
  if (Status status = in.status(); !status) {
    inspection.findings.push_back(std::move(status).error());
  }
  return inspection;
}

Result<std::vector<TxLogLine>> SummarizeTxLogBlock(ByteView block) {
  Result<TxLogBlockReader> reader = TxLogBlockReader::Open(block);
  if (!reader) return Fail(std::move(reader).error());
  std::vector<TxLogLine> lines;
  for (;;) {
    Result<std::optional<TxLogView>> view = reader->Next();
    if (!view) return Fail(std::move(view).error());
    if (!*view) return lines;
    TxLogLine& line = lines.emplace_back();
    line.type = (*view)->type;
    line.tx_id = reader->header().tx_id.value;
    line.offset = (*view)->offset;
    line.size = reader->OffsetOf((*view)->body) + (*view)->body.size() - line.offset;
    const Result<TxLog> log = DecodeTxLog(**view);
    line.text = log ? std::visit(LineText{}, *log) : log.error().ToString();
  }
}

Result<std::vector<RowChange>> RowChangesOf(ByteView block) {
  Result<TxLogBlockReader> reader = TxLogBlockReader::Open(block);
  if (!reader) return Fail(std::move(reader).error());
  std::vector<RowChange> changes;
  for (;;) {
    Result<std::optional<TxLogView>> view = reader->Next();
    if (!view) return Fail(std::move(view).error());
    if (!*view) return changes;
    if ((*view)->type != TxLogType::kRedo) continue;
    const Result<TxLog> log = DecodeTxLog(**view);
    if (!log) return Fail(log.error());
    const ByteView mutator = std::get<TxRedoLog>(*log).mutator;
    if (Status status = AppendRows(mutator, reader->OffsetOf(mutator), changes); !status) {
      return Fail(std::move(status).error());
    }
  }
}

std::string ToText(const RowChange& change) {
  return std::visit(ChangeText{change}, change.entry.body);
}

}  // namespace obbak::format
