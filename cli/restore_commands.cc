// `obbak restore`, `recover-standby` and `activate`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/destination_text.h"
#include "cli/progress.h"
#include "cli/restore_source_row.h"
#include "cli/scn_text.h"
#include "cli/table_output.h"
#include "cli/tenant_session.h"
#include "restore/restore.h"
#include "restore/restore_plan.h"

namespace obbak::cli {
namespace {

using restore::RestorePlan;
using restore::RestorePoint;
using restore::RestoreProgress;
using restore::RestoreSource;
using restore::RestoreSummary;

// A number is an SCN, what obbak printed itself is one, too, and anything else a time of the backup
// tenant.
Result<RestorePoint> ParsePoint(const std::string& text) {
  RestorePoint point;
  if (text.empty()) return point;
  const bool is_number = text.find_first_not_of("0123456789") == text.npos;
  if (!is_number && !text.ends_with(" UTC")) {
    point.time = text;
    return point;
  }
  const Result<format::Scn> scn = ParseScn(text);
  if (!scn) return Fail(Error(scn.error()).WithField("--until"));
  point.scn = *scn;
  return point;
}

restore::ReportRestore ShowOn(Progress& progress) {
  return [&progress](const RestoreProgress& at) {
    progress.BeginPhase(restore::ToText(at.phase));
    progress.Update(at.bytes_done, at.part_done);
  };
}

Section SummarySection(const std::string& tenant, const RestoreSummary& summary,
                       std::chrono::nanoseconds elapsed) {
  return {.name = "restore",
          .columns = {{"tenant", OutputKind::kText},
                      {"restore_scn", OutputKind::kInteger},
                      {"restore_scn_display", OutputKind::kText},
                      {"tablets", OutputKind::kInteger},
                      {"macro_blocks", OutputKind::kInteger},
                      {"data_bytes", OutputKind::kInteger},
                      {"log_bytes", OutputKind::kInteger},
                      {"log_entries", OutputKind::kInteger},
                      {"elapsed_seconds", OutputKind::kReal}},
          .rows = {{tenant, std::to_string(summary.restore_scn.value), ToText(summary.restore_scn),
                    std::to_string(summary.tablets), std::to_string(summary.macro_blocks),
                    std::to_string(summary.data_bytes), std::to_string(summary.log_bytes),
                    std::to_string(summary.log_entries),
                    fmt::format("{:.3f}", std::chrono::duration<double>(elapsed).count())}},
          .single = true};
}

// ---- restore

struct RestoreCommand {
  std::string from;
  std::uint64_t tenant_id = 1004;
  std::string until;
  bool preview = false;
  std::size_t concurrency = 0;
  bool json = false;
};

// What is to be restored from where.
struct Job {
  std::vector<io::BackupDest> dests;
  RestoreSource source;
  RestorePlan plan;
};

io::Task<Result<Job>> MakeJob(const RestoreCommand& command, HostWorld& world,
                              const Console& console) {
  const Result<RestorePoint> point = ParsePoint(command.until);
  if (!point) co_return Fail(point.error());
  Result<std::vector<io::BackupDest>> dests = ParseDestinations(command.from, console);
  if (!dests) co_return Fail(Error(dests.error()).WithField("--from"));
  Result<RestoreSource> source = co_await restore::OpenRestoreSource(*dests, world.media());
  if (!source) co_return Fail(source.error());
  Result<RestorePlan> plan = co_await restore::MakeRestorePlan(*source, *point);
  if (!plan) co_return Fail(plan.error());
  co_return Job{*std::move(dests), *std::move(source), *std::move(plan)};
}

void PrintPreview(const Job& job, bool json, const Console& console) {
  TableOutput output({{"backup_type", OutputKind::kText},
                      {"backup_id", OutputKind::kInteger},
                      {"backup_dest", OutputKind::kText},
                      {"description", OutputKind::kText}},
                     ChooseFormat(json, console), console);
  for (const restore::PreviewRow& row : restore::PreviewOf(job.source, job.plan)) {
    output.Add({row.backup_type, std::to_string(row.backup_id), row.backup_dest, row.description});
  }
  output.Finish();
}

io::Task<Status> RestoreInto(const RestoreCommand& command, const TenantChoice& choice, Job job,
                             HostWorld& world, const Console& console) {
  restore::RestoreOptions options;
  options.dir = TenantDir(choice.data_dir, choice.tenant);
  options.tenant_name = choice.tenant;
  options.tenant_id = command.tenant_id;
  options.concurrency = command.concurrency;
  // recover-standby goes on from there.
  options.rows.insert(RestoreSourceRow(job.dests));
  io::Loop& loop = world.loop();
  Progress progress(console, [&loop] { return loop.SteadyNow(); }, Progress::kBytes);
  const restore::ReportRestore show = ShowOn(progress);
  const Result<RestoreSummary> summary =
      co_await restore::Restore(world.env(), job.source, job.plan, options, show);
  progress.Clear();
  if (!summary) co_return Fail(summary.error());
  PrintSections({SummarySection(choice.tenant, *summary, progress.elapsed())},
                ChooseFormat(command.json, console), console);
  co_return Status();
}

io::Task<Status> PreviewOrRestore(const RestoreCommand& command, const TenantChoice& choice,
                                  HostWorld& world, const Console& console) {
  Result<Job> job = co_await MakeJob(command, world, console);
  if (!job) co_return Fail(job.error());
  if (command.preview) {
    PrintPreview(*job, command.json, console);
    co_return Status();
  }
  co_return co_await RestoreInto(command, choice, *std::move(job), world, console);
}

int RunRestore(const RestoreCommand& command, const CommandContext& context) {
  const Console& console = context.console;
  std::optional<TenantLock> lock;
  if (!command.preview) {
    if (context.choice.tenant.empty()) {
      return console.Fail(Error(ErrorCode::kMissArgument, "the new tenant has no name")
                              .WithAdvice("give it one with --tenant"));
    }
    Result<TenantLock> taken = LockNewTenant(context.choice, "restore");
    if (!taken) return console.Fail(taken.error());
    lock = *std::move(taken);
  }
  HostWorld world(console);
  const Status done = world.loop().Run(PreviewOrRestore(command, context.choice, world, console));
  return done ? kSuccess : console.Fail(done.error());
}

constexpr const char* kUntilHelp =
    "SCN or time (in the backup tenant's time zone; with ' UTC' behind it in that), itself "
    "included;\nas far as there is without it";

void AddRestore(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<RestoreCommand>();
  CLI::App* command = app.add_subcommand("restore", "Make a tenant from backup sets and archive");
  command->footer(
      "The new tenant is a standby: it can be read, recovered further, and activated. One whose "
      "restore was\ninterrupted can't be opened; the same command begins anew. Nothing is ever "
      "written to the source.\n\n"
      "examples:\n"
      "  obbak restore --from /backup/data,/backup/archive --tenant rescued --tenant-id 1004\n"
      "  obbak restore --from file:///backup/data,file:///backup/archive --preview \\\n"
      "    --until '2024-05-09 18:00:00'\n"
      "  obbak restore --from /backup/data --tenant rescued       a set made --plus-archivelog");
  command
      ->add_option("--from", options->from,
                   "data and archive destination, in any order: URI,URI or directories")
      ->required();
  command->add_option("--tenant-id", options->tenant_id, "an even number above 1000")
      ->capture_default_str();
  command->add_option("--until", options->until, kUntilHelp);
  command->add_flag("--preview", options->preview, "only show which sets and pieces it takes");
  command
      ->add_option("--concurrency", options->concurrency,
                   "blocks that are read at the same time; 0: as many as is good")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  command->add_flag("--json", options->json, "print JSON");
  command->callback([options, &context] { context.status = RunRestore(*options, context); });
}

// ---- recover-standby

struct RecoverCommand {
  std::string from;
  std::string until;
  bool json = false;
};

Result<std::vector<io::BackupDest>> SourceOf(const RecoverCommand& command,
                                             const TenantSession& session) {
  if (!command.from.empty()) return ParseDestinations(command.from, session.console);
  return RememberedRestoreSource(session.tenant);
}

io::Task<Status> Recover(const RecoverCommand& command, TenantSession& session) {
  const Result<RestorePoint> point = ParsePoint(command.until);
  if (!point) co_return Fail(point.error());
  Result<std::vector<io::BackupDest>> dests = SourceOf(command, session);
  if (!dests) co_return Fail(Error(dests.error()).WithField("--from"));
  const Result<RestoreSource> source =
      co_await restore::OpenRestoreSource(*dests, session.world.media());
  if (!source) co_return Fail(source.error());
  io::Loop& loop = session.world.loop();
  Progress progress(session.console, [&loop] { return loop.SteadyNow(); }, Progress::kBytes);
  const restore::ReportRestore show = ShowOn(progress);
  const Result<RestoreSummary> summary =
      co_await restore::RecoverStandby(session.tenant, *source, *point, show);
  progress.Clear();
  if (!summary) co_return Fail(summary.error());
  PrintSections(
      {SummarySection(session.tenant.options().tenant_name, *summary, progress.elapsed())},
      ChooseFormat(command.json, session.console), session.console);
  co_return Status();
}

void AddRecover(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<RecoverCommand>();
  CLI::App* command = app.add_subcommand("recover-standby", "Take a restored tenant further");
  command->footer(
      "Replays what the archive has behind the point that the tenant has reached.\n\n"
      "examples:\n"
      "  obbak --tenant rescued recover-standby\n"
      "  obbak --tenant rescued recover-standby --until '2024-05-09 18:00:00'");
  command->add_option("--from", options->from,
                      "where to read; what it was restored from without it");
  command->add_option("--until", options->until, kUntilHelp);
  command->add_flag("--json", options->json, "print one JSON object");
  command->callback([options, &context] {
    const SessionOptions session{
        .kind = SessionKind::kWriting, .purpose = "recovery", .archive = {}};
    context.status = WithTenant(context.choice, session, context.console,
                                [&](TenantSession& open) { return Recover(*options, open); });
  });
}

// ---- activate

io::Task<Status> ShowActivated(TenantSession& session) {
  session.console.out(fmt::format("tenant {} is a primary, at SCN {}\n",
                                  session.tenant.options().tenant_name,
                                  ScnText(session.tenant.snapshot())));
  co_return Status();
}

int Activate(const CommandContext& context) {
  const Console& console = context.console;
  const Result<std::string> name = ChooseTenant(context.choice);
  if (!name) return console.Fail(name.error());
  {
    const Result<TenantLock> lock = TenantLock::Take(context.choice.data_dir, *name, "activation");
    if (!lock) return console.Fail(lock.error());
    HostWorld world(console);
    const Status done = world.loop().Run(restore::ActivateStandby(
        world.env(), TenantDir(context.choice.data_dir, *name), engine::EngineOptions()));
    if (!done) return console.Fail(done.error());
  }
  return WithTenant(context.choice, SessionKind::kReading, console, &ShowActivated);
}

void AddActivate(CLI::App& app, CommandContext& context) {
  CLI::App* command =
      app.add_subcommand("activate", "Make a standby a primary, which takes writes");
  command->footer(
      "It can't be recovered further then. Archive it to a destination of its own, and back it "
      "up anew.\n\nexample:\n  obbak --tenant rescued activate");
  command->callback([&context] { context.status = Activate(context); });
}

}  // namespace

void AddRestoreCommands(CLI::App& app, CommandContext& context) {
  AddRestore(app, context);
  AddRecover(app, context);
  AddActivate(app, context);
}

}  // namespace obbak::cli
