#include "cli/data_dir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

#include "io/disk.h"

namespace obbak::cli {
namespace {

namespace fs = std::filesystem;

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string LockPath(const std::string& data_dir, const std::string& tenant) {
  return (fs::path(data_dir) / (tenant + ".lock")).string();
}

// Who has the lock says so in its file: "PROCESS PURPOSE".
TenantOwner ReadOwner(const FileDescriptor& lock) {
  std::array<char, 64> buffer;
  const ssize_t size = ::pread(lock.number(), buffer.data(), buffer.size(), 0);
  TenantOwner owner;
  if (size <= 0) return owner;
  const std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  const auto [end, error] = std::from_chars(text.begin(), text.end(), owner.process);
  if (error != std::errc()) return {};
  if (end != text.end() && *end == ' ') owner.purpose.assign(end + 1, text.end());
  return owner;
}

std::string ToText(const TenantOwner& owner) {
  if (owner.process == 0) return "another process";
  if (owner.purpose.empty()) return fmt::format("process {}", owner.process);
  return fmt::format("process {} ({})", owner.process, owner.purpose);
}

Result<FileDescriptor> OpenLock(const std::string& path, int flags) {
  FileDescriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0644));
  if (!file) return Fail(io::ErrnoError(errno, "open", path));
  return file;
}

// Of the whole file, and of this open file: it ends with the process.
struct flock WholeFile() {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

// False: somebody has it.
Result<bool> TryLock(const FileDescriptor& file, const std::string& path) {
  struct flock lock = WholeFile();
  if (::fcntl(file.number(), F_OFD_SETLK, &lock) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return Fail(io::ErrnoError(errno, "lock", path));
}

// Takes nothing, so that nobody who wants the lock meets who only looks.
Result<bool> IsLocked(const FileDescriptor& file, const std::string& path) {
  struct flock lock = WholeFile();
  if (::fcntl(file.number(), F_OFD_GETLK, &lock) != 0) {
    return Fail(io::ErrnoError(errno, "look at the lock", path));
  }
  return lock.l_type != F_UNLCK;
}

}  // namespace

std::string TenantDir(const std::string& data_dir, const std::string& tenant) {
  return (fs::path(data_dir) / tenant).string();
}

Result<std::vector<std::string>> TenantNames(const std::string& data_dir) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(data_dir, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    const std::string name = it->path().filename().string();
    if (it->is_directory(ignored) && CheckTenantName(name)) names.push_back(name);
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Fail(io::ErrnoError(error.value(), "list", data_dir));
  }
  std::ranges::sort(names);
  return names;
}

Result<std::string> ChooseTenant(const TenantChoice& choice) {
  const Result<std::vector<std::string>> names = TenantNames(choice.data_dir);
  if (!names) return Fail(names.error());
  if (names->empty()) {
    return Fail(Error(ErrorCode::kEntryNotExist, "there are no tenants here")
                    .WithPath(choice.data_dir)
                    .WithAdvice("make one with obbak tenant create NAME, or name another directory "
                                "with --data-dir"));
  }
  if (choice.tenant.empty()) {
    if (names->size() == 1) return names->front();
    return Fail(Error(ErrorCode::kInvalidArgument, "there are several tenants here")
                    .WithPath(choice.data_dir)
                    .WithAdvice(fmt::format("choose with --tenant: {}", fmt::join(*names, ", "))));
  }
  if (std::ranges::find(*names, choice.tenant) == names->end()) {
    return Fail(
        Error(ErrorCode::kEntryNotExist, fmt::format("there is no tenant {} here", choice.tenant))
            .WithPath(choice.data_dir)
            .WithAdvice(fmt::format("there are: {}", fmt::join(*names, ", "))));
  }
  return choice.tenant;
}

Status CheckTenantName(std::string_view name) {
  const bool good = !name.empty() && name.size() <= 63 && !(name[0] >= '0' && name[0] <= '9') &&
                    std::ranges::all_of(name, IsNameCharacter);
  if (good) return {};
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' is no tenant's name: letters, digits and _, at most 63, the first "
                          "no digit",
                          name));
}

Result<TenantLock> TenantLock::Take(const std::string& data_dir, const std::string& tenant,
                                    std::string_view purpose) {
  const std::string path = LockPath(data_dir, tenant);
  Result<FileDescriptor> file = OpenLock(path, O_RDWR | O_CREAT);
  if (!file) return Fail(file.error());
  const Result<bool> locked = TryLock(*file, path);
  if (!locked) return Fail(locked.error());
  if (!*locked) {
    return Fail(Error(ErrorCode::kOpNotAllow,
                      fmt::format("tenant {} is in use by {}", tenant, ToText(ReadOwner(*file))))
                    .WithPath(path)
                    .WithAdvice("wait for its end"));
  }
  // What cannot be written is no reason to fail.
  std::string owner = std::to_string(::getpid());
  if (!purpose.empty()) owner += fmt::format(" {}", purpose);
  if (::ftruncate(file->number(), 0) == 0) {
    [[maybe_unused]] const ssize_t written =
        ::pwrite(file->number(), owner.data(), owner.size(), 0);
  }
  return TenantLock(*std::move(file));
}

// Whoever has it next has not said so yet when somebody looks.
TenantLock::~TenantLock() {
  if (!file_) return;
  [[maybe_unused]] const int cleared = ::ftruncate(file_.number(), 0);
}

Result<std::optional<TenantOwner>> TenantLock::OwnerOf(const std::string& data_dir,
                                                       const std::string& tenant) {
  const std::string path = LockPath(data_dir, tenant);
  const Result<FileDescriptor> file = OpenLock(path, O_RDONLY);
  if (!file && file.error().code() == ErrorCode::kFileNotExist) return std::nullopt;
  if (!file) return Fail(file.error());
  const Result<bool> is_locked = IsLocked(*file, path);
  if (!is_locked) return Fail(is_locked.error());
  if (!*is_locked) return std::nullopt;
  return ReadOwner(*file);
}

Result<TenantLock> LockNewTenant(const TenantChoice& choice, std::string_view purpose) {
  if (Status status = CheckTenantName(choice.tenant); !status) return Fail(status.error());
  std::error_code error;
  fs::create_directories(choice.data_dir, error);
  if (error) return Fail(io::ErrnoError(error.value(), "make directory", choice.data_dir));
  return TenantLock::Take(choice.data_dir, choice.tenant, purpose);
}

}  // namespace obbak::cli
