// Restore: from backup sets and archived logs to a tenant. docs/spec/procedures.md §4.5-§4.7,
// docs/spec/clog-and-archive.md §14.3, §19.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "engine/env.h"
#include "engine/tenant.h"
#include "format/ids.h"
#include "io/task.h"
#include "restore/restore_plan.h"

namespace obbak::restore {

struct RestoreOptions {
  std::string dir;  // of the new tenant; as Tenant::Create
  std::string tenant_name;
  std::uint64_t tenant_id = 1004;
  // Macro blocks and tablets that are read at the same time; 0: as many as is good.
  std::size_t concurrency = 0;
  engine::EngineOptions engine;
  // What the tenant's manifest has to keep for others, by key.
  std::map<std::string, std::string> rows;
};

enum class RestorePhase { kTablets, kMacroBlocks, kLogs, kDone };
std::string_view ToText(RestorePhase phase);

struct RestoreProgress {
  RestorePhase phase = RestorePhase::kTablets;
  std::uint64_t bytes_done = 0;  // of this phase
  // About how much of this phase is done, from 0 to 1: by tablets, then by SCN.
  double part_done = 0;
  format::Scn replayed_scn;  // kLogs: the tenant has reached this
};
using ReportRestore = std::function<void(const RestoreProgress& progress)>;

struct RestoreSummary {
  format::Scn restore_scn;
  std::size_t tablets = 0;
  std::uint64_t macro_blocks = 0;
  std::uint64_t data_bytes = 0;
  std::uint64_t log_bytes = 0;
  std::uint64_t log_entries = 0;
};

// Makes the tenant of `options.dir`: a standby, read-only, that is exactly what the backup tenant
// was at plan.restore_scn - every transaction with a commit version up to it, and nothing else.
// Closed when this returns.
//
// Until it is complete the directory says so, and Tenant::Open refuses it (kStateNotMatch); a
// restore into such a directory begins anew. kEntryExist for any other that is not empty;
// kErrUnexpected when the sets lack a tablet that was not dropped. Errors name the set, file and
// offset, or the piece and log stream. Nothing is ever written to the
// source.
io::Task<Result<RestoreSummary>> Restore(engine::Env env, const RestoreSource& source,
                                         RestorePlan plan, RestoreOptions options,
                                         ReportRestore report = {});

// RECOVER STANDBY UNTIL: replays further from the archives of `source`, to `until` or, without one,
// as far as they go. kOpNotAllow "recover before tenant sync_scn is not allowed"; kStateNotMatch
// for a tenant that is no standby. `tenant` is an open standby, and readers see the new point when
// this returns.
io::Task<Result<RestoreSummary>> RecoverStandby(engine::Tenant& tenant, const RestoreSource& source,
                                                RestorePoint until, ReportRestore report = {});

// ACTIVATE STANDBY: the standby in `dir`, which nobody has open, becomes a primary at its sync SCN;
// from then on it takes writes. Nothing on a primary. May be repeated after a crash.
io::Task<Status> ActivateStandby(engine::Env env, std::string dir, engine::EngineOptions engine);

}  // namespace obbak::restore
