#include "cli/tenant_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <stop_token>
#include <string>
#include <utility>

#include "cli/progress.h"
#include "io/directory_medium.h"
#include "io/host_driver.h"
#include "io/sync.h"

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

// What the tenant's parameters say of archiving, beside what the command wants. A parameter that
// makes no sense must not lock a tenant.
backup::ArchiveOptions ArchiveOptionsFor(const TenantSession& session,
                                         backup::ArchiveOptions options) {
  const auto& parameters = session.tenant.options().parameters;
  const auto found = parameters.find(std::string(kArchiveLagTarget));
  if (found == parameters.end()) return options;
  const auto lag = io::ParseLagTarget(found->second);
  if (!lag) {
    session.console.Warn(lag.error().ToString() + "; without it, that is 120 s");
    return options;
  }
  options.lag_target = std::chrono::duration_cast<std::chrono::milliseconds>(*lag);
  return options;
}

// Bytes of logs that are not in the archive yet.
std::uint64_t BytesLeft(const backup::Archiver& archiver, const Tenant& tenant) {
  std::map<format::LsId, std::uint64_t> archived;
  for (const auto& ls : archiver.status().log_streams) archived[ls.ls] = ls.archived_lsn.value;
  std::uint64_t left = 0;
  for (const auto& ls : tenant.Statistics().log_streams) {
    const auto found = archived.find(ls.id);
    if (found == archived.end() || found->second >= ls.end_lsn.value) continue;
    left += ls.end_lsn.value - found->second;
  }
  return left;
}

io::Task<void> ShowArchiving(const TenantSession& session, std::stop_token stop) {
  io::Loop& loop = session.world.loop();
  Progress progress(session.console, [&loop] { return loop.SteadyNow(); }, Progress::kBytes);
  progress.BeginPhase("archiving");
  const std::uint64_t total = BytesLeft(*session.archiver, session.tenant);
  for (;;) {
    const Status slept = co_await loop.Sleep(Progress::kInterval, stop);
    if (!slept) co_return;
    const std::uint64_t left = BytesLeft(*session.archiver, session.tenant);
    progress.UpdateOf(total - std::min(left, total), total);
  }
}

io::Task<Status> CatchUp(const TenantSession& session) {
  io::TaskGroup showing(session.world.loop());
  std::stop_source done;
  showing.Spawn(ShowArchiving(session, done.get_token()));
  Status status = co_await session.archiver->CatchUp();
  done.request_stop();
  co_await showing.Join();
  co_return status;
}

// Brings the archive up to date, and ends archiving.
io::Task<Status> EndArchiving(const TenantSession& session) {
  const auto round = session.archiver->status().round;
  if (round && round->state == backup::RoundState::kDoing) {
    const Status status = co_await CatchUp(session);
    if (!status) {
      session.console.Warn("the archive is behind, and goes on with the next command: " +
                           status.error().ToString());
    }
  } else if (round && round->state == backup::RoundState::kInterrupted) {
    session.console.Warn(fmt::format(
        "archive round {} is interrupted: {}; obbak archive stop, then obbak archive start",
        round->round.value, round->comment));
  }
  co_return co_await session.archiver->Close();
}

io::Task<Status> RunArchived(TenantSession& session, const SessionOptions& options,
                             const SessionBody& body) {
  const backup::ArchiveOptions archive = ArchiveOptionsFor(session, options.archive);
  const auto archiver =
      co_await backup::Archiver::Open(session.tenant, session.world.media(), archive);
  if (!archiver) co_return Fail(archiver.error());
  session.archiver = archiver->get();
  Status done = co_await body(session);
  Status archived = co_await EndArchiving(session);
  if (!done) co_return done;
  co_return archived;
}

int RunSession(HostWorld& world, Opened opening, const SessionOptions& options,
               const Console& console, const SessionBody& body) {
  const Result<std::unique_ptr<Tenant>> tenant = world.loop().Run(std::move(opening));
  if (!tenant) return console.Fail(tenant.error());
  TenantSession session{**tenant, world, console};
  const bool archives =
      options.kind == SessionKind::kWriting && (*tenant)->role() == engine::TenantRole::kPrimary;
  const Status done =
      world.loop().Run(archives ? RunArchived(session, options, body) : body(session));
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

io::MediumFactory HostWorld::media() { return io::DirectoryMedia(loop_, loop_.disk()); }

int WithTenant(const TenantChoice& choice, SessionOptions options, const Console& console,
               const SessionBody& body) {
  const Result<std::string> name = ChooseTenant(choice);
  if (!name) return console.Fail(name.error());
  const Result<TenantLock> lock = TenantLock::Take(choice.data_dir, *name, options.purpose);
  if (!lock) return console.Fail(lock.error());
  HostWorld world(console);
  Opened opening =
      Tenant::Open(world.env(), TenantDir(choice.data_dir, *name), OptionsFor(options.kind));
  return RunSession(world, std::move(opening), options, console, body);
}

int WithTenant(const TenantChoice& choice, SessionKind kind, const Console& console,
               const SessionBody& body) {
  return WithTenant(choice, SessionOptions{.kind = kind, .purpose = {}, .archive = {}}, console,
                    body);
}

int WithNewTenant(const TenantChoice& choice, engine::TenantOptions tenant, const Console& console,
                  const SessionBody& body, SessionOptions options) {
  const Result<TenantLock> lock = LockNewTenant(choice, options.purpose);
  if (!lock) return console.Fail(lock.error());
  tenant.tenant_name = choice.tenant;
  HostWorld world(console);
  Opened opening = Tenant::Create(world.env(), TenantDir(choice.data_dir, choice.tenant),
                                  std::move(tenant), OptionsFor(options.kind));
  return RunSession(world, std::move(opening), options, console, body);
}

}  // namespace obbak::cli
