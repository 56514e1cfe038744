// Whatever parses as a path prints as the same string, and its name alone is recognised too.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "format/backup_path.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using obbak::format::BackupPath;
  using obbak::format::ClassifyByName;
  using obbak::format::NameClass;
  using obbak::format::ParseBackupPath;
  const std::string_view text = obbak::AsText(std::as_bytes(std::span(data, size)));
  const auto path = ParseBackupPath(text);
  if (path && Print(*path) != text) std::abort();

  const NameClass found = ClassifyByName(text);
  if (path && (!found.whole || found.offset != 0)) std::abort();
  if (found.offset > size) std::abort();
  for (const BackupPath& candidate : found.candidates) {
    if (Describe(candidate).empty()) std::abort();
  }
  return 0;
}
