#include "cli/restore_source_row.h"

#include <string>
#include <string_view>
#include <utility>

#include "engine/tenant_core.h"

namespace obbak::cli {
namespace {

constexpr std::string_view kKey = "cli/restore_source";

}  // namespace

io::Task<Status> RememberRestoreSource(engine::Tenant& tenant,
                                       std::span<const io::BackupDest> dests) {
  std::string uris;
  for (const io::BackupDest& dest : dests) {
    if (!uris.empty()) uris += ',';
    uris += dest.ToPersistedStringWithSecrets();
  }
  engine::pb::Edit edit;
  engine::pb::Row& row = *edit.add_rows();
  row.set_key(std::string(kKey));
  row.set_value(uris);
  co_return co_await tenant.core().manifest->Apply(std::move(edit));
}

Result<std::vector<io::BackupDest>> RememberedRestoreSource(engine::Tenant& tenant) {
  const auto& rows = tenant.core().manifest->state().rows();
  const auto found = rows.find(kKey);
  if (found != rows.end()) return io::ParseRestoreSource(found->second.value());
  return Fail(Error(ErrorCode::kMissArgument, "the tenant does not know where it was restored from")
                  .WithAdvice("name the destinations with --from"));
}

}  // namespace obbak::cli
