// `obbak tenant create`, `list` and `show`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/scn_text.h"
#include "cli/table_output.h"
#include "cli/tenant_session.h"
#include "format/macro_block_header.h"
#include "io/log_archive_dest.h"

namespace obbak::cli {
namespace {

using engine::TenantOptions;
using engine::TenantStatistics;

// ---- create

struct CreateOptions {
  std::string name;
  TenantOptions tenant;
  std::vector<std::string> parameters;
};

Status ReadParameters(const std::vector<std::string>& texts, TenantOptions& options) {
  for (const std::string& text : texts) {
    const std::size_t equal = text.find('=');
    if (equal == text.npos || equal == 0) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("parameter '{}' is not NAME=VALUE", text));
    }
    const std::string name = text.substr(0, equal);
    std::string value = text.substr(equal + 1);
    if (name == kArchiveLagTarget) {
      const auto lag = io::ParseLagTarget(value);
      if (!lag) return Fail(lag.error());
    }
    options.parameters[name] = std::move(value);
  }
  return {};
}

io::Task<Status> Created(TenantSession& session) {
  const TenantOptions& options = session.tenant.options();
  session.console.out(fmt::format("tenant {} (id {}) is in {}, at SCN {}\n", options.tenant_name,
                                  options.tenant_id, session.tenant.dir(),
                                  ScnText(session.tenant.snapshot())));
  co_return Status();
}

int Create(CreateOptions& options, CommandContext& context) {
  if (Status status = ReadParameters(options.parameters, options.tenant); !status) {
    return context.console.Fail(status.error());
  }
  TenantChoice choice = context.choice;
  choice.tenant = options.name;
  return WithNewTenant(choice, options.tenant, context.console, &Created);
}

void AddCreate(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<CreateOptions>();
  TenantOptions& tenant = options->tenant;
  CLI::App* command = app.add_subcommand("create", "Make a tenant");
  command->footer(
      "examples:\n"
      "  obbak tenant create shop\n"
      "  obbak --data-dir /data tenant create shop --id 1004 --log-streams 4 \\\n"
      "    --parameter undo_retention=1800");
  command->add_option("NAME", options->name, "letters, digits and _")->required();
  command->add_option("--id", tenant.tenant_id, "an even number above 1000")->capture_default_str();
  command->add_option("--cluster-id", tenant.cluster_id, "of the cluster it pretends to be in")
      ->capture_default_str();
  command->add_option("--cluster-name", tenant.cluster_name, "")->capture_default_str();
  command->add_option("--log-streams", tenant.user_log_streams, "user log streams")
      ->capture_default_str();
  command->add_option("--time-zone", tenant.time_zone, "kept, and put into backups")
      ->capture_default_str();
  command->add_option("--locality", tenant.locality, "kept, and put into backups")
      ->capture_default_str();
  command->add_option("--parameter", options->parameters, "NAME=VALUE, any number of them")
      ->allow_extra_args(false);
  command->callback([options, &context] { context.status = Create(*options, context); });
}

// ---- list

OutputRow ListRow(HostWorld& world, const std::string& data_dir, const std::string& name) {
  OutputRow row(6);
  row[0] = name;
  row[5] = TenantDir(data_dir, name);
  const Result<TenantLock> lock = TenantLock::Take(data_dir, name);
  if (!lock) {
    row[4] = lock.error().message();
    return row;
  }
  const Result<TenantOptions> options =
      world.loop().Run(engine::Tenant::ReadOptions(world.env(), TenantDir(data_dir, name)));
  if (!options) {
    row[4] = options.error().ToString();
    return row;
  }
  row[1] = std::to_string(options->tenant_id);
  row[2] = options->cluster_name;
  row[3] = std::to_string(options->cluster_id);
  row[4] = "closed";
  return row;
}

int List(bool json, const CommandContext& context) {
  const std::string& data_dir = context.choice.data_dir;
  const Result<std::vector<std::string>> names = TenantNames(data_dir);
  if (!names) return context.console.Fail(names.error());
  TableOutput output({{"name", OutputKind::kText},
                      {"id", OutputKind::kInteger},
                      {"cluster", OutputKind::kText},
                      {"cluster_id", OutputKind::kInteger},
                      {"state", OutputKind::kText},
                      {"directory", OutputKind::kText}},
                     ChooseFormat(json, context.console), context.console);
  HostWorld world(context.console);
  for (const std::string& name : *names) output.Add(ListRow(world, data_dir, name));
  output.Finish();
  return kSuccess;
}

void AddList(CLI::App& app, CommandContext& context) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("list", "List the tenants of the data directory");
  command->footer("example:\n  obbak tenant list --json");
  command->add_flag("--json", *json, "print one JSON object per tenant and line");
  command->callback([json, &context] { context.status = List(*json, context); });
}

// ---- show

std::string RoleText(engine::TenantRole role) {
  switch (role) {
    case engine::TenantRole::kPrimary:
      return "PRIMARY";
    case engine::TenantRole::kStandby:
      return "STANDBY";
    case engine::TenantRole::kRestoring:
      break;
  }
  return "RESTORE";
}

Section Facts(const engine::Tenant& tenant) {
  const TenantOptions& options = tenant.options();
  Section section{
      .name = "tenant",
      .columns = {{"name", OutputKind::kText},
                  {"id", OutputKind::kInteger},
                  {"cluster", OutputKind::kText},
                  {"cluster_id", OutputKind::kInteger},
                  {"mode", OutputKind::kText},
                  {"role", OutputKind::kText},
                  {"time_zone", OutputKind::kText},
                  {"locality", OutputKind::kText},
                  {"directory", OutputKind::kText},
                  {"snapshot_scn", OutputKind::kInteger},
                  {"snapshot_time", OutputKind::kText}},
      .rows = {{options.tenant_name, std::to_string(options.tenant_id), options.cluster_name,
                std::to_string(options.cluster_id), "MYSQL", RoleText(tenant.role()),
                options.time_zone, options.locality, tenant.dir(),
                std::to_string(tenant.snapshot().value), ToText(tenant.snapshot())}},
      .single = true};
  // A standby is what the logs up to there make of it.
  if (tenant.role() == engine::TenantRole::kStandby) {
    section.columns.push_back({"sync_scn", OutputKind::kInteger});
    section.rows.front().emplace_back(std::to_string(tenant.snapshot().value));
  }
  for (const auto& [name, value] : options.parameters) {
    section.columns.push_back({name, OutputKind::kText});
    section.rows.front().emplace_back(value);
  }
  return section;
}

Section LogStreamSection(const TenantStatistics& statistics) {
  Section section{.name = "log_streams",
                  .columns = {{"id", OutputKind::kInteger},
                              {"base_lsn", OutputKind::kInteger},
                              {"end_lsn", OutputKind::kInteger},
                              {"durable_lsn", OutputKind::kInteger},
                              {"tablets", OutputKind::kInteger},
                              {"open_transactions", OutputKind::kInteger},
                              {"checkpoint_scn", OutputKind::kInteger},
                              {"checkpoint_time", OutputKind::kText},
                              {"max_scn", OutputKind::kInteger},
                              {"max_time", OutputKind::kText}},
                  .rows = {}};
  for (const engine::LogStreamStatistics& ls : statistics.log_streams) {
    section.rows.push_back({std::to_string(ls.id.value), std::to_string(ls.base_lsn.value),
                            std::to_string(ls.end_lsn.value),
                            std::to_string(ls.durable_end_lsn.value), std::to_string(ls.tablets),
                            std::to_string(ls.open_transactions),
                            std::to_string(ls.checkpoint_scn.value), ToText(ls.checkpoint_scn),
                            std::to_string(ls.max_scn.value), ToText(ls.max_scn)});
  }
  return section;
}

Section TabletSection(const engine::Tenant& tenant, const TenantStatistics& statistics, bool all) {
  Section section{.name = "tablets",
                  .columns = {{"tablet", OutputKind::kInteger},
                              {"table", OutputKind::kText},
                              {"log_stream", OutputKind::kInteger},
                              {"memtable_bytes", OutputKind::kInteger},
                              {"sstables", OutputKind::kInteger},
                              {"sstable_rows", OutputKind::kInteger},
                              {"macro_blocks", OutputKind::kInteger}},
                  .rows = {}};
  for (const engine::TabletStatistics& tablet : statistics.tablets) {
    const engine::TableSchemaPtr table = tenant.catalog().TableOf(tablet.tablet);
    if (!all && (table == nullptr || table->is_inner())) continue;
    OutputRow row{std::to_string(tablet.tablet.value), std::nullopt,
                  std::to_string(tablet.ls.value),     std::to_string(tablet.memtable_bytes),
                  std::to_string(tablet.sstables),     std::to_string(tablet.sstable_rows),
                  std::to_string(tablet.macro_blocks)};
    if (table != nullptr) row[1] = table->name();
    section.rows.push_back(std::move(row));
  }
  return section;
}

Section StorageSection(const TenantStatistics& statistics) {
  return {.name = "storage",
          .columns = {{"memtable_bytes", OutputKind::kInteger},
                      {"block_file_bytes", OutputKind::kInteger},
                      {"block_file_used_bytes", OutputKind::kInteger},
                      {"block_cache_bytes", OutputKind::kInteger},
                      {"block_cache_hits", OutputKind::kInteger},
                      {"block_cache_misses", OutputKind::kInteger}},
          .rows = {{std::to_string(statistics.memtable_bytes),
                    std::to_string(statistics.block_slots * format::kMacroBlockSize),
                    std::to_string(statistics.used_block_slots * format::kMacroBlockSize),
                    std::to_string(statistics.cache_bytes), std::to_string(statistics.cache_hits),
                    std::to_string(statistics.cache_misses)}},
          .single = true};
}

struct ShowOptions {
  bool all = false;
  bool json = false;
};

io::Task<Status> Show(const ShowOptions& options, TenantSession& session) {
  const TenantStatistics statistics = session.tenant.Statistics();
  PrintSections({Facts(session.tenant), StorageSection(statistics), LogStreamSection(statistics),
                 TabletSection(session.tenant, statistics, options.all)},
                ChooseFormat(options.json, session.console), session.console);
  co_return Status();
}

void AddShow(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<ShowOptions>();
  CLI::App* command =
      app.add_subcommand("show", "Show what a tenant is, its log streams, tablets and storage");
  command->footer("example:\n  obbak --tenant shop tenant show");
  command->add_flag("--all", options->all, "the tablets of OceanBase's own tables, too");
  command->add_flag("--json", options->json, "print one JSON object");
  command->callback([options, &context] {
    context.status = WithTenant(context.choice, SessionKind::kReading, context.console,
                                [&](TenantSession& session) { return Show(*options, session); });
  });
}

}  // namespace

void AddTenantCommands(CLI::App& app, CommandContext& context) {
  CLI::App* tenant = app.add_subcommand("tenant", "Create, list and show tenants");
  tenant->require_subcommand(1);
  AddCreate(*tenant, context);
  AddList(*tenant, context);
  AddShow(*tenant, context);
}

}  // namespace obbak::cli
