#include "io/growing_object.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

namespace obbak::io {
namespace {

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

// Opens the file, and makes it when the append is at its begin.
Task<Result<std::unique_ptr<File>>> FindOrMake(DirectoryTree& tree, std::string path,
                                               std::uint64_t offset) {
  const bool make = offset == 0;
  if (make) {
    if (Status made = co_await tree.MakeParents(path); !made)
      co_return Fail(std::move(made).error());
  }
  Result<std::unique_ptr<File>> file =
      co_await tree.disk().Open(tree.DiskPath(path), {.create = make});
  if (file) co_return file;
  tree.Forget();
  if (make || file.error().code() != ErrorCode::kFileNotExist) co_return file;
  co_return Fail(ErrorCode::kBackupPwriteOffsetNotMatch,
                 fmt::format("bytes from offset {} on do not fit: there is no such file", offset));
}

}  // namespace

Task<Result<std::shared_ptr<GrowingObject>>> GrowingObject::Open(DirectoryTree& tree,
                                                                 std::string path,
                                                                 std::uint64_t offset) {
  Result<std::unique_ptr<File>> file = co_await FindOrMake(tree, path, offset);
  if (!file) co_return Fail(std::move(file).error());
  if ((*file)->size() > 0) {
    if (Status synced = co_await (*file)->Sync(); !synced)
      co_return Fail(std::move(synced).error());
  }
  if (Status synced = co_await tree.SyncParent(path); !synced)
    co_return Fail(std::move(synced).error());
  co_return std::make_shared<GrowingObject>(tree, std::move(path), *std::move(file));
}

Task<Status> GrowingObject::Append(std::uint64_t offset, ByteView bytes) {
  if (offset > size_) {
    co_return Fail(
        ErrorCode::kBackupPwriteOffsetNotMatch,
        fmt::format("bytes from offset {} on do not fit: the file ends at {}", offset, size_));
  }
  const Result<std::size_t> same = co_await CountSame(offset, bytes);
  if (!same) co_return Fail(same.error());
  offset += *same;
  bytes = bytes.subspan(*same);
  Status written;
  if (bytes.size() < kLargeAppend) {
    written = co_await file_->Write(offset, bytes, Durability::kDurable);
  } else {
    written = co_await WriteLarge(offset, bytes);
  }
  if (written) size_ = std::max(size_, offset + bytes.size());
  co_return written;
}

Task<Result<std::size_t>> GrowingObject::CountSame(std::uint64_t offset, ByteView bytes) {
  const auto there =
      static_cast<std::size_t>(std::min<std::uint64_t>(size_ - offset, bytes.size()));
  std::optional<std::size_t> first_missing;
  Bytes found(std::min(there, kCompareSize));
  for (std::size_t done = 0; done < there;) {
    // Up to the end of a sector, unless it is the last part.
    const std::uint64_t end = (offset + done + kCompareSize) / kSectorSize * kSectorSize;
    const std::size_t size =
        static_cast<std::size_t>(std::min<std::uint64_t>(end - offset - done, there - done));
    const std::span<std::byte> part = std::span(found).first(size);
    const Result<std::size_t> read = co_await file_->Read(offset + done, part);
    if (!read) co_return Fail(read.error());
    const Result<std::size_t> same =
        SameInSectors(part.first(*read), bytes.subspan(done, *read), offset + done);
    if (!same) co_return same;
    if (*same < size && !first_missing) first_missing = done + *same;
    done += size;
  }
  co_return first_missing.value_or(there);
}

Task<Status> GrowingObject::WriteLarge(std::uint64_t offset, ByteView bytes) {
  if (direct_ == nullptr) {
    Result<std::unique_ptr<File>> direct =
        co_await tree_.disk().Open(tree_.DiskPath(path_), {.direct = true});
    if (!direct) co_return Fail(std::move(direct).error());
    direct_ = *std::move(direct);
    buffer_ = AlignedBytes(kBufferSize);
  }
  const std::uint64_t blocks_end = AlignDown(offset + bytes.size());
  const auto in_blocks = static_cast<std::size_t>(blocks_end - offset);
  if (Status written = co_await WriteBlocks(offset, bytes.first(in_blocks)); !written)
    co_return written;
  const ByteView rest = bytes.subspan(in_blocks);
  if (Status written = co_await file_->Write(blocks_end, rest); !written) co_return written;
  co_return co_await direct_->Sync();
}

// Bytes that end where a block ends.
Task<Status> GrowingObject::WriteBlocks(std::uint64_t offset, ByteView bytes) {
  // What the first block has before them.
  std::uint64_t begin = AlignDown(offset);
  auto used = static_cast<std::size_t>(offset - begin);
  const std::span<std::byte> buffer = buffer_.span();
  const Result<std::size_t> before = co_await file_->Read(begin, buffer.first(used));
  if (!before) co_return Fail(before.error());
  if (*before < used) {
    co_return Fail(Error(ErrorCode::kIoError, "the file ends here, but it was longer")
                       .WithOffset(begin + *before));
  }
  while (!bytes.empty()) {
    const std::size_t size = std::min(bytes.size(), buffer.size() - used);
    std::memcpy(buffer.data() + used, bytes.data(), size);
    bytes = bytes.subspan(size);
    used += size;
    if (Status written = co_await direct_->Write(begin, buffer.first(used)); !written)
      co_return written;
    begin += used;
    used = 0;
  }
  co_return Status();
}

}  // namespace obbak::io
