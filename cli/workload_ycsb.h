// YCSB, as a workload that is run and measured.
#pragma once

#include "cli/workload_run.h"
#include "engine/ycsb_workload.h"

namespace obbak::cli {

// `ycsb` must outlive the workload.
Workload MakeYcsb(const engine::YcsbWorkload& ycsb);

}  // namespace obbak::cli
