// ClogFiles: the block files of one clog, by name and header. What lies in the blocks is not its
// business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/env.h"
#include "format/ids.h"
#include "format/ls_meta_records.h"
#include "format/lsn.h"
#include "io/disk.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::engine {

// A file named `<block_id>` has a valid header, and all files from some block on up to the last one
// are there. A file that is being made ready, or kept for a new block, is named `*.tmp`; Load
// removes such files.
//
// New files are zeros; files of recycled blocks are taken as they are. What is left in them is an
// older part of the same log: all its log ids are smaller than those of the block that comes, and
// thus no LogReader takes it for a continuation.
class ClogFiles {
 public:
  // What is known of a block that has a file.
  struct Block {
    format::Scn first_scn;                     // invalid: no entry yet
    std::optional<format::PalfBaseInfo> base;  // the log's state at the block's start
  };
  struct BlockFile {
    std::unique_ptr<io::File> file;
    // Up to here the file has been written once; overwriting is cheap. Not below the header area.
    std::uint64_t written_end = 0;
  };

  ClogFiles(Env env, std::string dir, format::LsId ls_id, std::size_t zero_ahead,
            std::size_t max_spares);

  // Looks which files there are. A gap is what an interrupted Recycle leaves: what lies below the
  // last one that is not above `start_block` is removed. Fails with kFileNotExist when
  // `start_block` or one behind it is missing.
  io::Task<Status> Load(std::uint64_t start_block);
  // Fails with kEntryExist when there is any block file.
  io::Task<Status> CheckEmpty();

  std::string PathOf(std::uint64_t block_id) const;
  const std::map<std::uint64_t, Block>& blocks() const { return blocks_; }
  // Precondition: the block has a file.
  Block& block(std::uint64_t block_id) { return blocks_.at(block_id); }

  // For reading. Does not look at the header.
  io::Task<Result<std::unique_ptr<io::File>>> Open(std::uint64_t block_id, bool read_only);
  // Of a file's first bytes; fails unless it is this block's valid header. The SCN in it is that of
  // the block's first entry, once it has one.
  Result<format::Scn> CheckHeader(ByteView file, std::uint64_t block_id) const;

  // Makes a file ready for Begin(block_id), so that Begin has little left to do. No file is left
  // half-named by a failure; may be tried again.
  io::Task<Status> Prepare(std::uint64_t block_id);
  // The file of a new block: header written, name durable. `block_id` is one above the last
  // block's.
  io::Task<Result<BlockFile>> Begin(std::uint64_t block_id, format::Scn first_scn);
  // Writes the header of a block that was begun and has no entry yet.
  io::Task<Status> WriteHeader(io::File& file, std::uint64_t block_id, format::Scn first_scn);

  // Removes blocks below `block_id`, or keeps their files; never the last block.
  io::Task<Status> Recycle(std::uint64_t block_id);

 private:
  std::string TemporaryPath(std::uint64_t block_id) const { return PathOf(block_id) + ".tmp"; }
  io::Task<Status> LoadHeader(std::uint64_t block_id);
  io::Task<Result<BlockFile>> MakeFile(std::string path);
  io::Task<Result<BlockFile>> TakeSpare(std::string path);

  Env env_;
  std::string dir_;
  format::LsId ls_id_;
  std::size_t zero_ahead_;
  std::size_t max_spares_;
  std::map<std::uint64_t, Block> blocks_;
  // Files of recycled blocks, whose names are durable.
  std::vector<std::string> spares_;
  std::optional<std::uint64_t> prepared_block_;
  BlockFile prepared_;
  // One Prepare or Begin at a time, one Recycle at a time.
  io::Mutex preparing_;
  io::Mutex recycling_;
};

}  // namespace obbak::engine
