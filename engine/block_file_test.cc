#include "engine/block_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "engine/sstable_test_support.h"

namespace obbak::engine {
namespace {

Result<format::MacroBlockId> Allocate(SstableWorld& storage) {
  return storage.Run(storage.blocks().Allocate());
}

TEST(BlockFile, GivesBackWhatWasWritten) {
  SstableWorld storage(1);
  std::vector<format::MacroBlockId> ids;
  for (int i = 0; i < 40; ++i) {
    const auto id = Allocate(storage);
    ASSERT_TRUE(id) << id.error().ToString();
    ids.push_back(*id);
    const io::AlignedBytes buffer(8192);
    std::ranges::fill(buffer.span(), static_cast<std::byte>(i));
    ASSERT_TRUE(storage.Run(storage.blocks().Write(*id, buffer.span())));
  }
  ASSERT_TRUE(storage.Run(storage.blocks().Sync()));
  storage.Reopen();
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(storage.blocks().AddReference(ids[static_cast<std::size_t>(i)]));
    const io::AlignedBytes buffer(4096);
    ASSERT_TRUE(
        storage.Run(storage.blocks().Read(ids[static_cast<std::size_t>(i)], 4096, buffer.span())));
    EXPECT_TRUE(std::ranges::all_of(
        buffer.span(), [i](std::byte byte) { return byte == static_cast<std::byte>(i); }));
  }
}

TEST(BlockFile, ReusesASlotWhenItsLastReferenceGoesButNoId) {
  SstableWorld storage(2);
  const auto first = Allocate(storage);
  ASSERT_TRUE(first);
  ASSERT_TRUE(storage.blocks().AddReference(*first));
  storage.blocks().Release(*first);
  const auto second = Allocate(storage);
  ASSERT_TRUE(second);
  EXPECT_NE(second->second, first->second);
  storage.blocks().Release(*first);
  const auto third = Allocate(storage);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->second, first->second);
  EXPECT_NE(third->first, first->first);
  // Who still means the old block is told so.
  const Status stale = storage.blocks().AddReference(*first);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code(), ErrorCode::kInvalidData);
  EXPECT_FALSE(storage.blocks().AddReference({.first = 1, .second = 1'000'000}));
  EXPECT_FALSE(storage.blocks().AddReference({.first = 1, .second = 0}));
  EXPECT_FALSE(storage.blocks().AddReference({.first = 1, .second = -1}));
}

TEST(BlockFile, AfterReopeningAllocatesNoSlotThatIsReferredTo) {
  SstableWorld storage(3);
  std::vector<format::MacroBlockId> ids;
  for (int i = 0; i < 50; ++i) ids.push_back(*Allocate(storage));
  storage.Reopen();
  std::set<std::int64_t> slots;
  std::int64_t newest = 0;
  for (std::size_t i = 0; i < ids.size(); i += 2) {
    ASSERT_TRUE(storage.blocks().AddReference(ids[i]));
    slots.insert(ids[i].second);
    newest = ids[i].first;
  }
  for (int i = 0; i < 50; ++i) {
    const auto id = Allocate(storage);
    ASSERT_TRUE(id);
    EXPECT_TRUE(slots.insert(id->second).second);
    EXPECT_GT(id->first, newest);
  }
}

TEST(BlockFile, DoesNotGrowBeyondItsLimit) {
  io::SimWorld world(4);
  BlockFile::Options options = SstableWorld::FileOptions();
  options.max_size = 10 * format::kMacroBlockSize;
  options.growth = 4 * format::kMacroBlockSize;
  const auto file = world.loop().Run(BlockFile::Create(world.loop(), world.disk(), options));
  ASSERT_TRUE(file);
  std::vector<format::MacroBlockId> ids;
  for (int i = 0; i < 9; ++i) {
    const auto id = world.loop().Run((*file)->Allocate());
    ASSERT_TRUE(id);
    ids.push_back(*id);
  }
  const auto full = world.loop().Run((*file)->Allocate());
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code(), ErrorCode::kServerOutofDiskSpace);
  EXPECT_EQ((*file)->statistics().used_slots, 9U);
  (*file)->Release(ids[4]);
  EXPECT_TRUE(world.loop().Run((*file)->Allocate()));
}

TEST(BlockFile, OfSomebodyElseIsRefused) {
  SstableWorld storage(5);
  const auto open = [&](BlockFile::Options options) {
    return storage.Run(BlockFile::Open(storage.loop(), storage.disk(), options)).error().code();
  };
  BlockFile::Options options = SstableWorld::FileOptions();
  options.tenant_id = 1004;
  EXPECT_EQ(open(options), ErrorCode::kStateNotMatch);
  options = SstableWorld::FileOptions();
  options.cluster_id = 2;
  EXPECT_EQ(open(options), ErrorCode::kStateNotMatch);
  options.path = "nothing";
  EXPECT_EQ(open(options), ErrorCode::kFileNotExist);
  const auto again =
      storage.Run(BlockFile::Create(storage.loop(), storage.disk(), SstableWorld::FileOptions()));
  EXPECT_EQ(again.error().code(), ErrorCode::kEntryExist);
}

io::Task<Status> Corrupt(io::Disk& disk, std::size_t byte, std::size_t size) {
  auto file = co_await disk.Open(SstableWorld::FileOptions().path, {.direct = true});
  if (!file) co_return Fail(file.error());
  const io::AlignedBytes buffer(size);
  if (auto read = co_await (*file)->Read(0, buffer.span()); !read) co_return Fail(read.error());
  buffer.span()[byte] ^= std::byte{1};
  co_return co_await (*file)->Write(0, buffer.span());
}

TEST(BlockFile, WithADamagedSuperblockIsRefused) {
  for (std::size_t byte = 0; byte < 40; ++byte) {
    SstableWorld storage(6);
    ASSERT_TRUE(storage.Run(Corrupt(storage.disk(), byte, 4096)));
    const auto file =
        storage.Run(BlockFile::Open(storage.loop(), storage.disk(), SstableWorld::FileOptions()));
    ASSERT_FALSE(file) << byte;
    EXPECT_EQ(file.error().code(), byte < 8 ? ErrorCode::kInvalidData : ErrorCode::kChecksumError);
    EXPECT_EQ(file.error().path(), SstableWorld::FileOptions().path);
  }
}

}  // namespace
}  // namespace obbak::engine
