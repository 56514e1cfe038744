#include "restore/validate_reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <set>
#include <utility>

#include "dest/dest_store.h"
#include "dest/log_file.h"
#include "format/object_parts.h"

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
  if (form == format::EntryForm::kFileOrParts) return std::nullopt;
  if (is_directory == (form == format::EntryForm::kDirectory)) return std::nullopt;
  return Error(ErrorCode::kInvalidData, is_directory ? "a directory where a file belongs"
                                                     : "a file where a directory belongs");
}

// Where a server gives up at a name that it does not know (layout.md §2.3, §3.2).
bool IsStrict(PathKind directory) {
  return directory == PathKind::kBackupSetsDir || directory == PathKind::kPiecesDir ||
         directory == PathKind::kPieceCheckpointDir;
}

// The mark of an end, behind which nothing is written any more.
bool IsEnd(PathKind kind) {
  return kind == PathKind::kBackupSetEndSuccess || kind == PathKind::kBackupSetEndFailed ||
         kind == PathKind::kPieceEnd || kind == PathKind::kRoundEnd;
}

// One walk, level by level and within a level by name: of a piece that grows, the marks that
// promise something are seen before the logs that must have it. What ends while the walk goes on
// has not ended yet.
class Walk {
 public:
  Walk(io::Medium& medium, format::DestKind kind, Reporter found)
      : medium_(medium), kind_(kind), found_(std::move(found)) {}

  io::Task<Result<Tree>> Run() {
    const Directory root;
    Status status = co_await List(root);
    if (!status) co_return Fail(std::move(status).error());
    co_await FindEnds();
    while (!directories_.empty()) {
      const Directory directory = std::move(directories_.front());
      directories_.pop_front();
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

  // Marks lie behind what they are about, in order of their names.
  io::Task<void> FindEnds() {
    for (const Directory& directory : directories_) {
      const PathKind kind = directory.path.kind;
      const bool has_marks = kind == PathKind::kBackupSetsDir || kind == PathKind::kPiecesDir ||
                             kind == PathKind::kRoundsDir;
      if (!has_marks) continue;
      const auto entries = co_await medium_.List(directory.name);
      // The walk will say so.
      if (!entries) continue;
      for (const io::DirEntry& entry : *entries) ends_.insert(directory.name + "/" + entry.name);
    }
  }

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
    if (IsEnd(path->kind) && !path->in_complement_log && !ends_.contains(name)) co_return;
    if (entry.is_directory && path->kind == PathKind::kLogFile) {
      Status status = co_await TakeParts(name, *path);
      if (!status) found_.About(*path).Damage(name, std::move(status).error());
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

  // A log file in parts, as on a medium without append (layout.md §6): one file of the tree, read
  // as such later; here, what reading it passes over.
  io::Task<Status> TakeParts(std::string name, format::BackupPath path) {
    const dest::DestStore store(medium_, kind_);
    const Result<dest::Listing> parts = co_await store.List(path);
    if (!parts) co_return Fail(parts.error());
    for (const std::string& stray : parts->unknown)
      Stray({name, path}, name + "/" + stray, Error(ErrorCode::kInvalidData, "no part of a log"));
    for (const format::BackupPath& part : parts->known) {
      if (part.kind != PathKind::kLogFormatMeta) continue;
      const Result<Bytes> content = co_await store.ReadBytes(part);
      if (!content) co_return Fail(content.error());
      if (!std::ranges::equal(*content, AsByteView(format::kFormatMetaContent)))
        co_return Fail(
            Error(ErrorCode::kInvalidData, "the mark of a file in parts says otherwise"));
    }
    const auto file = co_await dest::OpenLogFile(store, path);
    if (!file) co_return Fail(file.error());
    files_.push_back({std::move(name), std::move(path), (*file)->size()});
    co_return Status();
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
  std::set<std::string> ends_;  // names in the directories of marks, when the walk began
  std::deque<Directory> directories_;
  Tree files_;
};

}  // namespace

io::Task<Result<Tree>> WalkTree(io::Medium& medium, format::DestKind kind, Reporter found) {
  Walk walk(medium, kind, std::move(found));
  co_return co_await walk.Run();
}

std::string NameOf(const format::BackupPath& path) {
  return format::IsPrintable(path) ? format::Print(path)
                                   : std::string(format::Facts(path.kind).pattern);
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
