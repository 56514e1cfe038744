#include "io/directory_medium.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/aligned_bytes.h"
#include "io/directory_tree.h"
#include "io/directory_writer.h"

namespace obbak::io {
namespace {

bool IsTemporary(std::string_view name) {
  return name.starts_with(DirectoryTree::kTemporaryPrefix);
}

bool IsAligned(std::uint64_t offset, std::span<const std::byte> memory) {
  return offset % Disk::kAlignment == 0 && memory.size() % Disk::kAlignment == 0 &&
         reinterpret_cast<std::uintptr_t>(memory.data()) % Disk::kAlignment == 0;
}

constexpr std::uint64_t kSectorSize = 512;

// How many bytes of `wanted` are in `found`, which lies at `offset` of a file; in whole sectors
// beyond the first difference there may be more. kBackupPwriteContentNotMatch unless each sector
// holds some of the bytes that are wanted and then zeros.
Result<std::size_t> SameInSectors(ByteView found, ByteView wanted, std::uint64_t offset) {
  std::optional<std::size_t> first_missing;
  for (std::size_t at = 0; at < found.size();) {
    const std::uint64_t sector_end = (offset + at) / kSectorSize * kSectorSize + kSectorSize;
    const std::size_t end =
        static_cast<std::size_t>(std::min<std::uint64_t>(sector_end - offset, found.size()));
    const auto differs = std::mismatch(found.begin() + static_cast<std::ptrdiff_t>(at),
                                       found.begin() + static_cast<std::ptrdiff_t>(end),
                                       wanted.begin() + static_cast<std::ptrdiff_t>(at))
                             .first;
    const auto same = static_cast<std::size_t>(differs - found.begin());
    if (std::ranges::any_of(found.subspan(same, end - same),
                            [](std::byte byte) { return byte != std::byte{0}; })) {
      return Fail(Error(ErrorCode::kBackupPwriteContentNotMatch,
                        "there are other bytes than those to be written")
                      .WithOffset(offset + same)
                      .WithAdvice("two writers use this destination, or the file was damaged"));
    }
    if (same < end && !first_missing) first_missing = same;
    at = end;
  }
  return first_missing.value_or(found.size());
}

class DirectoryReader final : public MediumReader {
 public:
  DirectoryReader(DirectoryTree& tree, std::string path, std::unique_ptr<File> file)
      : tree_(tree), path_(std::move(path)), file_(std::move(file)), size_(file_->size()) {}

  std::uint64_t size() const override { return size_; }

  Task<Result<std::size_t>> Read(std::uint64_t offset, std::span<std::byte> out) override {
    if (offset >= size_) co_return std::size_t{0};
    File* file = file_.get();
    if (IsAligned(offset, out)) {
      Result<File*> direct = co_await Direct();
      if (!direct) co_return Fail(tree_.Locate(direct.error(), path_));
      file = *direct;
    } else if (out.size() > size_ - offset) {
      out = out.first(static_cast<std::size_t>(size_ - offset));
    }
    const Result<std::size_t> read = co_await file->Read(offset, out);
    if (!read) co_return Fail(tree_.Locate(read.error(), path_));
    // The object may have grown.
    co_return static_cast<std::size_t>(std::min<std::uint64_t>(*read, size_ - offset));
  }

 private:
  // Opened by the first read that can use it: small files never need it.
  Task<Result<File*>> Direct() {
    if (direct_ != nullptr) co_return direct_.get();
    Result<std::unique_ptr<File>> file =
        co_await tree_.disk().Open(tree_.DiskPath(path_), {.direct = true, .read_only = true});
    if (!file) co_return Fail(std::move(file).error());
    // Another read may have been faster.
    if (direct_ == nullptr) direct_ = *std::move(file);
    co_return direct_.get();
  }

  DirectoryTree& tree_;
  std::string path_;
  std::unique_ptr<File> file_;
  std::unique_ptr<File> direct_;
  std::uint64_t size_;
};

class DirectoryMedium final : public Medium {
 public:
  DirectoryMedium(Loop& loop, Disk& disk, std::string directory, std::string location)
      : loop_(loop), tree_(disk, std::move(directory), std::move(location)) {}

  const std::string& location() const override { return tree_.location(); }

  Task<Result<std::vector<DirEntry>>> List(std::string path) override;
  Task<Result<bool>> Exists(std::string path) override;
  Task<Result<std::unique_ptr<MediumReader>>> Open(std::string path) override;
  Task<Status> Put(std::string path, ByteView bytes) override;
  Task<Result<std::unique_ptr<MediumWriter>>> Create(std::string path) override;
  Task<Status> Append(std::string path, std::uint64_t offset, ByteView bytes) override;
  Task<Status> Remove(std::string path) override;
  Task<Status> RemoveDirectory(std::string path) override;
  Task<Status> RemoveTemporaries() override;

 private:
  // An object that grows, open.
  struct Growing {
    std::string path;
    std::shared_ptr<File> file;
  };
  static constexpr std::size_t kMaxGrowing = 16;
  static constexpr std::size_t kCompareSize = std::size_t{256} << 10;

  Status Located(Status status, std::string_view path) const {
    if (!status) return Fail(tree_.Locate(status.error(), path));
    return status;
  }
  Task<Status> WriteWhole(TemporaryFile& temporary, std::string path, ByteView bytes);
  Task<Result<std::shared_ptr<File>>> OpenGrowing(std::string path, std::uint64_t offset);
  Task<Result<std::shared_ptr<File>>> FindOrMake(std::string path, std::uint64_t offset);
  Task<Status> AppendTo(File& file, std::uint64_t offset, ByteView bytes);
  static Task<Result<std::size_t>> CountSame(File& file, std::uint64_t offset, ByteView bytes);
  void StopGrowing(std::string_view path) {
    growing_.remove_if([&](const Growing& open) { return open.path == path; });
  }

  Loop& loop_;
  DirectoryTree tree_;
  // The last used first.
  std::list<Growing> growing_;
};

Task<Result<std::vector<DirEntry>>> DirectoryMedium::List(std::string path) {
  Result<std::vector<DirEntry>> entries = co_await tree_.disk().List(tree_.DiskPath(path));
  if (!entries) {
    if (entries.error().code() == ErrorCode::kFileNotExist) co_return std::vector<DirEntry>();
    co_return Fail(tree_.Locate(entries.error(), path));
  }
  if (path.empty()) {
    std::erase_if(*entries, [](const DirEntry& entry) { return IsTemporary(entry.name); });
  }
  co_return entries;
}

Task<Result<bool>> DirectoryMedium::Exists(std::string path) {
  const Result<FileStatus> status = co_await tree_.disk().Stat(tree_.DiskPath(path));
  if (status) co_return true;
  if (status.error().code() == ErrorCode::kFileNotExist) co_return false;
  co_return Fail(tree_.Locate(status.error(), path));
}

Task<Result<std::unique_ptr<MediumReader>>> DirectoryMedium::Open(std::string path) {
  Result<std::unique_ptr<File>> file =
      co_await tree_.disk().Open(tree_.DiskPath(path), {.read_only = true});
  if (!file) co_return Fail(tree_.Locate(file.error(), path));
  co_return std::make_unique<DirectoryReader>(tree_, std::move(path), *std::move(file));
}

Task<Status> DirectoryMedium::Put(std::string path, ByteView bytes) {
  StopGrowing(path);
  Result<TemporaryFile> temporary = co_await tree_.CreateTemporary(OpenOptions());
  if (!temporary) co_return Fail(tree_.Locate(temporary.error(), path));
  const Status put = co_await WriteWhole(*temporary, path, bytes);
  if (!put) co_await tree_.Discard(temporary->path);
  co_return Located(put, path);
}

Task<Status> DirectoryMedium::WriteWhole(TemporaryFile& temporary, std::string path,
                                         ByteView bytes) {
  Status written;
  if (bytes.empty()) {
    written = co_await temporary.file->Sync();
  } else {
    written = co_await temporary.file->Write(0, bytes, Durability::kDurable);
  }
  temporary.file.reset();
  if (!written) co_return written;
  co_return co_await tree_.Publish(temporary.path, std::move(path));
}

Task<Result<std::unique_ptr<MediumWriter>>> DirectoryMedium::Create(std::string path) {
  StopGrowing(path);
  Result<TemporaryFile> temporary = co_await tree_.CreateTemporary({.direct = true});
  if (!temporary) co_return Fail(tree_.Locate(temporary.error(), path));
  co_return std::make_unique<DirectoryWriter>(loop_, tree_, std::move(path), *std::move(temporary));
}

Task<Status> DirectoryMedium::Remove(std::string path) {
  StopGrowing(path);
  Status removed = co_await tree_.disk().Remove(tree_.DiskPath(path));
  if (!removed && removed.error().code() == ErrorCode::kFileNotExist) co_return Status();
  if (removed) removed = co_await tree_.SyncParent(path);
  co_return Located(removed, path);
}

Task<Status> DirectoryMedium::RemoveDirectory(std::string path) {
  tree_.Forget();
  const Result<FileStatus> status = co_await tree_.disk().Stat(tree_.DiskPath(path));
  if (!status && status.error().code() == ErrorCode::kFileNotExist) co_return Status();
  if (!status) co_return Fail(tree_.Locate(status.error(), path));
  if (!status->is_directory) {
    const Error error(ErrorCode::kInvalidArgument, "this is no directory");
    co_return Fail(tree_.Locate(error, path));
  }
  co_return co_await Remove(std::move(path));
}

Task<Status> DirectoryMedium::RemoveTemporaries() {
  const Result<std::vector<DirEntry>> entries = co_await tree_.disk().List(tree_.DiskPath(""));
  if (!entries && entries.error().code() == ErrorCode::kFileNotExist) co_return Status();
  if (!entries) co_return Fail(tree_.Locate(entries.error(), ""));
  for (const DirEntry& entry : *entries) {
    if (entry.is_directory || !IsTemporary(entry.name)) continue;
    if (Status removed = co_await Remove(entry.name); !removed) co_return removed;
  }
  co_return Status();
}

Task<Status> DirectoryMedium::Append(std::string path, std::uint64_t offset, ByteView bytes) {
  const Result<std::shared_ptr<File>> file = co_await OpenGrowing(path, offset);
  if (!file) co_return Fail(tree_.Locate(file.error(), path));
  const Status appended = co_await AppendTo(**file, offset, bytes);
  // After an error nobody knows what is in the file, nor its size.
  if (!appended) StopGrowing(path);
  co_return Located(appended, path);
}

Task<Result<std::shared_ptr<File>>> DirectoryMedium::OpenGrowing(std::string path,
                                                                 std::uint64_t offset) {
  const auto open = std::ranges::find(growing_, path, &Growing::path);
  if (open != growing_.end()) {
    growing_.splice(growing_.begin(), growing_, open);
    co_return growing_.front().file;
  }
  Result<std::shared_ptr<File>> file = co_await FindOrMake(path, offset);
  if (!file) co_return file;
  // Whoever wrote what is there may have died before it, or the file's name, was durable.
  if ((*file)->size() > 0) {
    if (Status synced = co_await (*file)->Sync(); !synced)
      co_return Fail(std::move(synced).error());
  }
  if (Status synced = co_await tree_.SyncParent(path); !synced)
    co_return Fail(std::move(synced).error());
  growing_.push_front({.path = std::move(path), .file = *file});
  if (growing_.size() > kMaxGrowing) growing_.pop_back();
  co_return file;
}

Task<Result<std::shared_ptr<File>>> DirectoryMedium::FindOrMake(std::string path,
                                                                std::uint64_t offset) {
  const bool make = offset == 0;
  if (make) {
    if (Status made = co_await tree_.MakeParents(path); !made)
      co_return Fail(std::move(made).error());
  }
  Result<std::unique_ptr<File>> file =
      co_await tree_.disk().Open(tree_.DiskPath(path), {.create = make});
  if (file) co_return std::shared_ptr<File>(*std::move(file));
  if (make || file.error().code() != ErrorCode::kFileNotExist) {
    tree_.Forget();
    co_return Fail(std::move(file).error());
  }
  co_return Fail(ErrorCode::kBackupPwriteOffsetNotMatch,
                 fmt::format("bytes from offset {} on do not fit: there is no such file", offset));
}

Task<Status> DirectoryMedium::AppendTo(File& file, std::uint64_t offset, ByteView bytes) {
  if (offset > file.size()) {
    co_return Fail(ErrorCode::kBackupPwriteOffsetNotMatch,
                   fmt::format("bytes from offset {} on do not fit: the file ends at {}", offset,
                               file.size()));
  }
  const Result<std::size_t> same = co_await CountSame(file, offset, bytes);
  if (!same) co_return Fail(same.error());
  co_return co_await file.Write(offset + *same, bytes.subspan(*same), Durability::kDurable);
}

// How many bytes, from the first on, the file holds already. Each sector may hold them all, or some
// and then zeros up to its end: that is what a power failure leaves of a write.
Task<Result<std::size_t>> DirectoryMedium::CountSame(File& file, std::uint64_t offset,
                                                     ByteView bytes) {
  const auto there =
      static_cast<std::size_t>(std::min<std::uint64_t>(file.size() - offset, bytes.size()));
  std::optional<std::size_t> first_missing;
  Bytes found(std::min(there, kCompareSize));
  for (std::size_t done = 0; done < there;) {
    // Up to the end of a sector, unless it is the last part.
    const std::uint64_t end = (offset + done + kCompareSize) / kSectorSize * kSectorSize;
    const std::size_t size =
        static_cast<std::size_t>(std::min<std::uint64_t>(end - offset - done, there - done));
    const std::span<std::byte> part = std::span(found).first(size);
    const Result<std::size_t> read = co_await file.Read(offset + done, part);
    if (!read) co_return Fail(read.error());
    const Result<std::size_t> same =
        SameInSectors(part.first(*read), bytes.subspan(done, *read), offset + done);
    if (!same) co_return same;
    if (*same < size && !first_missing) first_missing = done + *same;
    done += size;
  }
  co_return first_missing.value_or(there);
}

}  // namespace

std::unique_ptr<Medium> MakeDirectoryMedium(Loop& loop, Disk& disk, std::string directory,
                                            std::string location) {
  return std::make_unique<DirectoryMedium>(loop, disk, std::move(directory), std::move(location));
}

MediumFactory DirectoryMedia(Loop& loop, Disk& disk) {
  return [&loop, &disk](const BackupDest& dest) -> Result<std::unique_ptr<Medium>> {
    if (dest.type() == StorageType::kFile) {
      return MakeDirectoryMedium(loop, disk, std::string(dest.directory()), dest.PathString());
    }
    return Fail(Error(ErrorCode::kNotSupported, "object storage is not supported")
                    .WithPath(dest.PathString())
                    .WithAdvice("give a directory: file:///path"));
  };
}

}  // namespace obbak::io
