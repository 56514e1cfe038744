// Which macro blocks need no copy, because another set or an earlier turn has them.
// docs/spec/backup-data-files.md §9.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "dest/block_cache.h"
#include "dest/data_files.h"
#include "dest/index_file.h"
#include "format/backup_index_records.h"
#include "format/backup_path.h"
#include "format/macro_block_ids.h"
#include "io/task.h"

namespace obbak::backup {

// The indexes in which major data is looked up, in order: that of an incremental set's predecessor,
// then that of the turn before. One for all log streams of a phase.
class MacroReuse {
 public:
  // `sets`: all whose blocks the indexes can name, this one included.
  MacroReuse(dest::DestStore store, std::vector<dest::SetName> sets)
      : store_(store), cache_(kCacheSize), files_(store, std::move(sets), &cache_) {}

  io::Task<Status> AddIndex(format::BackupPath index);
  bool empty() const { return indexes_.empty(); }

  // Where the block is; none: it must be copied.
  io::Task<Result<std::optional<format::BackupPhysicalId>>> Find(format::LogicMacroBlockId id);

 private:
  static constexpr std::size_t kCacheSize = std::size_t{8} << 20;

  dest::DestStore store_;
  dest::BlockCache cache_;
  dest::DataFiles files_;
  std::vector<std::unique_ptr<dest::MacroRangeIndexFile>> indexes_;
};

}  // namespace obbak::backup
