// DictionaryDump: the data dictionary as entries of log stream 1's log, where change data capture
// looks for it. docs/spec/system-data.md §2.2.
#pragma once

#include "base/result.h"
#include "engine/tenant_core.h"
#include "format/ids.h"
#include "format/lsn.h"
#include "io/task.h"

namespace obbak::engine {

// Where one dump is, as schema_meta files say it (docs/spec/clog-and-archive.md §18.1).
struct DictionaryDump {
  format::Scn snapshot_scn;  // of the schema
  format::Lsn start_lsn;     // of the first entry
  format::Lsn end_lsn;       // behind the last entry
  format::Scn end_scn;       // of the last entry
};

// Logs the dictionary as it is now: entries without any other between them. They and the row of
// __all_data_dictionary_in_log that names them are durable when it returns. Waits for a schema
// change that is under way.
io::Task<Result<DictionaryDump>> DumpDictionary(TenantCore& core);

}  // namespace obbak::engine
