// Compactions on a real disk and a real worker pool: for the thread sanitizer.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "engine/compaction.h"
#include "engine/sstable_test_support.h"
#include "io/host_driver.h"
#include "io/loop.h"

namespace obbak::engine {
namespace {

using format::Datum;
using format::DmlFlag;
using format::OwnedKey;
using format::Scn;

std::vector<ListedRows::Row> Rows(std::int64_t step, std::int64_t version) {
  std::vector<ListedRows::Row> rows;
  for (std::int64_t id = 0; id < 30'000; id += step) {
    rows.push_back(
        {version, DmlFlag::kInsert, OwnedKey(std::array{Datum::Int(id), Datum::Int(version)})});
  }
  return rows;
}

io::Task<Status> MergeEverything(SstableStore store, TabletFormat format) {
  ListedRows many(Rows(1, 10));
  auto first = co_await WriteMini(store, format, {Scn{1}, Scn{10}}, many);
  if (!first) co_return Fail(first.error());
  ListedRows some(Rows(100, 20));
  auto second = co_await WriteMini(store, format, {Scn{10}, Scn{20}}, some);
  if (!second) co_return Fail(second.error());
  std::vector<std::shared_ptr<const Sstable>> inputs = {first->sstable, second->sstable};
  auto minor = co_await MergeMinor(store, format, inputs);
  if (!minor) co_return Fail(minor.error());
  auto major = co_await MergeMajor(store, format, nullptr, std::move(inputs), 20);
  if (!major) co_return Fail(major.error());
  auto rows = co_await ReadAll(major->sstable->NewIterator({}, Direction::kForward));
  if (!rows) co_return Fail(rows.error());
  EXPECT_EQ(rows->size(), 30'000U);
  EXPECT_EQ(minor->sstable->row_count(), 30'000 + 2 * 300);
  co_return Status();
}

TEST(CompactionThreads, GiveTheSameAsTheSimulation) {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / ("obbak_blocks_" + std::to_string(getpid()));
  std::filesystem::remove(path);
  {
    io::Loop loop(io::MakePosixDriver({.workers = 2}, {}));
    BlockFile::Options options = SstableWorld::FileOptions();
    options.path = path.string();
    auto blocks = loop.Run(BlockFile::Create(loop, loop.disk(), options));
    ASSERT_TRUE(blocks) << blocks.error().ToString();
    MicroBlockCache cache(1 << 20);
    io::BufferPool buffers(loop, format::kMacroBlockSize, 4);
    io::TaskGroup background(loop);
    TabletFormat format;
    format.tablet_id = {200'001};
    const std::array columns = {format::ObjMeta::BigInt(), format::ObjMeta::BigInt()};
    format.schema = *format::RowSchema::Create(columns, 1);
    format.macro_block_size = 64 << 10;
    format.compressor = format::CompressorType::kLz4;
    const SstableStore store{loop, **blocks, cache, buffers, background};
    const Status status = loop.Run(MergeEverything(store, format));
    EXPECT_TRUE(status) << status.error().ToString();
    loop.Run(background.Join());
    EXPECT_EQ((*blocks)->statistics().used_slots, 0U);
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace obbak::engine
