// The metadata files of a set, but those of single log streams: marks, lists and the set's own
// description. docs/spec/layout.md §2.2, §2.3.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "backup/set_context.h"
#include "base/result.h"
#include "format/backup_path.h"
#include "format/backup_set_records.h"
#include "format/ids.h"
#include "format/ls_meta_records.h"
#include "io/task.h"

namespace obbak::backup {

// Whose directory it is: before any data.
io::Task<Status> WriteStartMark(const SetContext& context);

// Once per meta turn.
io::Task<Status> WriteLsAttrs(const SetContext& context, std::int64_t turn,
                              format::BackupDataLsAttrDesc attrs);
io::Task<Status> WriteLsMetas(const SetContext& context,
                              std::vector<format::LsMetaPackage> packages);
// Once per turn of the minor or major phase.
io::Task<Status> WriteTabletMap(const SetContext& context, format::DataType type, std::int64_t turn,
                                format::BackupDataTabletToLsDesc map);

// What stands beside a set's own description when it is complete.
struct SetEnd {
  // Of the inner mark: where the replay of logs begins.
  format::Scn first_scn;
  // All sets of the tenant, this one included.
  std::vector<format::BackupSetFileDesc> tenant_sets;
  // What names' dates are shown in.
  std::chrono::seconds utc_offset{0};
};

// locality_info, single_backup_set_info, tenant_backup_set_infos, diagnose_info, the inner mark and
// at last the end mark. `context.desc` says SUCCESS and AVAILABLE.
io::Task<Status> WriteSetEnd(const SetContext& context, SetEnd end);

}  // namespace obbak::backup
