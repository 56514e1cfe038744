#include "io/directory_medium.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/aligned_bytes.h"
#include "io/directory_tree.h"
#include "io/directory_writer.h"
#include "io/growing_object.h"

namespace obbak::io {
namespace {

bool IsTemporary(std::string_view name) {
  return name.starts_with(DirectoryTree::kTemporaryPrefix);
}

bool IsAligned(std::uint64_t offset, std::span<const std::byte> memory) {
  return offset % Disk::kAlignment == 0 && memory.size() % Disk::kAlignment == 0 &&
         reinterpret_cast<std::uintptr_t>(memory.data()) % Disk::kAlignment == 0;
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
  static constexpr std::size_t kMaxGrowing = 16;

  Status Located(Status status, std::string_view path) const {
    if (!status) return Fail(tree_.Locate(status.error(), path));
    return status;
  }
  Task<Status> WriteWhole(TemporaryFile& temporary, std::string path, ByteView bytes);
  Task<Result<std::shared_ptr<GrowingObject>>> OpenGrowing(std::string path, std::uint64_t offset);
  void StopGrowing(std::string_view path) {
    growing_.remove_if([&](const auto& object) { return object->path() == path; });
  }

  Loop& loop_;
  DirectoryTree tree_;
  // Open; the last used first.
  std::list<std::shared_ptr<GrowingObject>> growing_;
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
  const Result<std::shared_ptr<GrowingObject>> object = co_await OpenGrowing(path, offset);
  if (!object) co_return Fail(tree_.Locate(object.error(), path));
  const Status appended = co_await (*object)->Append(offset, bytes);
  if (!appended) StopGrowing(path);
  co_return Located(appended, path);
}

Task<Result<std::shared_ptr<GrowingObject>>> DirectoryMedium::OpenGrowing(std::string path,
                                                                          std::uint64_t offset) {
  const auto open = std::ranges::find(growing_, path, &GrowingObject::path);
  if (open != growing_.end()) {
    growing_.splice(growing_.begin(), growing_, open);
    co_return growing_.front();
  }
  Result<std::shared_ptr<GrowingObject>> object =
      co_await GrowingObject::Open(tree_, std::move(path), offset);
  if (!object) co_return object;
  growing_.push_front(*object);
  if (growing_.size() > kMaxGrowing) growing_.pop_back();
  co_return object;
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
