// What a validation reads: the tree of a destination, and its files from front to back through a
// window of bounded size, so that every byte is read once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/backup_path.h"
#include "io/medium.h"
#include "io/task.h"
#include "restore/validate.h"
#include "restore/validate_findings.h"

namespace obbak::restore {

// The path as text. Of ids that come out of records, and that no name can have, the pattern.
std::string NameOf(const format::BackupPath& path);

// A log file in parts is one, of the logical length.
struct FoundFile {
  std::string name;  // the path as text
  format::BackupPath path;
  std::uint64_t size = 0;  // when the tree was walked
};

// All files of a destination, in order of their names.
using Tree = std::vector<FoundFile>;
bool HasFile(const Tree& tree, std::string_view name);

// Every file below the medium's root. Names that have no place in a
// destination of that kind, and files where a directory belongs, are findings. A file that goes
// away meanwhile is left out. An Error when the root cannot be listed.
io::Task<Result<Tree>> WalkTree(io::Medium& medium, format::DestKind kind, Reporter found);

// The number behind one that a file's name has. Behind the largest there is none: it gives a number
// that no name has.
constexpr std::int64_t NextNumber(std::int64_t number) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(number) + 1);
}

// Counts what is read, and tells.
class ReadMeter {
 public:
  ReadMeter(std::uint64_t bytes_total, ReportValidation report) : report_(std::move(report)) {
    progress_.bytes_total = bytes_total;
  }
  void Add(std::uint64_t bytes, std::string_view path);
  std::uint64_t bytes() const { return progress_.bytes_done; }

 private:
  ValidateProgress progress_;
  ReportValidation report_;
};

// The bytes [begin, end) of a file from front to back.
class FileWindow {
 public:
  static constexpr std::size_t kSize = std::size_t{4} << 20;
  // No part of a destination's file is larger; whoever claims so is wrong.
  static constexpr std::size_t kMaxSize = std::size_t{72} << 20;

  // `reader` and `meter` must outlive the window. Precondition: begin <= end <= reader.size().
  FileWindow(io::MediumReader& reader, std::string name, std::uint64_t begin, std::uint64_t end,
             ReadMeter& meter);

  // What has been read and not been dropped. Filling invalidates it.
  ByteView bytes() const { return ByteView(buffer_).subspan(begin_, end_ - begin_); }
  // Where bytes() begin in the file.
  std::uint64_t offset() const { return offset_; }
  // bytes() reach to the end.
  bool is_rest() const { return offset_ + (end_ - begin_) == limit_; }

  // Reads on until there are `size` bytes, or all that are left. kErrUnexpected when the file got
  // shorter, kSizeOverflow beyond kMaxSize.
  io::Task<Status> Fill(std::size_t size);
  // Precondition: size <= bytes().size().
  void Drop(std::size_t size);

 private:
  io::MediumReader* reader_;
  std::string name_;
  ReadMeter* meter_;
  std::uint64_t offset_;
  std::uint64_t limit_;
  Bytes buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// A whole small file. kSizeOverflow above `max_size`.
io::Task<Result<Bytes>> ReadWhole(io::Medium& medium, std::string name, std::uint64_t max_size,
                                  ReadMeter& meter);

}  // namespace obbak::restore
