// DirectoryWriter: writes a large object of a DirectoryMedium.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "io/aligned_bytes.h"
#include "io/directory_tree.h"
#include "io/loop.h"
#include "io/medium.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::io {

// Collects what it is given in a few large aligned buffers and writes each past the page cache as
// soon as it is full, while the next ones are filled. What is left at the end and no whole block
// goes through a second, ordinary handle. Space is not reserved ahead: with writes of this size
// that gains nothing.
class DirectoryWriter final : public MediumWriter {
 public:
  // One is filled while the others are written.
  static constexpr std::size_t kBuffers = 3;
  static constexpr std::size_t kBufferSize = std::size_t{4} << 20;

  // `file` was opened for direct writes.
  DirectoryWriter(Loop& loop, DirectoryTree& tree, std::string path, TemporaryFile file);

  Task<Status> Write(ByteView bytes) override;
  Task<Status> Complete() override;
  Task<void> Abort() override;

 private:
  struct Chunk {
    AlignedBytes memory;  // taken when it is first needed
    std::size_t used = 0;
    bool in_flight = false;
  };

  Chunk& filling() { return chunks_[filling_]; }
  // Begins to write the first `size` bytes of the chunk that is being filled.
  void StartWriting(std::size_t size);
  static Task<void> WriteChunk(DirectoryWriter& writer, Chunk& chunk, std::uint64_t offset,
                               std::size_t size);
  // Waits for all writes; the first failure, if any.
  Task<Status> Settle();
  Task<Status> WriteRest();
  Task<Status> WriteTail(ByteView tail);

  DirectoryTree& tree_;
  std::string path_;
  TemporaryFile temporary_;
  std::array<Chunk, kBuffers> chunks_;
  std::size_t filling_ = 0;
  std::uint64_t offset_ = 0;  // in the file, of the chunk that is being filled
  std::optional<Error> failure_;
  TaskGroup writes_;
  WaitQueue chunk_free_;
};

}  // namespace obbak::io
