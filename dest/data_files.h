// DataFiles: the data files of a chain of backup sets, as index entries and physical ids name them.
// docs/spec/backup-data-files.md §3, §5, §15.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "dest/block_cache.h"
#include "dest/dest_store.h"
#include "dest/index_file.h"
#include "dest/object_reader.h"
#include "format/backup_index_records.h"
#include "format/backup_path.h"
#include "format/random_access.h"
#include "io/task.h"

namespace obbak::dest {

// Which set, and so which directory.
struct SetName {
  format::BackupSetId id;
  format::BackupSetKind kind = format::BackupSetKind::kFull;
  bool operator==(const SetName&) const = default;
};

// Keeps the files that were used last open. Everything may run beside everything else. Of a set
// that is not among `sets` every read fails with kErrUnexpected.
class DataFiles {
 public:
  // `cache`, which may be null, must outlive it.
  DataFiles(DestStore store, std::vector<SetName> sets, BlockCache* cache)
      : store_(store), sets_(std::move(sets)), cache_(cache) {}

  // Where the macro block with that logical id lies; none if no set has it. `index` is the
  // tenant's macro range index of `type`; only that of major data finds everything.
  io::Task<Result<std::optional<format::BackupMacroBlockIndex>>> FindMacroBlock(
      MacroRangeIndexFile& index, format::DataType type, format::LogicMacroBlockId id);

  // Reads the macro block record that lies there and checks it; the payload is in `buffer`, which
  // has room for the record. With memory that is aligned to io::Disk::kAlignment nothing goes
  // through the page cache.
  io::Task<Result<ByteView>> ReadMacroBlock(format::DataType type, format::BackupDataFileId file,
                                            format::ByteRange record, std::span<std::byte> buffer);

  // Says that an error was found in that file; an offset that is there counts from `base`.
  Error Locate(Error error, format::DataType type, const format::BackupDataFileId& file,
               std::uint64_t base = 0) const;

  // The payload of a meta record, checked.
  io::Task<Result<Bytes>> ReadMeta(format::DataType type, format::BackupMetaIndex entry);

 private:
  static constexpr std::size_t kMaxOpen = 32;
  struct OpenFile {
    format::DataType type;
    format::BackupDataFileId id;
    std::shared_ptr<ObjectReader> object;
    std::uint64_t number;  // in the cache
  };

  // kErrUnexpected for a set that is not among ours.
  Result<format::BackupPath> PathOf(format::DataType type,
                                    const format::BackupDataFileId& id) const;
  // The file, now the first of open_.
  io::Task<Result<OpenFile>> Open(format::DataType type, format::BackupDataFileId id);
  const OpenFile* FindOpen(format::DataType type, const format::BackupDataFileId& id);
  io::Task<Result<std::shared_ptr<const Bytes>>> ReadIndexBlock(OpenFile file,
                                                                format::ByteRange range);

  DestStore store_;
  std::vector<SetName> sets_;
  BlockCache* cache_;
  // The last used first.
  std::list<OpenFile> open_;
};

}  // namespace obbak::dest
