#include "io/directory_tree.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <utility>

namespace obbak::io {
namespace {

std::string ParentOnDisk(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

// The directory that holds the object; "" is the root.
std::string ParentOf(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? "" : std::string(path.substr(0, slash));
}

ErrorCode MediumCode(ErrorCode code) {
  switch (code) {
    case ErrorCode::kServerOutofDiskSpace:
      return ErrorCode::kBackupDeviceOutOfSpace;
    case ErrorCode::kOpNotAllow:
      return ErrorCode::kBackupPermissionDenied;
    case ErrorCode::kTimeout:
      return ErrorCode::kBackupDestNotConnect;
    default:
      return code;
  }
}

std::string AdviceFor(ErrorCode code) {
  switch (code) {
    case ErrorCode::kBackupDeviceOutOfSpace:
      return "free space there or clean up old backups";
    case ErrorCode::kBackupPermissionDenied:
      return "let this program's user read and write the destination";
    case ErrorCode::kBackupDestNotConnect:
      return "check that the destination is mounted and its server answers";
    default:
      return "";
  }
}

}  // namespace

DirectoryTree::DirectoryTree(Disk& disk, std::string directory, std::string location)
    : disk_(disk), directory_(std::move(directory)), location_(std::move(location)) {}

std::string DirectoryTree::DiskPath(std::string_view path) const {
  return path.empty() ? directory_ : fmt::format("{}/{}", directory_, path);
}

Error DirectoryTree::Locate(const Error& error, std::string_view path) const {
  const ErrorCode code = MediumCode(error.code());
  Error located(code, error.message());
  located =
      std::move(located).WithPath(path.empty() ? location_ : fmt::format("{}/{}", location_, path));
  if (const std::optional<std::uint64_t> offset = error.offset())
    located = std::move(located).WithOffset(*offset);
  const std::string advice = error.advice().empty() ? AdviceFor(code) : error.advice();
  if (!advice.empty()) located = std::move(located).WithAdvice(advice);
  return located;
}

Task<Status> DirectoryTree::MakeParents(std::string path) { return MakeDirectory(ParentOf(path)); }

Task<Status> DirectoryTree::MakeDirectory(std::string directory) {
  if (known_.contains(directory)) co_return Status();
  if (directory.empty()) {
    if (Status made = co_await MakeRoot(directory_); !made) co_return made;
  } else {
    if (Status above = co_await MakeParents(directory); !above) co_return above;
    const Status made = co_await disk_.MakeDirectory(DiskPath(directory));
    if (!made && made.error().code() != ErrorCode::kEntryExist) {
      if (made.error().code() == ErrorCode::kFileNotExist) Forget();
      co_return made;
    }
    if (Status synced = co_await SyncParent(directory); !synced) co_return synced;
  }
  known_.insert(std::move(directory));
  co_return Status();
}

Task<Status> DirectoryTree::MakeRoot(std::string directory) {
  const std::string parent = ParentOnDisk(directory);
  if (parent == directory) co_return Status();
  if (parent != ".") {
    if (Status above = co_await MakeRoot(parent); !above) co_return above;
  }
  const Status made = co_await disk_.MakeDirectory(directory);
  const bool was_there = !made && made.error().code() == ErrorCode::kEntryExist;
  if (!made && !was_there) co_return made;
  Status synced = co_await disk_.SyncDirectory(parent);
  // What others gave us may lie in directories that we may not read, or that know no sync.
  const bool theirs = !synced && was_there &&
                      (synced.error().code() == ErrorCode::kOpNotAllow ||
                       synced.error().code() == ErrorCode::kInvalidArgument);
  if (theirs) co_return Status();
  co_return synced;
}

Task<Result<TemporaryFile>> DirectoryTree::CreateTemporary(OpenOptions options) {
  if (Status made = co_await MakeDirectory(""); !made) co_return Fail(std::move(made).error());
  options.create = true;
  options.exclusive = true;
  while (true) {
    std::string path = DiskPath(fmt::format("{}{}", kTemporaryPrefix, next_temporary_++));
    Result<std::unique_ptr<File>> file = co_await disk_.Open(path, options);
    if (file) co_return TemporaryFile{.path = std::move(path), .file = *std::move(file)};
    // Of a writer that died, or of another one.
    if (file.error().code() == ErrorCode::kEntryExist) continue;
    if (file.error().code() == ErrorCode::kFileNotExist) Forget();
    co_return Fail(std::move(file).error());
  }
}

Task<Status> DirectoryTree::Publish(std::string temporary, std::string path) {
  if (Status made = co_await MakeParents(path); !made) co_return made;
  if (Status renamed = co_await disk_.Rename(temporary, DiskPath(path)); !renamed) {
    if (renamed.error().code() == ErrorCode::kFileNotExist) Forget();
    co_return renamed;
  }
  // The temporary name first: it must be there durably before it can be gone.
  if (Status synced = co_await disk_.SyncDirectory(directory_); !synced) co_return synced;
  if (ParentOf(path).empty()) co_return Status();
  co_return co_await SyncParent(path);
}

Task<void> DirectoryTree::Discard(std::string temporary) {
  // What stays, RemoveTemporaries removes.
  [[maybe_unused]] const Status removed = co_await disk_.Remove(std::move(temporary));
}

Task<Status> DirectoryTree::SyncParent(std::string path) {
  return disk_.SyncDirectory(DiskPath(ParentOf(path)));
}

}  // namespace obbak::io
