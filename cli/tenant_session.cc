#include "cli/tenant_session.h"

#include <fmt/format.h>

#include <filesystem>
#include <random>
#include <string>
#include <system_error>
#include <utility>

#include "io/disk.h"
#include "io/host_driver.h"

namespace obbak::cli {
namespace {

using engine::EngineOptions;
using engine::Tenant;

std::uint64_t Unforeseeable() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

EngineOptions OptionsFor(SessionKind kind) {
  EngineOptions options;
  if (kind == SessionKind::kReading) {
    options.background = false;
    options.clog.zero_ahead = 0;
  }
  return options;
}

using Opened = io::Task<Result<std::unique_ptr<Tenant>>>;

int RunSession(HostWorld& world, Opened opening, const Console& console, const SessionBody& body) {
  const Result<std::unique_ptr<Tenant>> tenant = world.loop().Run(std::move(opening));
  if (!tenant) return console.Fail(tenant.error());
  TenantSession session{**tenant, world, console};
  const Status done = world.loop().Run(body(session));
  const Status closed = world.loop().Run((*tenant)->Close());
  if (!done) return console.Fail(done.error());
  return closed ? kSuccess : console.Fail(closed.error());
}

}  // namespace

HostWorld::HostWorld(const Console& console)
    : log_(LogLevel::kWarning,
           [err = console.err](LogLevel level, std::string_view message) {
             err(fmt::format("obbak: {}: {}\n", LogLevelName(level), message));
           }),
      random_(Unforeseeable()),
      loop_(io::MakeDriver({}, log_)) {}

int WithTenant(const TenantChoice& choice, SessionKind kind, const Console& console,
               const SessionBody& body) {
  const Result<std::string> name = ChooseTenant(choice);
  if (!name) return console.Fail(name.error());
  const Result<TenantLock> lock = TenantLock::Take(choice.data_dir, *name);
  if (!lock) return console.Fail(lock.error());
  HostWorld world(console);
  return RunSession(world,
                    Tenant::Open(world.env(), TenantDir(choice.data_dir, *name), OptionsFor(kind)),
                    console, body);
}

int WithNewTenant(const TenantChoice& choice, engine::TenantOptions options, const Console& console,
                  const SessionBody& body) {
  if (Status status = CheckTenantName(choice.tenant); !status) return console.Fail(status.error());
  std::error_code error;
  std::filesystem::create_directories(choice.data_dir, error);
  if (error) return console.Fail(io::ErrnoError(error.value(), "make directory", choice.data_dir));
  const Result<TenantLock> lock = TenantLock::Take(choice.data_dir, choice.tenant);
  if (!lock) return console.Fail(lock.error());
  options.tenant_name = choice.tenant;
  HostWorld world(console);
  return RunSession(world,
                    Tenant::Create(world.env(), TenantDir(choice.data_dir, choice.tenant),
                                   std::move(options), OptionsFor(SessionKind::kWriting)),
                    console, body);
}

}  // namespace obbak::cli
