#include "cli/obbak.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <sstream>
#include <utility>
#include <vector>

#include "cli/commands.h"

namespace obbak::cli {
namespace {

void AddCommonOptions(CLI::App& app, TenantChoice& choice) {
  app.add_option("--data-dir", choice.data_dir,
                 "directory with the tenants, one in each subdirectory")
      ->envname("OBBAK_DATA_DIR")
      ->capture_default_str();
  app.add_option("--tenant", choice.tenant, "which tenant; may be left out when there is only one")
      ->envname("OBBAK_TENANT");
  // So that both may stand behind the command, too.
  app.fallthrough();
}

// Commands that stand together in the program's help.
void AddGroup(const std::string& name, CLI::App& app, CommandContext& context,
              std::initializer_list<void (*)(CLI::App&, CommandContext&)> commands) {
  const std::size_t before = app.get_subcommands({}).size();
  for (const auto add : commands) add(app, context);
  const std::vector<CLI::App*> all = app.get_subcommands({});
  for (std::size_t i = before; i < all.size(); ++i) all[i]->group(name);
}

// CLI11 takes an argument in brackets for a list of values. Here it is one value: a mark in front
// keeps it whole, and is taken off again before anybody sees it.
constexpr char kMark = '\x1f';

std::string Marked(const std::string& argument) {
  const bool is_in_brackets = argument.starts_with('[') && argument.ends_with(']');
  return is_in_brackets ? kMark + argument : argument;
}

void TakeMarksOff(CLI::App& app) {
  const auto unmarked = [](std::string value) {
    return value.starts_with(kMark) ? value.substr(1) : value;
  };
  for (CLI::Option* option : app.get_options()) option->transform(unmarked);
  for (CLI::App* command : app.get_subcommands({})) TakeMarksOff(*command);
}

}  // namespace

int RunObbak(std::span<const std::string> arguments, const std::string& version,
             const Console& console) {
  CLI::App app(
      "obbak - a miniature OceanBase tenant engine and a reference implementation of its physical "
      "backup",
      "obbak");
  app.set_version_flag("--version", version);
  app.get_formatter()->column_width(24);
  app.footer("`obbak COMMAND --help` explains a command and has examples.");
  CommandContext context{.console = console, .choice = {}};
  AddCommonOptions(app, context.choice);
  AddGroup("Tenants and rows", app, context,
           {AddTenantCommands, AddTableCommands, AddLoadCommand, AddRowCommands,
            AddMaintenanceCommands});
  AddGroup("Archive, back up, restore", app, context,
           {AddArchiveCommands, AddBackupCommands, AddRestoreCommands});
  AddGroup("Look into destinations", app, context,
           {AddValidateCommand, AddTreeCommand, AddInspectCommand});
  AddGroup("Try it", app, context, {AddWorkloadCommands, AddDemoCommand});
  // One command and no more: so its arguments may look like commands.
  app.require_subcommand(1);
  TakeMarksOff(app);
  try {
    std::vector<std::string> marked;
    for (const std::string& argument : arguments) marked.push_back(Marked(argument));
    std::ranges::reverse(marked);  // CLI11 takes them from the end
    app.parse(std::move(marked));
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const bool is_help = app.exit(error, out, err) == 0;
    if (!out.str().empty()) console.out(out.str());
    if (!err.str().empty()) console.err(err.str());
    return is_help ? kSuccess : kUsage;
  }
  return context.status;
}

}  // namespace obbak::cli
