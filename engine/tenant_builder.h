// TenantBuilder: makes a tenant out of what a backup says of one. docs/spec/procedures.md §4.5,
// §4.6.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/env.h"
#include "engine/sstable.h"
#include "engine/standby_replay.h"
#include "engine/tenant.h"
#include "engine/tenant_core.h"
#include "format/backup_set_records.h"
#include "format/ids.h"
#include "format/ls_meta_records.h"
#include "format/tablet_meta.h"
#include "io/task.h"

namespace obbak::engine {

// Log streams first, then tablets, then their logs; then it is a standby:
//
//   auto builder = co_await TenantBuilder::Create(env, dir, options, engine);
//   co_await (*builder)->AddLogStream(attr, package);  // each
//   (*builder)->AddTablet(ls, meta, sstables);         // each; see engine/sstable_import.h
//   co_await (*builder)->Finish(sources, restore_scn);
//   co_await (*builder)->Close();
//
// Until Finish has succeeded the directory holds an unfinished restore: Tenant::Open refuses it,
// and Create empties it and begins anew.
class TenantBuilder {
 public:
  // `dir` must not exist, be empty, or hold an unfinished restore; kEntryExist for anything else.
  static io::Task<Result<std::unique_ptr<TenantBuilder>>> Create(Env env, std::string dir,
                                                                 TenantOptions options,
                                                                 EngineOptions engine);
  TenantBuilder(const TenantBuilder&) = delete;
  TenantBuilder& operator=(const TenantBuilder&) = delete;
  // Precondition: Close() is done.
  ~TenantBuilder();

  TenantCore& core() { return *core_; }

  // The log stream as it was when its meta was backed up, with an empty log that begins where the
  // meta's replay begins. It has its inner tablets. kInvalidData when the two don't belong
  // together.
  io::Task<Status> AddLogStream(format::LsAttr attr, format::LsMetaPackage package);
  // `sstables` newest first, the major one last. kInvalidData for a tablet that obbak cannot hold.
  Status AddTablet(format::LsId ls, format::MigrationTabletParam meta,
                   std::vector<std::shared_ptr<const Sstable>> sstables);

  // Tablets that the backup lists, and has no data of because they were dropped meanwhile.
  void ExpectDropped(std::vector<format::TabletId> tablets) { dropped_ = std::move(tablets); }

  // Replays the logs up to `scn`, flushes, and makes it a standby. kErrUnexpected when one of the
  // tablets that should have been dropped belongs to a table at `scn`.
  io::Task<Status> Finish(LogGroupSources& sources, format::Scn scn, ReportReplay report = {});

  // Ends what goes on in the background. The tenant is there to be opened if Finish has succeeded.
  io::Task<Status> Close();

 private:
  explicit TenantBuilder(std::unique_ptr<TenantCore> core);
  Status CheckDropped() const;

  std::unique_ptr<TenantCore> core_;
  std::vector<format::TabletId> dropped_;
};

}  // namespace obbak::engine
