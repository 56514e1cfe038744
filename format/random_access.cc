#include "format/random_access.h"

#include <fmt/format.h>

namespace obbak::format {

RandomAccess RandomAccess::Of(ByteView file) {
  return {file.size(), [file](ByteRange range) -> Result<Bytes> {
            const ByteView bytes = file.subspan(static_cast<std::size_t>(range.offset),
                                                static_cast<std::size_t>(range.length));
            return Bytes(bytes.begin(), bytes.end());
          }};
}

Result<Bytes> RandomAccess::Read(ByteRange range) const {
  if (range.offset > size_ || range.length > size_ - range.offset) {
    return Fail(
        Error(ErrorCode::kErrUnexpected,
              fmt::format("{} bytes are to be read, the file has {} in all", range.length, size_))
            .WithOffset(range.offset));
  }
  Result<Bytes> bytes = read_(range);
  if (bytes && bytes->size() != range.length) {
    return Fail(Error(ErrorCode::kErrUnexpected,
                      fmt::format("{} of {} bytes could be read", bytes->size(), range.length))
                    .WithOffset(range.offset));
  }
  return bytes;
}

}  // namespace obbak::format
