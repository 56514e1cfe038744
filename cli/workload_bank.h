// The bank, as a workload that is run and measured.
#pragma once

#include "cli/workload_run.h"
#include "engine/bank_workload.h"
#include "engine/tenant.h"
#include "io/random.h"

namespace obbak::cli {

// Checks the sum at the newest snapshot, and at one chosen with `random` since the bank was opened.
// All must outlive the workload.
Workload MakeBank(const engine::BankWorkload& bank, const engine::Tenant& tenant,
                  io::Random& random);

}  // namespace obbak::cli
