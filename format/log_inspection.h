// What `obbak inspect` says about a log: a list of its entries, and every byte of one group entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "format/ids.h"
#include "format/inspection.h"
#include "format/log_base_header.h"
#include "format/log_file_reader.h"
#include "format/log_group.h"
#include "format/ls_meta_records.h"

namespace obbak::format {

class Decoder;

// One entry of a log. Borrows from the file.
struct LogEntrySummary {
  const LogGroup& group;
  std::size_t index = 0;  // in the group
  LogEntry entry;
  std::optional<LogBaseHeader> base_header;  // null when the payload does not begin with one
};

// How far a log could be read.
struct LogScan {
  LogReader::Outcome end = LogReader::Outcome::kEnd;  // kEnd, kTornTail or kDamaged
  std::optional<Error> error;                         // for kTornTail and kDamaged
  std::uint64_t groups = 0;
  std::uint64_t entries = 0;
  std::uint64_t padding_bytes = 0;
  PalfBaseInfo position;     // behind the last group
  std::uint64_t offset = 0;  // in the file, behind the last group
};

// Calls `visit` for each entry from the reader's position to the first that can't be read.
LogScan ScanLog(LogFileReader& reader,
                const std::function<void(const LogEntrySummary& entry)>& visit);

// The header area: nodes "header" and "reserved".
Inspection InspectLogFileHeader(ByteView file, LogFileKind kind);

// Names the bytes of a transaction log's payload, its base header included, which fills the rest of
// the decoder.
using PayloadDissector = std::function<void(Decoder& in)>;

// One group entry at `lsn`, good or damaged; `group` holds at least its header, and what lies
// behind the group is left out. Nodes "group_header" and "entries", each entry with "header" and
// "payload". Without a dissector payloads of transaction logs stay in one piece. Findings are what
// a reader that knows nothing of the log before would object to, payloads that do not decode, and -
// which readers do not look at - padding that is not zero.
Inspection InspectLogGroup(ByteView group, Lsn lsn, const PayloadDissector& transaction = {});

}  // namespace obbak::format
