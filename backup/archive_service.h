// ArchiveService: everything that works on a tenant's archive, in the background and for commands.
// The archiver (backup/archiver.h) is its door.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stop_token>

#include "backup/archive_rows.h"
#include "backup/archive_scheduler.h"
#include "backup/archiver.h"
#include "backup/catalogue.h"
#include "backup/destination.h"
#include "backup/ls_archiver.h"
#include "base/result.h"
#include "engine/tenant_core.h"
#include "io/medium.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::backup {

// A task per log stream sends logs, one more does the scheduler's passes; neither waits for the
// other. Commands do the same work in tasks of their own, beside or instead of these.
class ArchiveService {
 public:
  // From here on the tenant keeps what a mandatory round needs. `core` must outlive it.
  ArchiveService(engine::TenantCore& core, io::MediumFactory media, ArchiveOptions options);
  ArchiveService(const ArchiveService&) = delete;
  ArchiveService& operator=(const ArchiveService&) = delete;

  // Whether the catalogue can be read.
  Status CheckCatalogue() const;
  // Begins the background work, if the options want any.
  void Start();
  // Ends it. No command may be running.
  io::Task<void> Stop();

  const ArchiveRows& rows() const { return rows_; }
  const DestinationOwner& owner() const { return owner_; }
  const ArchiveOptions& options() const { return options_; }
  engine::TenantCore& core() { return core_; }
  bool IsPrimary() const;

  // No pass runs while the guard lives: for statements.
  io::Task<io::Mutex::Guard> LockPasses() { return scheduler_.Lock(); }
  io::Task<Status> Apply(CatalogueEdit edit) { return owner_.catalogue.Apply(std::move(edit)); }
  Result<std::unique_ptr<io::Medium>> MakeMedium(const io::BackupDest& dest) {
    return media_(dest);
  }
  // The destination has changed; nullptr: there is none. Nothing may be archiving.
  void UseMedium(std::shared_ptr<io::Medium> medium);

  // See Archiver.
  io::Task<Status> AwaitState();
  io::Task<Status> CatchUpTo(format::Scn scn);
  // What the standby has applied.
  io::Task<Status> CatchUpStandby();

  // The last failure, while nothing has succeeded since; nullptr: none.
  const Error* last_error() const;

 private:
  // Makes the medium when there is a destination.
  io::Task<Status> Connect();
  // nullptr: there is no destination. Whoever works with it keeps it, as another may come
  // meanwhile.
  io::Task<std::shared_ptr<io::Medium>> UsableMedium();

  static io::Task<void> RunScheduler(ArchiveService& service);
  static io::Task<void> RunLogStream(ArchiveService& service, LsArchiver& archiver);

  io::Task<Status> Pass();
  io::Task<Status> Work(LsArchiver& archiver, SendExtent extent);
  static io::Task<void> WorkInto(ArchiveService& service, LsArchiver& archiver, Status& result);
  // All log streams send everything, beside each other.
  io::Task<Status> WorkAll();
  // Each log gets durable entries at or above `scn`, unless it has.
  io::Task<Status> AdvanceLogs(format::Scn scn);
  // All logs, moved on to `scn` before, and a checkpoint.
  io::Task<Status> SendEverything(format::Scn scn);
  // What a round that is not what it should be needs.
  io::Task<Status> MoveOn();

  engine::TenantCore& core_;
  io::MediumFactory media_;
  ArchiveOptions options_;
  std::stop_source stop_;
  DestinationOwner owner_;
  ArchiveRows rows_;
  LsArchivers archivers_;
  ArchiveScheduler scheduler_;

  std::shared_ptr<io::Medium> medium_;
  bool medium_is_clean_ = false;
  io::Mutex connecting_;

  // Until the next success: of the scheduler, of each log stream.
  std::optional<Error> scheduler_error_;
  std::map<format::LsId, Error> stream_errors_;
  io::TaskGroup tasks_;
};

}  // namespace obbak::backup
