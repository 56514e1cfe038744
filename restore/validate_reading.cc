#include "restore/validate_reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

namespace obbak::restore {
namespace {

using format::PathKind;

// The size of a file; none when it has gone away.
io::Task<Result<std::optional<std::uint64_t>>> SizeOf(io::Medium& medium, std::string name) {
  Result<std::unique_ptr<io::MediumReader>> reader = co_await medium.Open(std::move(name));
  if (reader) co_return std::optional<std::uint64_t>((*reader)->size());
  if (reader.error().code() == ErrorCode::kFileNotExist) co_return std::optional<std::uint64_t>();
  co_return Fail(std::move(reader).error());
}

// What is wrong with an entry of that kind being a directory or not; none if nothing is.
std::optional<Error> WrongForm(const format::BackupPath& path, bool is_directory) {
  const format::EntryForm form = format::Facts(path.kind).form;
  if (is_directory && form == format::EntryForm::kFileOrParts) {
    return Error(ErrorCode::kNotSupported,
                 "the file is stored in parts, as on a medium without append, which obbak does "
                 "not validate");
  }
  if (is_directory == (form == format::EntryForm::kDirectory)) return std::nullopt;
  return Error(ErrorCode::kInvalidData, is_directory ? "a directory where a file belongs"
                                                     : "a file where a directory belongs");
}

// Where a server gives up at a name that it does not know (layout.md §2.3, §3.2).
bool IsStrict(PathKind directory) {
  return directory == PathKind::kBackupSetsDir || directory == PathKind::kPiecesDir ||
         directory == PathKind::kPieceCheckpointDir;
}

// One walk. Deeper directories are on the stack, so nothing recurses.
class Walk {
 public:
  Walk(io::Medium& medium, format::DestKind kind, Reporter found)
      : medium_(medium), kind_(kind), found_(std::move(found)) {}

  io::Task<Result<Tree>> Run() {
    const Directory root;
    Status status = co_await List(root);
    if (!status) co_return Fail(std::move(status).error());
    while (!directories_.empty()) {
      const Directory directory = std::move(directories_.back());
      directories_.pop_back();
      status = co_await List(directory);
      if (!status) found_.About(directory.path).Damage(directory.name, std::move(status).error());
    }
    std::ranges::sort(files_, {}, &FoundFile::name);
    co_return std::move(files_);
  }

 private:
  // The root has no name.
  struct Directory {
    std::string name;
    format::BackupPath path;
  };

  io::Task<Status> List(Directory directory) {
    Result<std::vector<io::DirEntry>> entries = co_await medium_.List(directory.name);
    if (!entries) co_return Fail(std::move(entries).error());
    for (const io::DirEntry& entry : *entries) co_await Take(directory, entry);
    co_return Status();
  }

  io::Task<void> Take(const Directory& directory, const io::DirEntry& entry) {
    const std::string name =
        directory.name.empty() ? entry.name : directory.name + "/" + entry.name;
    Result<format::BackupPath> path = format::ParseBackupPath(name, kind_);
    if (!path) {
      Stray(directory, name, path.error());
      co_return;
    }
    if (std::optional<Error> wrong = WrongForm(*path, entry.is_directory)) {
      found_.About(*path).Damage(name, *std::move(wrong));
      co_return;
    }
    if (entry.is_directory) {
      directories_.push_back({name, *path});
      co_return;
    }
    Result<std::optional<std::uint64_t>> size = co_await SizeOf(medium_, name);
    if (!size) {
      found_.About(*path).Damage(name, std::move(size).error());
    } else if (*size) {
      files_.push_back({name, *path, **size});
    }
  }

  void Stray(const Directory& directory, const std::string& name, const Error& reason) {
    const bool is_error = reason.code() == ErrorCode::kNotSupported ||
                          (!directory.name.empty() && IsStrict(directory.path.kind));
    const Reporter found = directory.name.empty() ? found_ : found_.About(directory.path);
    found.Stray(is_error ? Severity::kError : Severity::kWarning, name,
                Error(reason.code(), "no destination has such a name: " + reason.message())
                    .WithAdvice("move it elsewhere"));
  }

  io::Medium& medium_;
  format::DestKind kind_;
  Reporter found_;
  std::vector<Directory> directories_;
  Tree files_;
};

}  // namespace

io::Task<Result<Tree>> WalkTree(io::Medium& medium, format::DestKind kind, Reporter found) {
  Walk walk(medium, kind, std::move(found));
  co_return co_await walk.Run();
}

bool HasFile(const Tree& tree, std::string_view name) {
  return std::ranges::binary_search(
      tree, name, {}, [](const FoundFile& file) { return std::string_view(file.name); });
}

void ReadMeter::Add(std::uint64_t bytes, std::string_view path) {
  progress_.bytes_done += bytes;
  // An active piece grows.
  progress_.bytes_total = std::max(progress_.bytes_total, progress_.bytes_done);
  if (!report_) return;
  progress_.path = path;
  report_(progress_);
}

FileWindow::FileWindow(io::MediumReader& reader, std::string name, std::uint64_t begin,
                       std::uint64_t end, ReadMeter& meter)
    : reader_(&reader), name_(std::move(name)), meter_(&meter), offset_(begin), limit_(end) {}

io::Task<Status> FileWindow::Fill(std::size_t size) {
  const std::size_t have = end_ - begin_;
  const std::uint64_t left = limit_ - offset_ - have;
  if (have >= size || left == 0) co_return Status();
  if (size > kMaxSize) {
    co_return Fail(Error(ErrorCode::kSizeOverflow, fmt::format("a part of {} bytes", size))
                       .WithOffset(offset_));
  }
  const std::size_t want =
      static_cast<std::size_t>(std::min<std::uint64_t>(std::max(size, kSize), have + left));
  if (buffer_.size() < want) {
    Bytes larger(want);
    std::ranges::copy(bytes(), larger.begin());
    buffer_ = std::move(larger);
  } else if (have > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, have);
  }
  begin_ = 0;
  end_ = have;
  const std::span<std::byte> free = std::span(buffer_).subspan(have, want - have);
  Result<std::size_t> read = co_await reader_->Read(offset_ + have, free);
  if (!read) co_return Fail(std::move(read).error());
  end_ += *read;
  meter_->Add(*read, name_);
  if (*read != free.size()) {
    co_return Fail(
        Error(ErrorCode::kErrUnexpected, "the file has become shorter").WithOffset(offset_ + end_));
  }
  co_return Status();
}

void FileWindow::Drop(std::size_t size) {
  begin_ += size;
  offset_ += size;
}

io::Task<Result<Bytes>> ReadWhole(io::Medium& medium, std::string name, std::uint64_t max_size,
                                  ReadMeter& meter) {
  Result<Bytes> bytes = co_await io::ReadAll(medium, name, max_size);
  if (bytes) meter.Add(bytes->size(), name);
  co_return bytes;
}

}  // namespace obbak::restore
