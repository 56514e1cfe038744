// ObjectReader: an object of a medium, read in exact ranges; and SequentialReader, which reads it
// from front to back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "dest/dest_store.h"
#include "format/backup_path.h"
#include "format/random_access.h"
#include "io/aligned_bytes.h"
#include "io/medium.h"
#include "io/task.h"

namespace obbak::dest {

// Errors name the object. Reads may run beside each other. The store's medium must outlive it.
class ObjectReader {
 public:
  static io::Task<Result<std::shared_ptr<ObjectReader>>> Open(DestStore store,
                                                              format::BackupPath path);
  ObjectReader(std::string full_path, std::unique_ptr<io::MediumReader> reader)
      : full_path_(std::move(full_path)), reader_(std::move(reader)) {}

  io::MediumReader& reader() { return *reader_; }
  std::uint64_t size() const { return reader_->size(); }
  const std::string& full_path() const { return full_path_; }

  // All of `out`; kErrUnexpected when the object ends before.
  io::Task<Status> Read(std::uint64_t offset, std::span<std::byte> out);
  // What there is of it.
  io::Task<Result<std::size_t>> ReadSome(std::uint64_t offset, std::span<std::byte> out) {
    return reader_->Read(offset, out);
  }
  io::Task<Result<Bytes>> Read(format::ByteRange range);
  // Says where an error was found; an offset that is there counts from `base`.
  Error Locate(Error error, std::uint64_t base = 0) const {
    return std::move(error).ShiftOffset(base).WithPath(full_path_);
  }

 private:
  std::string full_path_;
  std::unique_ptr<io::MediumReader> reader_;
};

// A part of an object, front to back, through a window of half a megabyte, or more where the caller
// looks further ahead. What is large goes past the page cache: it is read once.
class SequentialReader {
 public:
  SequentialReader(std::shared_ptr<ObjectReader> object, format::ByteRange range);

  ObjectReader& object() { return *object_; }
  // In the object, of the first byte that has not been consumed.
  std::uint64_t offset() const { return offset_; }
  std::uint64_t remaining() const { return end_ - offset_; }
  // The next bytes: at least `size` of them, fewer only if no more are left. Valid until the next
  // call. The caller bounds `size`.
  io::Task<Result<ByteView>> Peek(std::size_t size);
  // So many of the bytes peeked at are done with.
  void Consume(std::size_t size) { offset_ += size; }

 private:
  static constexpr std::size_t kWindow = std::size_t{512} << 10;
  // Smaller objects are not worth a second handle.
  static constexpr std::uint64_t kLarge = std::uint64_t{1} << 20;

  // Bytes of the window from offset_ on.
  std::size_t there() const;
  // Makes room for `size` bytes from offset_ on, and keeps those that are there.
  void MakeRoom(std::size_t size);
  io::Task<Status> Fill();

  std::shared_ptr<ObjectReader> object_;
  std::uint64_t offset_;
  std::uint64_t end_;
  bool large_;
  io::AlignedBytes window_;
  std::uint64_t base_;      // where in the object the window begins; aligned
  std::size_t filled_ = 0;  // bytes of the window
};

}  // namespace obbak::dest
