// What every device must do: one suite, run on all of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "io/buffer_pool.h"
#include "io/disk.h"
#include "io/random.h"
#include "io/sync.h"
#include "io/test_device.h"

namespace obbak::io {
namespace {

constexpr std::size_t kBlock = Disk::kAlignment;

Bytes RandomBytes(std::uint64_t seed, std::size_t size) {
  Random random(seed);
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.Next());
  return bytes;
}

class DiskConformance : public DeviceTest {
 protected:
  std::unique_ptr<File> MustOpen(const std::string& name, OpenOptions options) {
    Result<std::unique_ptr<File>> file = loop().Run(disk().Open(Path(name), options));
    if (!file) {
      ADD_FAILURE() << file.error().ToString();
      std::abort();
    }
    return *std::move(file);
  }
  // The operations as calls, for tests that need no concurrency.
  Status Write(File& file, std::uint64_t offset, ByteView data,
               Durability durability = Durability::kNone) {
    return loop().Run([](File& f, std::uint64_t o, ByteView d, Durability how) -> Task<Status> {
      co_return co_await f.Write(o, d, how);
    }(file, offset, data, durability));
  }
  Result<std::size_t> Read(File& file, std::uint64_t offset, std::span<std::byte> out) {
    return loop().Run(
        [](File& f, std::uint64_t o, std::span<std::byte> to) -> Task<Result<std::size_t>> {
          co_return co_await f.Read(o, to);
        }(file, offset, out));
  }
  // The bytes at `offset`, as many as there are up to `size`.
  Bytes MustRead(File& file, std::uint64_t offset, std::size_t size) {
    Bytes bytes(size);
    const Result<std::size_t> read = Read(file, offset, bytes);
    EXPECT_TRUE(read.has_value()) << (read ? "" : read.error().ToString());
    bytes.resize(read.value_or(0));
    return bytes;
  }
  Status Sync(File& file) {
    return loop().Run([](File& f) -> Task<Status> { co_return co_await f.Sync(); }(file));
  }
  Status Allocate(File& file, std::uint64_t offset, std::uint64_t size) {
    return loop().Run([](File& f, std::uint64_t o, std::uint64_t s) -> Task<Status> {
      co_return co_await f.Allocate(o, s);
    }(file, offset, size));
  }
  FileStatus MustStat(const std::string& name) {
    const Result<FileStatus> status = loop().Run(disk().Stat(Path(name)));
    EXPECT_TRUE(status.has_value()) << (status ? "" : status.error().ToString());
    return status.value_or(FileStatus());
  }
  std::vector<DirEntry> MustList(const std::string& name) {
    const auto entries = loop().Run(disk().List(Path(name)));
    EXPECT_TRUE(entries.has_value()) << (entries ? "" : entries.error().ToString());
    return entries.value_or(std::vector<DirEntry>());
  }
};
OBBAK_ON_ALL_DEVICES(DiskConformance);

template <class T>
ErrorCode CodeOf(const Result<T>& result) {
  EXPECT_FALSE(result.has_value());
  return result ? ErrorCode{} : result.error().code();
}

TEST_P(DiskConformance, ReadsBackWhatWasWrittenInAnyPieces) {
  const auto file = MustOpen("a", {.create = true});
  const Bytes data = RandomBytes(1, 100'000);
  const ByteView view = data;
  ASSERT_TRUE(Write(*file, 0, view.first(10)));
  ASSERT_TRUE(Write(*file, 10, view.subspan(10, 40'001)));
  ASSERT_TRUE(Write(*file, 40'011, view.subspan(40'011)));
  EXPECT_EQ(file->size(), data.size());
  EXPECT_EQ(MustRead(*file, 0, data.size()), data);
  EXPECT_EQ(MustRead(*file, 777, 5000), Bytes(data.begin() + 777, data.begin() + 5777));
  EXPECT_TRUE(Sync(*file).has_value());
}

TEST_P(DiskConformance, ReadsAreShortOnlyAtTheEnd) {
  const auto file = MustOpen("a", {.create = true});
  const Bytes data = RandomBytes(2, 10'000);
  ASSERT_TRUE(Write(*file, 0, data));
  EXPECT_EQ(MustRead(*file, 9'000, 4096), Bytes(data.begin() + 9'000, data.end()));
  EXPECT_TRUE(MustRead(*file, 10'000, 10).empty());
  EXPECT_TRUE(MustRead(*file, 1'000'000, 10).empty());
  EXPECT_TRUE(MustRead(*file, 0, 0).empty());
  // Direct reads too: the last block is part of a file whose size is no multiple of the alignment.
  const auto direct = MustOpen("a", {.direct = true, .read_only = true});
  BufferPool pool(loop(), 4 * kBlock, 1);
  const Buffer buffer = pool.TryAcquire();
  const Result<std::size_t> read = Read(*direct, kBlock, buffer.span());
  ASSERT_TRUE(read.has_value()) << read.error().ToString();
  EXPECT_EQ(*read, 10'000 - kBlock);
  EXPECT_TRUE(std::equal(data.begin() + kBlock, data.end(), buffer.data()));
}

TEST_P(DiskConformance, HolesReadAsZeros) {
  const auto file = MustOpen("a", {.create = true});
  ASSERT_TRUE(Write(*file, 50'000, RandomBytes(3, 10)));
  EXPECT_EQ(file->size(), 50'010u);
  EXPECT_EQ(MustRead(*file, 0, 50'000), Bytes(50'000));
}

TEST_P(DiskConformance, AllocationGrowsTheFileAndKeepsItsBytes) {
  const auto file = MustOpen("a", {.create = true});
  const Bytes data = RandomBytes(4, 5000);
  ASSERT_TRUE(Write(*file, 0, data));
  const Status allocated = Allocate(*file, 0, 64 << 20);
  ASSERT_TRUE(allocated.has_value()) << allocated.error().ToString();
  EXPECT_EQ(file->size(), 64u << 20);
  EXPECT_EQ(MustStat("a").size, 64u << 20);
  EXPECT_EQ(MustRead(*file, 0, 5000), data);
  EXPECT_EQ(MustRead(*file, 5000, 5000), Bytes(5000));
  EXPECT_EQ(MustRead(*file, (64 << 20) - 100, 200), Bytes(100));
}

TEST_P(DiskConformance, DirectTransfersWorkInAndOutsideThePool) {
  const auto file = MustOpen("a", {.create = true, .direct = true});
  EXPECT_TRUE(file->direct());
  BufferPool pool(loop(), 8 * kBlock, 2);
  BufferPool other_pool(loop(), kBlock, 1);
  const Bytes data = RandomBytes(5, 8 * kBlock);
  const Buffer out = pool.TryAcquire();
  std::ranges::copy(data, out.data());
  ASSERT_TRUE(Write(*file, 0, out.span(), Durability::kDurable));
  ASSERT_TRUE(Write(*file, 8 * kBlock, out.span().subspan(kBlock, 2 * kBlock)));
  const Buffer in = pool.TryAcquire();
  ASSERT_EQ(Read(*file, 2 * kBlock, in.span()).value_or(0), 8 * kBlock);
  EXPECT_TRUE(std::equal(data.begin() + 2 * kBlock, data.end(), in.data()));
  EXPECT_EQ(std::memcmp(in.data() + 6 * kBlock, data.data() + kBlock, 2 * kBlock), 0);
  const Buffer small = other_pool.TryAcquire();
  ASSERT_EQ(Read(*file, 3 * kBlock, small.span()).value_or(0), kBlock);
  EXPECT_TRUE(std::equal(small.span().begin(), small.span().end(), data.begin() + 3 * kBlock));
  const std::unique_ptr<std::byte, void (*)(void*)> foreign(
      static_cast<std::byte*>(std::aligned_alloc(kBlock, kBlock)), &std::free);
  ASSERT_EQ(Read(*file, 4 * kBlock, {foreign.get(), kBlock}).value_or(0), kBlock);
  EXPECT_EQ(std::memcmp(foreign.get(), data.data() + 4 * kBlock, kBlock), 0);
}

TEST_P(DiskConformance, MisalignedDirectTransfersAreRefused) {
  const auto file = MustOpen("a", {.create = true, .direct = true});
  BufferPool pool(loop(), 2 * kBlock, 1);
  const Buffer buffer = pool.TryAcquire();
  const auto block = buffer.span().first(kBlock);
  ASSERT_TRUE(Write(*file, 0, block));
  EXPECT_EQ(CodeOf(Write(*file, 512, block)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(Write(*file, 0, block.first(512))), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(Write(*file, 0, buffer.span().subspan(512, kBlock))),
            ErrorCode::kInvalidArgument);
  const Result<std::size_t> read = Read(*file, 100, block);
  EXPECT_EQ(CodeOf(read), ErrorCode::kInvalidArgument);
  EXPECT_EQ(read.error().path(), Path("a"));
  EXPECT_EQ(read.error().offset(), 100u);
}

TEST_P(DiskConformance, ImpossibleOffsetsAreRefused) {
  const auto file = MustOpen("a", {.create = true});
  Bytes bytes(10);
  EXPECT_EQ(CodeOf(Write(*file, ~std::uint64_t{0}, bytes)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(Read(*file, (std::uint64_t{1} << 63) - 5, bytes)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(Allocate(*file, 1, ~std::uint64_t{0})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(file->size(), 0u);
}

TEST_P(DiskConformance, WritesToAReadOnlyFileFail) {
  MustOpen("a", {.create = true});
  const auto file = MustOpen("a", {.read_only = true});
  EXPECT_EQ(CodeOf(Write(*file, 0, Bytes(10))), ErrorCode::kIoError);
  EXPECT_EQ(file->size(), 0u);
}

TEST_P(DiskConformance, LargeTransfersAreWhole) {
  const auto file = MustOpen("a", {.create = true, .direct = true});
  constexpr std::size_t kSize = 24 << 20;
  BufferPool pool(loop(), kSize, 2);
  const Buffer out = pool.TryAcquire();
  const Buffer in = pool.TryAcquire();
  Random random(6);
  for (std::size_t i = 0; i < kSize; i += sizeof(std::uint64_t)) {
    const std::uint64_t value = random.Next();
    std::memcpy(out.data() + i, &value, sizeof(value));
  }
  ASSERT_TRUE(Write(*file, 0, out.span(), Durability::kDurable));
  ASSERT_EQ(Read(*file, 0, in.span()).value_or(0), kSize);
  EXPECT_EQ(std::memcmp(in.data(), out.data(), kSize), 0);
}

TEST_P(DiskConformance, MoreOperationsThanTheDeviceTakesAtOnceAllReturn) {
  constexpr int kTasks = 10 * static_cast<int>(kQueueDepth);
  const auto file = MustOpen("a", {.create = true});
  int done = 0;
  const auto writer = [&](int i) -> Task<void> {
    const Bytes data = RandomBytes(static_cast<std::uint64_t>(i), 100);
    const std::uint64_t offset = static_cast<std::uint64_t>(i) * 100;
    const Status written = co_await file->Write(offset, data);
    EXPECT_TRUE(written.has_value());
    if (i % 10 == 0) {
      const Status synced = co_await file->Sync();
      EXPECT_TRUE(synced.has_value());
    }
    Bytes back(100);
    const Result<std::size_t> read = co_await file->Read(offset, back);
    EXPECT_TRUE(read.has_value());
    EXPECT_EQ(back, data);
    ++done;
  };
  const auto all = [&]() -> Task<void> {
    TaskGroup group(loop());
    for (int i = 0; i < kTasks; ++i) group.Spawn(writer(i));
    co_await group.Join();
  };
  loop().Run(all());
  EXPECT_EQ(done, kTasks);
  EXPECT_EQ(file->size(), 100u * kTasks);
}

// Tasks own one stripe of the file each, and do random operations in it; a copy in memory says what
// must be read.
TEST_P(DiskConformance, ConcurrentOperationsOnSeparateRangesAgreeWithAModel) {
  constexpr std::uint64_t kTasks = 12;
  constexpr std::uint64_t kStripe = 16 * kBlock;
  constexpr int kSteps = 60;
  const auto file = MustOpen("a", {.create = true, .direct = true});
  ASSERT_TRUE(Allocate(*file, 0, kTasks * kStripe));
  BufferPool pool(loop(), 4 * kBlock, 5);
  const auto owner = [&](std::uint64_t number) -> Task<void> {
    Random random(number);
    Bytes model(kStripe);
    for (int step = 0; step < kSteps; ++step) {
      const Buffer buffer = co_await pool.Acquire();
      const std::uint64_t blocks = 1 + random.Below(4);
      const std::uint64_t begin = random.Below(kStripe / kBlock - blocks + 1) * kBlock;
      const auto range = buffer.span().first(blocks * kBlock);
      const std::uint64_t offset = number * kStripe + begin;
      if (random.OneIn(2)) {
        std::ranges::fill(range, static_cast<std::byte>(random.Next()));
        std::ranges::copy(range, model.begin() + static_cast<std::ptrdiff_t>(begin));
        const auto how = random.OneIn(3) ? Durability::kDurable : Durability::kNone;
        const Status written = co_await file->Write(offset, range, how);
        EXPECT_TRUE(written.has_value());
      } else if (random.OneIn(10)) {
        const Status synced = co_await file->Sync();
        EXPECT_TRUE(synced.has_value());
      } else {
        const Result<std::size_t> read = co_await file->Read(offset, range);
        EXPECT_EQ(read.value_or(0), range.size());
        EXPECT_EQ(std::memcmp(range.data(), model.data() + begin, range.size()), 0);
      }
      if (random.OneIn(5)) co_await loop().Yield();
    }
  };
  const auto all = [&]() -> Task<void> {
    TaskGroup group(loop());
    for (std::uint64_t i = 0; i < kTasks; ++i) group.Spawn(owner(i));
    co_await group.Join();
  };
  loop().Run(all());
  EXPECT_EQ(file->size(), kTasks * kStripe);
}

TEST_P(DiskConformance, ManyFilesCanBeOpen) {
  std::vector<std::unique_ptr<File>> files;
  for (int i = 0; i < 100; ++i) {
    files.push_back(MustOpen("f" + std::to_string(i), {.create = true}));
    ASSERT_TRUE(Write(*files.back(), 0, RandomBytes(static_cast<std::uint64_t>(i), 50)));
  }
  for (std::uint64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(MustRead(*files[i], 0, 100), RandomBytes(i, 50));
  }
}

TEST_P(DiskConformance, OpeningFollowsItsOptions) {
  EXPECT_EQ(CodeOf(loop().Run(disk().Open(Path("a"), {}))), ErrorCode::kFileNotExist);
  ASSERT_TRUE(Write(*MustOpen("a", {.create = true}), 0, RandomBytes(7, 20)));
  // Neither opening nor creating again loses anything.
  EXPECT_EQ(MustOpen("a", {.create = true})->size(), 20u);
  const auto again = loop().Run(disk().Open(Path("a"), {.create = true, .exclusive = true}));
  EXPECT_EQ(CodeOf(again), ErrorCode::kEntryExist);
  EXPECT_EQ(again.error().path(), Path("a"));
  MustOpen("b", {.create = true, .exclusive = true});
  EXPECT_EQ(CodeOf(loop().Run(disk().Open(Path("no/a"), {.create = true}))),
            ErrorCode::kFileNotExist);
}

TEST_P(DiskConformance, DirectoriesListTheirEntriesByName) {
  ASSERT_TRUE(loop().Run(disk().MakeDirectory(Path("d"))));
  EXPECT_EQ(CodeOf(loop().Run(disk().MakeDirectory(Path("d")))), ErrorCode::kEntryExist);
  EXPECT_EQ(CodeOf(loop().Run(disk().MakeDirectory(Path("x/y")))), ErrorCode::kFileNotExist);
  EXPECT_TRUE(MustList("d").empty());
  MustOpen("d/b", {.create = true});
  MustOpen("d/a", {.create = true});
  ASSERT_TRUE(loop().Run(disk().MakeDirectory(Path("d/c"))));
  const std::vector<DirEntry> expected = {{"a", false}, {"b", false}, {"c", true}};
  EXPECT_EQ(MustList("d"), expected);
  EXPECT_EQ(CodeOf(loop().Run(disk().List(Path("no")))), ErrorCode::kFileNotExist);
  EXPECT_TRUE(loop().Run(disk().SyncDirectory(Path("d"))));
  EXPECT_EQ(CodeOf(loop().Run(disk().SyncDirectory(Path("no")))), ErrorCode::kFileNotExist);
}

TEST_P(DiskConformance, StatTellsFilesFromDirectories) {
  ASSERT_TRUE(loop().Run(disk().MakeDirectory(Path("d"))));
  ASSERT_TRUE(Write(*MustOpen("d/a", {.create = true}), 0, Bytes(1234)));
  EXPECT_EQ(MustStat("d/a").size, 1234u);
  EXPECT_FALSE(MustStat("d/a").is_directory);
  EXPECT_TRUE(MustStat("d").is_directory);
  EXPECT_EQ(MustStat("d").size, 0u);
  EXPECT_EQ(CodeOf(loop().Run(disk().Stat(Path("d/b")))), ErrorCode::kFileNotExist);
  EXPECT_EQ(CodeOf(loop().Run(disk().Stat(Path("d/a/b")))), ErrorCode::kFileNotExist);
}

TEST_P(DiskConformance, RenameReplacesItsTarget) {
  ASSERT_TRUE(loop().Run(disk().MakeDirectory(Path("d"))));
  ASSERT_TRUE(Write(*MustOpen("a", {.create = true}), 0, Bytes(1)));
  ASSERT_TRUE(Write(*MustOpen("d/b", {.create = true}), 0, Bytes(2)));
  ASSERT_TRUE(loop().Run(disk().Rename(Path("a"), Path("d/b"))));
  EXPECT_EQ(MustStat("d/b").size, 1u);
  EXPECT_EQ(CodeOf(loop().Run(disk().Stat(Path("a")))), ErrorCode::kFileNotExist);
  EXPECT_EQ(CodeOf(loop().Run(disk().Rename(Path("a"), Path("c")))), ErrorCode::kFileNotExist);
  ASSERT_TRUE(loop().Run(disk().Rename(Path("d"), Path("e"))));
  EXPECT_EQ(MustStat("e/b").size, 1u);
  EXPECT_EQ(CodeOf(loop().Run(disk().Rename(Path("e"), Path("e/f")))), ErrorCode::kInvalidArgument);
}

TEST_P(DiskConformance, RemovedFilesStayReadableForWhoHasThemOpen) {
  ASSERT_TRUE(loop().Run(disk().MakeDirectory(Path("d"))));
  const auto file = MustOpen("d/a", {.create = true});
  const Bytes data = RandomBytes(8, 1000);
  ASSERT_TRUE(Write(*file, 0, data));
  EXPECT_EQ(CodeOf(loop().Run(disk().Remove(Path("d")))), ErrorCode::kEntryExist);
  ASSERT_TRUE(loop().Run(disk().Remove(Path("d/a"))));
  ASSERT_TRUE(loop().Run(disk().SyncDirectory(Path("d"))));
  EXPECT_TRUE(MustList("d").empty());
  EXPECT_EQ(MustRead(*file, 0, 1000), data);
  EXPECT_EQ(CodeOf(loop().Run(disk().Remove(Path("d/a")))), ErrorCode::kFileNotExist);
  EXPECT_TRUE(loop().Run(disk().Remove(Path("d"))));
}

}  // namespace
}  // namespace obbak::io
