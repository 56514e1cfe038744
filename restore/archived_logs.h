// ArchivedLogs: the pieces of an archive as what a standby's replay reads.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "base/result.h"
#include "dest/dest_store.h"
#include "engine/standby_replay.h"
#include "format/archive_records.h"
#include "format/ids.h"
#include "format/lsn.h"
#include "io/task.h"

namespace obbak::restore {

class ArchivedLogs final : public engine::LogGroupSources {
 public:
  // `archive`: a log archive destination or a complement log, of which it reads only `pieces`,
  // ascending. The store's medium must outlive it.
  ArchivedLogs(dest::DestStore archive, std::vector<format::TenantArchivePieceAttr> pieces)
      : archive_(archive), pieces_(std::move(pieces)) {}

  io::Task<Result<std::unique_ptr<engine::LogGroupSource>>> Open(format::LsId ls,
                                                                 format::Lsn lsn) override;

 private:
  dest::DestStore archive_;
  std::vector<format::TenantArchivePieceAttr> pieces_;
};

}  // namespace obbak::restore
