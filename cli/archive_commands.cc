// `obbak archive start`, `stop`, `suspend`, `resume` and `status`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backup/archiver.h"
#include "cli/commands.h"
#include "cli/destination_text.h"
#include "cli/scn_text.h"
#include "cli/table_output.h"
#include "cli/tenant_session.h"
#include "engine/tenant_core.h"
#include "io/log_archive_dest.h"

namespace obbak::cli {
namespace {

using backup::Archiver;
using backup::ArchiveStatus;
using backup::RoundState;
using backup::RoundStatus;
using format::Scn;

// Where a demonstration's pieces may begin.
constexpr std::chrono::microseconds kShortestPiece = std::chrono::seconds(1);

// Archiving is the business of a primary.
Result<Archiver*> ArchiverOf(const TenantSession& session) {
  if (session.archiver != nullptr) return session.archiver;
  return Fail(Error(ErrorCode::kOpNotAllow, "archiving the logs of a standby is not allowed")
                  .WithAdvice("make it a primary with obbak activate"));
}

void PrintRound(const Archiver& archiver, const Console& console) {
  const ArchiveStatus status = archiver.status();
  if (!status.round) {
    console.out("nothing is archived\n");
    return;
  }
  const RoundStatus& round = *status.round;
  console.out(fmt::format("archive round {} is {}: from SCN {} to {}, in {}\n", round.round.value,
                          backup::ToText(round.state), ScnText(round.start_scn),
                          ScnText(round.checkpoint_scn), round.path));
}

// ---- start

struct StartOptions {
  std::string dest;
  std::string lag_target;
  bool short_pieces = false;
};

// Kept in the tenant; counts from the next command on.
io::Task<Status> SetLagTarget(engine::Tenant& tenant, std::string value) {
  engine::pb::Edit edit;
  *edit.mutable_tenant() = tenant.core().manifest->state().tenant();
  (*edit.mutable_tenant()->mutable_parameters())[std::string(kArchiveLagTarget)] = value;
  co_return co_await tenant.core().manifest->Apply(std::move(edit));
}

io::Task<Status> SetDest(const StartOptions& options, const TenantSession& session,
                         Archiver& archiver) {
  io::PieceSwitchIntervalRange range;
  if (options.short_pieces) range.min = kShortestPiece;
  auto dest = ParseArchiveDestination(options.dest, range, session.console);
  if (!dest) co_return Fail(dest.error());
  co_return co_await archiver.SetDest(*std::move(dest));
}

// ARCHIVELOG, unless only its end is missing: a destination could not be reached then, say.
io::Task<Status> SwitchOn(Archiver& archiver) {
  const ArchiveStatus status = archiver.status();
  if (!status.dest) {
    co_return Fail(Error(ErrorCode::kMissArgument, "there is no archive destination")
                       .WithAdvice("name one with --dest 'LOCATION=file:///...'"));
  }
  const bool is_doing = status.round && status.round->state == RoundState::kDoing;
  if (!status.archive_log_mode || is_doing) {
    if (Status done = co_await archiver.ArchiveLog(); !done) co_return done;
  }
  co_return co_await archiver.AwaitState();
}

io::Task<Status> Start(const StartOptions& options, TenantSession& session) {
  const Result<Archiver*> archiver = ArchiverOf(session);
  if (!archiver) co_return Fail(archiver.error());
  if (!options.lag_target.empty()) {
    const auto lag = io::ParseLagTarget(options.lag_target);
    if (!lag) co_return Fail(Error(lag.error()).WithField("--lag-target"));
    Status kept = co_await SetLagTarget(session.tenant, options.lag_target);
    if (!kept) co_return kept;
  }
  if (!options.dest.empty()) {
    Status set = co_await SetDest(options, session, **archiver);
    if (!set) co_return set;
  }
  if (Status on = co_await SwitchOn(**archiver); !on) co_return on;
  PrintRound(**archiver, session.console);
  co_return Status();
}

void AddStart(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<StartOptions>();
  CLI::App* command = app.add_subcommand("start", "Begin to archive the tenant's logs");
  command->footer(
      "From then on every command that writes brings the archive up to date before it ends. A "
      "destination\nthat is set already need not be named again; a new one has to be empty, and "
      "the archive stopped.\n\n"
      "examples:\n"
      "  obbak archive start --dest /backup/archive\n"
      "  obbak archive start --dest 'LOCATION=file:///backup/archive BINDING=MANDATORY "
      "PIECE_SWITCH_INTERVAL=2d'\n"
      "  obbak archive start --dest 'LOCATION=/tmp/archive PIECE_SWITCH_INTERVAL=10s' "
      "--allow-short-pieces");
  command->add_option("--dest", options->dest,
                      "LOG_ARCHIVE_DEST: LOCATION=URI or directory, BINDING=OPTIONAL|MANDATORY,\n"
                      "PIECE_SWITCH_INTERVAL=1d..7d; or nothing but the URI or directory");
  command->add_option("--lag-target", options->lag_target,
                      "archive_lag_target: how long logs may wait for more; 120s without it");
  command->add_flag("--allow-short-pieces", options->short_pieces,
                    "let pieces last from a second on; for tests and demonstrations");
  command->callback([options, &context] {
    SessionOptions session{.kind = SessionKind::kWriting, .purpose = "archive", .archive = {}};
    if (options->short_pieces) session.archive.piece_interval.min = kShortestPiece;
    context.status = WithTenant(context.choice, session, context.console,
                                [&](TenantSession& open) { return Start(*options, open); });
  });
}

// ---- stop, suspend, resume

io::Task<Status> Stop(TenantSession& session) {
  const Result<Archiver*> archiver = ArchiverOf(session);
  if (!archiver) co_return Fail(archiver.error());
  if (Status off = co_await (*archiver)->NoArchiveLog(); !off) co_return off;
  if (Status ended = co_await (*archiver)->AwaitState(); !ended) co_return ended;
  PrintRound(**archiver, session.console);
  co_return Status();
}

io::Task<Status> SetEnabled(bool enabled, TenantSession& session) {
  const Result<Archiver*> archiver = ArchiverOf(session);
  if (!archiver) co_return Fail(archiver.error());
  if (!(*archiver)->status().dest) {
    co_return Fail(Error(ErrorCode::kLogArchiveNotRunning, "there is no archive destination")
                       .WithAdvice("begin with obbak archive start"));
  }
  if (Status set = co_await (*archiver)->SetDestState(enabled); !set) co_return set;
  if (Status ended = co_await (*archiver)->AwaitState(); !ended) co_return ended;
  PrintRound(**archiver, session.console);
  co_return Status();
}

io::Task<Status> Suspend(TenantSession& session) { return SetEnabled(false, session); }
io::Task<Status> Resume(TenantSession& session) { return SetEnabled(true, session); }

void AddChange(CLI::App& app, CommandContext& context, const std::string& name,
               const std::string& description, const std::string& footer,
               io::Task<Status> (*body)(TenantSession&)) {
  CLI::App* command = app.add_subcommand(name, description);
  command->footer(footer);
  command->callback([body, &context] {
    const SessionOptions session{
        .kind = SessionKind::kWriting, .purpose = "archive", .archive = {}};
    context.status = WithTenant(context.choice, session, context.console, body);
  });
}

// ---- status

double Seconds(Scn from, Scn to) {
  return to > from ? static_cast<double>(to.value - from.value) / 1e9 : 0;
}

Section DestSection(const ArchiveStatus& status, const engine::Tenant& tenant) {
  Section section{.name = "destination",
                  .columns = {{"log_mode", OutputKind::kText},
                              {"path", OutputKind::kText},
                              {"binding", OutputKind::kText},
                              {"piece_switch_interval", OutputKind::kText},
                              {"state", OutputKind::kText},
                              {"lag_seconds", OutputKind::kReal}},
                  .rows = {OutputRow(6)},
                  .single = true};
  OutputRow& row = section.rows.front();
  row[0] = status.archive_log_mode ? "ARCHIVELOG" : "NOARCHIVELOG";
  if (status.dest) {
    row[1] = status.dest->location.PathString();
    row[2] = ToText(status.dest->binding);
    row[3] = io::StoredIntervalText(status.dest->piece_switch_interval);
    row[4] = status.deferred ? "DEFER" : "ENABLE";
  }
  if (status.round && status.round->state == RoundState::kDoing) {
    row[5] = fmt::format("{:.3f}", Seconds(status.round->checkpoint_scn, tenant.snapshot()));
  }
  return section;
}

// CDB_OB_ARCHIVELOG_SUMMARY: the rounds that have ended, then the one of now.
Section RoundSection(const ArchiveStatus& status) {
  Section section{.name = "rounds",
                  .columns = {{"dest_id", OutputKind::kInteger},
                              {"round_id", OutputKind::kInteger},
                              {"status", OutputKind::kText},
                              {"start_scn", OutputKind::kInteger},
                              {"start_scn_display", OutputKind::kText},
                              {"checkpoint_scn", OutputKind::kInteger},
                              {"checkpoint_scn_display", OutputKind::kText},
                              {"base_piece_id", OutputKind::kInteger},
                              {"used_piece_id", OutputKind::kInteger},
                              {"piece_switch_interval", OutputKind::kInteger},
                              {"input_bytes", OutputKind::kInteger},
                              {"path", OutputKind::kText},
                              {"comment", OutputKind::kText}},
                  .rows = {}};
  const auto add = [&](const RoundStatus& round) {
    section.rows.push_back({std::to_string(round.dest.value), std::to_string(round.round.value),
                            std::string(backup::ToText(round.state)),
                            std::to_string(round.start_scn.value), ToText(round.start_scn),
                            std::to_string(round.checkpoint_scn.value),
                            ToText(round.checkpoint_scn), std::to_string(round.base_piece.value),
                            std::to_string(round.used_piece.value),
                            std::to_string(round.piece_switch_interval.count()),
                            std::to_string(round.bytes), round.path, round.comment});
  };
  for (const RoundStatus& round : status.history) add(round);
  const bool is_listed =
      status.round && !status.history.empty() && status.history.back().round == status.round->round;
  if (status.round && !is_listed) add(*status.round);
  return section;
}

// CDB_OB_ARCHIVELOG_PIECE_FILES.
Section PieceSection(const ArchiveStatus& status) {
  Section section{.name = "pieces",
                  .columns = {{"round_id", OutputKind::kInteger},
                              {"piece_id", OutputKind::kInteger},
                              {"status", OutputKind::kText},
                              {"start_scn", OutputKind::kInteger},
                              {"start_scn_display", OutputKind::kText},
                              {"checkpoint_scn", OutputKind::kInteger},
                              {"checkpoint_scn_display", OutputKind::kText},
                              {"end_scn", OutputKind::kInteger},
                              {"end_scn_display", OutputKind::kText},
                              {"input_bytes", OutputKind::kInteger},
                              {"file_status", OutputKind::kText}},
                  .rows = {}};
  for (const format::TenantArchivePieceAttr& piece : status.pieces) {
    section.rows.push_back(
        {std::to_string(piece.key.round_id.value), std::to_string(piece.key.piece_id.value),
         std::string(NameOf(piece.status.value)), std::to_string(piece.start_scn.value),
         ToText(piece.start_scn), std::to_string(piece.checkpoint_scn.value),
         ToText(piece.checkpoint_scn), std::to_string(piece.end_scn.value), ToText(piece.end_scn),
         std::to_string(piece.input_bytes), std::string(NameOf(piece.file_status))});
  }
  return section;
}

// CDB_OB_LS_LOG_ARCHIVE_PROGRESS, and how much of the log is not archived yet.
Section LogStreamSection(const ArchiveStatus& status, const engine::Tenant& tenant) {
  Section section{.name = "log_streams",
                  .columns = {{"ls_id", OutputKind::kInteger},
                              {"piece_id", OutputKind::kInteger},
                              {"status", OutputKind::kText},
                              {"max_lsn", OutputKind::kInteger},
                              {"checkpoint_scn", OutputKind::kInteger},
                              {"checkpoint_scn_display", OutputKind::kText},
                              {"bytes_behind", OutputKind::kInteger}},
                  .rows = {}};
  std::map<format::LsId, std::uint64_t> ends;
  for (const auto& ls : tenant.Statistics().log_streams) ends[ls.id] = ls.end_lsn.value;
  for (const backup::LsArchiveStatus& ls : status.log_streams) {
    const std::uint64_t end = std::max(ends[ls.ls], ls.archived_lsn.value);
    section.rows.push_back({std::to_string(ls.ls.value), std::to_string(ls.piece.value),
                            std::string(backup::ToText(ls.state)),
                            std::to_string(ls.archived_lsn.value),
                            std::to_string(ls.checkpoint_scn.value), ToText(ls.checkpoint_scn),
                            std::to_string(end - ls.archived_lsn.value)});
  }
  return section;
}

io::Task<Status> ShowStatus(bool json, TenantSession& session) {
  backup::ArchiveOptions options;
  options.background = false;
  const auto archiver = co_await Archiver::Open(session.tenant, session.world.media(), options);
  if (!archiver) co_return Fail(archiver.error());
  const ArchiveStatus status = (*archiver)->status();
  PrintSections({DestSection(status, session.tenant), RoundSection(status), PieceSection(status),
                 LogStreamSection(status, session.tenant)},
                ChooseFormat(json, session.console), session.console);
  co_return co_await (*archiver)->Close();
}

void AddStatus(CLI::App& app, CommandContext& context) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command =
      app.add_subcommand("status", "Show destination, rounds, pieces and log streams");
  command->footer(
      "Columns have the names of OceanBase's views.\n\nexample:\n"
      "  obbak archive status --json");
  command->add_flag("--json", *json, "print one JSON object");
  command->callback([json, &context] {
    context.status = WithTenant(context.choice, SessionKind::kReading, context.console,
                                [&](TenantSession& session) { return ShowStatus(*json, session); });
  });
}

}  // namespace

void AddArchiveCommands(CLI::App& app, CommandContext& context) {
  CLI::App* archive = app.add_subcommand("archive", "Copy the tenant's logs as they are written");
  archive->require_subcommand(1);
  AddStart(*archive, context);
  AddChange(*archive, context, "stop", "End the archive round; NOARCHIVELOG",
            "What is archived stays. The next start begins a new round: between the two nothing "
            "can be restored.\n\nexample:\n  obbak archive stop",
            &Stop);
  AddChange(*archive, context, "suspend", "Pause: logs wait until archiving is resumed; DEFER",
            "example:\n  obbak archive suspend", &Suspend);
  AddChange(*archive, context, "resume", "Go on with the same round; ENABLE",
            "example:\n  obbak archive resume", &Resume);
  AddStatus(*archive, context);
}

}  // namespace obbak::cli
