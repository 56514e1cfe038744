// ArchiveScheduler: carries a round from state to state. docs/spec/procedures.md §2.3-§2.5.
//
// The states and what they mean are in backup/archive_round.h. Here is when a step is taken, and in
// which order its files and its rows become durable: files first, and the rows say what the files
// say; only ids are given out before.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "backup/archive_rows.h"
#include "backup/catalogue.h"
#include "backup/destination.h"
#include "backup/ls_archiver.h"
#include "backup/piece_files.h"
#include "backup/schema_meta.h"
#include "base/result.h"
#include "engine/tenant_core.h"
#include "io/medium.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::backup {

using LsArchivers = std::map<format::LsId, std::unique_ptr<LsArchiver>>;

class ArchiveScheduler {
 public:
  // All must outlive it. `archivers`: of all log streams.
  ArchiveScheduler(engine::TenantCore& core, DestinationOwner owner, LsArchivers& archivers,
                   std::chrono::milliseconds dictionary_interval);

  // One pass: a checkpoint of the round, then what mode and destination ask for. An error of one
  // part does not keep the other from being tried; the first is returned. Nothing is lost by any of
  // them. The caller holds Lock(), and `medium` is that of the destination; nullptr: there is none.
  io::Task<Status> Pass(io::Medium* medium);

  // No pass begins while the guard lives: for passes, and commands that change what they go by.
  io::Task<io::Mutex::Guard> Lock() { return passing_.Lock(); }

 private:
  using Guards = std::vector<io::Mutex::Guard>;

  io::Task<Status> CheckpointRound(io::Medium& medium);
  io::Task<Status> React(io::Medium& medium);

  io::Task<Status> Enable(io::Medium& medium, ArchiveDestSetting setting,
                          std::optional<RoundStatus> round);
  io::Task<Status> Disable(io::Medium& medium);
  io::Task<Status> Defer(RoundStatus round);
  io::Task<Status> Begin(RoundStatus round);

  Result<CheckpointOutput> Compute(const RoundStatus& round);
  io::Task<Status> Carry(const RoundStatus& before, CheckpointOutput output, io::Medium& medium);
  io::Task<Status> WriteFiles(const RoundStatus& before, const CheckpointOutput& output,
                              io::Medium& medium);
  Result<CatalogueEdit> EditOf(const RoundStatus& before, const CheckpointOutput& output) const;
  bool ChangesNothing(const RoundStatus& before, const CheckpointOutput& output) const;

  io::Task<Status> Save(const RoundStatus& round);
  io::Task<Guards> PauseAll();
  // What a reader may see: GTS, of a standby its sync SCN.
  Result<format::Scn> ReadableScn();
  format::Timestamp Now() const;

  engine::TenantCore& core_;
  DestinationOwner owner_;
  ArchiveRows rows_;
  LsArchivers& archivers_;
  SchemaMeta schema_meta_;
  io::Mutex passing_;
};

}  // namespace obbak::backup
