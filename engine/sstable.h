// Sstable: the immutable rows of a tablet in macro blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "engine/key_range.h"
#include "engine/micro_block_cache.h"
#include "engine/row_iterator.h"
#include "engine/sstable_store.h"
#include "format/column.h"
#include "format/local_sstable_meta.h"
#include "format/macro_block_writer.h"
#include "format/micro_block_reader.h"
#include "format/table_key.h"
#include "io/task.h"

namespace obbak::engine {

// Takes the versions of one key that a point read finds.
class VersionSink {
 public:
  // `row` lives during the call. False: enough, nothing older is wanted.
  virtual bool Take(const RowVersion& row) = 0;

 protected:
  ~VersionSink() = default;
};

// Shared by its tablet and whoever reads it. Holds one reference on each of its blocks, from its
// creation until nobody holds it any more (see BlockFile about the manifest).
class Sstable : public std::enable_shared_from_this<Sstable> {
 public:
  // All versions, as a snapshot.
  static constexpr std::int64_t kNoSnapshot = INT64_MAX;

  // `schema`: the stored columns, hidden ones included. kInvalidData when it is not what `meta`
  // counts, when the index root in `meta` is damaged, or when a block is not in the block file.
  static Result<std::shared_ptr<const Sstable>> Create(const SstableStore& store,
                                                       format::TableKey key,
                                                       format::SstableMeta meta,
                                                       format::RowSchema schema);
  // The same from EncodedMeta(), as the manifest keeps it.
  static Result<std::shared_ptr<const Sstable>> Open(const SstableStore& store,
                                                     format::TableKey key, ByteView encoded_meta,
                                                     format::RowSchema schema);

  Sstable(const Sstable&) = delete;
  Sstable& operator=(const Sstable&) = delete;
  ~Sstable();

  const format::TableKey& key() const { return key_; }
  const format::SstableMeta& meta() const { return meta_; }
  const format::RowSchema& schema() const { return schema_; }
  Result<Bytes> EncodedMeta() const { return format::EncodeMeta(meta_); }

  bool is_major() const { return format::IsMajor(key_.table_type); }
  bool is_empty() const { return meta_.basic_meta.row_count == 0; }
  // Of the stored rows, shadow rows included.
  std::int64_t row_count() const { return meta_.basic_meta.row_count; }
  std::int64_t max_merged_trans_version() const {
    return meta_.basic_meta.max_merged_trans_version;
  }
  const SstableStore& store() const { return store_; }
  // The root of the index tree when the meta holds it; otherwise nullptr, and the meta says where
  // it is.
  const format::MicroBlockReader* index_root() const {
    return index_root_ ? &*index_root_ : nullptr;
  }
  std::size_t data_block_count() const { return meta_.macro_info.data_block_ids.size(); }
  // Slots of the block file, those of index and meta trees included. Shared ones count.
  std::size_t block_count() const {
    return data_block_count() + meta_.macro_info.other_block_ids.size();
  }

  // Hands `sink` the versions of `key` (all key columns, without the hidden ones) with a commit
  // version of at most `snapshot`, newest first. Where all of them are wanted, one row may stand
  // for them: it has the newest one's version, and all columns that they set. Reads only the micro
  // blocks it needs, through the cache. kNotSupported for a key whose order is unknown.
  io::Task<Status> Get(std::span<const format::Datum> key, std::int64_t snapshot,
                       VersionSink& sink) const;
  // The same when everything needed is in the cache, and true; otherwise false with `sink`
  // untouched: the caller awaits Get.
  Result<bool> TryGet(std::span<const format::Datum> key, std::int64_t snapshot,
                      VersionSink& sink) const;

  // All versions of all keys in `range`, whose cells are copied. The iterator keeps the SSTable
  // alive. A short range costs its micro blocks; a longer one is soon read in whole macro blocks,
  // one ahead, which do not go through the cache. Errors of a scan name block and offset.
  std::unique_ptr<RowIterator> NewIterator(const KeyRange& range, Direction direction) const;

  // The data macro blocks in key order, as the macro meta tree has them: end key, logical id, place
  // (meta.macro_id), sums.
  io::Task<Result<std::vector<format::DataBlockInfo>>> LoadDataBlocks() const;

 private:
  Sstable(const SstableStore& store, format::TableKey key, format::SstableMeta meta,
          format::RowSchema schema);
  Status Check() const;
  Status OpenIndexRoot();
  Status AddReferences();
  Status CheckKey(std::span<const format::Datum> key) const;

  SstableStore store_;
  format::TableKey key_;
  format::SstableMeta meta_;
  format::RowSchema schema_;
  std::optional<format::MicroBlockReader> index_root_;
  // Blocks that this refers to, in the order of meta_: data, then other ones.
  std::size_t references_ = 0;
};

}  // namespace obbak::engine
