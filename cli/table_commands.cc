// `obbak table create`, `list`, `show` and `drop`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/table_output.h"
#include "cli/tenant_session.h"
#include "engine/sql_type.h"

namespace obbak::cli {
namespace {

using engine::Catalog;
using engine::TableDefinition;
using engine::TableSchema;
using engine::TableSchemaPtr;

constexpr const char* kTableHelp = "NAME (in database test) or DATABASE.NAME";

std::string FullName(const Catalog& catalog, const TableSchema& table) {
  const engine::DatabaseSchema* database = catalog.FindDatabase(table.database_id());
  return fmt::format("{}.{}", database == nullptr ? "?" : database->name, table.name());
}

TableDefinition DefinitionOf(const TableSchema& table) {
  TableDefinition definition;
  for (const engine::ColumnSchema& column : table.columns()) {
    definition.columns.push_back({column.name, column.type, column.nullable});
  }
  for (std::size_t i = 0; i < table.rowkey_count(); ++i) {
    definition.primary_key.push_back(table.definition_order()[i]);
  }
  definition.partitions = static_cast<std::uint32_t>(table.tablets().size());
  return definition;
}

// ---- create

struct CreateOptions {
  std::string table;
  std::string definition;
  std::optional<std::uint32_t> partitions;
  bool create_database = false;
};

io::Task<Status> MakeDatabase(const std::string& table, engine::Tenant& tenant) {
  const std::size_t dot = table.find('.');
  const std::string name = table.substr(0, dot == table.npos ? 0 : dot);
  if (name.empty() || tenant.catalog().FindDatabase(name) != nullptr) co_return Status();
  co_return co_await tenant.CreateDatabase(name);
}

io::Task<Status> Create(const CreateOptions& options, TenantSession& session) {
  Result<TableDefinition> definition = engine::ParseTableDefinition(options.definition);
  if (!definition) co_return Fail(definition.error());
  if (options.partitions) definition->partitions = *options.partitions;
  if (options.create_database) {
    Status made = co_await MakeDatabase(options.table, session.tenant);
    if (!made) co_return made;
  }
  const Result<TableSchemaPtr> table =
      co_await session.tenant.CreateTable(options.table, *std::move(definition));
  if (!table) co_return Fail(table.error());
  session.console.out(fmt::format(
      "table {} has id {} and {} tablet{}\n", FullName(session.tenant.catalog(), **table),
      (*table)->id(), (*table)->tablets().size(), (*table)->tablets().size() == 1 ? "" : "s"));
  co_return Status();
}

void AddCreate(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<CreateOptions>();
  CLI::App* command = app.add_subcommand("create", "Create a table");
  command->footer(
      "DEFINITION is what stands in the parentheses of CREATE TABLE. Partitions are by the hash of "
      "the\nprimary key, and spread over the log streams.\n\n"
      "examples:\n"
      "  obbak table create accounts 'id bigint, balance bigint, primary key (id)' --partitions 4\n"
      "  obbak table create shop.orders --create-database \\\n"
      "    'day date, number int, customer varchar(64), amount decimal(10, 2), primary key (day, "
      "number)'");
  command->add_option("TABLE", options->table, kTableHelp)->required();
  command->add_option("DEFINITION", options->definition, "columns and primary key")->required();
  command->add_option("--partitions", options->partitions, "number of tablets; 1 without it");
  command->add_flag("--create-database", options->create_database,
                    "create the database, too, when it isn't there");
  command->callback([options, &context] {
    context.status = WithTenant(context.choice, SessionKind::kWriting, context.console,
                                [&](TenantSession& session) { return Create(*options, session); });
  });
}

// ---- list

struct ListOptions {
  bool all = false;
  bool json = false;
};

OutputRow ListRow(const Catalog& catalog, const TableSchema& table) {
  return {FullName(catalog, table),
          std::to_string(table.id()),
          std::to_string(table.column_count()),
          std::to_string(table.tablets().size()),
          std::to_string(table.schema_version()),
          format::ToText(format::Timestamp{table.schema_version()})};
}

io::Task<Status> List(const ListOptions& options, TenantSession& session) {
  const Catalog& catalog = session.tenant.catalog();
  TableOutput output({{"table", OutputKind::kText},
                      {"id", OutputKind::kInteger},
                      {"columns", OutputKind::kInteger},
                      {"partitions", OutputKind::kInteger},
                      {"schema_version", OutputKind::kInteger},
                      {"schema_time", OutputKind::kText}},
                     ChooseFormat(options.json, session.console), session.console);
  if (options.all) {
    for (const auto& [id, table] : catalog.system_tables()) output.Add(ListRow(catalog, *table));
  }
  for (const auto& [id, table] : catalog.tables()) output.Add(ListRow(catalog, *table));
  output.Finish();
  co_return Status();
}

void AddList(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* command = app.add_subcommand("list", "List the tables");
  command->footer("example:\n  obbak table list --all");
  command->add_flag("--all", options->all, "OceanBase's own tables, too");
  command->add_flag("--json", options->json, "print one JSON object per table and line");
  command->callback([options, &context] {
    context.status = WithTenant(context.choice, SessionKind::kReading, context.console,
                                [&](TenantSession& session) { return List(*options, session); });
  });
}

// ---- show

struct ShowOptions {
  std::string table;
  bool json = false;
};

Section ColumnSection(const TableSchema& table) {
  Section section{.name = "columns",
                  .columns = {{"name", OutputKind::kText},
                              {"id", OutputKind::kInteger},
                              {"type", OutputKind::kText},
                              {"nullable", OutputKind::kText},
                              {"key", OutputKind::kInteger}},
                  .rows = {}};
  for (const engine::ColumnSchema& column : table.columns()) {
    OutputRow row{column.name, std::to_string(column.id), engine::ToText(column.type),
                  column.nullable ? "yes" : "no", std::nullopt};
    if (column.rowkey_position > 0) row.back() = std::to_string(column.rowkey_position);
    section.rows.push_back(std::move(row));
  }
  return section;
}

Section PartitionSection(const TableSchema& table, const engine::TenantStatistics& statistics) {
  Section section{.name = "partitions",
                  .columns = {{"partition", OutputKind::kInteger},
                              {"tablet", OutputKind::kInteger},
                              {"log_stream", OutputKind::kInteger},
                              {"memtable_bytes", OutputKind::kInteger},
                              {"sstables", OutputKind::kInteger},
                              {"sstable_rows", OutputKind::kInteger},
                              {"macro_blocks", OutputKind::kInteger}},
                  .rows = {}};
  std::map<format::TabletId, const engine::TabletStatistics*> known;
  for (const engine::TabletStatistics& entry : statistics.tablets) known[entry.tablet] = &entry;
  for (std::size_t i = 0; i < table.tablets().size(); ++i) {
    const auto found = known.find(table.tablets()[i]);
    if (found == known.end()) continue;
    const engine::TabletStatistics& tablet = *found->second;
    section.rows.push_back({std::to_string(i), std::to_string(tablet.tablet.value),
                            std::to_string(tablet.ls.value), std::to_string(tablet.memtable_bytes),
                            std::to_string(tablet.sstables), std::to_string(tablet.sstable_rows),
                            std::to_string(tablet.macro_blocks)});
  }
  return section;
}

io::Task<Status> Show(const ShowOptions& options, TenantSession& session) {
  const Catalog& catalog = session.tenant.catalog();
  const Result<TableSchemaPtr> table = catalog.ResolveTable(options.table);
  if (!table) co_return Fail(table.error());
  const Section facts{.name = "table",
                      .columns = {{"name", OutputKind::kText},
                                  {"id", OutputKind::kInteger},
                                  {"schema_version", OutputKind::kInteger},
                                  {"schema_time", OutputKind::kText},
                                  {"definition", OutputKind::kText}},
                      .rows = {{FullName(catalog, **table), std::to_string((*table)->id()),
                                std::to_string((*table)->schema_version()),
                                format::ToText(format::Timestamp{(*table)->schema_version()}),
                                engine::ToText(DefinitionOf(**table))}},
                      .single = true};
  PrintSections(
      {facts, ColumnSection(**table), PartitionSection(**table, session.tenant.Statistics())},
      ChooseFormat(options.json, session.console), session.console);
  co_return Status();
}

void AddShow(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<ShowOptions>();
  CLI::App* command = app.add_subcommand("show", "Show a table's columns and partitions");
  command->footer("example:\n  obbak table show shop.orders");
  command->add_option("TABLE", options->table, kTableHelp)->required();
  command->add_flag("--json", options->json, "print one JSON object");
  command->callback([options, &context] {
    context.status = WithTenant(context.choice, SessionKind::kReading, context.console,
                                [&](TenantSession& session) { return Show(*options, session); });
  });
}

// ---- drop

io::Task<Status> Drop(const std::string& table, TenantSession& session) {
  if (Status status = co_await session.tenant.DropTable(table); !status) co_return status;
  session.console.out(fmt::format("table {} is dropped\n", table));
  co_return Status();
}

void AddDrop(CLI::App& app, CommandContext& context) {
  auto table = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("drop", "Drop a table with all its rows");
  command->footer("example:\n  obbak table drop shop.orders");
  command->add_option("TABLE", *table, kTableHelp)->required();
  command->callback([table, &context] {
    context.status = WithTenant(context.choice, SessionKind::kWriting, context.console,
                                [&](TenantSession& session) { return Drop(*table, session); });
  });
}

}  // namespace

void AddTableCommands(CLI::App& app, CommandContext& context) {
  CLI::App* table = app.add_subcommand("table", "Create, list, show and drop tables");
  table->require_subcommand(1);
  AddCreate(*table, context);
  AddList(*table, context);
  AddShow(*table, context);
  AddDrop(*table, context);
}

}  // namespace obbak::cli
