// SimWorld: everything a program gets from outside, simulated from one seed. For tests.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "io/clock.h"
#include "io/loop.h"
#include "io/random.h"
#include "io/sim_disk.h"
#include "io/sim_driver.h"
#include "io/sim_image.h"

namespace obbak::io {

//   SimWorld world(/*seed=*/7);
//   Status status = world.loop().Run(Use(world.loop(), world.disk()));
//   SimWorld after(/*seed=*/8, world.disk().CrashImage(2));
class SimWorld {
 public:
  // 2024-01-01 00:00:00 UTC.
  static constexpr std::uint64_t kStartNs = 1'704'067'200'000'000'000;

  explicit SimWorld(std::uint64_t seed, SimImage image = {}, std::uint64_t now_ns = kStartNs)
      : clock_(now_ns),
        random_(seed),
        loop_(std::make_unique<SimDriver>(random_.Next(), clock_, std::move(image))),
        disk_(static_cast<SimDriver&>(loop_.driver()).disk()) {}
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  Loop& loop() { return loop_; }
  SimDisk& disk() { return disk_; }
  // Goes along with the virtual time; tests may set it.
  ManualClock& clock() { return clock_; }
  Random& random() { return random_; }

 private:
  ManualClock clock_;
  Random random_;
  Loop loop_;
  SimDisk& disk_;
};

}  // namespace obbak::io
