// Env: the world that a tenant lives in, handed in by whoever opens it.
#pragma once

#include "base/log.h"
#include "io/clock.h"
#include "io/disk.h"
#include "io/loop.h"
#include "io/random.h"

namespace obbak::engine {

// References to things that outlive the tenant. Copied freely.
struct Env {
  io::Loop& loop;
  io::Disk& disk;
  // Wall clock; may step in either direction.
  io::Clock& clock;
  io::Random& random;
  Logger log;
};

}  // namespace obbak::engine
