#include "backup/backup_scn.h"

#include "engine/ddl.h"

namespace obbak::backup {

Result<format::Scn> CurrentScn(engine::TenantCore& core) {
  const engine::pb::Tenant& tenant = core.manifest->state().tenant();
  if (tenant.role() == engine::pb::Tenant::STANDBY) return format::Scn{tenant.sync_scn()};
  if (Status status = core.ReserveIds(); !status) return Fail(std::move(status).error());
  return core.scns.Next();
}

io::Task<Result<engine::Catalog>> CatalogAt(engine::TenantCore& core, format::Scn scn) {
  if (Status status = co_await core.commits.AwaitVisible(scn); !status) {
    co_return Fail(std::move(status).error());
  }
  co_return co_await engine::ReadCatalog(core, scn);
}

}  // namespace obbak::backup
