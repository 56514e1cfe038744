// Running a command's work on an open tenant, in the real world.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "cli/console.h"
#include "cli/data_dir.h"
#include "engine/env.h"
#include "engine/tenant.h"
#include "io/clock.h"
#include "io/loop.h"
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
};

// Lives until the command's end: coroutines point into it.
using SessionBody = std::function<io::Task<Status>(TenantSession& session)>;

enum class SessionKind {
  kReading,  // nothing happens in the background
  kWriting,
};

// Locks and opens the tenant that is meant, runs `body`, and closes it. Prints the first error;
// returns the exit status.
int WithTenant(const TenantChoice& choice, SessionKind kind, const Console& console,
               const SessionBody& body);

// The same with a tenant that it creates; `choice.tenant` is its name.
int WithNewTenant(const TenantChoice& choice, engine::TenantOptions options, const Console& console,
                  const SessionBody& body);

}  // namespace obbak::cli
