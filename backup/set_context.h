// SetContext: what the parts of one backup job share.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include "backup/data_backup.h"
#include "base/result.h"
#include "dest/dest_store.h"
#include "engine/tenant_core.h"
#include "format/backup_path.h"
#include "format/backup_set_records.h"
#include "format/ids.h"
#include "io/buffer_pool.h"

namespace obbak::backup {

// Which attempt of which log stream wrote a directory of data files.
struct AttemptId {
  format::LsId ls;
  format::DataType type = format::DataType::kSys;
  std::int64_t turn = 1;
  std::int64_t retry = 0;
  bool operator==(const AttemptId&) const = default;
};

// An attempt that has ended, well or not, with data files 0 to files - 1 complete.
struct FinishedAttempt {
  AttemptId id;
  std::int64_t files = 0;
};

// References to things that outlive the job.
struct SetContext {
  engine::TenantCore& core;
  dest::DestStore store;  // the data destination
  const BackupOptions& options;
  io::BufferPool& buffers;  // of one macro block each
  std::stop_token stop;
  format::BackupSetFileDesc desc;  // the set as far as it is known
  std::uint64_t bytes_done = 0;    // macro block bytes copied in this stage
  std::uint64_t bytes_total = 0;
  std::function<void()> progress;  // called when a count above or in desc.stats has changed

  format::BackupSetId set() const { return desc.backup_set_id; }
  format::BackupSetKind kind() const { return KindOf(desc); }
  static format::BackupSetKind KindOf(const format::BackupSetFileDesc& set) {
    return set.backup_type.value == format::BackupType::kFull ? format::BackupSetKind::kFull
                                                              : format::BackupSetKind::kInc;
  }
  // A path of this set; the caller adds what else its kind has.
  format::BackupPath Path(format::PathKind path) const {
    format::BackupPath result{.kind = path};
    result.set = set();
    result.set_kind = kind();
    return result;
  }
  // Below logstream_<ls>/.
  format::BackupPath Path(format::PathKind path, const AttemptId& attempt) const {
    format::BackupPath result = Path(path);
    result.ls = attempt.ls;
    result.data_type = attempt.type;
    result.turn = attempt.turn;
    result.retry = attempt.retry;
    return result;
  }
  // kCanceled, or what broke the tenant.
  Status CheckRunning() const {
    if (stop.stop_requested()) return Fail(ErrorCode::kCanceled, "the backup is canceled");
    return core.CheckUsable();
  }
  void ReportProgress() const {
    if (progress) progress();
  }
};

}  // namespace obbak::backup
