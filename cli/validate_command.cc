// `obbak validate`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/destination_text.h"
#include "cli/progress.h"
#include "cli/table_output.h"
#include "cli/tenant_session.h"
#include "format/backup_enums.h"
#include "restore/validate.h"

namespace obbak::cli {
namespace {

using format::Scn;
using restore::ValidationReport;

struct ValidateCommand {
  std::vector<std::string> destinations;
  std::size_t concurrency = 2;
  bool json = false;
};

const std::vector<OutputColumn> kColumns = {
    {"kind", OutputKind::kText},      {"object", OutputKind::kText},
    {"state", OutputKind::kText},     {"from_scn", OutputKind::kInteger},
    {"to_scn", OutputKind::kInteger}, {"from_time", OutputKind::kText},
    {"to_time", OutputKind::kText},   {"files", OutputKind::kInteger},
    {"bytes", OutputKind::kInteger},  {"detail", OutputKind::kText}};
enum Column {
  kKind,
  kObject,
  kState,
  kFromScn,
  kToScn,
  kFromTime,
  kToTime,
  kFiles,
  kBytes,
  kDetail
};

OutputRow Row(std::string kind, std::string object, std::string state) {
  OutputRow row(kColumns.size());
  row[kKind] = std::move(kind);
  row[kObject] = std::move(object);
  row[kState] = std::move(state);
  return row;
}

void SetRange(OutputRow& row, Scn from, Scn to) {
  row[kFromScn] = std::to_string(from.value);
  row[kFromTime] = ToText(from);
  row[kToScn] = std::to_string(to.value);
  row[kToTime] = ToText(to);
}

const char* IntactText(bool intact) { return intact ? "intact" : "broken"; }

// A set without its end: nothing that is known of it is final.
OutputRow UnfinishedSetRow(const restore::ValidatedSet& set) {
  OutputRow row = Row("set", fmt::format("set {}", set.desc.backup_set_id.value), "unfinished");
  row[kFiles] = std::to_string(set.files);
  row[kBytes] = std::to_string(set.bytes);
  row[kDetail] = "its backup is going on, or has failed";
  return row;
}

// From where logs are replayed to where the set can be restored at the earliest.
OutputRow SetRow(const restore::ValidatedSet& set) {
  if (!set.ended) return UnfinishedSetRow(set);
  const format::BackupSetFileDesc& desc = set.desc;
  OutputRow row =
      Row("set", fmt::format("set {}", desc.backup_set_id.value), IntactText(set.intact));
  SetRange(row, desc.start_replay_scn, desc.min_restore_scn);
  row[kFiles] = std::to_string(set.files);
  row[kBytes] = std::to_string(set.bytes);
  row[kDetail] =
      fmt::format("{} {} {}{}", NameOf(desc.backup_type.value), NameOf(desc.status),
                  NameOf(desc.file_status), desc.plus_archivelog ? " PLUS ARCHIVELOG" : "");
  return row;
}

OutputRow PieceRow(const restore::ValidatedPiece& piece) {
  const format::TenantArchivePieceAttr& attr = piece.attr;
  OutputRow row =
      Row("piece", fmt::format("piece {}", attr.key.piece_id.value), IntactText(piece.intact));
  SetRange(row, attr.start_scn, attr.checkpoint_scn);
  row[kFiles] = std::to_string(piece.files);
  row[kBytes] = std::to_string(piece.bytes);
  row[kDetail] =
      fmt::format("round {} {} {}, {} groups, {} entries", attr.key.round_id.value,
                  NameOf(attr.status.value), NameOf(attr.file_status), piece.groups, piece.entries);
  return row;
}

OutputRow WindowRow(const restore::Window& window) {
  OutputRow row = Row("window", fmt::format("from set {}", window.set.value), "restorable");
  SetRange(row, window.from, window.to);
  return row;
}

OutputRow FindingRow(const restore::Finding& finding) {
  const bool is_error = finding.severity == restore::Severity::kError;
  OutputRow row = Row("finding", finding.object.empty() ? "destination" : finding.object,
                      is_error ? "error" : "warning");
  row[kDetail] = finding.rule == 0
                     ? finding.error.ToString()
                     : fmt::format("rule {}: {}", finding.rule, finding.error.ToString());
  return row;
}

void PrintReport(const ValidationReport& report, OutputFormat format, const Console& console) {
  TableOutput output(kColumns, format, console);
  for (const auto& set : report.sets) output.Add(SetRow(set));
  for (const auto& piece : report.pieces) output.Add(PieceRow(piece));
  for (const auto& window : report.windows) output.Add(WindowRow(window));
  for (const auto& finding : report.findings) output.Add(FindingRow(finding));
  output.Finish();
}

void PrintVerdict(const ValidationReport& report, std::chrono::nanoseconds elapsed,
                  const Console& console) {
  const auto is_error = [](const restore::Finding& finding) {
    return finding.severity == restore::Severity::kError;
  };
  const auto listed = static_cast<std::uint64_t>(std::ranges::count_if(report.findings, is_error));
  const std::uint64_t errors = listed + report.suppressed_errors;
  const std::uint64_t warnings = report.findings.size() - listed + report.suppressed_warnings;
  console.err(fmt::format("{}: {} files and {} read in {}, {} errors, {} warnings\n",
                          report.ok() ? "sound" : "broken", report.files,
                          ShortBytes(static_cast<double>(report.bytes)), ShortDuration(elapsed),
                          errors, warnings));
}

Result<std::vector<std::unique_ptr<io::Medium>>> OpenMedia(const ValidateCommand& command,
                                                           HostWorld& world,
                                                           const Console& console) {
  const io::MediumFactory media = world.media();
  std::vector<std::unique_ptr<io::Medium>> opened;
  for (const std::string& text : command.destinations) {
    const Result<io::BackupDest> dest = ParseDestination(text, console);
    if (!dest) return Fail(dest.error());
    Result<std::unique_ptr<io::Medium>> medium = media(*dest);
    if (!medium) return Fail(medium.error());
    opened.push_back(*std::move(medium));
  }
  return opened;
}

int RunValidate(const ValidateCommand& command, const Console& console) {
  HostWorld world(console);
  const auto media = OpenMedia(command, world, console);
  if (!media) return console.Fail(media.error());
  std::vector<io::Medium*> borrowed;
  for (const auto& medium : *media) borrowed.push_back(medium.get());
  io::Loop& loop = world.loop();
  Progress progress(console, [&loop] { return loop.SteadyNow(); }, Progress::kBytes);
  const auto show = [&progress](const restore::ValidateProgress& at) {
    progress.UpdateOf(at.bytes_done, at.bytes_total);
  };
  restore::ValidateOptions options;
  options.concurrency = command.concurrency;
  const Result<ValidationReport> report =
      loop.Run(restore::Validate(loop, std::move(borrowed), options, show));
  progress.Clear();
  if (!report) return console.Fail(report.error());
  PrintReport(*report, ChooseFormat(command.json, console), console);
  PrintVerdict(*report, progress.elapsed(), console);
  return report->ok() ? kSuccess : kFailure;
}

}  // namespace

void AddValidateCommand(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<ValidateCommand>();
  CLI::App* command =
      app.add_subcommand("validate",
                         "Read every byte of destinations: what can be restored, what "
                         "is broken");
  command->footer(
      "Name data and archive destination of one tenant together, so that the windows of time "
      "that can be restored\nare known. The exit status is 1 when anything is broken.\n\n"
      "examples:\n"
      "  obbak validate /backup/data /backup/archive\n"
      "  obbak validate file:///backup/data file:///backup/archive --json");
  command->add_option("DEST", options->destinations, "URI or directory; any number of them")
      ->required();
  command->add_option("--concurrency", options->concurrency, "files that are read at the same time")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_flag("--json", options->json, "print one JSON object per row and line");
  command->callback(
      [options, &context] { context.status = RunValidate(*options, context.console); });
}

}  // namespace obbak::cli
