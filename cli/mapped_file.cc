#include "cli/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace obbak::cli {
namespace {

std::unexpected<Error> SystemError(const std::filesystem::path& path) {
  const int number = errno;
  return Fail(Error(number == ENOENT ? ErrorCode::kFileNotExist : ErrorCode::kIoError,
                    std::generic_category().message(number))
                  .WithPath(path.string()));
}

}  // namespace

Result<MappedFile> MappedFile::Open(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return SystemError(path);
  struct stat status{};
  void* address = nullptr;
  bool ok = ::fstat(descriptor, &status) == 0;
  const auto size = static_cast<std::size_t>(status.st_size);
  if (ok && S_ISDIR(status.st_mode)) {
    errno = EISDIR;
    ok = false;
  }
  if (ok && size > 0) {
    address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    ok = address != MAP_FAILED;
  }
  if (!ok) {
    auto error = SystemError(path);
    ::close(descriptor);
    return error;
  }
  ::close(descriptor);
  return MappedFile(ByteView(static_cast<const std::byte*>(address), size));
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  // munmap takes the address as mmap gave it, without const.
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace obbak::cli
