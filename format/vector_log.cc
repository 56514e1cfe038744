#include <string>
#include <string_view>

#include "format/vector_checks.h"

namespace obbak::format {
namespace {

constexpr std::string_view kLater[] = {
    "DDL_TRANS_payload",   "LogBlockHeader",        "LogEntryHeader",
    "LogGroupEntry",       "LogGroupEntry:padding", "ObAccuracy",
    "ObArchiveFileHeader", "ObDataDictMetaInfo",    "ObDictColumnMeta",
    "ObDictDatabaseMeta",  "ObDictMetaHeader",      "ObDictTableMeta",
    "ObDictTenantMeta",    "ObIndexColumn",         "ObLSMetaFileHeader",
    "ObLogBaseHeader",     "ObRowkeyColumn",        "ObTableMode",
    "data_dict_log_entry", "file:schema_meta",      "log:GC_LS",
    "log:ID_SERVICE",      "log:KEEP_ALIVE",
};

}  // namespace

void AddLogChecks(VectorChecks& checks) {
  for (const std::string_view name : kLater) checks.LeaveForLater(std::string(name));
}

}  // namespace obbak::format
