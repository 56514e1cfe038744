#include "dest/object_reader.h"

#include <fmt/format.h>

#include <algorithm>
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

io::Task<Result<ByteView>> SequentialReader::Peek(std::size_t size) {
  if (window_.size() - begin_ < size && next_ < end_) {
    window_.erase(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
    const std::size_t kept = window_.size();
    const auto more = static_cast<std::size_t>(
        std::min<std::uint64_t>(std::max(size - kept, kWindow), end_ - next_));
    window_.resize(kept + more);
    Status status = co_await object_->Read(next_, std::span(window_).subspan(kept));
    if (!status) {
      window_.resize(kept);
      co_return Fail(std::move(status).error());
    }
    next_ += more;
  }
  co_return ByteView(window_).subspan(begin_);
}

}  // namespace obbak::dest
