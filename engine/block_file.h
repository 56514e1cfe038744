// BlockFile: the file that holds the macro blocks of one tenant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/macro_block_ids.h"
#include "io/disk.h"
#include "io/loop.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::engine {

// Slots of 2 MiB; slot 0 holds the superblock, every other one a macro block or nothing. The file
// itself does not say which slots are in use: the manifest's SSTables do.
//
// A slot is in use as long as somebody refers to it. Opening a tenant means: open the file, make an
// Sstable of each one that the manifest names - which refers to its blocks -, and only then
// allocate. Whoever drops an SSTable from the manifest keeps the object until the manifest's change
// is durable, so that no block which a restart would need is overwritten.
//
// MacroBlockId::second is the slot. MacroBlockId::first counts allocations: no two blocks have the
// same id, though they lie in the same slot one after the other.
class BlockFile {
 public:
  struct Options {
    std::string path;
    // Who may open the file.
    std::int64_t cluster_id = 0;
    std::uint64_t tenant_id = 0;
    // Bytes that the file may take, superblock included. At least two slots.
    std::uint64_t max_size = 0;
    // The file grows by so many bytes at a time.
    std::uint64_t growth = std::uint64_t{64} << 20;
  };
  struct Statistics {
    std::uint64_t slots = 0;       // of the file as it is, without the superblock's
    std::uint64_t used_slots = 0;  // that somebody refers to
    std::uint64_t max_slots = 0;   // that the file may have
    std::uint64_t blocks_written = 0;
    std::uint64_t bytes_written = 0;
    std::uint64_t reads = 0;
    std::uint64_t bytes_read = 0;
  };

  // A new, empty file; durable when it returns. kEntryExist when `options.path` exists.
  static io::Task<Result<std::unique_ptr<BlockFile>>> Create(io::Loop& loop, io::Disk& disk,
                                                             Options options);
  // kFileNotExist; kInvalidData when it is no block file; kChecksumError when its superblock is
  // damaged; kVersionNotMatch for one of another format; kStateNotMatch for one of another tenant.
  // A file larger than `max_size` is used as it is, but does not grow.
  static io::Task<Result<std::unique_ptr<BlockFile>>> Open(io::Loop& loop, io::Disk& disk,
                                                           Options options);

  BlockFile(const BlockFile&) = delete;
  BlockFile& operator=(const BlockFile&) = delete;
  // Precondition: nobody uses it any more.
  ~BlockFile() = default;

  // A free slot, with one reference. kServerOutofDiskSpace when none is left and the file may not
  // grow, or the disk is full.
  io::Task<Result<format::MacroBlockId>> Allocate();
  // One more reference. kInvalidData when the file has no such slot, or another block lies there.
  Status AddReference(const format::MacroBlockId& id);
  // One reference less; with the last one the slot is free. Precondition: there is one.
  void Release(const format::MacroBlockId& id);

  // The block's bytes from its begin on: a multiple of io::Disk::kAlignment, at most 2 MiB, aligned
  // memory. Not durable before Sync(). Precondition: the caller has a reference.
  io::Task<Status> Write(const format::MacroBlockId& id, ByteView bytes);
  // All writes that have returned are on stable storage.
  io::Task<Status> Sync();
  // Bytes of a block from `offset` on. Offset, size and memory aligned to io::Disk::kAlignment,
  // within the slot; kInvalidData when the file ends before that.
  io::Task<Status> Read(const format::MacroBlockId& id, std::size_t offset,
                        std::span<std::byte> bytes);

  // Says where an error was found: "FILE macro block 7"; an offset that is there counts from the
  // begin of the block, after adding `offset`.
  Error Locate(Error error, const format::MacroBlockId& id, std::size_t offset = 0) const;

  const std::string& path() const { return options_.path; }
  Statistics statistics() const;

 private:
  struct Slot {
    std::int64_t first = 0;  // of the block's id; meaningless without references
    std::uint32_t references = 0;
  };

  BlockFile(io::Loop& loop, Options options, std::unique_ptr<io::File> file);

  io::Task<Status> Grow();
  void AddSlots(std::uint64_t file_size);
  Slot* Find(const format::MacroBlockId& id);

  Options options_;
  std::unique_ptr<io::File> file_;
  std::vector<Slot> slots_;  // [0] is the superblock's
  // Lowest first, so that the file stays dense.
  std::set<std::size_t> free_;
  std::int64_t next_first_ = 1;
  io::Mutex growing_;
  Statistics statistics_;
};

}  // namespace obbak::engine
