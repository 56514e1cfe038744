#include "cli/inspect_command.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <system_error>
#include <utility>

#include "cli/dump_view.h"
#include "cli/hex_view.h"
#include "cli/mapped_file.h"
#include "cli/tree_view.h"
#include "format/dissection_json.h"
#include "format/inspect_file.h"

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

int InspectDirectory(const std::filesystem::path& path, const InspectOptions& options,
                     const Console& console) {
  const Result<std::vector<TreeEntry>> entries = ListTree(path);
  if (!entries) return console.Fail(entries.error());
  console.out(options.output == InspectOutput::kJson ? format::PrettyJson(TreeJson(*entries)) + "\n"
                                                     : TreeText(path, *entries));
  return kSuccess;
}

}  // namespace

int Inspect(const std::filesystem::path& path, const InspectOptions& options,
            const Console& console) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return InspectDirectory(path, options, console);
  const Result<MappedFile> file = MappedFile::Open(path);
  if (!file) return console.Fail(file.error());
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  Result<FileReport> report = format::InspectFile(absolute.generic_string(), file->bytes());
  if (!report) return console.Fail(std::move(report).error().WithPath(path.string()));
  console.out(options.output == InspectOutput::kJson
                  ? JsonText(path, *report)
                  : PlainText(*report, file->bytes(), options.output));
  for (Error& finding : report->inspection.findings) {
    console.Fail(std::move(finding).WithPath(path.string()));
  }
  return report->inspection.findings.empty() ? kSuccess : kFailure;
}

}  // namespace obbak::cli
