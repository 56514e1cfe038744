// SchemaMeta: dumps of the data dictionary, and the files in the archive that say where in log
// stream 1's log they are. docs/spec/clog-and-archive.md §18, docs/spec/system-data.md §2.1.
#pragma once

#include <chrono>

#include "backup/archive_rows.h"
#include "backup/catalogue.h"
#include "base/result.h"
#include "dest/dest_store.h"
#include "engine/tenant_core.h"
#include "io/task.h"

namespace obbak::backup {

// What it refers to must outlive it.
class SchemaMeta {
 public:
  SchemaMeta(engine::TenantCore& core, Catalogue catalogue, std::chrono::milliseconds interval)
      : core_(&core), catalogue_(catalogue), rows_(catalogue), interval_(interval) {}

  // Logs the dictionary, when this round's last dump is older than the interval or there is none;
  // not on a standby, which writes no logs of its own. Puts it off while the schema is being
  // changed: that may take as long as users please.
  io::Task<Status> DumpIfDue(RoundStatus round);

  // Writes the file of the newest dump, unless it is there, as soon as log stream 1 is archived
  // into the piece of its snapshot. Before that piece is frozen.
  io::Task<Status> RecordIfArchived(RoundStatus round, dest::DestStore store);

 private:
  io::Task<Status> MarkRecorded(DictionaryRow row);
  // Of this round, oldest first.
  Result<std::vector<DictionaryRow>> DumpsOf(const RoundStatus& round) const;

  engine::TenantCore* core_;
  Catalogue catalogue_;
  ArchiveRows rows_;
  std::chrono::milliseconds interval_;
};

}  // namespace obbak::backup
