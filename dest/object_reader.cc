#include "dest/object_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace obbak::dest {

io::Task<Result<std::shared_ptr<ObjectReader>>> ObjectReader::Open(DestStore store,
                                                                   format::BackupPath path) {
  Result<std::unique_ptr<io::MediumReader>> reader =
      co_await store.medium().Open(store.PathOf(path));
  if (!reader) co_return Fail(std::move(reader).error());
  co_return std::make_shared<ObjectReader>(store.FullPathOf(path), *std::move(reader));
}

io::Task<Status> ObjectReader::Read(std::uint64_t offset, std::span<std::byte> out) {
  Result<std::size_t> read = co_await reader_->Read(offset, out);
  if (!read) co_return Fail(std::move(read).error());
  if (*read == out.size()) co_return Status();
  co_return Fail(
      Error(ErrorCode::kErrUnexpected,
            fmt::format("{} bytes are needed from here, the file ends after {}", out.size(), *read))
          .WithPath(full_path_)
          .WithOffset(offset));
}

io::Task<Result<Bytes>> ObjectReader::Read(format::ByteRange range) {
  // No allocation that the object's size does not justify.
  if (range.length > size() || range.offset > size() - range.length) {
    co_return Fail(Error(ErrorCode::kErrUnexpected,
                         fmt::format("{} bytes are needed from here, the file ends at {}",
                                     range.length, size()))
                       .WithPath(full_path_)
                       .WithOffset(range.offset));
  }
  Bytes bytes(static_cast<std::size_t>(range.length));
  Status status = co_await Read(range.offset, bytes);
  if (!status) co_return Fail(std::move(status).error());
  co_return bytes;
}

SequentialReader::SequentialReader(std::shared_ptr<ObjectReader> object, format::ByteRange range)
    : object_(std::move(object)),
      offset_(range.offset),
      end_(range.end()),
      large_(object_->size() >= kLarge),
      base_(io::AlignDown(range.offset)) {}

std::size_t SequentialReader::there() const {
  const std::uint64_t filled_to = std::min(base_ + filled_, end_);
  return filled_to < offset_ ? 0 : static_cast<std::size_t>(filled_to - offset_);
}

void SequentialReader::MakeRoom(std::size_t size) {
  const std::uint64_t base = io::AlignDown(offset_);
  const auto dropped = static_cast<std::size_t>(std::min<std::uint64_t>(base - base_, filled_));
  const std::span<std::byte> kept = window_.span().subspan(dropped, filled_ - dropped);
  const std::size_t room = std::max(kWindow, size + io::Disk::kAlignment);
  if (room > window_.size()) {
    io::AlignedBytes larger(room);
    std::ranges::copy(kept, larger.span().begin());
    window_ = std::move(larger);
  } else {
    std::memmove(window_.span().data(), kept.data(), kept.size());
  }
  base_ = base;
  filled_ = kept.size();
}

io::Task<Status> SequentialReader::Fill() {
  // A whole number of blocks unless the window ends where the object does.
  const std::uint64_t next = base_ + filled_;
  std::span<std::byte> out = window_.span().subspan(filled_);
  if (!large_ && out.size() > end_ - next) out = out.first(static_cast<std::size_t>(end_ - next));
  const Result<std::size_t> read = co_await object_->ReadSome(next, out);
  if (!read) co_return Fail(read.error());
  if (*read < out.size() && next + *read < end_) {
    co_return Fail(
        object_->Locate(Error(ErrorCode::kErrUnexpected, "the file ends here, but it was longer")
                            .WithOffset(next + *read)));
  }
  filled_ += *read;
  co_return Status();
}

io::Task<Result<ByteView>> SequentialReader::Peek(std::size_t size) {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, remaining()));
  if (there() < wanted) {
    MakeRoom(wanted);
    if (Status filled = co_await Fill(); !filled) co_return Fail(std::move(filled).error());
  }
  if (there() == 0) co_return ByteView();
  const auto begin = static_cast<std::size_t>(offset_ - base_);
  co_return ByteView(window_.span()).subspan(begin, there());
}

}  // namespace obbak::dest
