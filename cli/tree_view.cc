#include "cli/tree_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <system_error>
#include <utility>

#include "base/utf8.h"
#include "format/backup_path.h"
#include "format/dissection_json.h"

namespace obbak::cli {
namespace {

namespace fs = std::filesystem;

// Names are judged relative to the destination's root. When `directory` itself is inside one, its
// own name and its parents' help.
void Classify(const fs::path& directory, TreeEntry& entry) {
  Result<format::BackupPath> path = format::ParseBackupPath(entry.path);
  if (!path && path.error().code() == ErrorCode::kNotSupported) {
    entry.meaning = path.error().message();
    return;
  }
  if (!path) {
    const std::string full = (directory / entry.path).generic_string();
    const format::NameClass name = format::ClassifyByName(full);
    // Only a name that begins above the listed directory: a lone familiar last component proves
    // nothing here.
    const std::size_t own = full.size() - entry.path.size();
    if (name.candidates.empty() || !name.whole || name.offset >= own) return;
    path = name.candidates.front();
  }
  entry.known = true;
  entry.kind = format::Facts(path->kind).name;
  entry.meaning = format::Facts(path->kind).meaning;
}

std::string HumanSize(std::uint64_t bytes) {
  constexpr std::string_view kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  auto value = static_cast<double>(bytes);
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace

Result<std::vector<TreeEntry>> ListTree(const fs::path& directory) {
  std::vector<TreeEntry> entries;
  std::error_code error;
  const fs::path absolute = fs::absolute(directory, error).lexically_normal();
  for (fs::recursive_directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    TreeEntry entry;
    entry.path = it->path().lexically_relative(directory).generic_string();
    std::error_code ignored;
    entry.directory = it->symlink_status(ignored).type() == fs::file_type::directory;
    if (!entry.directory) entry.size = it->file_size(ignored);
    if (ignored) entry.size = 0;
    entry.meaning = "unknown";
    Classify(absolute, entry);
    entries.push_back(std::move(entry));
  }
  if (error) return Fail(Error(ErrorCode::kIoError, error.message()).WithPath(directory.string()));
  // By components, so that a directory's content follows it directly.
  std::ranges::sort(entries, [](const TreeEntry& a, const TreeEntry& b) {
    return fs::path(a.path) < fs::path(b.path);
  });
  return entries;
}

std::vector<TreeEntry> OneOfEachKind(const std::vector<TreeEntry>& entries) {
  std::vector<TreeEntry> kept;
  // By directory and kind.
  std::map<std::pair<std::string, std::string>, std::size_t> first;
  std::string left_out;  // a directory with all that is below
  for (const TreeEntry& entry : entries) {
    if (!left_out.empty() && entry.path.starts_with(left_out)) continue;
    const auto [found, is_first] = first.emplace(
        std::pair(fs::path(entry.path).parent_path().string(), entry.kind), kept.size());
    if (is_first || !entry.known) {
      kept.push_back(entry);
    } else {
      ++kept[found->second].alike;
      if (entry.directory) left_out = entry.path + "/";
    }
  }
  return kept;
}

std::string TreeText(const fs::path& directory, const std::vector<TreeEntry>& entries) {
  const auto label = [](const TreeEntry& entry) {
    const auto depth = static_cast<std::size_t>(std::ranges::count(entry.path, '/'));
    return std::string(2 * (depth + 1), ' ') + fs::path(entry.path).filename().string() +
           (entry.directory ? "/" : "");
  };
  std::size_t width = 0;
  for (const TreeEntry& entry : entries) width = std::max(width, label(entry).size());
  std::string out = directory.string() + "\n";
  for (const TreeEntry& entry : entries) {
    const std::string size = entry.directory ? "" : HumanSize(entry.size);
    const std::string alike =
        entry.alike == 0 ? "" : fmt::format("; {} more like this", entry.alike);
    out += fmt::format("{:<{}}  {:>10}  {}{}\n", label(entry), width, size, entry.meaning, alike);
  }
  return out;
}

std::string CountText(const std::vector<TreeEntry>& entries) {
  const auto files = std::ranges::count(entries, false, &TreeEntry::directory);
  const auto unknown = std::ranges::count(entries, false, &TreeEntry::known);
  return fmt::format("{} files, {} unknown names", files, unknown);
}

boost::json::value TreeJson(const std::vector<TreeEntry>& entries) {
  boost::json::array array;
  for (const TreeEntry& entry : entries) {
    boost::json::object object;
    object["path"] = ToUtf8(entry.path);
    object["type"] = entry.directory ? "directory" : "file";
    if (!entry.directory) object["size"] = format::JsonNumber(entry.size);
    object["known"] = entry.known;
    if (entry.known) object["kind"] = entry.kind;
    object["meaning"] = entry.meaning;
    array.push_back(std::move(object));
  }
  return array;
}

int PrintTree(const fs::path& directory, bool json, const Console& console) {
  const Result<std::vector<TreeEntry>> entries = ListTree(directory);
  if (!entries) return console.Fail(entries.error());
  console.out(json ? format::PrettyJson(TreeJson(*entries)) + "\n"
                   : TreeText(directory, *entries) + CountText(*entries) + "\n");
  return kSuccess;
}

}  // namespace obbak::cli
