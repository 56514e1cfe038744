#include "format/data_dict_records.h"

#include <fmt/format.h>

namespace obbak::format {

void CheckRules(const DictMetaHeader& header, Rules& rules) {
  rules.Require(header.version == DictMetaHeader::kMetaVersion, "version", "must be 3");
  rules.Require(IsNamed(header.meta_type), "meta_type",
                "must be 1 (TENANT_META), 2 (DATABASE_META) or 3 (TABLE_META)");
  rules.Require(IsNamed(header.storage_type), "storage_type",
                "must be 1 (FULL), 2 (FIRST), 3 (MIDDLE) or 4 (LAST)");
  rules.Require(header.dict_serialized_length > 0, "dict_serialized_length", "must be above 0");
}

std::string AccuracyTag::Text(std::int64_t raw) {
  const Accuracy accuracy{raw};
  if (raw == -1) return "not set";
  return fmt::format("length {}, precision {}, scale {}", LengthOf(accuracy), PrecisionOf(accuracy),
                     ScaleOf(accuracy));
}

DictMetaType TypeOf(const DictMeta& meta) { return static_cast<DictMetaType>(meta.index() + 1); }

}  // namespace obbak::format
