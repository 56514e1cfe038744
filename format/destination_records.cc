#include "format/destination_records.h"

namespace obbak::format {
namespace {

// What the two descriptions have in common.
void CheckIdentity(const auto& desc, Rules& rules) {
  rules.Require(!desc.cluster_name.value.empty(), "cluster_name", "must not be empty");
  rules.Require(!desc.tenant_name.value.empty(), "tenant_name", "must not be empty");
  rules.Require(!desc.path.value.empty(), "path", "must not be empty");
  rules.Require(desc.tenant_id.value != 0, "tenant_id", "must not be 0");
  rules.Require(desc.incarnation >= 1, "incarnation", "must be at least 1");
}

}  // namespace

void CheckRules(const BackupFormatDesc& desc, Rules& rules) {
  CheckIdentity(desc, rules);
  rules.Require(desc.dest_id.value > 0, "dest_id", "must be greater than 0");
  rules.Require(IsNamed(desc.dest_type.value), "dest_type",
                "must be 0 (data), 1 (archive) or 2 (key)");
  rules.Require(desc.ts.value >= 0, "ts", "must not be negative");
}

void CheckRules(const BackupCheckDesc& desc, Rules& rules) {
  CheckIdentity(desc, rules);
  rules.Require(desc.ts.value >= 0, "ts", "must not be negative");
}

}  // namespace obbak::format
