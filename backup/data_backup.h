// DataBackup: full and incremental backup sets of a tenant. docs/spec/procedures.md §3,
// docs/spec/backup-data-files.md §6-§9.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backup/archiver.h"
#include "base/result.h"
#include "engine/tenant.h"
#include "format/backup_enums.h"
#include "format/backup_set_records.h"
#include "format/ids.h"
#include "io/backup_dest.h"
#include "io/medium.h"
#include "io/task.h"

namespace obbak::backup {

class ArchiveView;

enum class JobStatus : std::int32_t { kInit, kDoing, kCompleted, kFailed, kCanceling, kCanceled };
std::string_view ToText(JobStatus status);  // "DOING"
// Of the set task.
enum class SetTaskStatus : std::int32_t {
  kInit,
  kBackupSysMeta,
  kBackupUserMeta,
  kBackupMetaFinish,
  kBackupDataMinor,
  kBackupDataMajor,
  kBackupLog,
  kCompleted,
  kFailed,
  kCanceling,
  kCanceled,
};
std::string_view ToText(SetTaskStatus status);  // "BACKUP_DATA_MAJOR"

struct BackupRequest {
  format::BackupType type = format::BackupType::kFull;
  bool plus_archivelog = false;
  std::string description;
};

struct BackupOptions {
  // backup_data_file_size. From two macro blocks on; servers have 512 MiB to 4 GiB.
  std::uint64_t data_file_size = std::uint64_t{4} << 30;
  // Log streams that are backed up at the same time.
  std::size_t concurrency = 4;
  // Between two attempts of the same task.
  std::chrono::milliseconds retry_delay{std::chrono::seconds(5)};
  int max_retries = 64;
  // How long to wait for checkpoints, snapshots and frozen pieces.
  std::chrono::milliseconds patience{std::chrono::minutes(10)};
};

struct BackupProgress {
  SetTaskStatus stage = SetTaskStatus::kInit;
  format::BackupSetId set;
  format::BackupStats stats;      // done so far
  std::uint64_t bytes_done = 0;   // of this stage
  std::uint64_t bytes_total = 0;  // of this stage; 0: unknown
};
// Called now and then on the loop's thread.
using ReportBackup = std::function<void(const BackupProgress& progress)>;

// A job as views show it.
struct BackupJob {
  std::int64_t job_id = 0;
  format::BackupSetId set;
  BackupRequest request;
  format::BackupType type = format::BackupType::kFull;  // what it became
  JobStatus status = JobStatus::kInit;
  SetTaskStatus task = SetTaskStatus::kInit;
  format::Timestamp start_time, end_time;
  std::int32_t result = 0;
  std::string comment;
};

// One per open tenant. Jobs and sets are in the tenant's manifest (backup/catalogue.h). Runs beside
// writes, compactions and archiving, and holds up no commit.
//
// In memory it has 16 macro blocks at most and, of each log stream that is being backed up, the
// metas of one data file, which are 8 MiB or those of a single tablet: these include some hundred
// bytes for each macro block of the tablet. Of the whole tenant there are the tablets' ids.
class DataBackup {
 public:
  // All must outlive it. A job that was running when the process ended is failed, and its set
  // INCOMPLETE, before this returns.
  static io::Task<Result<std::unique_ptr<DataBackup>>> Open(engine::Tenant& tenant,
                                                            Archiver& archiver,
                                                            io::MediumFactory media,
                                                            BackupOptions options = {});
  // The same with whatever gives the archive's state; for tests.
  static io::Task<Result<std::unique_ptr<DataBackup>>> Open(engine::Tenant& tenant,
                                                            std::unique_ptr<ArchiveView> archive,
                                                            io::MediumFactory media,
                                                            BackupOptions options = {});
  // No Run() may be left.
  ~DataBackup();
  DataBackup(const DataBackup&) = delete;
  DataBackup& operator=(const DataBackup&) = delete;

  // SET DATA_BACKUP_DEST, with the errors of procedures.md §1.2; none: unset.
  io::Task<Status> SetDest(std::optional<io::BackupDest> dest);
  std::optional<io::BackupDest> dest() const;

  // BACKUP [INCREMENTAL] DATABASE [PLUS ARCHIVELOG]: accepts or refuses (§3.2), then runs the job
  // to its end. Returns the set as its single_backup_set_info has it.
  io::Task<Result<format::BackupSetFileDesc>> Run(BackupRequest request, ReportBackup report = {});
  // CANCEL BACKUP: the running job ends with kCanceled. Nothing when there is none.
  void Cancel();

  std::vector<BackupJob> jobs() const;                  // oldest first
  std::vector<format::BackupSetFileDesc> sets() const;  // oldest first, failed ones included

 private:
  struct Impl;
  explicit DataBackup(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace obbak::backup
