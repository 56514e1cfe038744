#include "cli/destination_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace obbak::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kScheme = "://";
constexpr std::string_view kFile = "file://";
constexpr std::string_view kLocation = "location=";

std::string AbsolutePath(std::string_view directory) {
  std::error_code error;
  std::string path = fs::absolute(directory, error).lexically_normal().string();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

void WarnOfIgnoredKeys(const io::BackupDest& dest, const Console& console) {
  if (dest.ignored_keys().empty()) return;
  console.Warn(
      fmt::format("{} is not used: {}", dest.PathString(), fmt::join(dest.ignored_keys(), ", ")));
}

bool StartsWithLocation(std::string_view item) {
  return item.size() >= kLocation.size() &&
         std::ranges::equal(item.substr(0, kLocation.size()), kLocation, {}, [](char c) {
           return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
         });
}

// The option string with a URI in it.
std::string WithUri(std::string_view text) {
  if (text.find('=') == text.npos || text.substr(0, text.find('=')).find('/') != text.npos) {
    return fmt::format("LOCATION={}", UriOf(text));
  }
  std::string items;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find(' '), text.size());
    const std::string_view item = text.substr(0, size);
    if (!items.empty()) items += ' ';
    if (StartsWithLocation(item) && item.size() > kLocation.size()) {
      items += fmt::format("LOCATION={}", UriOf(item.substr(kLocation.size())));
    } else {
      items += item;
    }
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return items;
}

}  // namespace

std::string UriOf(std::string_view text) {
  if (text.empty() || text.find(kScheme) != text.npos) return std::string(text);
  return fmt::format("{}{}", kFile, AbsolutePath(text));
}

Result<std::string> DirectoryOf(std::string_view text) {
  if (text.starts_with(kFile)) text.remove_prefix(kFile.size());
  if (text.find(kScheme) == text.npos) return std::string(text);
  return Fail(Error(ErrorCode::kNotSupported, "this is no directory of this host")
                  .WithPath(std::string(text.substr(0, text.find('?'))))
                  .WithAdvice("name a directory or a file:// URI"));
}

Result<io::BackupDest> ParseDestination(std::string_view text, const Console& console) {
  Result<io::BackupDest> dest = io::BackupDest::Parse(UriOf(text));
  if (dest) WarnOfIgnoredKeys(*dest, console);
  return dest;
}

Result<std::vector<io::BackupDest>> ParseDestinations(std::string_view text,
                                                      const Console& console) {
  std::string uris;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find(','), text.size());
    if (!uris.empty()) uris += ',';
    uris += UriOf(text.substr(0, size));
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  Result<std::vector<io::BackupDest>> dests = io::ParseRestoreSource(uris);
  if (!dests) return dests;
  for (const io::BackupDest& dest : *dests) WarnOfIgnoredKeys(dest, console);
  return dests;
}

Result<io::LogArchiveDest> ParseArchiveDestination(std::string_view text,
                                                   const io::PieceSwitchIntervalRange& range,
                                                   const Console& console) {
  Result<io::LogArchiveDest> dest = io::LogArchiveDest::Parse(WithUri(text), range);
  if (dest) WarnOfIgnoredKeys(dest->location, console);
  return dest;
}

}  // namespace obbak::cli
