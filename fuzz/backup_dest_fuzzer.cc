// The texts that name destinations. Whatever parses must read back from its own text, and must show
// nothing that depends on the access key.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "io/backup_dest.h"
#include "io/log_archive_dest.h"

namespace obbak::io {
namespace {

void Require(bool promise) {
  if (!promise) std::abort();
}

// `dest` with another access key.
BackupDest WithOtherKey(const BackupDest& dest) {
  const std::string& key = dest.access_key().Reveal();
  std::string text = dest.ToPersistedStringWithSecrets();
  const std::size_t at = text.find("&access_key=", text.find('?'));
  text.replace(at, key.size() + 12, key == "a" ? "&access_key=b" : "&access_key=a");
  return BackupDest::Parse(text).value();
}

void Check(const BackupDest& dest) {
  Require(BackupDest::Parse(dest.ToPersistedStringWithSecrets()) == dest);
  if (dest.type() == StorageType::kFile) return;
  const BackupDest other = WithOtherKey(dest);
  Require(!(other == dest));
  Require(other.ToMaskedString() == dest.ToMaskedString());
  Require(other.PathString() == dest.PathString());
}

void Run(std::string_view text) {
  if (const auto dest = BackupDest::Parse(text)) Check(*dest);
  if (const auto source = ParseRestoreSource(text)) {
    for (const BackupDest& dest : *source) Check(dest);
  }
  const PieceSwitchIntervalRange any{.min = std::chrono::microseconds(1),
                                     .max = std::chrono::microseconds::max()};
  if (const auto dest = LogArchiveDest::Parse(text, any)) {
    Check(dest->location);
    Require(LogArchiveDest::Parse(dest->ToStringWithSecrets(), any) == *dest);
  }
}

}  // namespace
}  // namespace obbak::io

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  obbak::io::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
