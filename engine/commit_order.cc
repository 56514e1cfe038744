#include "engine/commit_order.h"

#include <cassert>
#include <utility>

namespace obbak::engine {

void CommitOrder::Undecided(format::Scn version) {
  assert(undecided_.empty() || undecided_.rbegin()->first < version);
  undecided_.emplace_hint(undecided_.end(), version, false);
}

void CommitOrder::Decided(format::Scn version) {
  const auto found = undecided_.find(version);
  assert(found != undecided_.end());
  found->second = true;
  if (found != undecided_.begin()) return;
  while (!undecided_.empty() && undecided_.begin()->second) undecided_.erase(undecided_.begin());
  advanced_.WakeAll();
}

io::Task<Status> CommitOrder::AwaitVisible(format::Scn version) {
  while (snapshot() < version) {
    if (!status_) co_return obbak::Fail(status_.error());
    co_await advanced_.Wait();
  }
  co_return Status();
}

void CommitOrder::Fail(Error error) {
  if (status_) status_ = obbak::Fail(std::move(error));
  advanced_.WakeAll();
}

}  // namespace obbak::engine
