#include "io/sim_driver.h"

#include <algorithm>

namespace obbak::io {
namespace {

// What a turn of the loop takes, so that time passes for tasks that only yield.
constexpr std::chrono::nanoseconds kTurn = std::chrono::microseconds(1);

}  // namespace

SimDriver::SimDriver(std::uint64_t seed, ManualClock& clock, SimImage image)
    : random_(seed), clock_(clock), disk_(*this, std::move(image), random_.Next()) {}

void SimDriver::AdvanceTo(std::chrono::nanoseconds time) {
  if (time <= now_) return;
  clock_.Advance(static_cast<std::uint64_t>((time - now_).count()));
  now_ = time;
}

void SimDriver::Poll(ReadyList& ready, std::chrono::nanoseconds until) {
  AdvanceTo(now_ + kTurn);
  if (until > now_) {
    const auto next = events_.empty() ? kForever : events_.begin()->first.first;
    AdvanceTo(std::min(until, next));
  }
  while (!events_.empty() && events_.begin()->first.first <= now_) {
    events_.extract(events_.begin()).mapped()(ready);
  }
}

void SimDriver::Offload(Work& work) {
  work.run(work);
  Schedule([waiter = work.waiter](ReadyList& ready) { ready.push_back(waiter); });
}

void SimDriver::Arrange(ReadyList& ready) {
  for (std::size_t i = ready.size(); i > 1; --i) {
    std::swap(ready[i - 1], ready[random_.Below(i)]);
  }
}

void SimDriver::Schedule(Event event) {
  // Mostly tens of microseconds, now and then milliseconds, as devices are.
  std::uint64_t latency_ns = 10'000 + random_.Below(90'000);
  if (random_.OneIn(50)) latency_ns += random_.Below(5'000'000);
  const auto time = now_ + std::chrono::nanoseconds(static_cast<std::int64_t>(latency_ns));
  events_.emplace(std::pair(time, next_event_++), std::move(event));
}

}  // namespace obbak::io
