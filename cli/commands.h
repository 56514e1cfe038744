// The commands of `obbak`: each function adds one, or a family of them, to the program.
#pragma once

#include <string>

#include "cli/console.h"
#include "cli/data_dir.h"

namespace CLI {
class App;
}  // namespace CLI

namespace obbak::cli {

// What commands have in common; lives as long as the program.
struct CommandContext {
  const Console& console;
  TenantChoice choice;  // from the options that all commands take
  int status = kSuccess;
};

void AddTenantCommands(CLI::App& app, CommandContext& context);
void AddTableCommands(CLI::App& app, CommandContext& context);
void AddLoadCommand(CLI::App& app, CommandContext& context);
void AddRowCommands(CLI::App& app, CommandContext& context);          // get, scan, put, delete
void AddMaintenanceCommands(CLI::App& app, CommandContext& context);  // flush, compact

void AddArchiveCommands(CLI::App& app, CommandContext& context);
void AddBackupCommands(CLI::App& app, CommandContext& context);
void AddRestoreCommands(CLI::App& app, CommandContext& context);  // recover-standby, activate, too

void AddValidateCommand(CLI::App& app, CommandContext& context);
void AddTreeCommand(CLI::App& app, CommandContext& context);
void AddInspectCommand(CLI::App& app, CommandContext& context);

void AddWorkloadCommands(CLI::App& app, CommandContext& context);
void AddDemoCommand(CLI::App& app, CommandContext& context);

}  // namespace obbak::cli
