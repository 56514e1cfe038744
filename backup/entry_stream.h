// EntryStream: index entries of a destination, one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backup/set_context.h"
#include "base/bytes.h"
#include "base/result.h"
#include "dest/dest_store.h"
#include "format/backup_data_file.h"
#include "format/backup_index_file.h"
#include "format/backup_index_records.h"
#include "format/backup_path.h"
#include "io/medium.h"
#include "io/task.h"

namespace obbak::backup {

template <class Entry>
class EntryStream {
 public:
  virtual ~EntryStream() = default;
  // Moves to the next entry; false at the end.
  virtual io::Task<Result<bool>> Next() = 0;
  // Precondition: Next() gave true.
  virtual const Entry& entry() const = 0;
};

// Walks the blocks in a part of a file: each begins where the last one ended.
class BlockWalk {
 public:
  // Nothing, until Begin.
  BlockWalk() = default;

  io::Task<Status> Open(const dest::DestStore& store, format::BackupPath path);
  std::uint64_t file_size() const { return reader_->size(); }
  // Exactly these bytes; kErrUnexpected when the file is shorter.
  io::Task<Result<Bytes>> Read(format::ByteRange range);
  void Begin(format::ByteRange range) { rest_ = range; }
  bool at_end() const { return rest_.length == 0; }
  // The block that comes next, at most kMaxIndexBlockSize; `range()` says where it is. The view
  // lives until the next call. `size_of` tells a block's size from its first bytes.
  using SizeOf = Result<std::uint64_t> (*)(ByteView head);
  io::Task<Result<ByteView>> NextBlock(SizeOf size_of);
  format::ByteRange range() const { return range_; }
  // Says in which file the error was found.
  Error Locate(Error error) const;

 private:
  std::string path_;
  std::unique_ptr<io::MediumReader> reader_;
  format::ByteRange rest_;
  format::ByteRange range_;
  Bytes buffer_;
};

// What the data files of an attempt add to a macro range index (Entry BackupMacroRangeIndex) or to
// the meta indexes (BackupMetaIndex), in file order.
template <class Entry>
class AttemptStream final : public EntryStream<Entry> {
 public:
  // Which metas; means nothing for macro ranges.
  enum class Metas { kRecords, kMappings };

  AttemptStream(const SetContext& context, FinishedAttempt attempt, Metas metas);

  io::Task<Result<bool>> Next() override;
  const Entry& entry() const override { return entries_[at_]; }

 private:
  io::Task<Status> OpenFile();
  // The entries of the next list block.
  io::Task<Status> LoadBlock();
  Result<std::vector<Entry>> Decode(ByteView block) const;

  const SetContext& context_;
  FinishedAttempt attempt_;
  Metas metas_;
  std::int64_t next_file_ = 0;
  BlockWalk walk_;
  std::vector<Entry> entries_;
  std::size_t at_ = 0;
};

// The leaves of an index file.
template <class Entry>
class IndexFileStream final : public EntryStream<Entry> {
 public:
  IndexFileStream(dest::DestStore store, format::BackupPath path)
      : store_(store), path_(std::move(path)) {}

  io::Task<Result<bool>> Next() override;
  const Entry& entry() const override { return block_.entries[at_]; }

 private:
  io::Task<Status> Open();

  dest::DestStore store_;
  format::BackupPath path_;
  bool is_open_ = false;
  BlockWalk walk_;
  format::IndexBlock<Entry> block_;
  std::size_t at_ = 0;
};

// Trailer of a data file.
io::Task<Result<format::BackupDataFileTrailer>> ReadDataFileTrailer(BlockWalk& file);

}  // namespace obbak::backup
