// Whatever parses as a path prints as the same string, and its name alone is recognised too.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "format/backup_path.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace obbak::format;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto path = ParseBackupPath(text);
  if (path && Print(*path) != text) std::abort();

  const NameClass found = ClassifyByName(text);
  if (path && !(found.whole && found.offset == 0)) std::abort();
  if (found.offset > size) std::abort();
  for (const BackupPath& candidate : found.candidates) {
    if (Describe(candidate).empty()) std::abort();
  }
  return 0;
}
