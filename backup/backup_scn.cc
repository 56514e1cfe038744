#include "backup/backup_scn.h"

#include "engine/ddl.h"

namespace obbak::backup {

Result<format::Scn> CurrentScn(engine::TenantCore& core) {
  if (core.role == engine::TenantRole::kStandby) {
    return format::Scn{core.manifest->state().tenant().sync_scn()};
  }
  if (Status status = core.ReserveIds(); !status) return Fail(std::move(status).error());
  return core.scns.Next();
}

io::Task<Result<engine::Catalog>> CatalogAt(engine::TenantCore& core, format::Scn scn) {
  if (Status status = co_await core.commits.AwaitVisible(scn); !status) {
    co_return Fail(std::move(status).error());
  }
  co_return co_await engine::ReadCatalog(core, scn);
}

format::Scn ReplayStart(const engine::TenantCore& core, const engine::LogStream& stream) {
  const format::Scn checkpoint{stream.record().clog_checkpoint_scn()};
  return core.role == engine::TenantRole::kStandby ? checkpoint : format::Scn{checkpoint.value + 1};
}

}  // namespace obbak::backup
