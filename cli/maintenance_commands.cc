// `obbak flush` and `obbak compact`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>
#include <utility>

#include "cli/commands.h"
#include "cli/scn_text.h"
#include "cli/tenant_session.h"

namespace obbak::cli {
namespace {

std::string SummaryText(const engine::CompactionSummary& summary) {
  return fmt::format("{} tablets, {} rows and {} macro blocks written, {} reused\n",
                     summary.tablets, summary.rows_written, summary.blocks_written,
                     summary.blocks_reused);
}

io::Task<Status> CompactMinor(TenantSession& session) {
  const auto summary = co_await session.tenant.CompactMinor();
  if (!summary) co_return Fail(summary.error());
  session.console.out("minor compaction: " + SummaryText(*summary));
  co_return Status();
}

io::Task<Status> CompactMajor(TenantSession& session) {
  const auto done = co_await session.tenant.CompactMajor();
  if (!done) co_return Fail(done.error());
  const auto& [snapshot, summary] = *done;
  session.console.out(
      fmt::format("major compaction at SCN {}: {}", ScnText(snapshot), SummaryText(summary)));
  co_return Status();
}

io::Task<Status> Flush(TenantSession& session) {
  if (Status status = co_await session.tenant.Flush(); !status) co_return status;
  for (const engine::LogStreamStatistics& ls : session.tenant.Statistics().log_streams) {
    session.console.out(fmt::format("log stream {}: checkpoint at SCN {}\n", ls.id.value,
                                    ScnText(ls.checkpoint_scn)));
  }
  co_return Status();
}

void AddCommand(CLI::App& app, CommandContext& context, const std::string& name,
                const std::string& description, const std::string& footer,
                io::Task<Status> (*body)(TenantSession&)) {
  CLI::App* command = app.add_subcommand(name, description);
  command->footer(footer);
  command->callback([body, &context] {
    context.status = WithTenant(context.choice, SessionKind::kWriting, context.console, body);
  });
}

}  // namespace

void AddMaintenanceCommands(CLI::App& app, CommandContext& context) {
  AddCommand(app, context, "flush", "Write MemTables to SSTables and checkpoint the logs",
             "example:\n  obbak flush", &Flush);
  CLI::App* compact = app.add_subcommand("compact", "Merge SSTables");
  compact->require_subcommand(1);
  AddCommand(*compact, context, "minor", "Merge each tablet's increments; every version stays",
             "example:\n  obbak compact minor", &CompactMinor);
  AddCommand(*compact, context, "major",
             "Make a new baseline of all rows; old versions and deleted rows go",
             "Reads --at older SCNs fail from then on.\n\nexample:\n  obbak compact major",
             &CompactMajor);
}

}  // namespace obbak::cli
