// The obbak program: one subcommand per job.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/console.h"
#include "cli/demo_command.h"
#include "cli/inspect_command.h"

namespace {

using obbak::cli::Console;
using obbak::cli::InspectOutput;

const Console kConsole{
    .out = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); },
    .err =
        [](std::string_view text) {
          std::fflush(stdout);
          std::fwrite(text.data(), 1, text.size(), stderr);
        },
};

void AddInspect(CLI::App& app, int& status) {
  struct Options {
    std::vector<std::string> paths;
    bool json = false;
    bool hex = false;
    bool rows = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("inspect", "Show what a file or directory of a destination is and holds");
  command->footer(
      "A damaged file is shown as far as it decodes; every check that fails goes to standard "
      "error, and the exit status "
      "is 1.\n\n"
      "examples:\n"
      "  obbak inspect backup/backup_set_1_full/single_backup_set_info.obbak\n"
      "  obbak inspect --hex backup/format.obbak\n"
      "  obbak inspect --json archive/piece_d1002r1p1/file_info.obarc\n"
      "  obbak inspect --rows archive/piece_d1002r1p1/logstream_1001/log/1.obarc\n"
      "  obbak inspect backup            the destination as a tree, with what each file is");
  command->add_option("PATH", options->paths, "file or directory")->required();
  CLI::Option* json = command->add_flag(
      "--json", options->json,
      "print JSON, one object per line for files of many entries; integers beyond 2^53 as strings");
  command
      ->add_flag("--hex", options->hex, "print the bytes, with each field's range, name and value")
      ->excludes(json);
  command->add_flag("--rows", options->rows, "show the rows of logs and macro blocks too");
  command->callback([options, &status] {
    const InspectOutput output = options->json  ? InspectOutput::kJson
                                 : options->hex ? InspectOutput::kHex
                                                : InspectOutput::kDump;
    for (const std::string& path : options->paths) {
      status = std::max(
          status, obbak::cli::Inspect(path, {.output = output, .rows = options->rows}, kConsole));
    }
  });
}

void AddDemo(CLI::App& app, int& status) {
  auto directory = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("demo", "Write sample destinations and look at them");
  command->footer("example:\n  obbak demo --dir /tmp/obbak-demo");
  command->add_option("--dir", *directory, "where to write; must be empty or not exist yet")
      ->required();
  command->callback([directory, &status] { status = obbak::cli::Demo(*directory, kConsole); });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "obbak - a miniature OceanBase tenant engine and a reference implementation of its physical "
      "backup",
      "obbak");
  app.set_version_flag("--version", OBBAK_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(24);
  int status = obbak::cli::kSuccess;
  AddInspect(app, status);
  AddDemo(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? obbak::cli::kSuccess : obbak::cli::kUsage;
  }
  return status;
}
