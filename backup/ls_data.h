// The data tasks of one log stream: minor or major data of a list of tablets.
// docs/spec/backup-data-files.md §7-§9.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "backup/data_file_sink.h"
#include "backup/macro_reuse.h"
#include "backup/resume.h"
#include "backup/set_context.h"
#include "backup/tablet_items.h"
#include "base/result.h"
#include "engine/log_stream.h"
#include "engine/tablet.h"
#include "format/ids.h"
#include "io/task.h"

namespace obbak::backup {

// Whether the tablet is on another log stream by now: the source of a transfer that is committed
// keeps its copy for a while.
bool HasMovedAway(const engine::TenantCore& core, const engine::LogStream& stream,
                  format::TabletId tablet);

// Adds a tablet's macro blocks, metas and mapping; `chosen`: those of its SSTables that are taken,
// oldest first. `stored`: blocks that an earlier attempt has copied. Reuses what `reuse` finds.
io::Task<Status> AddTablet(DataFileSink& sink, const TabletSnapshot& tablet,
                           std::vector<SstableItem> chosen, MacroReuse& reuse,
                           const StoredBlocks& stored);

struct LsDataTask {
  AttemptId attempt;
  std::vector<format::TabletId> tablets;  // ascending; inner ones are passed over
  // Where log streams' checkpoints must be.
  format::Scn consistent_scn;
  std::vector<FinishedAttempt> finished;  // all of the set so far
};

struct LsDataResult {
  Status status;
  // Files of this attempt that are complete; also after a failure.
  FinishedAttempt attempt;
};

// What the data tasks of a set tell each other. Belongs to the set task.
struct DataPhase {
  // Tablets that were not where the turn's list has them, but elsewhere.
  std::set<format::TabletId> moved;
  // Snapshots of the majors that the minor phase saw.
  std::map<format::TabletId, std::int64_t> baselines;
};

// One attempt. A tablet that has gone is passed over; one that has moved is noted in `phase`.
io::Task<LsDataResult> BackupLsData(SetContext& context, LsDataTask task, MacroReuse& reuse,
                                    DataPhase& phase);

}  // namespace obbak::backup
