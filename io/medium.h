// Medium: where backups lie - a directory of a file system, local or on NFS; later a bucket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "io/backup_dest.h"
#include "io/disk.h"
#include "io/task.h"

namespace obbak::io {

// An object that is read in parts. Its size is that of the moment it was opened; an archive file
// may have grown since.
class MediumReader {
 public:
  virtual ~MediumReader() = default;
  virtual std::uint64_t size() const = 0;
  // Fills `out` from `offset` on; fewer bytes only where the object ends. Reads may run beside each
  // other. Where offset, size and memory are multiples of Disk::kAlignment - the size may also
  // reach beyond the object's end - a directory's reader goes past the page cache; large reads that
  // come once only should be so.
  virtual Task<Result<std::size_t>> Read(std::uint64_t offset, std::span<std::byte> out) = 0;
};

// A large object that is written from front to back. Nobody sees anything of it before Complete()
// has succeeded, and nothing stays of one that is never completed, but what a crash leaves under a
// temporary name (Medium::RemoveTemporaries).
class MediumWriter {
 public:
  // Complete() or Abort() comes before.
  virtual ~MediumWriter() = default;
  // `bytes` must stay until the task is done; any size. After a failure only Abort() is allowed.
  virtual Task<Status> Write(ByteView bytes) = 0;
  // Durable and visible as a whole, in the place of an older object of that name.
  virtual Task<Status> Complete() = 0;
  virtual Task<void> Abort() = 0;
};

// A tree of named objects. Names are relative to its root, '/' between components; directories come
// into being with what is put into them. Every change is durable when it returns.
//
// Outlives its readers and writers. Operations on different objects may run beside each other.
//
// Errors name the whole path: kFileNotExist, kIoError, kBackupDeviceOutOfSpace when it is full,
// kBackupPermissionDenied, kBackupDestNotConnect when it cannot be reached at all.
class Medium {
 public:
  virtual ~Medium() = default;
  // BackupDest::PathString() of what it is: what files and messages say.
  virtual const std::string& location() const = 0;

  // Direct children, sorted by name; none when there is no such directory. "" is the root.
  // Temporary objects are not listed.
  virtual Task<Result<std::vector<DirEntry>>> List(std::string path) = 0;
  virtual Task<Result<bool>> Exists(std::string path) = 0;
  virtual Task<Result<std::unique_ptr<MediumReader>>> Open(std::string path) = 0;

  // A whole small object at once: no reader ever sees a part of it. Replaces an older one.
  virtual Task<Status> Put(std::string path, ByteView bytes) = 0;
  virtual Task<Result<std::unique_ptr<MediumWriter>>> Create(std::string path) = 0;
  // Writes into an object that grows: `offset` is at most its size (0 makes it), and of bytes that
  // are there already the same must be given again. kBackupPwriteOffsetNotMatch,
  // kBackupPwriteContentNotMatch. A crash may leave any part of the bytes written, and zeros
  // instead of the others; those are no mismatch but written over. One call at a time per object.
  virtual Task<Status> Append(std::string path, std::uint64_t offset, ByteView bytes) = 0;

  // Nothing when it is not there.
  virtual Task<Status> Remove(std::string path) = 0;
  // A directory that is empty; nothing on media without directories, or when it is not there.
  virtual Task<Status> RemoveDirectory(std::string path) = 0;
  // What writers that died have left behind. Only for the one who writes here, before it begins.
  virtual Task<Status> RemoveTemporaries() = 0;
};

// The whole object. kSizeOverflow when it is larger than `max_size`.
Task<Result<Bytes>> ReadAll(Medium& medium, std::string path, std::uint64_t max_size);

// How destinations become media; handed in, so that tests have theirs.
using MediumFactory = std::function<Result<std::unique_ptr<Medium>>(const BackupDest& dest)>;

}  // namespace obbak::io
