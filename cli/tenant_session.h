// Running a command's work on an open tenant, in the real world.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "backup/archiver.h"
#include "base/result.h"
#include "cli/console.h"
#include "cli/data_dir.h"
#include "engine/env.h"
#include "engine/tenant.h"
#include "io/clock.h"
#include "io/log_archive_dest.h"
#include "io/loop.h"
#include "io/medium.h"
#include "io/random.h"
#include "io/task.h"

namespace obbak::cli {

// This host's devices, its clock, and randomness that nobody can foresee. Warnings go to the
// console's standard error.
class HostWorld {
 public:
  explicit HostWorld(const Console& console);

  io::Loop& loop() { return loop_; }
  io::Clock& clock() { return clock_; }
  io::Random& random() { return random_; }
  engine::Env env() { return {loop_, loop_.disk(), clock_, random_, log_}; }
  // Destinations on this host.
  io::MediumFactory media();

 private:
  Logger log_;
  io::SystemClock clock_;
  io::Random random_;
  io::Loop loop_;
};

struct TenantSession {
  engine::Tenant& tenant;
  HostWorld& world;
  const Console& console;
  // Of a primary that is open for writing; it archives what is to be archived.
  backup::Archiver* archiver = nullptr;
};

// Lives until the command's end: coroutines point into it.
using SessionBody = std::function<io::Task<Status>(TenantSession& session)>;

enum class SessionKind {
  kReading,  // nothing happens in the background
  kWriting,  // where archiving is on, the archive is brought up to date before the end
};

struct SessionOptions {
  SessionKind kind = SessionKind::kWriting;
  // What others see who find the tenant locked.
  std::string purpose;
  backup::ArchiveOptions archive;
};

// The tenant's parameter with archive_lag_target.
inline constexpr std::string_view kArchiveLagTarget = "archive_lag_target";

// Locks and opens the tenant that is meant, runs `body`, and closes it. Prints the first error;
// returns the exit status. An archive that cannot be brought up to date is worth a warning: it goes
// on where it is with the next command.
int WithTenant(const TenantChoice& choice, SessionOptions options, const Console& console,
               const SessionBody& body);
int WithTenant(const TenantChoice& choice, SessionKind kind, const Console& console,
               const SessionBody& body);

// The same with a tenant that it creates; `choice.tenant` is its name.
int WithNewTenant(const TenantChoice& choice, engine::TenantOptions tenant, const Console& console,
                  const SessionBody& body, SessionOptions options = {});

}  // namespace obbak::cli
