// GrowingObject: an object of a DirectoryMedium that is appended to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "io/aligned_bytes.h"
#include "io/directory_tree.h"
#include "io/disk.h"
#include "io/task.h"

namespace obbak::io {

// Small appends are one durable write through the page cache. Of large ones the whole blocks go
// past it - the cache's pages cost more than the transfer - and one sync covers them and the rest.
//
// The file never gets longer than what was appended, so that its size tells how much there is.
// Errors are those of Disk, and those of Medium::Append.
class GrowingObject {
 public:
  // Opens it for an append at `offset`; makes it when that is 0. What another process has written
  // is made durable, as is the object's name.
  static Task<Result<std::shared_ptr<GrowingObject>>> Open(DirectoryTree& tree, std::string path,
                                                           std::uint64_t offset);
  GrowingObject(DirectoryTree& tree, std::string path, std::unique_ptr<File> file)
      : tree_(tree), path_(std::move(path)), file_(std::move(file)), size_(file_->size()) {}

  const std::string& path() const { return path_; }
  // Medium::Append. After a failure nobody knows what is in the file, nor its size: open it anew.
  Task<Status> Append(std::uint64_t offset, ByteView bytes);

 private:
  static constexpr std::size_t kCompareSize = std::size_t{256} << 10;
  static constexpr std::size_t kLargeAppend = std::size_t{512} << 10;
  static constexpr std::size_t kBufferSize = std::size_t{1} << 20;

  // How many of the bytes, from the first on, are there already.
  Task<Result<std::size_t>> CountSame(std::uint64_t offset, ByteView bytes);
  Task<Status> WriteLarge(std::uint64_t offset, ByteView bytes);
  Task<Status> WriteBlocks(std::uint64_t offset, ByteView bytes);

  DirectoryTree& tree_;
  std::string path_;
  std::unique_ptr<File> file_;
  std::uint64_t size_;
  // Of large appends; made by the first one.
  std::unique_ptr<File> direct_;
  AlignedBytes buffer_;
};

}  // namespace obbak::io
