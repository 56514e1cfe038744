#include "io/medium.h"

#include <fmt/format.h>

#include <utility>

namespace obbak::io {

Task<Result<Bytes>> ReadAll(Medium& medium, std::string path, std::uint64_t max_size) {
  const std::string full_path = medium.location() + "/" + path;
  Result<std::unique_ptr<MediumReader>> reader = co_await medium.Open(std::move(path));
  if (!reader) co_return Fail(std::move(reader).error());
  const std::uint64_t size = (*reader)->size();
  if (size > max_size) {
    co_return Fail(
        Error(ErrorCode::kSizeOverflow,
              fmt::format("it has {} bytes, more than the {} that it may have", size, max_size))
            .WithPath(full_path));
  }
  Bytes bytes(static_cast<std::size_t>(size));
  const Result<std::size_t> read = co_await (*reader)->Read(0, bytes);
  if (!read) co_return Fail(read.error());
  if (*read != bytes.size()) {
    co_return Fail(Error(ErrorCode::kIoError,
                         fmt::format("it was {} bytes long and now ends after {}", size, *read))
                       .WithPath(full_path)
                       .WithOffset(*read));
  }
  co_return bytes;
}

}  // namespace obbak::io
