#include "cli/restore_source_row.h"

#include <string>
#include <string_view>
#include <utility>

#include "engine/tenant_core.h"

namespace obbak::cli {
namespace {

constexpr std::string_view kKey = "cli/restore_source";

}  // namespace

std::pair<std::string, std::string> RestoreSourceRow(std::span<const io::BackupDest> dests) {
  std::string uris;
  for (const io::BackupDest& dest : dests) {
    if (!uris.empty()) uris += ',';
    uris += dest.ToPersistedStringWithSecrets();
  }
  return {std::string(kKey), std::move(uris)};
}

Result<std::vector<io::BackupDest>> RememberedRestoreSource(engine::Tenant& tenant) {
  const auto& rows = tenant.core().manifest->state().rows();
  const auto found = rows.find(kKey);
  if (found != rows.end()) return io::ParseRestoreSource(found->second.value());
  return Fail(Error(ErrorCode::kMissArgument, "the tenant does not know where it was restored from")
                  .WithAdvice("name the destinations with --from"));
}

}  // namespace obbak::cli
