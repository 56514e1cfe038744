// StreamCheck: what the checks of data files, index files and tablet_info files share.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "format/backup_file_headers.h"
#include "restore/validate_data_files.h"

namespace obbak::restore {

// One file that is read in parts; remembers whether anything was wrong with it.
class StreamCheck {
 public:
  StreamCheck(FileChecks checks, const FoundFile& file, Reporter found)
      : checks_(checks), name_(file.name), found_(std::move(found)) {}

 protected:
  io::Task<bool> Open() {
    Result<std::unique_ptr<io::MediumReader>> reader = co_await checks_.medium.Open(name_);
    if (!reader) {
      Damage(std::move(reader).error());
      co_return false;
    }
    reader_ = *std::move(reader);
    co_return true;
  }

  bool IsAtLeast(std::uint64_t size) {
    if (reader_->size() >= size) return true;
    Damage(Error(
        ErrorCode::kErrUnexpected,
        fmt::format("such a file has at least {} bytes, this one {}", size, reader_->size())));
    return false;
  }

  // The bytes [begin, end), not many.
  io::Task<Result<Bytes>> ReadPart(std::uint64_t begin, std::uint64_t end) {
    Bytes bytes(end - begin);
    Result<std::size_t> read = co_await reader_->Read(begin, bytes);
    if (!read) co_return Fail(std::move(read).error());
    checks_.meter.Add(*read, name_);
    if (*read != bytes.size()) {
      co_return Fail(Error(ErrorCode::kErrUnexpected, "the file has become shorter")
                         .WithOffset(begin + *read));
    }
    co_return bytes;
  }

  io::Task<bool> CheckHeader(format::BackupDataFileType type) {
    const Result<Bytes> block = co_await ReadPart(0, format::kFileHeaderBlockSize);
    if (!block) {
      Damage(block.error());
      co_return false;
    }
    std::vector<Error> findings;
    format::InspectFileHeaderBlock(*block, type, nullptr, findings);
    for (Error& error : findings) Damage(std::move(error));
    co_return findings.empty();
  }

  void Damage(Error error) {
    damaged_ = true;
    found_.Damage(name_, std::move(error));
  }

  FileChecks checks_;
  std::string name_;
  Reporter found_;
  std::unique_ptr<io::MediumReader> reader_;
  bool damaged_ = false;
};

}  // namespace obbak::restore
