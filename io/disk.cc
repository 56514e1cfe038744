#include "io/disk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>

namespace obbak::io {
namespace {

constexpr auto kMaxOffset = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

bool IsAligned(const FileRequest& request) {
  return request.offset % Disk::kAlignment == 0 && request.size % Disk::kAlignment == 0 &&
         reinterpret_cast<std::uintptr_t>(request.data) % Disk::kAlignment == 0;
}

std::string_view KindName(FileRequest::Kind kind) {
  switch (kind) {
    case FileRequest::Kind::kRead:
      return "read";
    case FileRequest::Kind::kWrite:
      return "write";
    case FileRequest::Kind::kSync:
      return "sync";
    case FileRequest::Kind::kAllocate:
      return "allocate";
  }
  return "unknown operation";
}

ErrorCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::kFileNotExist;
    case EEXIST:
    case ENOTEMPTY:
      return ErrorCode::kEntryExist;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ErrorCode::kServerOutofDiskSpace;
    case EINVAL:
    case EISDIR:
      return ErrorCode::kInvalidArgument;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kOpNotAllow;
    case ETIMEDOUT:
    case ESTALE:
    case ENOTCONN:
    case EHOSTDOWN:
    case EHOSTUNREACH:
      return ErrorCode::kTimeout;
    case ECANCELED:
      return ErrorCode::kCanceled;
    default:
      return ErrorCode::kIoError;
  }
}

}  // namespace

Error ErrnoError(int error, std::string_view doing, std::string path) {
  Error result(CodeOf(error), fmt::format("{}: {}", doing, std::generic_category().message(error)));
  return std::move(result).WithPath(std::move(path));
}

File::ReadOperation File::Read(std::uint64_t offset, std::span<std::byte> out) {
  return ReadOperation(*this, FileRequest::Kind::kRead, offset, out.size(), out.data(),
                       Durability::kNone);
}

File::WriteOperation File::Write(std::uint64_t offset, ByteView data, Durability durability) {
  return WriteOperation(*this, FileRequest::Kind::kWrite, offset, data.size(),
                        const_cast<std::byte*>(data.data()), durability);
}

File::WriteOperation File::Sync() {
  return WriteOperation(*this, FileRequest::Kind::kSync, 0u, 0u, nullptr, Durability::kNone);
}

File::WriteOperation File::Allocate(std::uint64_t offset, std::uint64_t size) {
  return WriteOperation(*this, FileRequest::Kind::kAllocate, offset, size, nullptr,
                        Durability::kNone);
}

bool File::Operation::await_ready() {
  const bool transfers =
      request_.kind == FileRequest::Kind::kRead || request_.kind == FileRequest::Kind::kWrite;
  if (request_.offset > kMaxOffset || request_.size > kMaxOffset - request_.offset ||
      (transfers && request_.file->direct() && !IsAligned(request_))) {
    request_.error = EINVAL;
    return true;
  }
  return request_.size == 0 && request_.kind != FileRequest::Kind::kSync;
}

Error File::Operation::MakeError() const {
  std::string doing(KindName(request_.kind));
  if (request_.kind != FileRequest::Kind::kSync) doing += fmt::format(" {} bytes", request_.size);
  if (request_.error == EINVAL && request_.file->direct() && !IsAligned(request_)) {
    doing += fmt::format(", direct I/O needs multiples of {}", Disk::kAlignment);
  }
  Error error = ErrnoError(request_.error, doing, request_.file->path());
  if (request_.kind == FileRequest::Kind::kSync) return error;
  return std::move(error).WithOffset(request_.offset);
}

Result<std::size_t> File::ReadOperation::await_resume() const {
  if (request_.error != 0) return Fail(MakeError());
  return static_cast<std::size_t>(request_.transferred);
}

Status File::WriteOperation::await_resume() {
  if (request_.error != 0) return Fail(MakeError());
  File& file = *request_.file;
  if (request_.size > 0) file.size_ = std::max(file.size_, request_.offset + request_.size);
  return Status();
}

}  // namespace obbak::io
