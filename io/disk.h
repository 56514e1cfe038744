// Disk and File: what the engine reads and writes, whatever device is below.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "io/driver.h"
#include "io/task.h"

namespace obbak::io {

class File;

struct OpenOptions {
  // Makes the file when it is missing.
  bool create = false;
  // With `create`: fails with kEntryExist when the file is there.
  bool exclusive = false;
  // Past the page cache. Offsets, sizes and memory must be multiples of Disk::kAlignment.
  bool direct = false;
  bool read_only = false;
};

enum class Durability {
  // Lost at a power failure until a later Sync.
  kNone,
  // On stable storage, with the file's size, when the write returns.
  kDurable,
};

// One operation on an open file, on its way through a device.
struct FileRequest : Work {
  enum class Kind : std::uint8_t { kRead, kWrite, kSync, kAllocate };

  FileRequest(File& on, Kind what, std::uint64_t at, std::uint64_t bytes, std::byte* memory,
              Durability how)
      : file(&on), kind(what), durability(how), offset(at), size(bytes), data(memory) {}

  File* file;
  Kind kind;
  Durability durability;
  std::uint64_t offset;
  std::uint64_t size;
  // Written to by kRead only.
  std::byte* data;

  // What the device says at the end: bytes transferred, and 0 or an errno.
  std::uint64_t transferred = 0;
  int error = 0;
};

// An open file. Operations may run beside each other in any number; those that overlap and include
// a write have no order. A file must outlive its operations, memory handed to one must stay in
// place and (for a write) unchanged until it returns. Destroying the file closes it.
//
// Errors: kInvalidArgument for misalignment or an impossible offset, kServerOutofDiskSpace,
// kIoError for everything else the device reports; path and offset are in the error.
class File {
 public:
  virtual ~File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  class [[nodiscard]] Operation;
  class [[nodiscard]] ReadOperation;
  class [[nodiscard]] WriteOperation;

  // `co_await file.Read(offset, out)` -> Result<std::size_t>: the number of bytes read, short only
  // at the end of the file.
  ReadOperation Read(std::uint64_t offset, std::span<std::byte> out);
  // `co_await file.Write(offset, data)` -> Status: all of it, or an error; after an error any part
  // of the range may have been written. Grows the file when it must.
  WriteOperation Write(std::uint64_t offset, ByteView data,
                       Durability durability = Durability::kNone);
  // `co_await file.Sync()` -> Status: what had been written and allocated when it was called is on
  // stable storage, and the file's size. After an error nothing is known about any of it. Says
  // nothing about the file's name: see Disk::SyncDirectory.
  WriteOperation Sync();
  // `co_await file.Allocate(offset, size)` -> Status: space is reserved, reads as zeros where
  // nothing was written, and the file is at least offset + size long. Durable after a Sync.
  WriteOperation Allocate(std::uint64_t offset, std::uint64_t size);

  // Bytes, after the writes and allocations that have returned; those through another File are not
  // seen.
  std::uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }
  bool direct() const { return direct_; }

 protected:
  File(std::string path, bool direct, std::uint64_t size)
      : path_(std::move(path)), direct_(direct), size_(size) {}

  // Begins a checked operation. At its end the device fills in `transferred` and `error` and makes
  // `waiter` ready; never before this returns.
  virtual void Start(FileRequest& request) = 0;

 private:
  std::string path_;
  bool direct_;
  std::uint64_t size_;
};

// The awaitables that File's methods return; to be awaited at once.
class [[nodiscard]] File::Operation {
 public:
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  // Ready at once when the arguments are wrong or there is nothing to do.
  bool await_ready();
  void await_suspend(std::coroutine_handle<> handle) {
    request_.waiter = handle;
    request_.file->Start(request_);
  }

 protected:
  template <class... Arguments>
  explicit Operation(File& file, Arguments... arguments) : request_(file, arguments...) {}
  Error MakeError() const;

  FileRequest request_;
};

class [[nodiscard]] File::ReadOperation final : public Operation {
 public:
  Result<std::size_t> await_resume() const;

 private:
  friend File;
  using Operation::Operation;
};

class [[nodiscard]] File::WriteOperation final : public Operation {
 public:
  Status await_resume();

 private:
  friend File;
  using Operation::Operation;
};

struct DirEntry {
  std::string name;
  bool is_directory = false;
  friend bool operator==(const DirEntry&, const DirEntry&) = default;
};

struct FileStatus {
  // 0 for a directory.
  std::uint64_t size = 0;
  bool is_directory = false;
};

// A tree of files. Changes of names (creation, Rename, Remove, MakeDirectory) survive a power
// failure for sure only after SyncDirectory of the directory that holds the name; without it each
// of them may be found done or undone, in any combination.
//
// Errors: kFileNotExist when the path or a directory on it is missing, kEntryExist, kIoError,
// kServerOutofDiskSpace; the path is in the error.
class Disk {
 public:
  // Of offsets, sizes and memory for direct files, in bytes.
  static constexpr std::size_t kAlignment = 4096;

  virtual ~Disk() = default;

  virtual Task<Result<std::unique_ptr<File>>> Open(std::string path, OpenOptions options) = 0;
  // Atomic; replaces `to` when that is a file. When the two lie in different directories, both need
  // a SyncDirectory.
  virtual Task<Status> Rename(std::string from, std::string to) = 0;
  // A file (which stays readable for who has it open) or an empty directory.
  virtual Task<Status> Remove(std::string path) = 0;
  // kEntryExist when it is there.
  virtual Task<Status> MakeDirectory(std::string path) = 0;
  virtual Task<Status> SyncDirectory(std::string path) = 0;
  // Sorted by name, without "." and "..".
  virtual Task<Result<std::vector<DirEntry>>> List(std::string path) = 0;
  virtual Task<Result<FileStatus>> Stat(std::string path) = 0;
};

// The error for an errno value: ENOENT is kFileNotExist, ENOSPC kServerOutofDiskSpace, EACCES and
// EROFS kOpNotAllow, what says that a file server is away kTimeout, and so on.
// `doing` says what was tried: "rename to b".
Error ErrnoError(int error, std::string_view doing, std::string path);

}  // namespace obbak::io
