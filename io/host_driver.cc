#include "io/host_driver.h"

#include <utility>

namespace obbak::io {

std::unique_ptr<Driver> MakeDriver(const HostOptions& options, Logger log) {
  Result<std::unique_ptr<Driver>> uring = MakeUringDriver(options, log);
  if (uring) {
    log.Write(LogLevel::kInfo, "I/O: io_uring");
    return *std::move(uring);
  }
  log.Write(LogLevel::kWarning, "I/O: a pool of threads, because of " + uring.error().ToString());
  return MakePosixDriver(options, std::move(log));
}

}  // namespace obbak::io
