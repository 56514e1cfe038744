// The archived log of one log stream through the pieces of one round: every byte, every group, the
// chain across files and pieces. docs/spec/clog-and-archive.md §8, §15.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "format/ids.h"
#include "format/log_payload.h"
#include "format/ls_meta_records.h"
#include "io/task.h"
#include "restore/validate_data_files.h"
#include "restore/validate_findings.h"
#include "restore/validate_reading.h"

namespace obbak::restore {

// What sets and rules want to know of the logs before they are read.
struct LogQuestions {
  // Where a set's replay begins in a log stream.
  std::map<format::LsId, std::vector<format::PalfBaseInfo>> positions;
  // Tablets whose creation, arrival or removal is looked for.
  std::set<format::TabletId> tablets;
};

// One piece's part of the log, to be read.
struct LogSegment {
  format::RoundId round;
  format::PieceId piece;
  // Groups belong here from one (inclusive, less a microsecond) to the other; invalid when nobody
  // knows. In the first piece of a round anything below belongs here too.
  format::Scn start_scn;
  format::Scn end_scn;
  bool is_first_of_round = false;
  // Nothing is written there any more, so the log ends with a whole group.
  bool is_frozen = false;
  // Otherwise: everything up to here is archived, says a mark. Behind it a crash may have left
  // anything at the end of the newest file.
  format::Scn promised_scn{0};
  std::vector<FoundFile> files;  // ascending file numbers
};

// What was found in one piece.
struct PieceLog {
  format::Lsn min_lsn = format::kInvalidLsn;  // of its first file
  format::Lsn max_lsn = format::kInvalidLsn;  // behind its last whole group
  format::Scn last_scn;                       // of its last group
  std::uint64_t groups = 0;
  std::uint64_t entries = 0;
  bool readable = true;
};

// What the log says of a tablet.
struct TabletEvent {
  enum class Kind { kArrived, kRemoved };  // created or transferred in; dropped

  Kind kind;
  format::TabletId tablet;
  format::Scn scn;
};

struct LogFacts {
  std::map<format::PieceId, PieceLog> pieces;
  format::Scn last_scn;    // of the last group of all
  bool has_ended = false;  // OFFLINE_LS was the last entry
  bool readable = true;
  // LSNs of LogQuestions where a group begins.
  std::set<format::Lsn> positions;
  // Log stream 1: limits of the id services, 0 without any.
  std::int64_t timestamp_limit = 0;
  std::int64_t tx_id_limit = 0;
  std::int64_t max_tx_id = 0;
  // Log stream 1: when log streams were completely created.
  std::map<format::LsId, format::Scn> created_log_streams;
  std::vector<TabletEvent> tablet_events;
};

// Reads the segments, which ascend. `questions` must outlive the task.
io::Task<LogFacts> CheckLog(FileChecks checks, format::LsId ls, std::vector<LogSegment> segments,
                            const LogQuestions& questions, Reporter found);

}  // namespace obbak::restore
