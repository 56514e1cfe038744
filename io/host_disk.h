// HostDisk: what the operating system's disks have in common, whichever way transfers take.
#pragma once

#include <time.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "io/disk.h"
#include "io/driver.h"
#include "io/host_driver.h"
#include "io/worker_pool.h"

namespace obbak::io {

// Linux transfers at most a little below 2 GiB at once.
inline constexpr std::uint64_t kMaxHostTransfer = std::uint64_t{1} << 30;

// Whether a transfer that has just got `bytes` (already counted in the request) must not be
// continued: at the end of the file.
bool NoMoreComes(const FileRequest& request, std::int64_t bytes);

std::chrono::nanoseconds HostSteadyNow();

// Zero for a duration below zero.
timespec TimespecOf(std::chrono::nanoseconds duration);

std::size_t WorkerCount(const HostOptions& options);

// A file of the host.
class HostFile : public File {
 public:
  HostFile(FileDescriptor fd, std::string path, const OpenOptions& options, std::uint64_t size)
      : File(std::move(path), options.direct, size), fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }

 private:
  FileDescriptor fd_;
};

// Names are worked on by the worker pool; files come from the derived class.
class HostDisk : public Disk {
 public:
  HostDisk(Driver& driver, Logger log) : driver_(driver), log_(std::move(log)) {}

  Task<Result<std::unique_ptr<File>>> Open(std::string path, OpenOptions options) override;
  Task<Status> Rename(std::string from, std::string to) override;
  Task<Status> Remove(std::string path) override;
  Task<Status> MakeDirectory(std::string path) override;
  Task<Status> SyncDirectory(std::string path) override;
  Task<Result<std::vector<DirEntry>>> List(std::string path) override;
  Task<Result<FileStatus>> Stat(std::string path) override;

 protected:
  virtual std::unique_ptr<File> MakeFile(FileDescriptor fd, std::string path,
                                         const OpenOptions& options, std::uint64_t size) = 0;

 private:
  template <class F>
  OffloadOperation<F> Offload(F f) {
    return OffloadOperation<F>(driver_, std::move(f));
  }

  Driver& driver_;
  Logger log_;
  bool said_not_direct_ = false;
};

}  // namespace obbak::io
