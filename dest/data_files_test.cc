// Indexes and data files of a chain of sets: what look-ups and scans find, and what they notice.
#include "dest/data_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "dest/dest_test_support.h"
#include "dest/index_file.h"
#include "format/backup_data_file.h"
#include "format/backup_index_file.h"
#include "io/aligned_bytes.h"
#include "io/random.h"

namespace obbak::dest {
namespace {

using format::BackupMacroBlockIndex;
using format::BackupMacroRangeIndex;
using format::BackupMetaIndex;
using format::BackupPath;
using format::BackupSetKind;
using format::ByteRange;
using format::DataType;
using format::LogicMacroBlockId;
using format::PathKind;
using ::testing::HasSubstr;

constexpr SetName kFull{.id = {1}, .kind = BackupSetKind::kFull};
constexpr SetName kInc{.id = {2}, .kind = BackupSetKind::kInc};

format::ByteSink Into(Bytes& file) {
  return [&file](ByteView bytes) -> Status {
    file.insert(file.end(), bytes.begin(), bytes.end());
    return {};
  };
}

LogicMacroBlockId BlockId(std::uint64_t tablet, std::int64_t seq, std::uint64_t version = 1000) {
  return {.data_seq = {seq}, .logic_version = version, .tablet_id = tablet, .info = 0};
}

Bytes Payload(std::uint64_t seed) {
  io::Random random(seed);
  Bytes bytes(24 + random.Below(9000));
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.Next());
  return bytes;
}

// Major data of a chain of two sets: blocks of set 1 in two data files, more in set 2, and the
// macro range index of set 2 over all of them.
class ChainTest : public testing::Test {
 protected:
  struct Block {
    BackupMacroBlockIndex index;
    Bytes payload;
  };

  // Writes a data file; its range entries join ranges_.
  void AddDataFile(SetName set, std::int64_t file, const std::vector<LogicMacroBlockId>& ids) {
    Bytes bytes;
    format::BackupDataFileWriter writer(
        {.backup_set_id = set.id, .ls_id = {1001}, .turn_id = 1, .retry_id = 0, .file_id = file},
        Into(bytes));
    for (const LogicMacroBlockId& id : ids) {
      const Bytes payload = Payload(next_seed_++);
      const auto index = writer.AppendMacroBlock(id, payload);
      ASSERT_TRUE(Succeeded(index));
      blocks_.push_back({*index, payload});
    }
    const Bytes meta = Payload(next_seed_++);
    const auto meta_index =
        writer.AppendMeta({{ids.front().tablet_id}, format::BackupMetaType::kTabletMeta}, meta);
    ASSERT_TRUE(Succeeded(meta_index));
    metas_.push_back({*meta_index, meta});
    ASSERT_TRUE(Succeeded(writer.Finish()));
    AddRanges(bytes);
    world_.Put(world_.data(), DataPath(set, file), bytes);
  }
  void AddRanges(const Bytes& file) {
    const auto access = format::RandomAccess::Of(file);
    const format::BackupDataFileTrailer trailer =
        format::ReadBackupDataFileIndex(access).value().trailer;
    std::uint64_t at = static_cast<std::uint64_t>(trailer.macro_index_offset);
    const std::uint64_t end = at + static_cast<std::uint64_t>(trailer.macro_index_length);
    while (at < end) {
      const ByteView rest = ByteView(file).subspan(at, end - at);
      const auto header = format::DecodeBlockHeader(rest, format::kMacroIndexList).value();
      const ByteRange range{at, format::BlockSizeOf(header)};
      const auto entries =
          format::DecodeMacroIndexBlock(rest.first(static_cast<std::size_t>(range.length)));
      for (const auto& entry : format::RangesOfIndexBlock(entries.value(), range))
        ranges_.push_back(entry);
      at = range.end();
    }
  }
  static BackupPath DataPath(SetName set, std::int64_t file) {
    return {.kind = PathKind::kMacroBlockData,
            .set = set.id,
            .set_kind = set.kind,
            .ls = {1001},
            .data_type = DataType::kMajor,
            .turn = 1,
            .retry = 0,
            .file = file};
  }
  static BackupPath RangePath() {
    return {.kind = PathKind::kTenantIndex,
            .set = kInc.id,
            .set_kind = kInc.kind,
            .data_type = DataType::kMajor,
            .index = format::IndexKind::kMacroRange,
            .turn = 1};
  }
  void WriteRangeIndex() {
    std::ranges::sort(ranges_, {}, &BackupMacroRangeIndex::end_key);
    Bytes bytes;
    format::BackupIndexFileWriter<BackupMacroRangeIndex> writer(Into(bytes));
    for (const BackupMacroRangeIndex& range : ranges_) ASSERT_TRUE(Succeeded(writer.Append(range)));
    ASSERT_TRUE(Succeeded(writer.Finish()));
    world_.Put(world_.data(), RangePath(), bytes);
  }
  void BuildChain() {
    std::vector<LogicMacroBlockId> first, second, third;
    for (std::uint64_t tablet = 200001; tablet < 200040; ++tablet) {
      for (std::int64_t seq = 0; seq < 20; ++seq)
        (tablet % 2 == 0 ? first : second).push_back(BlockId(tablet, seq));
    }
    for (std::int64_t seq = 0; seq < 20; ++seq) third.push_back(BlockId(200010, seq, 2000));
    AddDataFile(kFull, 0, first);
    AddDataFile(kFull, 1, second);
    AddDataFile(kInc, 0, third);
    WriteRangeIndex();
  }
  std::unique_ptr<MacroRangeIndexFile> OpenIndex() {
    auto index = world_.Run(MacroRangeIndexFile::Open(world_.data(), RangePath(), &cache_));
    EXPECT_TRUE(Succeeded(index));
    return *std::move(index);
  }

  DestWorld world_;
  BlockCache cache_{64 << 10};
  std::vector<Block> blocks_;
  std::vector<std::pair<BackupMetaIndex, Bytes>> metas_;
  std::vector<BackupMacroRangeIndex> ranges_;
  std::uint64_t next_seed_ = 1;
};

TEST_F(ChainTest, EveryBlockOfTheChainIsFoundByItsLogicalIdAndRead) {
  BuildChain();
  const auto index = OpenIndex();
  DataFiles files(world_.data(), {kFull, kInc}, &cache_);
  const io::AlignedBytes buffer(2 << 20);
  for (const Block& block : blocks_) {
    const auto found =
        world_.Run(files.FindMacroBlock(*index, DataType::kMajor, block.index.logic_id));
    ASSERT_TRUE(Succeeded(found));
    ASSERT_EQ(*found, block.index);
    const ByteRange record{static_cast<std::uint64_t>(block.index.offset),
                           static_cast<std::uint64_t>(block.index.length)};
    const auto payload = world_.Run(
        files.ReadMacroBlock(DataType::kMajor, block.index.file(), record, buffer.span()));
    ASSERT_TRUE(Succeeded(payload));
    ASSERT_TRUE(std::ranges::equal(*payload, block.payload));
    EXPECT_GE(payload->data(), buffer.span().data());
  }
  EXPECT_LE(cache_.size(), 64u << 10);
  for (const auto& [entry, payload] : metas_) {
    const auto read = world_.Run(files.ReadMeta(DataType::kMajor, entry));
    ASSERT_TRUE(Succeeded(read));
    EXPECT_EQ(*read, payload);
  }
}

TEST_F(ChainTest, BlocksThatNoSetHasAreNotFound) {
  BuildChain();
  const auto index = OpenIndex();
  DataFiles files(world_.data(), {kFull, kInc}, &cache_);
  for (const LogicMacroBlockId& id : {BlockId(200001, 20), BlockId(200010, 5, 1500), BlockId(1, 1),
                                      BlockId(200040, 0), BlockId(200010, 20, 2000)}) {
    const auto found = world_.Run(files.FindMacroBlock(*index, DataType::kMajor, id));
    ASSERT_TRUE(Succeeded(found));
    EXPECT_EQ(*found, std::nullopt);
  }
}

TEST_F(ChainTest, DamagedAndMissingFilesAreNamed) {
  BuildChain();
  const io::AlignedBytes buffer(2 << 20);
  const Block& block = blocks_.front();
  const ByteRange record{static_cast<std::uint64_t>(block.index.offset),
                         static_cast<std::uint64_t>(block.index.length)};
  DataFiles files(world_.data(), {kFull, kInc}, nullptr);
  world_.Damage(world_.data(), DataPath(kFull, 0), record.offset + 100);
  const auto damaged =
      world_.Run(files.ReadMacroBlock(DataType::kMajor, block.index.file(), record, buffer.span()));
  EXPECT_EQ(CodeOf(damaged), ErrorCode::kChecksumError);
  EXPECT_THAT(damaged.error().path(), HasSubstr("backup_set_1_full/logstream_1001/major_data"));
  ASSERT_TRUE(damaged.error().offset());
  EXPECT_GE(*damaged.error().offset(), record.offset);

  const auto beyond = world_.Run(files.ReadMacroBlock(DataType::kMajor, block.index.file(),
                                                      ByteRange{1 << 30, 4096}, buffer.span()));
  EXPECT_EQ(CodeOf(beyond), ErrorCode::kErrUnexpected);
  const auto large = world_.Run(
      files.ReadMacroBlock(DataType::kMajor, block.index.file(), record, buffer.span().first(48)));
  EXPECT_EQ(CodeOf(large), ErrorCode::kSizeOverflow);
  const auto minor =
      world_.Run(files.ReadMacroBlock(DataType::kMinor, block.index.file(), record, buffer.span()));
  EXPECT_EQ(CodeOf(minor), ErrorCode::kFileNotExist);
  DataFiles without(world_.data(), {kInc}, nullptr);
  const auto foreign = world_.Run(
      without.ReadMacroBlock(DataType::kMajor, block.index.file(), record, buffer.span()));
  EXPECT_EQ(CodeOf(foreign), ErrorCode::kErrUnexpected);
  EXPECT_THAT(foreign.error().ToString(), HasSubstr("backup set 1"));
}

TEST_F(ChainTest, ManyFilesAreReadWithFewOpen) {
  for (std::int64_t file = 0; file < 100; ++file)
    AddDataFile(kFull, file, {BlockId(300000 + static_cast<std::uint64_t>(file), 1)});
  DataFiles files(world_.data(), {kFull}, nullptr);
  const io::AlignedBytes buffer(2 << 20);
  for (int round = 0; round < 2; ++round) {
    for (const Block& block : blocks_) {
      const ByteRange record{static_cast<std::uint64_t>(block.index.offset),
                             static_cast<std::uint64_t>(block.index.length)};
      const auto payload = world_.Run(
          files.ReadMacroBlock(DataType::kMajor, block.index.file(), record, buffer.span()));
      ASSERT_TRUE(Succeeded(payload));
      ASSERT_TRUE(std::ranges::equal(*payload, block.payload));
    }
  }
}

// Meta indexes of any size against a map.
class MetaIndexTest : public testing::Test {
 protected:
  static BackupMetaIndex Entry(std::uint64_t tablet, format::BackupMetaType type) {
    return {.meta_key = {{tablet}, type},
            .backup_set_id = {1},
            .ls_id = {1001},
            .turn_id = 1,
            .retry_id = 0,
            .file_id = static_cast<std::int64_t>(tablet % 7),
            .offset = static_cast<std::int64_t>(4096 * (tablet % 1000)),
            .length = 4096};
  }
  static BackupPath Path() {
    return {.kind = PathKind::kTenantIndex,
            .set = {1},
            .data_type = DataType::kMinor,
            .index = format::IndexKind::kMeta,
            .turn = 1};
  }
  std::vector<BackupMetaIndex> Write(std::size_t count, std::uint64_t seed) {
    io::Random random(seed);
    std::vector<BackupMetaIndex> entries;
    std::uint64_t tablet = 200000;
    while (entries.size() < count) {
      tablet += 1 + random.Below(3);
      entries.push_back(Entry(tablet, format::BackupMetaType::kSstableMeta));
      if (random.OneIn(2) && entries.size() < count)
        entries.push_back(Entry(tablet, format::BackupMetaType::kTabletMeta));
    }
    Bytes bytes;
    format::BackupIndexFileWriter<BackupMetaIndex> writer(Into(bytes));
    for (const BackupMetaIndex& entry : entries) EXPECT_TRUE(Succeeded(writer.Append(entry)));
    EXPECT_TRUE(Succeeded(writer.Finish()));
    world_.Put(world_.data(), Path(), bytes);
    return entries;
  }
  Result<std::vector<BackupMetaIndex>> Scan() {
    const auto index = world_.Run(MetaIndexFile::Open(world_.data(), Path(), nullptr));
    if (!index) return Fail(index.error());
    IndexScan<BackupMetaIndex> scan(**index);
    std::vector<BackupMetaIndex> all;
    while (true) {
      const auto entries = world_.Run(scan.Next());
      if (!entries) return Fail(entries.error());
      if (entries->empty()) return all;
      all.insert(all.end(), entries->begin(), entries->end());
    }
  }

  DestWorld world_;
};

TEST_F(MetaIndexTest, LooksUpExactlyTheKeysThatAreThere) {
  for (const std::size_t count : {0u, 1u, 255u, 256u, 257u, 20'000u, 70'000u}) {
    SCOPED_TRACE(count);
    const std::vector<BackupMetaIndex> entries = Write(count, count);
    EXPECT_EQ(Scan().value(), entries);
    std::map<format::BackupMetaKey, BackupMetaIndex> model;
    for (const BackupMetaIndex& entry : entries) model[entry.meta_key] = entry;
    BlockCache cache(256 << 10);
    for (BlockCache* used : {&cache, static_cast<BlockCache*>(nullptr)}) {
      const auto index = world_.Run(MetaIndexFile::Open(world_.data(), Path(), used));
      ASSERT_TRUE(Succeeded(index));
      io::Random random(count + 1);
      for (int i = 0; i < 300; ++i) {
        const format::BackupMetaKey key{{199990 + random.Below(3 * count + 20)},
                                        static_cast<format::BackupMetaType>(random.Below(3))};
        const auto found = world_.Run((*index)->Find(key));
        ASSERT_TRUE(Succeeded(found));
        const auto expected = model.find(key);
        ASSERT_EQ(found->has_value(), expected != model.end());
        if (*found) {
          ASSERT_EQ(**found, expected->second);
        }
      }
    }
  }
}

TEST_F(MetaIndexTest, DamageIsNoticedWhereItIsRead) {
  Write(1000, 1);
  const Bytes file = world_.Run(world_.data().ReadBytes(Path())).value();
  // In a leaf, in the root and in the trailer.
  for (const std::size_t offset : {std::size_t{4096 + 70}, file.size() - 40, file.size() - 20}) {
    SCOPED_TRACE(offset);
    world_.Put(world_.data(), Path(), file);
    world_.Damage(world_.data(), Path(), offset);
    const auto index = world_.Run(MetaIndexFile::Open(world_.data(), Path(), nullptr));
    std::optional<Error> error;
    if (!index) {
      error = index.error();
    } else if (const auto found =
                   world_.Run((*index)->Find({{200001}, format::BackupMetaType::kSstableMeta}));
               !found) {
      error = found.error();
    }
    ASSERT_TRUE(error);
    EXPECT_THAT(error->path(), HasSubstr("tenant_minor_data_meta_index.0.obbak"));
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{20}, std::size_t{4096}}) {
    world_.Put(world_.data(), Path(), ByteView(file).first(size));
    EXPECT_FALSE(world_.Run(MetaIndexFile::Open(world_.data(), Path(), nullptr)));
  }
}

TEST_F(MetaIndexTest, ReadErrorsOfTheMediumAreReported) {
  Write(1000, 1);
  const auto index = world_.Run(MetaIndexFile::Open(world_.data(), Path(), nullptr));
  ASSERT_TRUE(Succeeded(index));
  world_.disk().Observe([](const io::SimOperation& operation) {
    return operation.kind == io::SimOperation::Kind::kRead ? io::SimFault::kIoError
                                                           : io::SimFault::kNone;
  });
  const auto found = world_.Run((*index)->Find({{200001}, format::BackupMetaType::kSstableMeta}));
  EXPECT_EQ(CodeOf(found), ErrorCode::kIoError);
  EXPECT_FALSE(Scan());
}

}  // namespace
}  // namespace obbak::dest
