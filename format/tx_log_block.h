// Transaction log block: the payload of a log entry of type 1, a header and the logs of one
// transaction. docs/spec/clog-and-archive.md §11, §14.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "format/encoder.h"
#include "format/log_base_header.h"
#include "format/tx_log_records.h"

namespace obbak::format {

// One log. The redo's mutator and the big segment's part are borrowed from the block.
using TxLog = std::variant<TxRedoLog, TxRollbackToLog, TxMultiDataSourceLog, TxActiveInfoLog,
                           TxRecordLog, TxCommitInfoLog, TxPrepareLog, TxCommitLog, TxAbortLog,
                           TxClearLog, TxStartWorkingLog, TxBigSegmentLog>;
TxLogType TypeOf(const TxLog& log);

// The barrier that a log needs in the base header of its entry. docs/spec/system-data.md §1.1.
std::int32_t BarrierOf(const TxLog& log);

// replay_hint of a START_WORKING block (docs/spec/consistency.md §2.1).
std::int64_t StartWorkingReplayHint(LsId ls);

// Writes a block, log by log.
class TxLogBlockBuilder {
 public:
  // A block of `header`'s transaction. The base header's barrier is that of the strictest log
  // added, its hint the transaction id.
  explicit TxLogBlockBuilder(const TxLogBlockHeader& header);
  // A block that only a new leader writes, as a server writes it: one START_WORKING log.
  static Result<Bytes> StartWorking(LsId ls);

  // What the log borrows is copied.
  void Add(const TxLog& log);

  // Bytes so far; compare with kMaxTxLogSize.
  std::size_t size() const { return out_.bytes().size(); }

  // The payload of the log entry; the builder is worthless afterwards. Fails when the block is
  // empty, too long, or a log has a value without an encoding.
  Result<Bytes> Finish() &&;

 private:
  Encoder out_;
  LogBaseHeader base_;
  bool empty_ = true;
};

// A log inside a block that was not decoded yet.
struct TxLogView {
  TxLogType type{};
  std::size_t offset = 0;  // of the log's type in the block
  ByteView body;           // behind the type
};

// Reads a block, log by log.
class TxLogBlockReader {
 public:
  // Reads both headers; refuses a payload of another log type. `block` must outlive the reader and
  // its logs.
  static Result<TxLogBlockReader> Open(ByteView block);

  const LogBaseHeader& base_header() const { return base_; }
  const TxLogBlockHeader& header() const { return header_; }
  // The next log, nothing behind the last one. A log of an unknown type is returned as well.
  Result<std::optional<TxLogView>> Next();
  // Where in the block a part of it lies, such as a redo's mutator.
  std::size_t OffsetOf(ByteView part) const {
    return static_cast<std::size_t>(part.data() - block_.data());
  }

 private:
  explicit TxLogBlockReader(ByteView block) : block_(block) {}

  ByteView block_;
  std::size_t position_ = 0;
  LogBaseHeader base_;
  TxLogBlockHeader header_;
};

// Decodes a log; offsets in errors are those of the block. Fails with kNotSupported for a type that
// obbak does not know.
Result<TxLog> DecodeTxLog(const TxLogView& view);

}  // namespace obbak::format
