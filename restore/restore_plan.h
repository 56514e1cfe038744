// RestorePlan: which sets and which pieces bring a tenant to a point in time.
// docs/spec/procedures.md §4.1-§4.4.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "dest/dest_store.h"
#include "format/archive_records.h"
#include "format/backup_set_records.h"
#include "format/destination_records.h"
#include "format/ids.h"
#include "io/backup_dest.h"
#include "io/medium.h"
#include "io/task.h"

namespace obbak::restore {

// The destinations of a restore, told apart by their format files.
struct RestoreSource {
  std::unique_ptr<io::Medium> data_medium;
  format::BackupFormatDesc data_format;
  std::vector<std::unique_ptr<io::Medium>> archive_media;
  std::vector<format::BackupFormatDesc> archive_formats;

  dest::DestStore data() const { return {*data_medium, format::DestKind::kData}; }
  dest::DestStore archive(std::size_t i) const {
    return {*archive_media[i], format::DestKind::kArchive};
  }
};

// Reads each destination's format.obbak. kNotSupported for two data destinations, kMissArgument
// without one, kBackupFormatFileNotExist, kBackupFormatFileNotMatch when they are of different
// tenants.
io::Task<Result<RestoreSource>> OpenRestoreSource(std::vector<io::BackupDest> dests,
                                                  io::MediumFactory media);

// UNTIL SCN, UNTIL TIME (in the backup tenant's time zone), or neither: as far as there is.
struct RestorePoint {
  std::optional<format::Scn> scn;
  std::optional<std::string> time;
};

struct RestorePlan {
  format::Scn restore_scn;
  // The chain, ascending; the last one's metadata drives the restore. Never empty.
  std::vector<format::BackupSetFileDesc> sets;
  // Of the archive chosen, ascending; or those of the last set's complement_log.
  std::vector<format::TenantArchivePieceAttr> pieces;
  bool from_complement = false;
  std::size_t archive = 0;  // which of the source's archives, when not from_complement
  std::string time_zone;    // of the backup tenant
  const format::BackupSetFileDesc& last_set() const { return sets.back(); }
};

// kInvalidArgument for a point that is none; kEntryNotExist "No enough log for restore", with
// advice that names the reachable windows, when the point cannot be reached; kBackupInvalidPassword
// for sets with a password, kOpNotAllow for those of versions that cannot be restored.
//
// What it takes is Choose()'s. Without an archive a time says nothing.
io::Task<Result<RestorePlan>> MakeRestorePlan(const RestoreSource& source, RestorePoint point);

// The rows of SHOW RESTORE PREVIEW (docs/spec/user-surface.md §1.4).
struct PreviewRow {
  std::string backup_type;  // BACKUP_SET, BACKUP_PIECE
  std::int64_t backup_id = 0;
  std::string backup_dest;
  std::string description;
};
std::vector<PreviewRow> PreviewOf(const RestoreSource& source, const RestorePlan& plan);

// §4.4, from all pieces of one archive in ascending order.
Result<std::vector<format::TenantArchivePieceAttr>> ChoosePieces(
    std::span<const format::TenantArchivePieceAttr> pieces, format::DestId dest, format::Scn start,
    format::Scn end);

}  // namespace obbak::restore
