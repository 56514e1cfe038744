// JobCatalogue: backup jobs and sets as the tenant's manifest keeps them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backup/catalogue.h"
#include "backup/data_backup.h"
#include "base/result.h"
#include "format/backup_set_records.h"
#include "format/ids.h"
#include "io/backup_dest.h"
#include "io/task.h"

namespace obbak::backup {

struct DataDest {
  format::DestId id;
  io::BackupDest dest;
};

// Copied freely; see Catalogue.
class JobCatalogue {
 public:
  explicit JobCatalogue(Catalogue catalogue) : catalogue_(catalogue) {}

  Result<std::optional<DataDest>> data_dest() const;
  io::Task<Status> SetDataDest(std::optional<DataDest> dest);

  // Oldest first.
  Result<std::vector<BackupJob>> jobs() const;
  Result<std::vector<format::BackupSetFileDesc>> sets() const;

  // Takes the next job id and the next set id, for good, and records the job.
  io::Task<Status> Accept(BackupJob& job);
  // Both at once, as they are now.
  io::Task<Status> Record(BackupJob job, std::optional<format::BackupSetFileDesc> set);

  // Adds to `edit` that all sets on destination `gone` are DELETED.
  Status ForgetSets(format::DestId gone, CatalogueEdit& edit) const;

  const Catalogue& catalogue() const { return catalogue_; }

 private:
  Catalogue catalogue_;
};

}  // namespace obbak::backup
