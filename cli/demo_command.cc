// `obbak demo`: one story on real data, from the first row to the proof that nothing is lost.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "base/result.h"
#include "cli/commands.h"
#include "cli/demo_rescue.h"
#include "cli/demo_source.h"
#include "cli/demo_steps.h"
#include "cli/destination_text.h"
#include "cli/tenant_session.h"
#include "cli/tree_view.h"

namespace obbak::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSource = "shop";
constexpr const char* kRescued = "rescued";

struct DemoOptions {
  std::string directory;
  std::string unicode_data = "/usr/share/unicode/UnicodeData.txt";
  std::optional<std::uint64_t> rows;
};

Status CheckDirectory(const fs::path& directory) {
  std::error_code error;
  if (!fs::exists(directory, error) || fs::is_empty(directory, error)) return {};
  return Fail(Error(ErrorCode::kEntryExist, "is not an empty directory")
                  .WithPath(directory.string())
                  .WithAdvice("name another one or remove it"));
}

Result<DemoPlaces> PlacesIn(const fs::path& directory, const Console& console) {
  const auto backup = ParseDestination((directory / "backup").string(), console);
  if (!backup) return Fail(backup.error());
  const auto archive = ParseDestination((directory / "archive").string(), console);
  if (!archive) return Fail(archive.error());
  return DemoPlaces{
      .data_dir = (directory / "data").string(), .backup = *backup, .archive = *archive};
}

int RunSource(const DemoPlaces& places, const SourcePlan& plan, DemoSteps& steps,
              SourceRecord& record, const Console& console) {
  engine::TenantOptions tenant;
  tenant.user_log_streams = 2;
  const SessionOptions session{
      .kind = SessionKind::kWriting, .purpose = "demo", .archive = DemoArchiveOptions()};
  console.out(fmt::format("Tenant {} has log stream 1 and two for its users'.\n", kSource));
  return WithNewTenant(
      {places.data_dir, kSource}, tenant, console,
      [&](TenantSession& open) { return TellSource(places, plan, open, steps, record); }, session);
}

void PrintShortTree(const std::string& title, const io::BackupDest& dest, const Console& console) {
  const fs::path directory(dest.directory());
  const Result<std::vector<TreeEntry>> entries = ListTree(directory);
  if (!entries) return;
  console.out(fmt::format("\n{}, one of each kind:\n{}{}\n", title,
                          TreeText(directory, OneOfEachKind(*entries)), CountText(*entries)));
}

int RunRescue(const DemoPlaces& places, const SourceRecord& record, DemoSteps& steps,
              const Console& console) {
  HostWorld world(console);
  const Status rescued = Rescue(places, kRescued, record, world, console, steps);
  if (!rescued) return console.Fail(rescued.error());
  const int proved =
      WithTenant({places.data_dir, kRescued}, SessionKind::kReading, console,
                 [&](TenantSession& session) { return ProveRescue(record, session); });
  if (proved != kSuccess) return proved;
  console.out("\n");
  const auto report = ValidateDemo(places, world, steps);
  if (!report) return console.Fail(report.error());
  PrintShortTree("The data backup", places.backup, console);
  PrintShortTree("The log archive", places.archive, console);
  console.out("\n" + TimelineText(*report, record));
  return kSuccess;
}

int Demo(const DemoOptions& options, const Console& console) {
  const fs::path directory(options.directory);
  if (Status status = CheckDirectory(directory); !status) return console.Fail(status.error());
  const Result<DemoPlaces> places = PlacesIn(directory, console);
  if (!places) return console.Fail(places.error());
  const SourcePlan plan{.unicode_data = options.unicode_data, .rows = options.rows, .bank = {}};
  DemoSteps steps(console);
  SourceRecord record(plan.bank);
  const int told = RunSource(*places, plan, steps, record, console);
  if (told != kSuccess) return told;
  const int rescued = RunRescue(*places, record, steps, console);
  if (rescued != kSuccess) return rescued;
  console.out(
      fmt::format("\nLook around:\n"
                  "  obbak --data-dir {0}/data --tenant {1} tenant show\n"
                  "  obbak --data-dir {0}/data --tenant {2} scan unicode --limit 10\n"
                  "  obbak validate {0}/backup {0}/archive\n"
                  "  obbak tree {0}/backup\n",
                  options.directory, kSource, kRescued));
  return kSuccess;
}

}  // namespace

void AddDemoCommand(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<DemoOptions>();
  CLI::App* command = app.add_subcommand(
      "demo", "A tenant is archived and backed up, has an accident, and comes back");
  command->footer(
      "Takes less than a minute. Everything is real: the Unicode Character Database as a table, "
      "a bank that works\nmeanwhile, backups, a DELETE of the whole table, the restore to just "
      "before it, and the proof that the restored\ntenant is what was recorded of that moment. "
      "The exit status is 1 when it is not.\n\n"
      "example:\n  obbak demo --dir /tmp/obbak-demo");
  command->add_option("--dir", options->directory, "where to work; must be empty or not exist yet")
      ->required();
  command->add_option("--rows", options->rows, "of the Unicode table; all of them without it")
      ->check(CLI::PositiveNumber);
  command->add_option("--unicode-data", options->unicode_data, "the file with the table")
      ->capture_default_str();
  command->callback([options, &context] { context.status = Demo(*options, context.console); });
}

}  // namespace obbak::cli
