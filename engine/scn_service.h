// ScnService: the tenant's source of SCNs (OceanBase's GTS).
#pragma once

#include "format/ids.h"
#include "io/clock.h"

namespace obbak::engine {

// Strictly monotonic: no SCN is ever given out twice, nor one below another, whatever the clock
// does. What makes that hold across restarts is that every SCN that was used is in a log: recovery
// observes the last one of each log stream before anything new is given out.
class ScnService {
 public:
  // `clock` must outlive the service.
  explicit ScnService(io::Clock& clock) : clock_(&clock) {}

  // A new SCN: the clock's time, or the next number if the clock does not show a later one.
  format::Scn Next() {
    const format::Scn now{clock_->NowNs()};
    last_ = now > last_ ? now : format::Scn{last_.value + 1};
    return last_;
  }
  // Someone used `scn`: later ones are above it.
  void Observe(format::Scn scn) {
    if (scn.IsValid() && scn > last_) last_ = scn;
  }
  // The largest SCN given out or observed.
  format::Scn last() const { return last_; }

 private:
  io::Clock* clock_;
  format::Scn last_{format::kBaseScn};
};

}  // namespace obbak::engine
