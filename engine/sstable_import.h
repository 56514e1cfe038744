// SSTables out of a backup: macro blocks as they are, with new trees above them.
// docs/spec/backup-data-files.md §12, §15.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "engine/compaction.h"
#include "engine/sstable.h"
#include "engine/sstable_store.h"
#include "format/macro_block_ids.h"
#include "format/sstable_meta.h"
#include "io/buffer_pool.h"
#include "io/task.h"

namespace obbak::engine {

// Where the data macro blocks of one SSTable come from.
class MacroBlockSource {
 public:
  virtual ~MacroBlockSource() = default;
  // Reads data macro block `index`, in key order, into `buffer`, whose memory is aligned to
  // io::Disk::kAlignment, and says where in there it is. Several may run beside each other.
  virtual io::Task<Result<ByteView>> Read(std::size_t index, std::span<std::byte> buffer) = 0;
  // Says where the block was found in which something is wrong; an offset that is there counts from
  // its begin.
  virtual Error Locate(Error error, std::size_t index) const = 0;
};

// The SSTable that `meta` describes, of a tablet with this format, in blocks of its own in
// `store.blocks`. Every block is checked, on the worker pool: it is the one that logic_id_list
// names, and together they have the sums that the meta says. Buffers of `buffers`, each of which
// takes one block and whatever `source` puts around it, are all the memory for blocks; others may
// share them.
//
// Its blocks are durable after store.blocks.Sync(), not before. After an error they are free again.
// kChecksumError or kInvalidData says which block, or which sum differs; kNotSupported for SSTables
// that obbak does not have.
io::Task<Result<std::shared_ptr<const Sstable>>> ImportSstable(SstableStore store,
                                                               TabletFormat format,
                                                               format::BackupSstableMeta meta,
                                                               MacroBlockSource& source,
                                                               io::BufferPool& buffers);

}  // namespace obbak::engine
