#include <fmt/format.h>
#include <liburing.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "io/buffer_pool.h"
#include "io/host_disk.h"
#include "io/host_driver.h"
#include "io/worker_pool.h"

namespace obbak::io {
namespace {

std::string ErrnoText(int error) { return std::generic_category().message(error); }

// The ring and the tables registered with it. Errors are negative errno values, as liburing gives
// them.
class Ring {
 public:
  Ring() = default;
  ~Ring() {
    if (open_) io_uring_queue_exit(&ring_);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  int Open(unsigned entries) {
    // Completions are worked on only when this thread asks for them; older kernels can't.
    constexpr std::array<unsigned, 2> kFlags = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG, 0};
    int result = 0;
    for (const unsigned flags : kFlags) {
      io_uring_params params{};
      params.flags = flags;
      result = io_uring_queue_init_params(entries, &ring_, &params);
      if (result == 0 && (params.features & IORING_FEAT_EXT_ARG) == 0) {
        // Waiting with a timeout would need operations of its own.
        io_uring_queue_exit(&ring_);
        return -ENOSYS;
      }
      if (result == 0) break;
    }
    open_ = result == 0;
    return result;
  }

  io_uring* get() { return &ring_; }

 private:
  io_uring ring_{};
  bool open_ = false;
};

// Numbers 0 to n - 1 of a registered table, handed out and given back.
class Slots {
 public:
  static constexpr int kNone = -1;

  explicit Slots(int n) {
    for (int i = n; i > 0; --i) free_.push_back(i - 1);
  }
  int Take() {
    if (free_.empty()) return kNone;
    const int slot = free_.back();
    free_.pop_back();
    return slot;
  }
  void GiveBack(int slot) { free_.push_back(slot); }

 private:
  std::vector<int> free_;
};

class UringDriver;

class UringFile final : public HostFile {
 public:
  UringFile(UringDriver& driver, FileDescriptor fd, std::string path, const OpenOptions& options,
            std::uint64_t size);
  ~UringFile() override;

  // Its place in the table of registered files, or Slots::kNone.
  int slot() const { return slot_; }

 private:
  void Start(FileRequest& request) override;

  UringDriver& driver_;
  int slot_;
};

class UringDisk final : public HostDisk {
 public:
  UringDisk(UringDriver& driver, Logger log);

 private:
  std::unique_ptr<File> MakeFile(FileDescriptor fd, std::string path, const OpenOptions& options,
                                 std::uint64_t size) override {
    return std::make_unique<UringFile>(driver_, std::move(fd), std::move(path), options, size);
  }

  UringDriver& driver_;
};

class UringDriver final : public Driver {
 public:
  UringDriver(const HostOptions& options, Logger log)
      : depth_(options.queue_depth),
        log_(std::move(log)),
        workers_(WorkerCount(options), done_),
        disk_(*this, log_) {
    assert(depth_ > 0);
  }

  Status Open();

  std::chrono::nanoseconds SteadyNow() override { return HostSteadyNow(); }
  void Poll(ReadyList& ready, std::chrono::nanoseconds until) override;
  // Whatever waits in line waits for something in flight.
  bool Busy() const override { return in_flight_ > 0 || done_.expected() > 0; }
  void Offload(Work& work) override { workers_.Submit(work); }
  Disk& disk() override { return disk_; }
  void Register(const BufferPool& pool) override;
  void Unregister(const BufferPool& pool) override;

  void Start(FileRequest& request);
  int RegisterFile(int fd);
  void UnregisterFile(int slot);

 private:
  static constexpr int kFileSlots = 1024;
  static constexpr int kBufferSlots = 64;
  struct RegisteredPool {
    const BufferPool* pool;
    const std::byte* begin;
    const std::byte* end;
    int slot;
  };

  void Prepare(FileRequest& request);
  void PrepareTransfer(io_uring_sqe* sqe, FileRequest& request, int fd);
  int BufferSlot(const std::byte* begin, std::uint64_t size) const;
  void AwaitWorkers();
  // Submits, and waits for a completion when `until` is ahead.
  int Enter(std::chrono::nanoseconds until);
  void TakeCompletions(ReadyList& ready);
  // Takes in what the kernel says; whether the request is done.
  bool Finish(FileRequest& request, int result);

  std::size_t depth_;
  Logger log_;
  Ring ring_;
  Slots file_slots_{0};
  Slots buffer_slots_{0};
  std::vector<RegisteredPool> pools_;
  // Prepared or submitted, at most depth_; the rest waits in line.
  std::size_t in_flight_ = 0;
  WorkList line_;
  bool awaits_workers_ = false;
  CompletionQueue done_;
  WorkerPool workers_;
  UringDisk disk_;
};

UringFile::UringFile(UringDriver& driver, FileDescriptor fd, std::string path,
                     const OpenOptions& options, std::uint64_t size)
    : HostFile(std::move(fd), std::move(path), options, size),
      driver_(driver),
      slot_(driver.RegisterFile(this->fd())) {}

UringFile::~UringFile() { driver_.UnregisterFile(slot_); }

void UringFile::Start(FileRequest& request) { driver_.Start(request); }

UringDisk::UringDisk(UringDriver& driver, Logger log)
    : HostDisk(driver, std::move(log)), driver_(driver) {}

Status UringDriver::Open() {
  // Room for every operation in flight and the wait for the workers, so that preparing never fails.
  const int opened = ring_.Open(static_cast<unsigned>(depth_) + 1);
  if (opened < 0) {
    return Fail(ErrorCode::kNotSupported,
                fmt::format("io_uring is not available: {}", ErrnoText(-opened)));
  }
  // Tables whose slots are filled later; without them transfers only cost more.
  if (io_uring_register_files_sparse(ring_.get(), kFileSlots) == 0) {
    file_slots_ = Slots(kFileSlots);
  }
  if (io_uring_register_buffers_sparse(ring_.get(), kBufferSlots) == 0) {
    buffer_slots_ = Slots(kBufferSlots);
  }
  return Status();
}

int UringDriver::RegisterFile(int fd) {
  const int slot = file_slots_.Take();
  if (slot == Slots::kNone) return slot;
  if (io_uring_register_files_update(ring_.get(), static_cast<unsigned>(slot), &fd, 1) == 1) {
    return slot;
  }
  file_slots_.GiveBack(slot);
  return Slots::kNone;
}

void UringDriver::UnregisterFile(int slot) {
  if (slot == Slots::kNone) return;
  const int none = -1;
  io_uring_register_files_update(ring_.get(), static_cast<unsigned>(slot), &none, 1);
  file_slots_.GiveBack(slot);
}

void UringDriver::Register(const BufferPool& pool) {
  const std::span<std::byte> memory = pool.memory();
  const int slot = buffer_slots_.Take();
  const iovec range{.iov_base = memory.data(), .iov_len = memory.size()};
  const __u64 no_tag = 0;
  const int updated = slot == Slots::kNone
                          ? -ENOSPC
                          : io_uring_register_buffers_update_tag(
                                ring_.get(), static_cast<unsigned>(slot), &range, &no_tag, 1);
  if (updated == 1) {
    pools_.push_back({&pool, memory.data(), memory.data() + memory.size(), slot});
    return;
  }
  if (slot != Slots::kNone) buffer_slots_.GiveBack(slot);
  log_.Write(
      LogLevel::kWarning,
      fmt::format("io_uring: a pool of {} bytes is not registered ({}); transfers cost more. "
                  "The limit is that of locked memory (ulimit -l)",
                  memory.size(), ErrnoText(-updated)));
}

void UringDriver::Unregister(const BufferPool& pool) {
  const auto known = std::ranges::find(pools_, &pool, &RegisteredPool::pool);
  if (known == pools_.end()) return;
  const iovec none{};
  const __u64 no_tag = 0;
  io_uring_register_buffers_update_tag(ring_.get(), static_cast<unsigned>(known->slot), &none,
                                       &no_tag, 1);
  buffer_slots_.GiveBack(known->slot);
  pools_.erase(known);
}

int UringDriver::BufferSlot(const std::byte* begin, std::uint64_t size) const {
  for (const RegisteredPool& pool : pools_) {
    const std::less_equal<const std::byte*> not_after;
    if (not_after(pool.begin, begin) && not_after(begin, pool.end) &&
        size <= static_cast<std::uint64_t>(pool.end - begin)) {
      return pool.slot;
    }
  }
  return Slots::kNone;
}

void UringDriver::Start(FileRequest& request) {
  if (in_flight_ < depth_) {
    ++in_flight_;
    Prepare(request);
  } else {
    line_.Push(request);
  }
}

void UringDriver::Prepare(FileRequest& request) {
  const auto& file = static_cast<const UringFile&>(*request.file);
  const int fd = file.slot() == Slots::kNone ? file.fd() : file.slot();
  io_uring_sqe* const sqe = io_uring_get_sqe(ring_.get());
  assert(sqe != nullptr);
  switch (request.kind) {
    case FileRequest::Kind::kRead:
    case FileRequest::Kind::kWrite:
      PrepareTransfer(sqe, request, fd);
      break;
    case FileRequest::Kind::kSync:
      io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
      break;
    case FileRequest::Kind::kAllocate:
      io_uring_prep_fallocate(sqe, fd, 0, static_cast<off_t>(request.offset),
                              static_cast<off_t>(request.size));
      break;
  }
  if (file.slot() != Slots::kNone) io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
  io_uring_sqe_set_data(sqe, &request);
}

void UringDriver::PrepareTransfer(io_uring_sqe* sqe, FileRequest& request, int fd) {
  std::byte* const data = request.data + request.transferred;
  const std::uint64_t offset = request.offset + request.transferred;
  const std::uint64_t left = request.size - request.transferred;
  const auto size = static_cast<unsigned>(std::min(left, kMaxHostTransfer));
  const int slot = BufferSlot(data, size);
  if (request.kind == FileRequest::Kind::kRead) {
    if (slot == Slots::kNone) {
      io_uring_prep_read(sqe, fd, data, size, offset);
    } else {
      io_uring_prep_read_fixed(sqe, fd, data, size, offset, slot);
    }
    return;
  }
  if (slot == Slots::kNone) {
    io_uring_prep_write(sqe, fd, data, size, offset);
  } else {
    io_uring_prep_write_fixed(sqe, fd, data, size, offset, slot);
  }
  if (request.durability == Durability::kDurable) sqe->rw_flags = RWF_DSYNC;
}

void UringDriver::AwaitWorkers() {
  if (awaits_workers_ || done_.expected() == 0) return;
  awaits_workers_ = true;
  io_uring_sqe* const sqe = io_uring_get_sqe(ring_.get());
  assert(sqe != nullptr);
  io_uring_prep_poll_add(sqe, done_.event_fd(), POLLIN);
  io_uring_sqe_set_data(sqe, nullptr);
}

void UringDriver::Poll(ReadyList& ready, std::chrono::nanoseconds until) {
  AwaitWorkers();
  const int result = Enter(until);
  // Interrupted, timed out, or short of memory or of room for completions: the next turn tries
  // again.
  constexpr std::array<int, 4> kPassing = {-EINTR, -ETIME, -EAGAIN, -EBUSY};
  if (result < 0 && std::ranges::find(kPassing, result) == kPassing.end()) {
    std::fprintf(stderr, "obbak: io_uring_enter: %s\n", ErrnoText(-result).c_str());
    std::abort();
  }
  TakeCompletions(ready);
}

int UringDriver::Enter(std::chrono::nanoseconds until) {
  if (until == kForever) return io_uring_submit_and_wait(ring_.get(), 1);
  if (until > std::chrono::nanoseconds::zero()) {
    const timespec timeout = TimespecOf(until - SteadyNow());
    __kernel_timespec kernel_timeout{.tv_sec = timeout.tv_sec, .tv_nsec = timeout.tv_nsec};
    io_uring_cqe* first = nullptr;
    return io_uring_submit_and_wait_timeout(ring_.get(), &first, 1, &kernel_timeout, nullptr);
  }
  if (io_uring_sq_ready(ring_.get()) == 0) return 0;
  return io_uring_submit_and_get_events(ring_.get());
}

void UringDriver::TakeCompletions(ReadyList& ready) {
  std::array<io_uring_cqe*, 64> completions;
  while (true) {
    const unsigned count = io_uring_peek_batch_cqe(ring_.get(), completions.data(),
                                                   static_cast<unsigned>(completions.size()));
    if (count == 0) break;
    for (unsigned i = 0; i < count; ++i) {
      auto* const request = static_cast<FileRequest*>(io_uring_cqe_get_data(completions[i]));
      if (request == nullptr) {
        awaits_workers_ = false;
        done_.TakeAll(ready);
      } else if (Finish(*request, completions[i]->res)) {
        --in_flight_;
        ready.push_back(request->waiter);
      } else {
        Prepare(*request);
      }
    }
    io_uring_cq_advance(ring_.get(), count);
  }
  while (in_flight_ < depth_ && !line_.empty()) Start(static_cast<FileRequest&>(*line_.Pop()));
}

bool UringDriver::Finish(FileRequest& request, int result) {
  if (result == -EINTR || result == -EAGAIN) return false;
  if (result < 0) {
    request.error = -result;
    return true;
  }
  const bool writes = request.kind == FileRequest::Kind::kWrite;
  if (!writes && request.kind != FileRequest::Kind::kRead) return true;
  request.transferred += static_cast<std::uint64_t>(result);
  if (request.transferred == request.size) return true;
  if (!NoMoreComes(request, result)) return false;
  if (writes) request.error = EIO;
  return true;
}

}  // namespace

Result<std::unique_ptr<Driver>> MakeUringDriver(const HostOptions& options, Logger log) {
  auto driver = std::make_unique<UringDriver>(options, std::move(log));
  if (Status opened = driver->Open(); !opened) return Fail(std::move(opened.error()));
  return driver;
}

}  // namespace obbak::io
