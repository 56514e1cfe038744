#include "engine/sstable_import.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/memtable.h"
#include "engine/mvcc_test_support.h"
#include "engine/sstable_test_support.h"

namespace obbak::engine {
namespace {

using format::Scn;
using SstablePtr = std::shared_ptr<const Sstable>;

// What stands in front of a macro block in a backup.
constexpr std::size_t kAround = 48;
constexpr std::size_t kBuffer = format::kMacroBlockSize + 4096;

// The blocks of an SSTable, as a backup has them.
class CopiedBlocks final : public MacroBlockSource {
 public:
  explicit CopiedBlocks(std::vector<Bytes> blocks) : blocks_(std::move(blocks)) {}
  std::vector<Bytes>& blocks() { return blocks_; }

  io::Task<Result<ByteView>> Read(std::size_t index, std::span<std::byte> buffer) override {
    if (index == fail_at) {
      co_return Fail(Locate(Error(ErrorCode::kIoError, "the medium cannot be reached"), index));
    }
    const Bytes& block = blocks_[index];
    std::memcpy(buffer.data() + kAround, block.data(), block.size());
    co_return ByteView(buffer.subspan(kAround, block.size()));
  }

  Error Locate(Error error, std::size_t index) const override {
    return std::move(error).WithPath("block " + std::to_string(index));
  }

  std::optional<std::size_t> fail_at;

 private:
  std::vector<Bytes> blocks_;
};

// An SSTable with many small blocks, or with none, and its backup.
struct Sample {
  explicit Sample(std::uint64_t seed)
      : rows(seed), storage(seed), format(AnyFormat(rows.columns(), rows.random())) {
    for (std::uint64_t steps = rows.random().Below(400); steps > 0; --steps) rows.Step();
    rows.DecideAll();
    const std::unique_ptr<RowIterator> mini = rows.table(0).Scan({});
    Take(storage.Run(WriteMini(storage.store(), format, {Scn{1'000}, Scn{1'010}}, *mini)));
    if (seed % 3 == 1) Take(storage.Run(MergeMinor(storage.store(), format, {sstable})));
    if (seed % 3 == 2) {
      Take(storage.Run(MergeMajor(storage.store(), format, nullptr, {sstable}, rows.now())));
    }
    meta.tablet_id = format.tablet_id;
    meta.sstable_meta.basic_meta = sstable->meta().basic_meta;
    meta.sstable_meta.column_checksums = sstable->meta().column_checksums;
    meta.sstable_meta.table_key = sstable->key();
    std::vector<Bytes> blocks;
    const auto infos = storage.Run(sstable->LoadDataBlocks());
    EXPECT_TRUE(infos) << infos.error().ToString();
    for (const format::DataBlockInfo& info : *infos) {
      meta.logic_id_list.push_back(info.meta.logic_id);
      blocks.push_back(storage.Read(info.meta.macro_id));
    }
    source = std::make_unique<CopiedBlocks>(std::move(blocks));
  }

  static TabletFormat AnyFormat(const StoredColumns& columns, io::Random& random) {
    static constexpr auto kCompressors =
        std::to_array({format::CompressorType::kNone, format::CompressorType::kLz4,
                       format::CompressorType::kZstd138});
    TabletFormat format;
    format.tablet_id = {200'001};
    format.schema = *format::RowSchema::Create(columns.types, columns.key_count);
    format.compressor = kCompressors[random.Below(kCompressors.size())];
    format.schema_version = 1'700'000'000'000'000;
    format.micro_block_size = std::size_t{256} << random.Below(4);
    format.macro_block_size = 4096 * (2 + random.Below(4));
    return format;
  }

  void Take(Result<CompactionResult> result) {
    EXPECT_TRUE(result) << result.error().ToString();
    if (result) sstable = result->sstable;
  }

  MvccWorld rows;
  SstableWorld storage;
  TabletFormat format;
  SstablePtr sstable;
  format::BackupSstableMeta meta;
  std::unique_ptr<CopiedBlocks> source;
};

// Where it is restored to.
struct Target {
  explicit Target(std::uint64_t seed) : storage(seed), buffers(storage.loop(), kBuffer, 3) {}

  Result<SstablePtr> Import(Sample& sample) {
    return storage.Run(
        ImportSstable(storage.store(), sample.format, sample.meta, *sample.source, buffers));
  }
  std::uint64_t used_slots() { return storage.blocks().statistics().used_slots; }

  SstableWorld storage;
  io::BufferPool buffers;
};

std::vector<ListedRows::Row> RowsOf(SstableWorld& storage, const Sstable& sstable) {
  auto rows = storage.Run(ReadAll(sstable.NewIterator({}, Direction::kForward)));
  EXPECT_TRUE(rows) << rows.error().ToString();
  return rows ? *std::move(rows) : std::vector<ListedRows::Row>();
}

TEST(SstableImport, TheSstableIsTheSameInBlocksOfItsOwn) {
  std::size_t largest = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Sample sample(seed);
    Target target(seed + 1);
    {
      const auto imported = target.Import(sample);
      ASSERT_TRUE(imported) << imported.error().ToString();
      largest = std::max(largest, (*imported)->data_block_count());
      EXPECT_EQ((*imported)->key(), sample.sstable->key());
      EXPECT_EQ((*imported)->row_count(), sample.sstable->row_count());
      EXPECT_EQ(target.used_slots(), (*imported)->block_count());
      const auto expected = RowsOf(sample.storage, *sample.sstable);
      ASSERT_TRUE(std::ranges::equal(RowsOf(target.storage, **imported), expected, SameRow));

      // Its blocks are those of the backup, byte for byte, and their logical ids are the same.
      const auto infos = target.storage.Run((*imported)->LoadDataBlocks());
      ASSERT_TRUE(infos) << infos.error().ToString();
      ASSERT_EQ(infos->size(), sample.meta.logic_id_list.size());
      for (std::size_t i = 0; i < infos->size(); ++i) {
        EXPECT_EQ((*infos)[i].meta.logic_id, sample.meta.logic_id_list[i]);
        EXPECT_EQ(target.storage.Read((*infos)[i].meta.macro_id), sample.source->blocks()[i]);
      }
      const auto encoded = (*imported)->EncodedMeta();
      ASSERT_TRUE(encoded);
      const auto again = Sstable::Open(target.storage.store(), (*imported)->key(), *encoded,
                                       (*imported)->schema());
      ASSERT_TRUE(again) << again.error().ToString();
    }
    EXPECT_EQ(target.used_slots(), 0U);
  }
  EXPECT_GT(largest, 2U);
}

TEST(SstableImport, DamageIsNoticedAndLeavesNoBlockBehind) {
  std::size_t damaged = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    Sample sample(seed);
    std::vector<Bytes>& blocks = sample.source->blocks();
    if (blocks.empty()) continue;
    Target target(seed + 1);
    io::Random random(seed);
    const std::size_t index = random.Below(blocks.size());
    // Behind the payload there is nothing to damage.
    const auto header = format::ReadMacroBlockCommonHeader(blocks[index]);
    ASSERT_TRUE(header);
    const auto used = static_cast<std::size_t>(header->header_size + header->payload_size);
    switch (seed % 5) {
      case 0:
        blocks[index][random.Below(used)] ^= std::byte{1};
        break;
      case 1:
        blocks[index].resize(used / 2);
        break;
      case 2:
        sample.meta.logic_id_list[index].data_seq.value += 1;
        break;
      case 3:
        sample.source->fail_at = index;
        break;
      default:
        if (blocks.size() == 1) continue;
        std::swap(blocks[index], blocks[(index + 1) % blocks.size()]);
        std::swap(sample.meta.logic_id_list[index],
                  sample.meta.logic_id_list[(index + 1) % blocks.size()]);
        break;
    }
    ++damaged;
    const auto imported = target.Import(sample);
    ASSERT_FALSE(imported);
    EXPECT_NE(imported.error().ToString().find("block "), std::string::npos)
        << imported.error().ToString();
    EXPECT_EQ(target.used_slots(), 0U);
    EXPECT_EQ(target.buffers.stats().in_use, 0U);
  }
  EXPECT_GT(damaged, 20U);
}

TEST(SstableImport, SumsThatDifferFromTheMetaAreNamed) {
  Sample sample(5);
  ASSERT_FALSE(sample.meta.logic_id_list.empty());
  ASSERT_TRUE(sample.sstable->is_major());
  const format::BackupSstableMeta good = sample.meta;
  Target target(6);
  using Basic = format::SstableBasicMeta;
  const std::vector<std::pair<std::string_view, std::int64_t Basic::*>> sums{
      {"row_count", &Basic::row_count},
      {"occupy_size", &Basic::occupy_size},
      {"data_checksum", &Basic::data_checksum},
      {"rowkey_column_count", &Basic::rowkey_column_count},
      {"index_type", &Basic::index_type},
      {"data_macro_block_count", &Basic::data_macro_block_count},
      {"column_cnt", &Basic::column_cnt}};
  for (const auto& [name, sum] : sums) {
    sample.meta = good;
    sample.meta.sstable_meta.basic_meta.*sum += 1;
    const auto imported = target.Import(sample);
    ASSERT_FALSE(imported) << name;
    EXPECT_EQ(imported.error().code(), ErrorCode::kChecksumError);
    EXPECT_NE(imported.error().ToString().find(name), std::string::npos)
        << imported.error().ToString();
    EXPECT_EQ(target.used_slots(), 0U);
  }
  sample.meta = good;
  sample.meta.sstable_meta.column_checksums.back() += 1;
  const auto imported = target.Import(sample);
  ASSERT_FALSE(imported);
  EXPECT_NE(imported.error().ToString().find("column_checksums"), std::string::npos);
  sample.meta = good;
  EXPECT_TRUE(target.Import(sample));
}

}  // namespace
}  // namespace obbak::engine
