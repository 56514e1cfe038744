#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "io/host_disk.h"
#include "io/host_driver.h"
#include "io/worker_pool.h"

namespace obbak::io {
namespace {

// One call of the operating system; bytes transferred or -1 with errno.
ssize_t TransferOnce(int fd, const FileRequest& request) {
  const auto offset = static_cast<off_t>(request.offset + request.transferred);
  const iovec range{.iov_base = request.data + request.transferred,
                    .iov_len = static_cast<std::size_t>(
                        std::min(request.size - request.transferred, kMaxHostTransfer))};
  if (request.kind == FileRequest::Kind::kRead) return preadv(fd, &range, 1, offset);
  const int flags = request.durability == Durability::kDurable ? RWF_DSYNC : 0;
  return pwritev2(fd, &range, 1, offset, flags);
}

// 0 or an errno.
int Transfer(int fd, FileRequest& request) {
  while (request.transferred < request.size) {
    const ssize_t bytes = TransferOnce(fd, request);
    if (bytes < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    request.transferred += static_cast<std::uint64_t>(bytes);
    if (NoMoreComes(request, bytes)) return request.kind == FileRequest::Kind::kRead ? 0 : EIO;
  }
  return 0;
}

// On a transfer thread.
void RunRequest(Work& work) {
  auto& request = static_cast<FileRequest&>(work);
  const int fd = static_cast<const HostFile&>(*request.file).fd();
  switch (request.kind) {
    case FileRequest::Kind::kRead:
    case FileRequest::Kind::kWrite:
      request.error = Transfer(fd, request);
      break;
    case FileRequest::Kind::kSync:
      request.error = fdatasync(fd) == 0 ? 0 : errno;
      break;
    case FileRequest::Kind::kAllocate:
      do {
        const auto offset = static_cast<off_t>(request.offset);
        request.error = fallocate(fd, 0, offset, static_cast<off_t>(request.size)) == 0 ? 0 : errno;
      } while (request.error == EINTR);
      break;
  }
}

// Each transfer takes a thread; so the threads bound how many the device sees at once.
class PosixFile final : public HostFile {
 public:
  PosixFile(WorkerPool& transfers, FileDescriptor fd, std::string path, const OpenOptions& options,
            std::uint64_t size)
      : HostFile(std::move(fd), std::move(path), options, size), transfers_(transfers) {}

 private:
  void Start(FileRequest& request) override {
    request.run = &RunRequest;
    transfers_.Submit(request);
  }

  WorkerPool& transfers_;
};

class PosixDisk final : public HostDisk {
 public:
  PosixDisk(Driver& driver, WorkerPool& transfers, Logger log)
      : HostDisk(driver, std::move(log)), transfers_(transfers) {}

 private:
  std::unique_ptr<File> MakeFile(FileDescriptor fd, std::string path, const OpenOptions& options,
                                 std::uint64_t size) override {
    return std::make_unique<PosixFile>(transfers_, std::move(fd), std::move(path), options, size);
  }

  WorkerPool& transfers_;
};

class PosixDriver final : public Driver {
 public:
  PosixDriver(const HostOptions& options, Logger log)
      : workers_(WorkerCount(options), done_),
        transfers_(options.transfer_threads, done_),
        disk_(*this, transfers_, std::move(log)) {}

  std::chrono::nanoseconds SteadyNow() override { return HostSteadyNow(); }
  bool Busy() const override { return done_.expected() > 0; }
  void Offload(Work& work) override { workers_.Submit(work); }
  Disk& disk() override { return disk_; }

  void Poll(ReadyList& ready, std::chrono::nanoseconds until) override {
    if (until > std::chrono::nanoseconds::zero()) Wait(until);
    if (Busy()) done_.TakeAll(ready);
  }

 private:
  // Returns when something is done or `until` has come.
  void Wait(std::chrono::nanoseconds until) {
    pollfd event{.fd = done_.event_fd(), .events = POLLIN, .revents = 0};
    while (true) {
      timespec timeout{};
      if (until != kForever) timeout = TimespecOf(until - SteadyNow());
      const int result = ppoll(&event, 1, until == kForever ? nullptr : &timeout, nullptr);
      if (result >= 0 || errno != EINTR) return;
    }
  }

  CompletionQueue done_;
  WorkerPool workers_;
  WorkerPool transfers_;
  PosixDisk disk_;
};

}  // namespace

std::unique_ptr<Driver> MakePosixDriver(const HostOptions& options, Logger log) {
  return std::make_unique<PosixDriver>(options, std::move(log));
}

}  // namespace obbak::io
