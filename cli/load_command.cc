// `obbak load`.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <atomic>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "cli/commands.h"
#include "cli/csv_load.h"
#include "cli/file_descriptor.h"
#include "cli/interruption.h"
#include "cli/progress.h"
#include "cli/tenant_session.h"
#include "io/disk.h"

namespace obbak::cli {
namespace {

struct CommandOptions {
  std::string csv;
  std::string table;
  std::string delimiter = ",";
  LoadOptions load;
};

// A file, or whatever else gives bytes.
struct Input {
  FileDescriptor file;
  std::string name;
  std::optional<std::uint64_t> size;  // known of files only
};

Result<Input> OpenInput(const std::string& path) {
  const bool is_standard = path == "-";
  Input input;
  input.name = is_standard ? "standard input" : path;
  input.file = FileDescriptor(is_standard ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                          : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!input.file) return Fail(io::ErrnoError(errno, "open", input.name));
  struct stat status = {};
  if (::fstat(input.file.number(), &status) == 0 && S_ISREG(status.st_mode)) {
    input.size = static_cast<std::uint64_t>(status.st_size);
  }
  return input;
}

// Empty-handed when `stopped` comes before the next byte: a terminal or a pipe may never have one.
Result<std::size_t> ReadInput(const Input& input, std::span<char> out,
                              const std::atomic<bool>& stopped) {
  constexpr int kTickMs = 50;
  for (;;) {
    pollfd ready{.fd = input.file.number(), .events = POLLIN, .revents = 0};
    const int count = ::poll(&ready, 1, kTickMs);
    if (count == 0 && stopped) return std::size_t{0};
    if (count == 0) continue;
    const ssize_t size = ::read(input.file.number(), out.data(), out.size());
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno != EINTR) return Fail(io::ErrnoError(errno, "read", input.name));
  }
}

Result<char> ParseDelimiter(const std::string& text) {
  if (text == "tab" || text == "\\t") return '\t';
  if (text.size() == 1 && text != "\"" && text != "\n" && text != "\r") return text[0];
  return Fail(
      ErrorCode::kInvalidArgument,
      fmt::format("'{}' is no delimiter: one byte other than a quote, or the word tab", text));
}

std::string SummaryText(const LoadCounts& counts, std::chrono::nanoseconds elapsed) {
  const double seconds = std::chrono::duration<double>(elapsed).count();
  return fmt::format("{} rows loaded in {} transactions, {} ({} rows/s)\n", counts.rows,
                     counts.transactions, ShortDuration(elapsed),
                     ShortNumber(static_cast<double>(counts.rows) / std::max(seconds, 1e-9)));
}

io::Task<Status> Load(const CommandOptions& options, TenantSession& session) {
  auto table = session.tenant.catalog().ResolveTable(options.table);
  if (!table) co_return Fail(table.error());
  const Result<Input> input = OpenInput(options.csv);
  if (!input) co_return Fail(input.error());
  io::Loop& loop = session.world.loop();
  Progress progress(session.console, [&loop] { return loop.SteadyNow(); }, "rows");
  const auto report = [&](const Error& error) {
    progress.Clear();
    session.console.Fail(error);
  };
  const auto show = [&](const LoadCounts& counts, std::uint64_t bytes) {
    std::optional<double> part;
    if (input->size) part = static_cast<double>(bytes) / static_cast<double>(*input->size);
    progress.Update(counts.rows, part);
  };
  CsvLoad load(session.tenant, loop, *std::move(table), options.load, input->name, report, show);
  std::atomic<bool> stopped = false;
  const auto source = [&](std::span<char> out) { return ReadInput(*input, out, stopped); };
  const auto cancel = [&] {
    load.Cancel();
    stopped = true;
  };
  const Status status = co_await RunCancelable(loop, cancel, load.Run(source));
  progress.Clear();
  const LoadCounts& counts = load.counts();
  session.console.out(SummaryText(counts, progress.elapsed()));
  if (!status) co_return status;
  if (counts.bad_lines == 0) co_return Status();
  if (options.load.skip_bad_lines) {
    session.console.err(fmt::format("{} bad lines skipped\n", counts.bad_lines));
    co_return Status();
  }
  co_return Fail(Error(ErrorCode::kInvalidData, "the load has stopped at a bad line")
                     .WithPath(input->name)
                     .WithAdvice("mend it and load again with --replace, or pass over bad lines "
                                 "with --on-error skip"));
}

int RunLoad(CommandOptions& options, CommandContext& context) {
  const Result<char> delimiter = ParseDelimiter(options.delimiter);
  if (!delimiter) return context.console.Fail(delimiter.error());
  options.load.csv.delimiter = *delimiter;
  return WithTenant(context.choice, SessionKind::kWriting, context.console,
                    [&](TenantSession& session) { return Load(options, session); });
}

}  // namespace

void AddLoadCommand(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<CommandOptions>();
  LoadOptions& load = options->load;
  CLI::App* command = app.add_subcommand("load", "Load a CSV file into a table");
  command->footer(
      "The first line names the columns unless --columns does. Fields in quotes may hold anything. "
      "Lines are\ncommitted in groups, several at a time; a bad line is reported as FILE:LINE.\n\n"
      "examples:\n"
      "  obbak load --csv accounts.csv --table accounts\n"
      "  obbak load --csv orders.tsv --table shop.orders --delimiter tab --columns "
      "day,number,amount\n"
      "  obbak scan accounts | obbak --tenant other load --csv - --table accounts --delimiter tab");
  command->add_option("--csv", options->csv, "the file; - is standard input")->required();
  command->add_option("--table", options->table, "NAME (in database test) or DATABASE.NAME")
      ->required();
  command->add_option("--columns", load.columns, "what the fields are; the file has no header then")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--delimiter", options->delimiter, "between fields: one byte, or tab")
      ->capture_default_str();
  command->add_option("--null", load.null,
                      "a field that is this, without quotes, is NULL; empty fields without it");
  command
      ->add_option("--on-error", load.skip_bad_lines,
                   "at a line that cannot be loaded: stop or skip")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, bool>{{"stop", false}, {"skip", true}}))
      ->default_str("stop");
  command->add_flag("--replace", load.replace,
                    "let a line take the place of a row with its key; a bad line otherwise");
  command
      ->add_option("--transaction-rows", load.transaction_rows, "rows that are committed together")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->add_option("--transactions", load.transactions, "transactions at the same time")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  command->callback([options, &context] { context.status = RunLoad(*options, context); });
}

}  // namespace obbak::cli
