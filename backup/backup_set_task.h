// BackupSetTask: one backup set from its start mark to its end mark.
// docs/spec/procedures.md §3.4-§3.6.
//
//   stage               does                                           goes to
//   INIT                start mark                                     BACKUP_SYS_META
//   BACKUP_SYS_META     META task of log stream 1                      BACKUP_USER_META
//   BACKUP_USER_META    ls_attr_info, META tasks of the others         BACKUP_META_FINISH
//   BACKUP_META_FINISH  consistent_scn, ls_meta_infos, tablet maps     BACKUP_DATA_MINOR
//   BACKUP_DATA_MINOR   MINOR tasks and BUILD_INDEX, turn after turn   BACKUP_DATA_MAJOR
//   BACKUP_DATA_MAJOR   MAJOR tasks and BUILD_INDEX, turn after turn   BACKUP_LOG
//   BACKUP_LOG          PLUS ARCHIVELOG: complement_log                COMPLETED
//   COMPLETED           the set's description, end mark last
//   FAILED, CANCELED    from everywhere: nothing more is written
//
// BACKUP_USER_META begins again, in a new meta turn, when a log stream has gone meanwhile, and from
// BACKUP_META_FINISH when a tablet has moved between log streams since their list was made: it
// could be in the metas of two of them, or of none. From the third turn on, schema changes and
// moves wait until the metas are there.
//
// Invariants
// - round.start_scn <= start_replay_scn <= start_scn <= backup_scn <= consistent_scn <= end_scn =
//   min_restore_scn, and the round is the same DOING one all the time.
// - When a minor or major task of a log stream copies its first tablet, everything up to
//   consistent_scn is in SSTables.
// - A tablet of the maps is in the index of the last turn, unless it was dropped.
// - Nobody takes the set for complete before its last file is there, which is the end mark.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <vector>

#include "backup/archive_view.h"
#include "backup/data_stage.h"
#include "backup/job_catalogue.h"
#include "backup/ls_meta.h"
#include "backup/set_context.h"
#include "base/result.h"
#include "engine/catalog.h"
#include "format/backup_set_records.h"
#include "format/ids.h"
#include "io/medium.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::backup {

class BackupSetTask {
 public:
  // Makes durable what the stage has come to: the job's `task` and context.desc.
  using Record = std::function<io::Task<Status>(SetTaskStatus stage)>;

  // References outlive the task.
  struct Parts {
    SetContext& context;
    ArchiveView& archive;
    JobCatalogue catalogue;
    io::MediumFactory media;  // for the archive's destination
    std::stop_source& halt;   // of context.stop
    format::Scn start_scn;
    format::RoundId round;
    std::optional<format::BackupSetFileDesc> previous;  // of an incremental set
    std::chrono::seconds utc_offset{0};
    Record record;
  };
  explicit BackupSetTask(Parts parts);
  BackupSetTask(const BackupSetTask&) = delete;
  BackupSetTask& operator=(const BackupSetTask&) = delete;

  // To the end mark, or to the first failure that no retry mends. Then context.desc is the complete
  // set's, SUCCESS and AVAILABLE, or says how far it came.
  io::Task<Status> Run();

  // The log stream whose task has failed; none: the set task itself.
  std::optional<format::LsId> failed_ls() const { return failed_ls_; }

 private:
  using Step = io::Task<Status> (BackupSetTask::*)();

  // Enters the stage and does its step; again after a failure that a retry can mend.
  io::Task<Status> RunStage(SetTaskStatus stage, Step step);
  // The archive round is DOING, and the one that was there at the start.
  Status CheckCanBackup() const;

  // One stage each.
  io::Task<Status> Init();
  io::Task<Status> BackupSysMeta();
  io::Task<Status> BackupUserMeta();
  io::Task<Status> FinishMeta();
  io::Task<Status> BackupMinor();
  io::Task<Status> BackupMajor();
  io::Task<Status> BackupLog();
  io::Task<Status> Complete();

  // Flushes of the backup shorten logs: what they recycle is to be in the archive before. As far as
  // the archive can be reached; the round says if it lost something.
  io::Task<void> ArchiveUpTo(format::Scn scn);
  // Keeps tablets where they are, until the guard is given back.
  io::Task<Status> HoldTablets();
  io::Task<Status> ListLogStreams();
  io::Task<Status> RunMetaTask(format::LsId ls);
  io::Task<Status> RunUserMetaTasks();
  bool HaveTabletsMoved(const engine::Catalog& now) const;
  format::Scn MaxCheckpoint() const;
  Status SetStartReplayScn();
  io::Task<Status> WriteLsMetaInfos();
  io::Task<Status> WriteMaps(const engine::Catalog& catalog);
  io::Task<Status> RunDataStage(format::DataType type, std::int64_t& turn);
  Result<std::vector<dest::SetName>> SetNames() const;
  std::uint64_t BytesOf(format::DataType type) const;

  Parts parts_;
  SetContext& context_;
  DataPhase phase_;
  std::vector<FinishedAttempt> finished_;
  format::BackupDataLsAttrDesc attrs_;                      // of the newest meta turn
  std::map<format::TabletId, std::int64_t> transfer_seqs_;  // at attrs_.backup_scn
  std::map<format::LsId, LsMetaBackup> metas_;
  TabletMap tablets_;  // at consistent_scn
  bool needs_new_meta_turn_ = false;
  io::Mutex::Guard tablets_held_;
  std::optional<format::LsId> failed_ls_;
};

}  // namespace obbak::backup
