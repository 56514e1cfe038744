// `obbak backup full`, `incremental`, `cancel` and `list`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backup/data_backup.h"
#include "cli/backup_sections.h"
#include "cli/commands.h"
#include "cli/destination_text.h"
#include "cli/interruption.h"
#include "cli/progress.h"
#include "cli/scn_text.h"
#include "cli/tenant_session.h"
#include "io/disk.h"

namespace obbak::cli {
namespace {

using backup::BackupProgress;
using backup::DataBackup;

// How a process says that it can be asked to cancel.
constexpr std::string_view kPurpose = "backup";

// ---- full, incremental

struct RunOptions {
  backup::BackupRequest request;
  std::string dest;
  bool json = false;
};

io::Task<Status> SetDest(const std::string& text, const Console& console, DataBackup& backup) {
  if (text.empty()) co_return Status();
  auto dest = ParseDestination(text, console);
  if (!dest) co_return Fail(dest.error());
  if (backup.dest() == *dest) co_return Status();
  std::optional<io::BackupDest> wanted(*std::move(dest));
  co_return co_await backup.SetDest(std::move(wanted));
}

io::Task<Status> Run(const RunOptions& options, TenantSession& session) {
  if (session.archiver == nullptr) {
    co_return Fail(Error(ErrorCode::kBackupCanNotStart,
                         "backup can not start, because tenant is a "
                         "standby")
                       .WithAdvice("make it a primary with obbak activate"));
  }
  const backup::BackupOptions tuning;
  const auto backup =
      co_await DataBackup::Open(session.tenant, *session.archiver, session.world.media(), tuning);
  if (!backup) co_return Fail(backup.error());
  if (Status set = co_await SetDest(options.dest, session.console, **backup); !set) co_return set;
  io::Loop& loop = session.world.loop();
  Progress progress(session.console, [&loop] { return loop.SteadyNow(); }, Progress::kBytes);
  const auto show = [&progress](const BackupProgress& at) {
    progress.BeginPhase(backup::ToText(at.stage));
    progress.UpdateOf(at.bytes_done, at.bytes_total);
  };
  const auto cancel = [&backup] { (*backup)->Cancel(); };
  const auto set = co_await RunCancelable(loop, cancel, (*backup)->Run(options.request, show));
  progress.Clear();
  if (!set) co_return Fail(set.error());
  PrintSections({SetSection(*set, progress.elapsed())}, ChooseFormat(options.json, session.console),
                session.console);
  co_return Status();
}

void AddRun(CLI::App& app, CommandContext& context, const std::string& name,
            format::BackupType type, const std::string& description, const std::string& footer) {
  auto options = std::make_shared<RunOptions>();
  options->request.type = type;
  CLI::App* command = app.add_subcommand(name, description);
  command->footer(footer);
  command->add_option("--dest", options->dest,
                      "DATA_BACKUP_DEST: URI or directory; kept for the next backups");
  command->add_flag("--plus-archivelog", options->request.plus_archivelog,
                    "put the logs in that a restore needs: the set then restores by itself");
  command->add_option("--description", options->request.description, "kept with the job");
  command->add_flag("--json", options->json, "print one JSON object");
  command->callback([options, &context] {
    // Before others can see the purpose.
    const InterruptionSignals signals;
    const SessionOptions session{
        .kind = SessionKind::kWriting, .purpose = std::string(kPurpose), .archive = {}};
    context.status = WithTenant(context.choice, session, context.console,
                                [&](TenantSession& open) { return Run(*options, open); });
  });
}

// ---- cancel

Result<bool> AskToCancel(const TenantChoice& choice, const Console& console) {
  const Result<std::string> name = ChooseTenant(choice);
  if (!name) return Fail(name.error());
  const auto owner = TenantLock::OwnerOf(choice.data_dir, *name);
  if (!owner) return Fail(owner.error());
  if (!*owner || (*owner)->purpose != kPurpose) return false;
  const pid_t process = (*owner)->process;
  if (::kill(process, SIGINT) != 0) {
    if (errno == ESRCH) return false;
    return Fail(io::ErrnoError(errno, "signal", fmt::format("process {}", process)));
  }
  console.out(
      fmt::format("process {} was asked to cancel its backup; obbak backup list shows "
                  "what became of it when it has ended\n",
                  process));
  return true;
}

int Cancel(const CommandContext& context) {
  const Result<bool> asked = AskToCancel(context.choice, context.console);
  if (!asked) return context.console.Fail(asked.error());
  if (!*asked) context.console.out("no backup is running\n");
  return kSuccess;
}

void AddCancel(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("cancel", "Cancel the backup that another process runs");
  command->footer(
      "A backup runs in the process that was told to make it, which alone has the tenant open. "
      "This asks it\nto cancel, as Ctrl-C there does: it ends its job as CANCELED and its set as "
      "INCOMPLETE. A second Ctrl-C\nkills it; the next command then finds the job FAILED. Either "
      "way the set is never taken for a good one.\n\n"
      "example:\n  obbak --tenant shop backup cancel");
  command->callback([&context] { context.status = Cancel(context); });
}

// ---- list

io::Task<Status> List(bool json, TenantSession& session) {
  backup::ArchiveOptions archive;
  archive.background = false;
  const auto archiver =
      co_await backup::Archiver::Open(session.tenant, session.world.media(), archive);
  if (!archiver) co_return Fail(archiver.error());
  const backup::BackupOptions tuning;
  const auto backup =
      co_await DataBackup::Open(session.tenant, **archiver, session.world.media(), tuning);
  if (backup) {
    PrintSections({DestSection((*backup)->dest()), SetsSection((*backup)->sets()),
                   JobsSection((*backup)->jobs())},
                  ChooseFormat(json, session.console), session.console);
  }
  Status closed = co_await (*archiver)->Close();
  if (!backup) co_return Fail(backup.error());
  co_return closed;
}

void AddList(CLI::App& app, CommandContext& context) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("list", "List backup sets and jobs");
  command->footer(
      "Columns have the names of OceanBase's views.\n\nexample:\n"
      "  obbak backup list --json");
  command->add_flag("--json", *json, "print one JSON object");
  command->callback([json, &context] {
    context.status = WithTenant(context.choice, SessionKind::kReading, context.console,
                                [&](TenantSession& session) { return List(*json, session); });
  });
}

}  // namespace

void AddBackupCommands(CLI::App& app, CommandContext& context) {
  CLI::App* backup = app.add_subcommand("backup", "Make backup sets of the tenant's data");
  backup->require_subcommand(1);
  AddRun(*backup, context, "full", format::BackupType::kFull, "Back up everything",
         "The tenant's logs must be archived meanwhile (obbak archive start). Ctrl-C cancels.\n\n"
         "examples:\n"
         "  obbak backup full --dest /backup/data\n"
         "  obbak backup full --plus-archivelog --description 'before the upgrade'");
  AddRun(*backup, context, "incremental", format::BackupType::kInc,
         "Back up what has changed since the last set",
         "Baseline blocks that earlier sets of the destination have are not copied again; a "
         "restore needs those\nsets, too. Without an earlier set it becomes a full one.\n\n"
         "examples:\n"
         "  obbak backup incremental\n"
         "  obbak backup incremental --plus-archivelog --json");
  AddCancel(*backup, context);
  AddList(*backup, context);
}

}  // namespace obbak::cli
