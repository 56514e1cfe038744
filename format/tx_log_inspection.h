// What `obbak inspect` says about a transaction log block: every byte, one line per log, the rows.
// docs/spec/clog-and-archive.md §11, §12.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/inspection.h"
#include "format/mutator.h"
#include "format/tx_log_records.h"

namespace obbak::format {

class Decoder;

// Names every byte of a block that fills the rest of `in`, for a dissection of the log around it:
// nodes "base_header", "block_header" and "logs", each log with "tx_log_type" and "body". Stops at
// the first damage.
void DissectTxLogBlock(Decoder& in);

// The same for a block of its own.
Inspection InspectTxLogBlock(ByteView block);

// One log of a block.
struct TxLogLine {
  TxLogType type{};
  TxId tx_id;
  std::size_t offset = 0;  // of the log in the block
  std::size_t size = 0;    // bytes, its type included
  // What it says: "2 rows, 103 bytes", "commit version ...", "create tablets 200001 on LS 1001".
  std::string text;
};

// The logs of a block in order. A log that does not decode has its error as text; fails when the
// block itself can't be walked to its end.
Result<std::vector<TxLogLine>> SummarizeTxLogBlock(ByteView block);

// One row of a redo, as `--rows` shows it. Borrows from the block.
struct RowChange {
  std::size_t offset = 0;  // of the mutator that holds it, in the block
  std::size_t index = 0;   // in that mutator
  MutatorEntry entry;
  std::vector<ObjView> rowkey;  // empty for a lock
};

// All rows of a block in order. Fails at the first damage.
Result<std::vector<RowChange>> RowChangesOf(ByteView block);

// "INSERT tablet 200001 key (1, 'abc') seq 1, branch 0, 3 columns, 32 bytes".
std::string ToText(const RowChange& change);

}  // namespace obbak::format
