// A simulated disk with a block file on it, and what tests ask of SSTables.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/block_file.h"
#include "engine/compaction.h"
#include "engine/micro_block_cache.h"
#include "engine/sstable.h"
#include "engine/sstable_store.h"
#include "format/macro_block_header.h"
#include "format/owned_key.h"
#include "io/aligned_bytes.h"
#include "io/buffer_pool.h"
#include "io/sim_world.h"
#include "io/sync.h"

namespace obbak::engine {

class SstableWorld {
 public:
  static BlockFile::Options FileOptions() {
    return {.path = "block_file",
            .cluster_id = 1,
            .tenant_id = 1002,
            .max_size = std::uint64_t{2} << 30,
            .growth = std::uint64_t{64} << 20};
  }

  explicit SstableWorld(std::uint64_t seed, std::size_t cache_bytes = 1 << 20,
                        std::size_t scan_buffers = 4)
      : world_(seed),
        cache_(cache_bytes),
        buffers_(world_.loop(), format::kMacroBlockSize, scan_buffers),
        background_(world_.loop()) {
    auto blocks = world_.loop().Run(BlockFile::Create(loop(), disk(), FileOptions()));
    if (!blocks) throw std::runtime_error(blocks.error().ToString());
    blocks_ = *std::move(blocks);
  }
  ~SstableWorld() { world_.loop().Run(background_.Join()); }
  SstableWorld(const SstableWorld&) = delete;
  SstableWorld& operator=(const SstableWorld&) = delete;

  io::Loop& loop() { return world_.loop(); }
  io::SimDisk& disk() { return world_.disk(); }
  io::Random& random() { return world_.random(); }
  BlockFile& blocks() { return *blocks_; }
  MicroBlockCache& cache() { return cache_; }
  SstableStore store() { return {loop(), *blocks_, cache_, buffers_, background_}; }

  template <class T>
  T Run(io::Task<T> task) {
    return loop().Run(std::move(task));
  }

  // As a restart does; no SSTable may be left.
  void Reopen() {
    Run(background_.Join());
    blocks_.reset();
    auto blocks = Run(BlockFile::Open(loop(), disk(), FileOptions()));
    ASSERT_TRUE(blocks) << blocks.error().ToString();
    blocks_ = *std::move(blocks);
  }

  // The block as it is stored, with its padding.
  Bytes Read(const format::MacroBlockId& id) {
    const io::AlignedBytes buffer(format::kMacroBlockSize);
    const Status status = Run(blocks_->Read(id, 0, buffer.span()));
    EXPECT_TRUE(status);
    const auto header = format::ReadMacroBlockCommonHeader(buffer.span());
    EXPECT_TRUE(header) << header.error().ToString();
    const std::size_t used =
        format::MacroBlockCommonHeader::kSize + static_cast<std::size_t>(header->payload_size);
    const auto bytes = buffer.span().first(io::AlignUp(used));
    return Bytes(bytes.begin(), bytes.end());
  }

 private:
  io::SimWorld world_;
  MicroBlockCache cache_;
  io::BufferPool buffers_;
  io::TaskGroup background_;
  std::unique_ptr<BlockFile> blocks_;
};

// Rows that a test made up, in order.
class ListedRows final : public RowIterator {
 public:
  struct Row {
    std::int64_t commit_version = 0;
    format::DmlFlag dml = format::DmlFlag::kInsert;
    format::OwnedKey cells;
  };

  explicit ListedRows(std::vector<Row> rows) : rows_(std::move(rows)) {}

  Result<bool> Next() override {
    ++next_;
    if (Valid()) {
      row_ = {.commit_version = rows_[next_ - 1].commit_version,
              .sequence = 0,
              .dml = rows_[next_ - 1].dml,
              .cells = rows_[next_ - 1].cells.cells()};
    }
    return true;
  }
  io::Task<Status> Load() override { co_return Status(); }
  bool Valid() const override { return next_ > 0 && next_ <= rows_.size(); }
  const RowVersion& row() const override { return row_; }

 private:
  std::vector<Row> rows_;
  std::size_t next_ = 0;
  RowVersion row_;
};

// All rows of an iterator, to the end.
inline io::Task<Result<std::vector<ListedRows::Row>>> ReadAll(std::unique_ptr<RowIterator> rows) {
  std::vector<ListedRows::Row> all;
  for (;;) {
    const Result<bool> moved = rows->Next();
    if (!moved) co_return Fail(moved.error());
    if (!*moved) {
      if (Status status = co_await rows->Load(); !status) co_return Fail(std::move(status).error());
      continue;
    }
    if (!rows->Valid()) co_return all;
    const RowVersion& row = rows->row();
    all.push_back({row.commit_version, row.dml, format::OwnedKey(row.cells)});
  }
}

inline bool SameRow(const ListedRows::Row& left, const ListedRows::Row& right) {
  return left.commit_version == right.commit_version && left.dml == right.dml &&
         std::ranges::equal(left.cells.cells(), right.cells.cells());
}

}  // namespace obbak::engine
