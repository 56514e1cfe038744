// IndexFile: a macro range index or meta index of a destination, for look-ups and from front to
// back. docs/spec/backup-data-files.md §5.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "dest/block_cache.h"
#include "dest/dest_store.h"
#include "dest/object_reader.h"
#include "format/backup_file_headers.h"
#include "format/backup_index_file.h"
#include "format/backup_index_records.h"
#include "io/task.h"

namespace obbak::dest {

// For BackupMacroRangeIndex and BackupMetaIndex.
template <class Entry>
class IndexFile {
 public:
  // `cache`, which may be null, must outlive it.
  static io::Task<Result<std::unique_ptr<IndexFile>>> Open(DestStore store, format::BackupPath path,
                                                           BlockCache* cache);

  // As format::IndexSearch: of metas the entry with that key; of macro ranges the first that does
  // not end below it. None when there is no such entry. Several may run beside each other.
  io::Task<Result<std::optional<Entry>>> Find(typename Entry::Key key);

  const ObjectReader& object() const { return *object_; }

 private:
  template <class E>
  friend class IndexScan;

  IndexFile(std::shared_ptr<ObjectReader> object, format::BackupMultiLevelIndexTrailer trailer,
            BlockCache* cache);
  io::Task<Result<std::shared_ptr<const Bytes>>> ReadBlock(format::ByteRange range);

  std::shared_ptr<ObjectReader> object_;
  format::BackupMultiLevelIndexTrailer trailer_;
  BlockCache* cache_;
  std::uint64_t number_;  // in the cache
};

// All entries of an index file in its order, without the tree above them.
template <class Entry>
class IndexScan {
 public:
  // The file may be closed meanwhile.
  explicit IndexScan(const IndexFile<Entry>& file);

  // The entries of the next leaf; none at the end.
  io::Task<Result<std::vector<Entry>>> Next();

 private:
  SequentialReader reader_;
};

extern template class IndexFile<format::BackupMacroRangeIndex>;
extern template class IndexFile<format::BackupMetaIndex>;
extern template class IndexScan<format::BackupMacroRangeIndex>;
extern template class IndexScan<format::BackupMetaIndex>;

using MacroRangeIndexFile = IndexFile<format::BackupMacroRangeIndex>;
using MetaIndexFile = IndexFile<format::BackupMetaIndex>;

}  // namespace obbak::dest
