// DataStage: minor or major data of all log streams, in as many turns as it takes.
// docs/spec/procedures.md §3.6, docs/spec/backup-data-files.md §6-§9.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "backup/ls_data.h"
#include "backup/ls_tasks.h"
#include "backup/macro_reuse.h"
#include "backup/set_context.h"
#include "base/result.h"
#include "dest/data_files.h"
#include "engine/catalog.h"
#include "format/backup_set_records.h"
#include "format/ids.h"
#include "io/task.h"

namespace obbak::backup {

// Which tablets each log stream has to back up.
using TabletMap = std::map<format::LsId, std::vector<format::TabletId>>;

format::BackupDataTabletToLsDesc DescOf(const TabletMap& map, format::Scn scn);

// What the stages of one set share.
struct DataStageParts {
  SetContext& context;
  std::stop_source& halt;
  // Of an incremental set.
  std::optional<format::BackupSetFileDesc> previous;
  // All sets whose blocks can be named, this one included.
  std::vector<dest::SetName> sets;
  DataPhase& phase;
  std::vector<FinishedAttempt>& finished;
};

class DataStage {
 public:
  // `parts` outlives it.
  DataStage(const DataStageParts& parts, format::DataType type)
      : parts_(parts), context_(parts.context), type_(type) {}
  DataStage(const DataStage&) = delete;
  DataStage& operator=(const DataStage&) = delete;

  // `tablets`: of turn 1, whose map is written already. Up to the tenant's index of the last turn.
  io::Task<Status> Run(TabletMap tablets);

  std::int64_t turn() const { return turn_; }
  // The log stream whose task has failed; none: the stage itself.
  std::optional<format::LsId> failed_ls() const { return failed_ls_; }

 private:
  using Step = io::Task<Status> (DataStage::*)();

  // The step, again after a failure that a retry can mend.
  io::Task<Status> Persist(Step step);
  // Whether to try again after that failure; waits before.
  io::Task<bool> AwaitRetry(Status failure);
  io::Task<Status> RunTurn();
  // One log stream in this turn, attempt after attempt.
  io::Task<Status> RunLs(format::LsId ls);
  io::Task<Status> OpenReuse();
  io::Task<Status> AddPrevious();
  io::Task<Status> BuildIndex();
  // Goes to the next turn when tablets have moved that are still there.
  io::Task<Status> PlanNextTurn();

  const DataStageParts& parts_;
  SetContext& context_;
  format::DataType type_;
  std::int64_t turn_ = 1;
  TabletMap tablets_;  // of this turn
  std::unique_ptr<MacroReuse> reuse_;
  std::optional<format::BackupPath> previous_index_;
  std::optional<format::BackupPath> last_index_;  // macro ranges of the last turn that is done
  std::int64_t index_retry_ = 0;
  int retries_ = 0;  // over all log streams and turns
  std::optional<format::LsId> failed_ls_;
};

}  // namespace obbak::backup
