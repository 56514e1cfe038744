// `obbak workload run bank` and `obbak workload run ycsb`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/interruption.h"
#include "cli/progress.h"
#include "cli/scn_text.h"
#include "cli/table_output.h"
#include "cli/tenant_session.h"
#include "cli/workload_bank.h"
#include "cli/workload_run.h"
#include "cli/workload_ycsb.h"
#include "engine/bank_workload.h"
#include "engine/ycsb_workload.h"

namespace obbak::cli {
namespace {

using engine::BankWorkload;
using engine::YcsbMix;
using engine::YcsbWorkload;
using std::chrono::nanoseconds;

struct RunOptions {
  std::optional<double> seconds;
  std::optional<std::uint64_t> operations;
  std::size_t users = 16;
  std::optional<std::uint64_t> seed;
  bool json = false;
};

void AddRunOptions(CLI::App& command, RunOptions& options) {
  command.add_option("--duration", options.seconds, "seconds; 10 when there is no --operations")
      ->check(CLI::Range(0.001, 1e7));
  command.add_option("--operations", options.operations, "end after so many")
      ->check(CLI::PositiveNumber);
  command.add_option("--users", options.users, "who work at the same time")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command.add_option("--seed", options.seed, "of what they choose; any without it");
  command.add_flag("--json", options.json, "print one JSON object");
}

RunLimits LimitsOf(const RunOptions& options, io::Random& random) {
  RunLimits limits{.users = options.users,
                   .duration = std::nullopt,
                   .operations = options.operations,
                   .stop = {},
                   .seed = options.seed ? *options.seed : random.Next()};
  const std::optional<double> seconds =
      options.seconds || options.operations ? options.seconds : std::optional(10.0);
  if (seconds) {
    limits.duration =
        std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(*seconds));
  }
  return limits;
}

std::string Milliseconds(nanoseconds duration) {
  return fmt::format("{:.3f}", std::chrono::duration<double, std::milli>(duration).count());
}

Section RunSection(const std::string& name, const RunReport& report, std::uint64_t seed,
                   const engine::Tenant& tenant) {
  const double seconds = std::chrono::duration<double>(report.elapsed).count();
  return {.name = "run",
          .columns = {{"workload", OutputKind::kText},
                      {"seed", OutputKind::kInteger},
                      {"seconds", OutputKind::kReal},
                      {"end_scn", OutputKind::kInteger},
                      {"end_time", OutputKind::kText}},
          .rows = {{name, std::to_string(seed), fmt::format("{:.3f}", seconds),
                    std::to_string(tenant.snapshot().value), ToText(tenant.snapshot())}},
          .single = true};
}

Section OperationSection(const RunReport& report) {
  Section section{.name = "operations",
                  .columns = {{"operation", OutputKind::kText},
                              {"done", OutputKind::kInteger},
                              {"per_second", OutputKind::kReal},
                              {"p50_ms", OutputKind::kReal},
                              {"p99_ms", OutputKind::kReal},
                              {"max_ms", OutputKind::kReal},
                              {"conflicts", OutputKind::kInteger},
                              {"refused", OutputKind::kInteger}},
                  .rows = {}};
  const double seconds = std::chrono::duration<double>(report.elapsed).count();
  for (const KindReport& kind : report.kinds) {
    if (kind.latency.count() == 0) continue;
    section.rows.push_back({kind.name, std::to_string(kind.done),
                            fmt::format("{:.1f}", static_cast<double>(kind.done) / seconds),
                            Milliseconds(kind.latency.Quantile(0.5)),
                            Milliseconds(kind.latency.Quantile(0.99)),
                            Milliseconds(kind.latency.max()), std::to_string(kind.conflicts),
                            std::to_string(kind.refused)});
  }
  return section;
}

// Runs it, and prints what came out, with `more` behind that.
io::Task<Status> Measure(const std::string& name, const Workload& workload,
                         const RunOptions& options, TenantSession& session,
                         std::function<Section(const RunReport&)> more) {
  io::Loop& loop = session.world.loop();
  Progress progress(session.console, [&loop] { return loop.SteadyNow(); }, "operations");
  RunLimits limits = LimitsOf(options, session.world.random());
  std::stop_source stop;
  limits.stop = stop.get_token();
  const auto end = [&stop] { stop.request_stop(); };
  const Result<RunReport> report =
      co_await RunCancelable(loop, end, RunWorkload(loop, workload, limits, progress));
  if (!report) co_return Fail(report.error());
  std::vector<Section> sections{RunSection(name, *report, limits.seed, session.tenant),
                                OperationSection(*report)};
  if (more) sections.push_back(more(*report));
  PrintSections(sections, ChooseFormat(options.json, session.console), session.console);
  co_return Status();
}

// ---- bank

struct BankOptions : RunOptions {
  engine::BankParameters bank;
};

io::Task<Status> RunBank(const BankOptions& options, TenantSession& session) {
  const Result<BankWorkload> bank = co_await BankWorkload::Open(session.tenant, options.bank);
  if (!bank) co_return Fail(bank.error());
  const auto sums = [&](const RunReport& report) {
    return Section{
        .name = "bank",
        .columns = {{"accounts", OutputKind::kInteger},
                    {"sum", OutputKind::kInteger},
                    {"times_checked", OutputKind::kInteger}},
        .rows = {{std::to_string(bank->expected().accounts),
                  std::to_string(bank->expected().balance), std::to_string(2 * report.checks)}},
        .single = true};
  };
  const Workload workload = MakeBank(*bank, session.tenant, session.world.random());
  co_return co_await Measure("bank", workload, options, session, sums);
}

void AddBank(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<BankOptions>();
  engine::BankParameters& bank = options->bank;
  CLI::App* command =
      app.add_subcommand("bank", "Transfers between accounts, whose sum never changes");
  command->footer(
      "The sum is checked while the transfers go on, at the newest and at older snapshots, and at "
      "the end;\nif it is wrong, the exit status is 1. A table that is there is used as it is.\n\n"
      "examples:\n"
      "  obbak workload run bank --duration 10\n"
      "  obbak workload run bank --accounts 100 --operations 100000 --users 64 --seed 7 --json");
  command->add_option("--table", bank.table, "made when it isn't there")->capture_default_str();
  command->add_option("--accounts", bank.accounts, "of a new table")->capture_default_str();
  command->add_option("--balance", bank.initial_balance, "of each new account")
      ->capture_default_str();
  command->add_option("--partitions", bank.partitions, "of a new table")->capture_default_str();
  command->add_option("--max-amount", bank.max_amount, "that one transfer moves")
      ->capture_default_str();
  AddRunOptions(*command, *options);
  command->callback([options, &context] {
    context.status = WithTenant(context.choice, SessionKind::kWriting, context.console,
                                [&](TenantSession& session) { return RunBank(*options, session); });
  });
}

// ---- ycsb

struct YcsbOptions : RunOptions {
  engine::YcsbParameters ycsb;
};

io::Task<Status> RunYcsb(const YcsbOptions& options, TenantSession& session) {
  const Result<YcsbWorkload> ycsb = co_await YcsbWorkload::Open(session.tenant, options.ycsb);
  if (!ycsb) co_return Fail(ycsb.error());
  const Workload workload = MakeYcsb(*ycsb);
  co_return co_await Measure("ycsb", workload, options, session, {});
}

void AddYcsb(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<YcsbOptions>();
  engine::YcsbParameters& ycsb = options->ycsb;
  CLI::App* command =
      app.add_subcommand("ycsb", "Reads and changes of single rows, some of them very popular");
  command->footer(
      "The mixes of the Yahoo! Cloud Serving Benchmark: a is half reads, half updates; b 95% "
      "reads; "
      "c reads\nonly; f half reads, half read-modify-writes. A table that is there is used as it "
      "is.\n\n"
      "examples:\n"
      "  obbak workload run ycsb --mix a --duration 10\n"
      "  obbak workload run ycsb --mix c --records 1000000 --operations 1000000 --users 64");
  command->add_option("--mix", ycsb.mix, "a, b, c or f")
      ->transform(CLI::CheckedTransformer(std::map<std::string, YcsbMix>{
          {"a", YcsbMix::kA}, {"b", YcsbMix::kB}, {"c", YcsbMix::kC}, {"f", YcsbMix::kF}}))
      ->default_str("a");
  command->add_option("--table", ycsb.table, "made when it isn't there")->capture_default_str();
  command->add_option("--records", ycsb.records, "of a new table, 1 KB each")
      ->capture_default_str();
  command->add_option("--partitions", ycsb.partitions, "of a new table")->capture_default_str();
  AddRunOptions(*command, *options);
  command->callback([options, &context] {
    context.status = WithTenant(context.choice, SessionKind::kWriting, context.console,
                                [&](TenantSession& session) { return RunYcsb(*options, session); });
  });
}

}  // namespace

void AddWorkloadCommands(CLI::App& app, CommandContext& context) {
  CLI::App* workload = app.add_subcommand("workload", "Work that tries and measures the engine");
  workload->require_subcommand(1);
  CLI::App* run = workload->add_subcommand("run", "Run a workload");
  run->require_subcommand(1);
  AddBank(*run, context);
  AddYcsb(*run, context);
}

}  // namespace obbak::cli
