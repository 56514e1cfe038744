#include "cli/inspect_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/dump_view.h"
#include "cli/hex_view.h"
#include "cli/inspect_block.h"
#include "cli/inspect_log.h"
#include "cli/mapped_file.h"
#include "cli/tree_view.h"
#include "format/backup_path.h"
#include "format/common_header.h"
#include "format/decoder.h"
#include "format/dissection_json.h"
#include "format/inspect_file.h"
#include "format/log_file_reader.h"
#include "format/macro_block_header.h"

namespace obbak::cli {
namespace {

namespace json = boost::json;
using format::FileReport;

json::object FindingJson(const Error& error) {
  json::object finding;
  finding["code"] = static_cast<std::int32_t>(error.code());
  finding["name"] = ErrorCodeName(error.code());
  if (error.offset()) finding["offset"] = format::JsonNumber(*error.offset());
  if (!error.field().empty()) finding["field"] = error.field();
  finding["message"] = error.message();
  return finding;
}

std::string JsonText(const std::filesystem::path& path, const FileReport& report) {
  json::object object;
  object["file"] = path.string();
  if (report.kind) object["kind"] = format::Facts(*report.kind).name;
  object["meaning"] = report.meaning;
  if (!report.record.empty()) object["record"] = report.record;
  json::value content = format::ToJson(report.inspection.dissection);
  for (auto& [key, value] : content.get_object()) object[key] = std::move(value);
  json::array findings;
  for (const Error& error : report.inspection.findings) findings.push_back(FindingJson(error));
  object["findings"] = std::move(findings);
  return format::PrettyJson(object) + "\n";
}

std::string PlainText(const FileReport& report, ByteView file, InspectOutput output) {
  const std::string_view kind = report.kind ? format::Facts(*report.kind).name : report.record;
  std::string out = fmt::format("{}: {}\n", kind, report.meaning);
  if (report.record.empty()) return out + "no content: the name says it all\n";
  return out + (output == InspectOutput::kHex
                    ? HexText(file, report.inspection.dissection)
                    : DumpText(report.record, report.inspection.dissection));
}

// What the name says; null when it says nothing or more than one thing.
std::optional<format::PathKind> KindOf(const format::NameClass& found) {
  if (found.candidates.size() != 1) return std::nullopt;
  return found.candidates.front().kind;
}

// A log file, by its name or, where that says nothing, by its magic.
std::optional<format::LogFileKind> RecognizeLog(const format::NameClass& found, ByteView file) {
  const std::optional<format::PathKind> kind = KindOf(found);
  if (kind == format::PathKind::kLogFile) return format::LogFileKind::kArchive;
  if (kind) return std::nullopt;
  return format::RecognizeLogFile(file);
}

// A file made of blocks, by its name or, where that says nothing, by its first header.
std::optional<format::BackupFileKind> RecognizeBlocks(const format::NameClass& found,
                                                      ByteView file) {
  if (found.candidates.empty()) {
    return format::RecognizeBackupFile(
        file.first(std::min(file.size(), format::BackupCommonHeader::kSize)));
  }
  const format::BackupPath& path = found.candidates.front();
  switch (path.kind) {
    case format::PathKind::kMacroBlockData:
      return format::BackupFileKind::kData;
    case format::PathKind::kTabletInfo:
      return format::BackupFileKind::kTabletInfo;
    case format::PathKind::kLsIndex:
    case format::PathKind::kTenantIndex:
    case format::PathKind::kTenantIndex41:
    case format::PathKind::kSysTenantIndex:
      return path.index == format::IndexKind::kMacroRange ? format::BackupFileKind::kMacroRangeIndex
                                                          : format::BackupFileKind::kMetaIndex;
    default:
      return std::nullopt;
  }
}

// A macro block on its own has no name in a destination; its common header is its mark.
bool IsMacroBlock(const format::NameClass& found, ByteView file) {
  if (KindOf(found)) return false;
  format::Decoder in(file);
  in.FixedLittleEndian(8);  // size and version
  return static_cast<std::int32_t>(in.FixedLittleEndian(4)) ==
         format::MacroBlockCommonHeader::kMagic;
}

int InspectMetadata(const std::filesystem::path& path, std::string_view name, ByteView file,
                    const InspectOptions& options, const Console& console) {
  Result<FileReport> report = format::InspectFile(name, file);
  if (!report) return console.Fail(std::move(report).error().WithPath(path.string()));
  console.out(options.output == InspectOutput::kJson ? JsonText(path, *report)
                                                     : PlainText(*report, file, options.output));
  for (Error& finding : report->inspection.findings) {
    console.Fail(std::move(finding).WithPath(path.string()));
  }
  return report->inspection.findings.empty() ? kSuccess : kFailure;
}

}  // namespace

int Inspect(const std::filesystem::path& path, const InspectOptions& options,
            const Console& console) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return PrintTree(path, options.output == InspectOutput::kJson, console);
  }
  const Result<MappedFile> file = MappedFile::Open(path);
  if (!file) return console.Fail(file.error());
  const std::string name = std::filesystem::absolute(path, error).generic_string();
  const format::NameClass found = format::ClassifyByName(name);
  const ByteView bytes = file->bytes();
  if (const auto log = RecognizeLog(found, bytes))
    return InspectLog(path.string(), bytes, *log, options, console);
  if (const auto kind = RecognizeBlocks(found, bytes)) {
    return InspectBackupFile(path.string(), bytes, *kind, options, console);
  }
  if (IsMacroBlock(found, bytes))
    return InspectMacroBlockFile(path.string(), bytes, options, console);
  return InspectMetadata(path, name, bytes, options, console);
}

void AddInspectCommand(CLI::App& app, CommandContext& context) {
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
  command->callback([options, &context] {
    const InspectOutput output = options->json  ? InspectOutput::kJson
                                 : options->hex ? InspectOutput::kHex
                                                : InspectOutput::kDump;
    for (const std::string& path : options->paths) {
      context.status =
          std::max(context.status,
                   Inspect(path, {.output = output, .rows = options->rows}, context.console));
    }
  });
}

}  // namespace obbak::cli
