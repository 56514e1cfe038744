// `obbak tree`.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/destination_text.h"
#include "cli/tree_view.h"

namespace obbak::cli {

void AddTreeCommand(CLI::App& app, CommandContext& context) {
  struct Options {
    std::string destination;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("tree", "Show a destination as a tree, with what each file is");
  command->footer("example:\n  obbak tree /backup/data");
  command->add_option("DEST", options->destination, "directory or file:// URI, or a part of one")
      ->required();
  command->add_flag("--json", options->json, "print one JSON array");
  command->callback([options, &context] {
    const Result<std::string> directory = DirectoryOf(options->destination);
    context.status = directory ? PrintTree(*directory, options->json, context.console)
                               : context.console.Fail(directory.error());
  });
}

}  // namespace obbak::cli
