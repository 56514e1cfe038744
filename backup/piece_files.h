// The metadata files of an archive: what a checkpoint writes of a round and of each of its pieces,
// in the order that readers rely on. docs/spec/procedures.md §2.5, docs/spec/layout.md §3.2.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "backup/archive_round.h"
#include "base/log.h"
#include "base/result.h"
#include "dest/dest_store.h"
#include "format/archive_records.h"
#include "io/task.h"

namespace obbak::backup {

// Everything may be done again after a failure or a crash, with the same values: what is there is
// left as it is. Copied freely; see dest::DestStore.
class PieceFiles {
 public:
  // `utc_offset`: of the dates in names; one for the whole destination, forever. `log` outlives it.
  PieceFiles(dest::DestStore store, std::chrono::seconds utc_offset, const Logger& log)
      : store_(store), utc_offset_(utc_offset), log_(&log) {}

  // While the round is BEGINNING.
  io::Task<Status> WriteRoundStart(RoundStatus round) const;
  // The round is STOP; all files of its pieces are there.
  io::Task<Status> WriteRoundEnd(RoundStatus round) const;

  // The frozen pieces of the destination before some piece, ascending.
  using FrozenBefore = std::function<Result<std::vector<format::TenantArchivePieceAttr>>()>;

  // All files of a piece as `piece` says it is: while it is ACTIVE and AVAILABLE those of its
  // checkpoint, when it is FROZEN those that close it, the end mark last. `progress`: the rows of
  // the log streams in this piece; their logs are durable there. `frozen_before` is called when its
  // answer is needed.
  io::Task<Status> WritePiece(format::TenantArchivePieceAttr piece,
                              std::vector<LsProgress> progress, FrozenBefore frozen_before) const;

 private:
  io::Task<Status> WritePieceInfos(const format::TenantArchivePieceAttr& piece,
                                   const FrozenBefore& frozen_before) const;
  io::Task<Status> WriteCheckpoint(const format::TenantArchivePieceAttr& piece) const;
  io::Task<Status> RemoveOldMarks(const format::TenantArchivePieceAttr& piece) const;
  io::Task<Status> WriteFrozen(const format::TenantArchivePieceAttr& piece,
                               const std::vector<LsProgress>& progress) const;

  dest::DestStore store_;
  std::chrono::seconds utc_offset_;
  const Logger* log_;
};

// What file_info says of a log stream in a piece. The sizes follow from the LSNs: a piece that is
// closed has files that hold exactly what is recorded, unless it is BROKEN.
format::SingleLsInfoDesc LsInfoOf(const LsProgress& progress);

}  // namespace obbak::backup
