// SimDriver: time, devices and scheduling of the simulated world, all from one seed.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "io/clock.h"
#include "io/driver.h"
#include "io/random.h"
#include "io/sim_disk.h"
#include "io/sim_image.h"

namespace obbak::io {

// Time is virtual: it jumps to whatever happens next, and the clock handed in goes along. The seed
// decides how long operations take, hence the order in which they complete, and the order of the
// coroutines that are ready at once; the same seed and program give the same run.
class SimDriver final : public Driver {
 public:
  // The clock outlives the driver. The disk begins with what `image` holds.
  SimDriver(std::uint64_t seed, ManualClock& clock, SimImage image = {});

  std::chrono::nanoseconds SteadyNow() override { return now_; }
  void Poll(ReadyList& ready, std::chrono::nanoseconds until) override;
  bool Busy() const override { return !events_.empty(); }
  void Offload(Work& work) override;
  void Arrange(ReadyList& ready) override;
  SimDisk& disk() override { return disk_; }

  // Calls `event` after a latency from the seed; it appends whom it makes ready.
  using Event = std::function<void(ReadyList& ready)>;
  void Schedule(Event event);
  // `co_await driver.Latency()`
  auto Latency() {
    struct Awaiter {
      SimDriver& driver;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> handle) {
        driver.Schedule([handle](ReadyList& ready) { ready.push_back(handle); });
      }
      void await_resume() const noexcept {}
    };
    return Awaiter{*this};
  }

 private:
  void AdvanceTo(std::chrono::nanoseconds time);

  Random random_;
  ManualClock& clock_;
  std::chrono::nanoseconds now_{0};
  // By time, then by the order of scheduling.
  std::map<std::pair<std::chrono::nanoseconds, std::uint64_t>, Event> events_;
  std::uint64_t next_event_ = 0;
  SimDisk disk_;
};

}  // namespace obbak::io
