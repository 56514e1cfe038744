#include "cli/obbak.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>
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
  AddTenantCommands(app, context);
  AddTableCommands(app, context);
  AddLoadCommand(app, context);
  AddRowCommands(app, context);
  AddMaintenanceCommands(app, context);
  AddWorkloadCommands(app, context);
  AddInspectCommand(app, context);
  AddDemoCommand(app, context);
  // One command and no more: so its arguments may look like commands.
  app.require_subcommand(1);
  try {
    // CLI11 takes them from the end.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
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
