// The drivers of the real world.
#pragma once

#include <cstddef>
#include <memory>

#include "base/log.h"
#include "base/result.h"
#include "io/driver.h"

namespace obbak::io {

struct HostOptions {
  // Transfers that the device sees at once; more wait in line. At least 1.
  std::size_t queue_depth = 128;
  // Threads for Offload and names; 0 is one a processor.
  std::size_t workers = 0;
  // Threads for transfers where io_uring is not available. At least 1.
  std::size_t transfer_threads = 8;
};

// io_uring, with direct I/O, registered files and buffers. To be made, used and destroyed on one
// thread. Fails with kNotSupported where the kernel lacks it or an administrator has switched it
// off.
Result<std::unique_ptr<Driver>> MakeUringDriver(const HostOptions& options, Logger log);

// preadv and pwritev on threads.
std::unique_ptr<Driver> MakePosixDriver(const HostOptions& options, Logger log);

// io_uring if it works here, else POSIX; says once through `log` which it is and why.
std::unique_ptr<Driver> MakeDriver(const HostOptions& options, Logger log);

}  // namespace obbak::io
