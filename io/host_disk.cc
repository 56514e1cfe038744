#include "io/host_disk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

namespace obbak::io {
namespace {

struct Opened {
  FileDescriptor fd;
  std::uint64_t size = 0;
  // False when the file system can't.
  bool direct = false;
};

int OpenFlags(const OpenOptions& options) {
  int flags = O_CLOEXEC | (options.read_only ? O_RDONLY : O_RDWR);
  if (options.create) flags |= O_CREAT;
  if (options.create && options.exclusive) flags |= O_EXCL;
  return flags;
}

Result<Opened> OpenHere(const std::string& path, const OpenOptions& options) {
  constexpr mode_t kMode = 0644;
  Opened opened{.fd = FileDescriptor(), .size = 0, .direct = options.direct};
  const int flags = OpenFlags(options);
  int fd = open(path.c_str(), options.direct ? flags | O_DIRECT : flags, kMode);
  if (fd < 0 && errno == EINVAL && options.direct) {
    // Some file systems refuse O_DIRECT, after they have made the file.
    opened.direct = false;
    fd = open(path.c_str(), flags & ~O_EXCL, kMode);
  }
  if (fd < 0) return Fail(ErrnoError(errno, "open", path));
  opened.fd = FileDescriptor(fd);
  struct stat status{};
  if (fstat(fd, &status) != 0) return Fail(ErrnoError(errno, "open", path));
  if (S_ISDIR(status.st_mode)) return Fail(ErrnoError(EISDIR, "open", path));
  opened.size = static_cast<std::uint64_t>(status.st_size);
  return opened;
}

// `result` as a system call gives it: 0, or -1 with errno.
Status StatusOf(int result, std::string_view doing, const std::string& path) {
  if (result != 0) return Fail(ErrnoError(errno, doing, path));
  return Status();
}

Status SyncDirectoryHere(const std::string& path) {
  const FileDescriptor fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return StatusOf(fd.get() < 0 ? -1 : fsync(fd.get()), "sync directory", path);
}

Result<std::vector<DirEntry>> ListHere(const std::string& path) {
  std::vector<DirEntry> entries;
  std::error_code error;
  for (std::filesystem::directory_iterator i(path, error), end; !error && i != end;
       i.increment(error)) {
    std::error_code vanished;
    const bool is_directory = i->is_directory(vanished);
    entries.push_back({i->path().filename().string(), is_directory});
  }
  if (error) return Fail(ErrnoError(error.value(), "list", path));
  std::ranges::sort(entries, {}, &DirEntry::name);
  return entries;
}

Result<FileStatus> StatHere(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return Fail(ErrnoError(errno, "stat", path));
  const bool is_directory = S_ISDIR(status.st_mode);
  return FileStatus{.size = is_directory ? 0 : static_cast<std::uint64_t>(status.st_size),
                    .is_directory = is_directory};
}

}  // namespace

bool NoMoreComes(const FileRequest& request, std::int64_t bytes) {
  if (bytes == 0) return true;
  // Direct I/O can't go on from the middle of a block, and stops there only at the end.
  return request.file->direct() && request.transferred % Disk::kAlignment != 0;
}

std::chrono::nanoseconds HostSteadyNow() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

timespec TimespecOf(std::chrono::nanoseconds duration) {
  const auto positive = std::max(duration, std::chrono::nanoseconds::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(positive);
  return {.tv_sec = seconds.count(), .tv_nsec = (positive - seconds).count()};
}

std::size_t WorkerCount(const HostOptions& options) {
  if (options.workers > 0) return options.workers;
  return std::max(std::thread::hardware_concurrency(), 1u);
}

Task<Result<std::unique_ptr<File>>> HostDisk::Open(std::string path, OpenOptions options) {
  Result<Opened> opened = co_await Offload([&path, &options] { return OpenHere(path, options); });
  if (!opened) co_return Fail(std::move(opened.error()));
  if (options.direct && !opened->direct && !said_not_direct_) {
    said_not_direct_ = true;
    log_.Write(LogLevel::kWarning,
               fmt::format("{}: the file system can't do direct I/O; its cache is used", path));
  }
  co_return MakeFile(std::move(opened->fd), std::move(path), options, opened->size);
}

Task<Status> HostDisk::Rename(std::string from, std::string to) {
  co_return co_await Offload([&from, &to] {
    return StatusOf(rename(from.c_str(), to.c_str()), fmt::format("rename to {}", to), from);
  });
}

Task<Status> HostDisk::Remove(std::string path) {
  co_return co_await Offload(
      [&path] { return StatusOf(std::remove(path.c_str()), "remove", path); });
}

Task<Status> HostDisk::MakeDirectory(std::string path) {
  constexpr mode_t kMode = 0755;
  co_return co_await Offload(
      [&path] { return StatusOf(mkdir(path.c_str(), kMode), "make directory", path); });
}

Task<Status> HostDisk::SyncDirectory(std::string path) {
  co_return co_await Offload([&path] { return SyncDirectoryHere(path); });
}

Task<Result<std::vector<DirEntry>>> HostDisk::List(std::string path) {
  co_return co_await Offload([&path] { return ListHere(path); });
}

Task<Result<FileStatus>> HostDisk::Stat(std::string path) {
  co_return co_await Offload([&path] { return StatHere(path); });
}

}  // namespace obbak::io
