// CommitOrder: which commits readers may see.
#pragma once

#include <map>

#include "base/error.h"
#include "base/result.h"
#include "engine/scn_service.h"
#include "format/ids.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::engine {

// Commits become visible in the order of their versions, over all log streams: so one SCN is a
// consistent snapshot of the tenant, and who was told that a commit succeeded finds it in every
// snapshot taken afterwards.
class CommitOrder {
 public:
  // Both must outlive this.
  CommitOrder(io::Loop& loop, const ScnService& scns) : scns_(&scns), advanced_(loop) {}

  // A commit got its version. Until Decided, no snapshot reaches it. Versions come ascending.
  void Undecided(format::Scn version);
  // The commit is durable and its rows carry the version, or it has failed without leaving any.
  void Decided(format::Scn version);

  // Every commit with a version up to here is decided, and none will come that was not.
  format::Scn snapshot() const {
    return undecided_.empty() ? scns_->last() : format::Scn{undecided_.begin()->first.value - 1};
  }
  // Returns when snapshot() has reached `version`.
  io::Task<Status> AwaitVisible(format::Scn version);

  // Nothing will be decided any more: all who wait get `error`.
  void Fail(Error error);

 private:
  const ScnService* scns_;
  std::map<format::Scn, bool> undecided_;  // by version; true once decided
  io::WaitQueue advanced_;
  Status status_;
};

}  // namespace obbak::engine
