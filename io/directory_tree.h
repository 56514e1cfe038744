// DirectoryTree: the names below the root of a DirectoryMedium, and how objects come by theirs.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/disk.h"
#include "io/task.h"

namespace obbak::io {

// A file under a temporary name.
struct TemporaryFile {
  std::string path;  // on the disk
  std::unique_ptr<File> file;
};

// An object is written as a temporary file in the root directory and renamed when it is whole and
// durable. Directories are made on demand; each is durable before anything is put into it, also one
// that was found, since whoever made it may have died before that.
//
// Paths are relative to the root unless they are said to be on the disk. Errors are those of Disk,
// but for Locate().
class DirectoryTree {
 public:
  // Stands in front of a number. Only the root directory has such names.
  static constexpr std::string_view kTemporaryPrefix = ".obbak_tmp.";

  DirectoryTree(Disk& disk, std::string directory, std::string location);

  Disk& disk() const { return disk_; }
  const std::string& location() const { return location_; }
  // "" is the root.
  std::string DiskPath(std::string_view path) const;
  // A failure as Medium reports it: its codes, and the object's path instead of the file's.
  Error Locate(const Error& error, std::string_view path) const;

  // All directories above the object.
  Task<Status> MakeParents(std::string path);
  Task<Result<TemporaryFile>> CreateTemporary(OpenOptions options);
  // Gives a durable file (path on the disk) the object's name, durably.
  Task<Status> Publish(std::string temporary, std::string path);
  // Removes a file (path on the disk) that nobody needs, if that is possible.
  Task<void> Discard(std::string temporary);
  // Makes durable the names in the directory that holds the object.
  Task<Status> SyncParent(std::string path);
  // Directories may have vanished: they are looked for again when they are needed.
  void Forget() { known_.clear(); }

 private:
  Task<Status> MakeDirectory(std::string directory);
  // `directory` on the disk, and what is above it.
  Task<Status> MakeRoot(std::string directory);

  Disk& disk_;
  std::string directory_;
  std::string location_;
  // That are there, durably.
  std::set<std::string, std::less<>> known_;
  std::uint64_t next_temporary_ = 0;
};

}  // namespace obbak::io
