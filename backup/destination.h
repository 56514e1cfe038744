// Destinations of a tenant: setting one up, and checking that a directory is the tenant's own
// before anything is written there. docs/spec/procedures.md §1, docs/spec/layout.md §4.3.
#pragma once

#include <functional>

#include "backup/catalogue.h"
#include "base/result.h"
#include "engine/tenant.h"
#include "engine/tenant_core.h"
#include "format/backup_enums.h"
#include "format/ids.h"
#include "io/clock.h"
#include "io/medium.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::backup {

// Whose destinations they are. Copied freely; what it refers to outlives every call.
struct DestinationOwner {
  const engine::TenantOptions& tenant;
  io::Clock& clock;
  Catalogue catalogue;
  io::Mutex& setting_up;

  static DestinationOwner Of(engine::TenantCore& core) {
    return {core.options, core.env.clock, Catalogue(*core.manifest), core.destinations};
  }
};

// Adds to `edit` that what was written under the destination id `gone` is DELETED: its directory is
// there, and empty.
using ForgetDestination = std::function<Status(format::DestId gone, CatalogueEdit& edit)>;

// Makes the medium's directory a destination of the tenant (steps 5 and 6 of §1.2) and returns its
// id. An empty directory gets the next id, also when it had one and was emptied; one that the
// tenant has used for this purpose keeps its id. Otherwise kBackupFormatFileNotExist when there is
// something else in it, kBackupFormatFileNotMatch when it belongs to somebody else; a directory
// that an earlier call left with nothing but check files counts as empty.
//
// Writes and removes a file there to see whether it can: fails as the medium does. Calls for the
// same tenant wait for each other.
io::Task<Result<format::DestId>> SetUpDestination(DestinationOwner owner, io::Medium& medium,
                                                  format::BackupDestType type,
                                                  ForgetDestination forget);

// The same checks before archiving or a backup begins: here the directory must be what SetUp...
// gave `id`.
io::Task<Status> CheckDestination(DestinationOwner owner, io::Medium& medium,
                                  format::BackupDestType type, format::DestId id);

// Only that the directory is there and is that destination; reads one file and writes none.
io::Task<Status> CheckFormatFile(DestinationOwner owner, io::Medium& medium,
                                 format::BackupDestType type, format::DestId id);

}  // namespace obbak::backup
