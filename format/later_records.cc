#include "format/later_records.h"

namespace obbak::format {

// The public source states no rules for the two lists beyond what their fields can hold; these are
// the ones without which a list can't be what its name says.
void CheckRules(const BackupPartialTableListDesc& desc, Rules& rules) {
  rules.Require(!desc.items.empty(), "items", "must not be empty: an empty tenant has no part");
}

void CheckRules(const BackupTableListMetaInfoDesc& desc, Rules& rules) {
  rules.Require(desc.scn.IsValid(), "scn", "must be a valid SCN");
  rules.Require(desc.count >= 0, "count", "must not be negative");
  rules.Require(desc.batch_size > 0, "batch_size", "must be greater than 0");
}

void CheckRules(const ExternParamInfoDesc& desc, Rules& rules) {
  rules.Require(desc.tenant_id.value != 0, "tenant_id", "must not be 0");
}

}  // namespace obbak::format
