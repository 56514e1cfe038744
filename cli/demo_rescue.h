// The second half of the demonstration: the tenant comes back as it was just before the accident,
// and that is proved.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/demo_source.h"
#include "cli/demo_steps.h"
#include "cli/tenant_session.h"
#include "restore/validate.h"

namespace obbak::cli {

// Restores the tenant `name` from the two destinations, to record.target.
Status Rescue(const DemoPlaces& places, const std::string& name, const SourceRecord& record,
              HostWorld& world, const Console& console, DemoSteps& steps);

// Compares the restored tenant with the record, a line for each thing that is compared. Fails with
// kInvalidData when one is not as it should be.
io::Task<Status> ProveRescue(const SourceRecord& record, TenantSession& session);

// Reads every byte of both destinations. Fails with the first finding.
Result<restore::ValidationReport> ValidateDemo(const DemoPlaces& places, HostWorld& world,
                                               DemoSteps& steps);

// Sets, pieces, what can be restored, and the accident, on one axis of time.
std::string TimelineText(const restore::ValidationReport& report, const SourceRecord& record);

}  // namespace obbak::cli
