// TabletRestore: the tablets of a chain of sets become tablets of a tenant.
// docs/spec/backup-data-files.md §15, docs/spec/procedures.md §4.6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "dest/block_cache.h"
#include "dest/data_files.h"
#include "dest/dest_store.h"
#include "engine/sstable.h"
#include "engine/tenant_builder.h"
#include "format/backup_set_records.h"
#include "format/ids.h"
#include "format/tablet_meta.h"
#include "io/buffer_pool.h"
#include "io/sync.h"
#include "io/task.h"
#include "restore/set_contents.h"

namespace obbak::restore {

struct TabletRestoreCounts {
  std::size_t tablets = 0;
  std::uint64_t macro_blocks = 0;
  std::uint64_t bytes = 0;  // of macro blocks
  double part_done = 0;     // of the tablets, those that were dropped included
};

// Several tablets are under way at the same time, each with several macro blocks; memory is a fixed
// number of buffers of one block, however many tablets there are.
class TabletRestore {
 public:
  // `sets`: the chain, ascending, in the data destination `data`; never empty. `builder` has the
  // log streams. `concurrency`: buffers for macro blocks. `progress` is called after each block.
  TabletRestore(dest::DestStore data, std::vector<format::BackupSetFileDesc> sets,
                engine::TenantBuilder& builder, std::size_t concurrency,
                std::function<void(const TabletRestoreCounts&)> progress);
  TabletRestore(const TabletRestore&) = delete;
  TabletRestore& operator=(const TabletRestore&) = delete;

  // Errors name set, file and offset. Afterwards nothing goes on, and the builder knows which
  // tablets must have been dropped.
  io::Task<Status> Run(std::vector<BackedUpLogStream> log_streams);

  const TabletRestoreCounts& counts() const { return counts_; }

 private:
  class Blocks;
  struct Job {
    format::LsId ls;  // whose inner tablet it is; of others their meta says that
    format::TabletId tablet;
  };
  using SstablePtr = std::shared_ptr<const engine::Sstable>;

  io::Task<Status> OpenIndexes(const std::vector<BackedUpLogStream>& log_streams);
  // Takes jobs until none is left or something has failed.
  io::Task<void> Work();
  io::Task<Status> Do(Job job);
  io::Task<Status> RestoreInner(Job job);
  io::Task<Status> RestoreUser(format::TabletId tablet);
  // Newest first, as tablets have them.
  io::Task<Result<std::vector<SstablePtr>>> Import(format::DataType type,
                                                   const format::MigrationTabletParam& meta,
                                                   std::vector<BackedUpSstable> sstables);

  format::BackupSetFileDesc last_;
  dest::BlockCache cache_;
  dest::DataFiles files_;
  dest::SetReader set_;
  engine::TenantBuilder* builder_;
  io::BufferPool buffers_;
  std::size_t workers_;
  std::function<void(const TabletRestoreCounts&)> progress_;

  std::map<format::LsId, std::unique_ptr<DataMetas>> sys_;
  std::unique_ptr<DataMetas> minor_;
  std::unique_ptr<DataMetas> major_;
  std::vector<Job> jobs_;
  std::size_t next_job_ = 0;
  std::size_t done_jobs_ = 0;
  std::vector<format::TabletId> dropped_;
  Status failed_;  // the first failure
  TabletRestoreCounts counts_;
};

}  // namespace obbak::restore
