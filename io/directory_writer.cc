#include "io/directory_writer.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

namespace obbak::io {

DirectoryWriter::DirectoryWriter(Loop& loop, DirectoryTree& tree, std::string path,
                                 TemporaryFile file)
    : tree_(tree),
      path_(std::move(path)),
      temporary_(std::move(file)),
      writes_(loop),
      chunk_free_(loop) {}

Task<Status> DirectoryWriter::Write(ByteView bytes) {
  while (!bytes.empty()) {
    while (filling().in_flight) co_await chunk_free_.Wait();
    if (failure_) co_return Fail(tree_.Locate(*failure_, path_));
    Chunk& chunk = filling();
    if (chunk.memory.size() == 0) chunk.memory = AlignedBytes(kBufferSize);
    const std::size_t size = std::min(bytes.size(), kBufferSize - chunk.used);
    std::memcpy(chunk.memory.span().data() + chunk.used, bytes.data(), size);
    chunk.used += size;
    bytes = bytes.subspan(size);
    if (chunk.used == kBufferSize) {
      StartWriting(kBufferSize);
      filling_ = (filling_ + 1) % kBuffers;
      offset_ += kBufferSize;
    }
  }
  co_return Status();
}

void DirectoryWriter::StartWriting(std::size_t size) {
  filling().in_flight = true;
  writes_.Spawn(WriteChunk(*this, filling(), offset_, size));
}

Task<void> DirectoryWriter::WriteChunk(DirectoryWriter& writer, Chunk& chunk, std::uint64_t offset,
                                       std::size_t size) {
  const ByteView bytes = chunk.memory.span().first(size);
  const Status written = co_await writer.temporary_.file->Write(offset, bytes);
  if (!written && !writer.failure_) writer.failure_ = written.error();
  chunk.used = 0;
  chunk.in_flight = false;
  writer.chunk_free_.WakeAll();
}

Task<Status> DirectoryWriter::Settle() {
  co_await writes_.Join();
  if (failure_) co_return Fail(*failure_);
  co_return Status();
}

Task<Status> DirectoryWriter::WriteRest() {
  if (Status settled = co_await Settle(); !settled) co_return settled;
  const Chunk& last = filling();
  const std::size_t used = last.used;
  const auto whole = static_cast<std::size_t>(AlignDown(used));
  if (whole > 0) {
    StartWriting(whole);
    if (Status settled = co_await Settle(); !settled) co_return settled;
    offset_ += whole;
  }
  if (used == whole) co_return Status();
  co_return co_await WriteTail(last.memory.span().subspan(whole, used - whole));
}

Task<Status> DirectoryWriter::WriteTail(ByteView tail) {
  Result<std::unique_ptr<File>> file = co_await tree_.disk().Open(temporary_.path, OpenOptions());
  if (!file) co_return Fail(std::move(file).error());
  co_return co_await (*file)->Write(offset_, tail);
}

Task<Status> DirectoryWriter::Complete() {
  Status status = co_await WriteRest();
  if (status) status = co_await temporary_.file->Sync();
  if (status) {
    temporary_.file.reset();
    status = co_await tree_.Publish(temporary_.path, path_);
  }
  if (!status) co_return Fail(tree_.Locate(status.error(), path_));
  co_return status;
}

Task<void> DirectoryWriter::Abort() {
  co_await writes_.Join();
  temporary_.file.reset();
  co_await tree_.Discard(temporary_.path);
}

}  // namespace obbak::io
