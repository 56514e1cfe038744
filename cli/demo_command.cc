#include "cli/demo_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>

#include "base/result.h"
#include "cli/commands.h"
#include "cli/inspect_command.h"
#include "format/sample_files.h"

namespace obbak::cli {
namespace {

namespace fs = std::filesystem;

Status WriteFile(const fs::path& path, ByteView bytes) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  std::ofstream out(path, std::ios::binary);
  out << AsText(bytes);
  out.close();
  if (error || !out)
    return Fail(Error(ErrorCode::kIoError, "cannot be written").WithPath(path.string()));
  return {};
}

Status WriteSamples(const fs::path& directory) {
  std::error_code error;
  if (fs::exists(directory, error) && !fs::is_empty(directory, error)) {
    return Fail(Error(ErrorCode::kEntryExist, "is not an empty directory")
                    .WithPath(directory.string())
                    .WithAdvice("name another one or remove it"));
  }
  const Result<std::vector<format::SampleFile>> files = format::SampleFiles();
  if (!files) return Fail(files.error());
  for (const format::SampleFile& file : *files) {
    if (Status status = WriteFile(directory / file.path, file.bytes); !status) return status;
  }
  return {};
}

}  // namespace

int Demo(const fs::path& directory, const Console& console) {
  if (Status status = WriteSamples(directory); !status) return console.Fail(status.error());
  struct Step {
    std::string_view caption;
    std::string_view path;
    InspectOutput output;
  };
  constexpr Step kSteps[] = {
      {"The data backup destination of a tiny tenant: a full set and an incremental one.",
       "data_backup_dest", InspectOutput::kDump},
      {"Its log archive: two frozen pieces and an active one.", "log_archive_dest",
       InspectOutput::kDump},
      {"A metadata file in the shape of ob_admin dump_backup.",
       "data_backup_dest/backup_set_1_full/single_backup_set_info.obbak", InspectOutput::kDump},
      {"The same kind of file byte for byte.", "log_archive_dest/rounds/round_d1002r1_start.obarc",
       InspectOutput::kHex},
  };
  int status = kSuccess;
  for (const Step& step : kSteps) {
    const fs::path path = directory / step.path;
    const std::string_view flag = step.output == InspectOutput::kHex ? " --hex" : "";
    console.out(fmt::format("\n{}\n$ obbak inspect{} {}\n", step.caption, flag, path.string()));
    status = std::max(status, Inspect(path, {.output = step.output}, console));
  }
  return status;
}

void AddDemoCommand(CLI::App& app, CommandContext& context) {
  auto directory = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("demo", "Write sample destinations and look at them");
  command->footer("example:\n  obbak demo --dir /tmp/obbak-demo");
  command->add_option("--dir", *directory, "where to write; must be empty or not exist yet")
      ->required();
  command->callback([directory, &context] { context.status = Demo(*directory, context.console); });
}

}  // namespace obbak::cli
