// StandbyReplay: brings a tenant that writes no logs of its own to an exact SCN.
// docs/spec/clog-and-archive.md §14.3, §19.4; docs/spec/procedures.md §4.6, §4.7.
//
// Entries of all log streams are applied in the order of their SCNs; so at any time the tenant is
// what one SCN makes of it, and what an entry needs of another log stream - the source of a tablet
// that moves - has been replayed far enough. These SCNs say how far things are:
//
//   sync_scn S  in the manifest: the local logs have all entries up to S, durably, and nothing
//               else there - tablets, SSTables, checkpoints - knows of one above S
//   applied A   in memory: entries up to A have had their effect, no other has
//   snapshot R  what readers see
//
// S <= A, and R <= A; at rest all three are one. A local log holds whole groups as they were
// archived: those with an entry up to A at least, perhaps more, which a crash has kept from being
// applied. S moves before anything that knows of later entries may become durable: with each
// checkpoint, in the same edit of the manifest.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "engine/tenant_core.h"
#include "format/ids.h"
#include "format/log_group.h"
#include "format/lsn.h"
#include "io/task.h"

namespace obbak::engine {

// The log of one log stream, from somewhere on.
class LogGroupSource {
 public:
  virtual ~LogGroupSource() = default;
  // The next group, padding groups included; its bytes live until the next call. None: there is no
  // more, for now.
  virtual io::Task<Result<std::optional<format::LogGroup>>> Next() = 0;
  // When there was no more: why, as far as the source knows. kNotSupported: there never will be.
  virtual std::optional<Error> EndReason() const { return std::nullopt; }
};

// Where a standby's logs come from.
class LogGroupSources {
 public:
  virtual ~LogGroupSources() = default;
  // Of the log stream, from the group at `lsn` on.
  virtual io::Task<Result<std::unique_ptr<LogGroupSource>>> Open(format::LsId ls,
                                                                 format::Lsn lsn) = 0;
};

struct ReplayProgress {
  format::Scn applied;
  std::uint64_t entries = 0;    // applied so far
  std::uint64_t log_bytes = 0;  // taken over into the local logs so far
};
// Called now and then on the loop's thread.
using ReportReplay = std::function<void(const ReplayProgress& progress)>;

// One per open tenant that is not primary: TenantCore::replay.
class StandbyReplay {
 public:
  // `core` has its log streams, as its manifest has them; nothing of their logs is applied.
  explicit StandbyReplay(TenantCore& core);
  StandbyReplay(const StandbyReplay&) = delete;
  StandbyReplay& operator=(const StandbyReplay&) = delete;
  ~StandbyReplay();

  format::Scn applied() const { return progress_.applied; }
  const ReplayProgress& progress() const { return progress_; }
  // Where the group begins that holds the first entry of the local log that is not applied; the
  // log's end when there is none.
  format::Lsn next_lsn(format::LsId ls) const { return positions_.at(ls); }

  // Applies the entries up to `target`. Those that are not in the local logs come from `sources`
  // and go into them; nullptr: there are none. MemTables are flushed on the way. Takes
  // core.maintenance.
  //
  // kEntryNotExist when the sources' log of a log stream ends before `target`: nothing above that
  // end is applied. Their own errors. What was applied stays, and a later call goes on. kCanceled
  // once core.stop is requested. When an entry cannot be applied the tenant is broken.
  io::Task<Status> ReplayTo(format::Scn target, LogGroupSources* sources, ReportReplay report = {});

 private:
  class Head;

  static format::Scn LimitOf(const std::vector<std::unique_ptr<Head>>& heads, format::Scn target);
  io::Task<Status> Merge(std::vector<std::unique_ptr<Head>>& heads, format::Scn target);
  // Applies entries of `head` up to `limit`.
  io::Task<Status> ApplyRun(Head& head, format::Scn limit);
  io::Task<Status> Apply(Head& head);
  io::Task<Status> FlushArrivals(LogStream& stream);
  bool IsFreezeDue(const LogStream& stream) const;
  io::Task<Status> CheckpointIfDue();

  TenantCore* core_;
  ReplayProgress progress_;
  std::map<format::LsId, format::Lsn> positions_;
  // Ends of the local logs at the log streams' last freezes.
  std::map<format::LsId, format::Lsn> frozen_at_;
  ReportReplay report_;
};

}  // namespace obbak::engine
