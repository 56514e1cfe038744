// DataFileSink: the data files of one attempt, written while the next macro blocks are read and
// checked. docs/spec/backup-data-files.md §3, §7.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backup/object_sink.h"
#include "backup/set_context.h"
#include "backup/tablet_items.h"
#include "base/result.h"
#include "format/backup_data_file.h"
#include "format/backup_index_records.h"
#include "format/macro_block_check.h"
#include "format/sstable_meta.h"
#include "io/buffer_pool.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::backup {

// Items come in the order of §7. Macro blocks go from the block file into a buffer of the pool and
// from there to the medium's writer; metas of a file are kept until its last macro block is
// written. A file has as many items as would fill data_file_size with whole macro blocks, or fewer
// when its metas are large. The set's statistics count a file when it is complete.
class DataFileSink {
 public:
  // Macro blocks that are read and checked at the same time, if there are buffers for them.
  static constexpr std::size_t kReadAhead = 4;

  DataFileSink(SetContext& context, AttemptId attempt);
  // End() comes before.
  ~DataFileSink();
  DataFileSink(const DataFileSink&) = delete;
  DataFileSink& operator=(const DataFileSink&) = delete;

  // Copies a block; `place`, which outlives this or is part of what EndTablet gets, says where it
  // is once it is written. `sstable` holds the block.
  io::Task<Status> AddBlock(MacroItem item, std::shared_ptr<const engine::Sstable> sstable,
                            format::BackupPhysicalId& place);
  io::Task<Status> AddMeta(format::BackupMetaKey key, Bytes payload);
  // Everything of the tablet was added, or is in the files of others.
  void EndTablet(format::TabletId tablet,
                 std::unique_ptr<format::BackupMacroBlockIdMappingsMeta> mappings);
  // The last file. After a failure, of whoever, nothing of the file that was being written stays.
  io::Task<Status> End(Status status);

  // Complete files.
  std::int64_t files() const { return files_; }

 private:
  struct Block;
  struct OpenFile;
  struct Meta {
    format::BackupMetaKey key;
    Bytes payload;
  };
  struct Ended {
    format::TabletId tablet;
    std::unique_ptr<format::BackupMacroBlockIdMappingsMeta> mappings;
  };

  static io::Task<void> Read(DataFileSink& sink, Block& block);
  static io::Task<Status> ReadAndCheck(DataFileSink& sink, Block& block);
  // Room for one more item in the file that is being written.
  io::Task<Status> MakeRoom();
  // Of the file that is being written, or comes next.
  std::string PathOfFile() const;
  io::Task<Status> OpenNextFile();
  // Waits for the oldest block and writes it.
  io::Task<Status> WriteBlock();
  io::Task<Status> WriteRecord(const Block& block);
  io::Task<Status> WriteMetas();
  io::Task<Status> CloseFile();
  // Counts what was in the file that is complete now.
  void CountFile(std::uint64_t size);

  SetContext& context_;
  AttemptId attempt_;
  std::size_t max_items_;
  std::int64_t files_ = 0;

  std::unique_ptr<OpenFile> file_;
  std::size_t items_ = 0;  // in it
  std::int64_t macro_blocks_ = 0;
  std::size_t meta_bytes_ = 0;
  std::vector<Meta> metas_;
  std::vector<Ended> ended_;

  std::deque<std::unique_ptr<Block>> blocks_;  // being read, or waiting to be written
  io::TaskGroup reads_;
  io::WaitQueue block_read_;
};

}  // namespace obbak::backup
