#include "io/sim_disk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "io/sim_world.h"
#include "io/sync.h"

namespace obbak::io {
namespace {

constexpr std::size_t kSector = SimFile::kSectorSize;
constexpr std::uint64_t kVariants = 40;

Bytes Filled(int value, std::size_t size) { return Bytes(size, static_cast<std::byte>(value)); }

// The content of a file in an image; nothing when the file is not there.
std::optional<Bytes> ContentOf(const SimImage& image, const std::string& path) {
  const SimImage::NodeId node = image.Find(path);
  if (node == SimImage::kNoNode) return std::nullopt;
  Bytes bytes(image.file(node).size());
  image.file(node).Read(0, bytes);
  return bytes;
}

// A world whose file "a" exists durably, `size` bytes of zeros.
class SimDiskTest : public testing::Test {
 protected:
  static constexpr std::size_t kSize = 16 * kSector;

  SimDiskTest() {
    loop().Run([](SimDiskTest& test) -> Task<void> {
      auto opened = co_await test.disk().Open("a", {.create = true});
      test.file_ = std::move(*opened);
      co_await test.file_->Allocate(0, kSize);
      co_await test.file_->Sync();
      co_await test.disk().SyncDirectory("");
    }(*this));
  }

  Loop& loop() { return world_.loop(); }
  SimDisk& disk() { return world_.disk(); }
  File& file() { return *file_; }

  // Runs a coroutine function that uses the members above.
  template <class F>
  auto Run(F f) {
    return loop().Run(f());
  }
  // The distinct contents of "a" over many crash images.
  std::set<Bytes> Variants() {
    std::set<Bytes> variants;
    for (std::uint64_t seed = 0; seed < kVariants; ++seed) {
      variants.insert(ContentOf(disk().CrashImage(seed), "a").value());
    }
    return variants;
  }

 private:
  SimWorld world_{1};
  std::unique_ptr<File> file_;
};

TEST_F(SimDiskTest, DurableWritesAreInEveryImage) {
  Run([&]() -> Task<void> {
    EXPECT_TRUE(co_await file().Write(0, Filled(1, kSize), Durability::kDurable));
  });
  EXPECT_EQ(Variants(), std::set{Filled(1, kSize)});
}

TEST_F(SimDiskTest, SyncedWritesAreInEveryImage) {
  Run([&]() -> Task<void> {
    EXPECT_TRUE(co_await file().Write(100, Filled(1, 1000)));
    EXPECT_TRUE(co_await file().Sync());
  });
  EXPECT_EQ(Variants().size(), 1u);
  EXPECT_EQ(Variants().begin()->at(500), std::byte{1});
}

TEST_F(SimDiskTest, UnsyncedSectorsAreKeptOrLostEachOnItsOwn) {
  Run([&]() -> Task<void> { EXPECT_TRUE(co_await file().Write(0, Filled(1, kSize))); });
  EXPECT_EQ(ContentOf(disk().CrashImage(0), "a"), Bytes(kSize));
  EXPECT_EQ(ContentOf(disk().CrashImage(1), "a"), Filled(1, kSize));
  EXPECT_GT(Variants().size(), kVariants / 2);
  for (const Bytes& content : Variants()) {
    for (std::size_t begin = 0; begin < kSize; begin += kSector) {
      const auto sector = ByteView(content).subspan(begin, kSector);
      // Whole, whichever it is.
      EXPECT_EQ(std::ranges::count(sector, sector[0]), static_cast<std::ptrdiff_t>(kSector));
    }
  }
}

TEST_F(SimDiskTest, ALaterWriteMaySurviveAnEarlierOne) {
  Run([&]() -> Task<void> {
    EXPECT_TRUE(co_await file().Write(0, Filled(1, kSector)));
    EXPECT_TRUE(co_await file().Write(8 * kSector, Filled(2, kSector)));
    EXPECT_TRUE(co_await file().Write(0, Filled(3, kSector)));
  });
  std::set<std::pair<int, int>> seen;
  for (const Bytes& content : Variants()) {
    seen.insert({static_cast<int>(content[0]), static_cast<int>(content[8 * kSector])});
  }
  const std::set<std::pair<int, int>> all = {{0, 0}, {0, 2}, {1, 0}, {1, 2}, {3, 0}, {3, 2}};
  EXPECT_EQ(seen, all);
}

TEST_F(SimDiskTest, ADurableWriteSaysNothingAboutItsNeighbours) {
  Run([&]() -> Task<void> {
    EXPECT_TRUE(co_await file().Write(0, Filled(1, 3 * kSector)));
    EXPECT_TRUE(co_await file().Write(kSector, Filled(2, kSector), Durability::kDurable));
  });
  std::set<std::pair<int, int>> neighbours;
  for (const Bytes& content : Variants()) {
    EXPECT_EQ(content[kSector], std::byte{2});
    neighbours.insert({static_cast<int>(content[0]), static_cast<int>(content[2 * kSector])});
  }
  EXPECT_EQ(neighbours.size(), 4u);
}

TEST_F(SimDiskTest, ASyncCoversWhatWasWrittenBeforeItBegan) {
  // Writes and syncs beside each other; whatever had returned before a sync began that returned too
  // must be in every image.
  std::map<std::uint64_t, int> written;
  std::map<std::uint64_t, int> durable;
  const auto writer = [&](std::uint64_t number) -> Task<void> {
    for (int value = 1; value <= 20; ++value) {
      const std::uint64_t offset = number * kSector;
      const Bytes data = Filled(value, kSector);
      EXPECT_TRUE(co_await file().Write(offset, data));
      written[offset] = value;
    }
  };
  const auto syncer = [&]() -> Task<void> {
    for (int i = 0; i < 8; ++i) {
      const std::map<std::uint64_t, int> before = written;
      EXPECT_TRUE(co_await file().Sync());
      durable = before;
    }
  };
  Run([&]() -> Task<void> {
    TaskGroup group(loop());
    for (std::uint64_t i = 0; i < 16; ++i) group.Spawn(writer(i));
    group.Spawn(syncer());
    co_await group.Join();
  });
  ASSERT_FALSE(durable.empty());
  for (const Bytes& content : Variants()) {
    for (const auto& [offset, value] : durable) {
      EXPECT_GE(static_cast<int>(content[offset]), value);
    }
  }
}

TEST_F(SimDiskTest, ASyncDoesNotCoverWhatIsWrittenWhileItRuns) {
  int overlaps = 0;
  for (int round = 1; round <= 50; ++round) {
    const int before = round - 1;
    bool written = false;
    bool synced = false;
    Run([&]() -> Task<void> {
      TaskGroup group(loop());
      group.Spawn([](File& on, int value, bool& done) -> Task<void> {
        const Bytes data = Filled(value, kSize);
        EXPECT_TRUE(co_await on.Write(0, data));
        done = true;
      }(file(), round, written));
      group.Spawn([](File& on, bool& done) -> Task<void> {
        EXPECT_TRUE(co_await on.Sync());
        done = true;
      }(file(), synced));
      while (!synced) co_await loop().Yield();
      if (written) {
        // There for every reader, and yet not safe.
        ++overlaps;
        EXPECT_EQ(ContentOf(disk().image(), "a"), Filled(round, kSize));
        EXPECT_EQ(ContentOf(disk().CrashImage(0), "a"), Filled(before, kSize));
      }
      co_await group.Join();
      EXPECT_TRUE(co_await file().Sync());
    });
  }
  EXPECT_GT(overlaps, 5);
}

TEST_F(SimDiskTest, GrowthIsLostWithoutASyncAndReadsAsZerosWhereDataIsLost) {
  Run([&]() -> Task<void> { EXPECT_TRUE(co_await file().Write(kSize, Filled(1, 5000))); });
  std::set<std::size_t> sizes;
  for (const Bytes& content : Variants()) {
    sizes.insert(content.size());
    EXPECT_GE(content.size(), kSize);
    EXPECT_LE(content.size(), kSize + 5000);
    for (std::size_t i = kSize; i < content.size(); ++i) EXPECT_LE(content[i], std::byte{1});
  }
  EXPECT_TRUE(sizes.contains(kSize));
  EXPECT_TRUE(sizes.contains(kSize + 5000));
  EXPECT_GT(sizes.size(), 2u);
}

TEST_F(SimDiskTest, NamesAreKeptOrLostUntilTheirDirectoryIsSynced) {
  Run([&]() -> Task<void> {
    EXPECT_TRUE(co_await disk().MakeDirectory("d"));
    EXPECT_TRUE(co_await disk().SyncDirectory(""));
    EXPECT_TRUE((co_await disk().Open("d/kept", {.create = true})).has_value());
    EXPECT_TRUE(co_await disk().SyncDirectory("d"));
    EXPECT_TRUE((co_await disk().Open("d/new", {.create = true})).has_value());
    EXPECT_TRUE(co_await disk().Rename("a", "b"));
  });
  std::set<std::pair<bool, bool>> seen;
  for (std::uint64_t seed = 0; seed < kVariants; ++seed) {
    const SimImage image = disk().CrashImage(seed);
    EXPECT_TRUE(ContentOf(image, "d/kept"));
    // A rename is whole: one name or the other.
    EXPECT_NE(ContentOf(image, "a").has_value(), ContentOf(image, "b").has_value());
    seen.insert({ContentOf(image, "d/new").has_value(), ContentOf(image, "b").has_value()});
  }
  EXPECT_EQ(seen.size(), 4u);
}

TEST_F(SimDiskTest, ADirectorySyncDoesNotCoverNamesThatChangeWhileItRuns) {
  int overlaps = 0;
  for (int round = 1; round <= 50; ++round) {
    const std::string name = "n" + std::to_string(round);
    bool created = false;
    bool synced = false;
    Run([&]() -> Task<void> {
      TaskGroup group(loop());
      group.Spawn([](SimDisk& on, const std::string& path, bool& done) -> Task<void> {
        EXPECT_TRUE((co_await on.Open(path, {.create = true})).has_value());
        done = true;
      }(disk(), name, created));
      group.Spawn([](SimDisk& on, bool& done) -> Task<void> {
        EXPECT_TRUE(co_await on.SyncDirectory(""));
        done = true;
      }(disk(), synced));
      while (!synced) co_await loop().Yield();
      if (created) {
        ++overlaps;
        EXPECT_FALSE(ContentOf(disk().CrashImage(0), name));
      }
      co_await group.Join();
      EXPECT_TRUE(co_await disk().SyncDirectory(""));
      EXPECT_TRUE(ContentOf(disk().CrashImage(0), name));
    });
  }
  EXPECT_GT(overlaps, 5);
}

TEST_F(SimDiskTest, ANameThatCameAndWentMayBeFound) {
  Run([&]() -> Task<void> {
    EXPECT_TRUE(co_await disk().MakeDirectory("d"));
    EXPECT_TRUE(co_await disk().SyncDirectory(""));
    EXPECT_TRUE((co_await disk().Open("brief", {.create = true})).has_value());
    EXPECT_TRUE(co_await disk().Remove("brief"));
    // Another directory's sync is no reason to forget the file.
    EXPECT_TRUE(co_await disk().SyncDirectory("d"));
  });
  int found = 0;
  for (std::uint64_t seed = 0; seed < kVariants; ++seed) {
    if (ContentOf(disk().CrashImage(seed), "brief")) ++found;
  }
  EXPECT_GT(found, 0);
  EXPECT_LT(found, static_cast<int>(kVariants));
}

TEST_F(SimDiskTest, AReplacedOrRemovedFileMayComeBack) {
  Run([&]() -> Task<void> {
    auto opened = co_await disk().Open("tmp", {.create = true});
    EXPECT_TRUE(co_await (*opened)->Write(0, Filled(9, 10), Durability::kDurable));
    EXPECT_TRUE(co_await disk().SyncDirectory(""));
    EXPECT_TRUE(co_await disk().Rename("tmp", "a"));
  });
  EXPECT_EQ(Variants(), (std::set{Bytes(kSize), Filled(9, 10)}));
  Run([&]() -> Task<void> {
    EXPECT_TRUE(co_await disk().SyncDirectory(""));
    EXPECT_TRUE(co_await disk().Remove("a"));
  });
  int found = 0;
  for (std::uint64_t seed = 0; seed < kVariants; ++seed) {
    const auto content = ContentOf(disk().CrashImage(seed), "a");
    if (content.has_value()) {
      ++found;
      EXPECT_EQ(content, Filled(9, 10));
    }
  }
  EXPECT_GT(found, 0);
  EXPECT_LT(found, static_cast<int>(kVariants));
}

TEST_F(SimDiskTest, ErrorsOnDemandNameThePlace) {
  disk().Observe([](const SimOperation& operation) {
    if (operation.kind == SimOperation::Kind::kRead) return SimFault::kIoError;
    if (operation.kind == SimOperation::Kind::kWrite) return SimFault::kNoSpace;
    return SimFault::kNone;
  });
  Run([&]() -> Task<void> {
    Bytes bytes(10);
    const Result<std::size_t> read = co_await file().Read(7, bytes);
    EXPECT_EQ(read.error().code(), ErrorCode::kIoError);
    EXPECT_EQ(read.error().path(), "a");
    EXPECT_EQ(read.error().offset(), 7u);
    const Status written = co_await file().Write(7, bytes);
    EXPECT_EQ(written.error().code(), ErrorCode::kServerOutofDiskSpace);
  });
  EXPECT_EQ(Variants(), std::set{Bytes(kSize)});
}

TEST_F(SimDiskTest, AFailedWriteMayHaveReachedTheDiskInPart) {
  disk().Observe([](const SimOperation& operation) {
    return operation.kind == SimOperation::Kind::kDurableWrite ? SimFault::kIoError
                                                               : SimFault::kNone;
  });
  Run([&]() -> Task<void> {
    EXPECT_FALSE(co_await file().Write(0, Filled(1, kSize), Durability::kDurable));
  });
  EXPECT_GT(Variants().size(), kVariants / 2);
}

TEST_F(SimDiskTest, ABitFlipChangesOneBitOfWhatIsReadAndNothingOnTheDisk) {
  disk().Observe([](const SimOperation& operation) {
    return operation.kind == SimOperation::Kind::kRead ? SimFault::kBitFlip : SimFault::kNone;
  });
  Run([&]() -> Task<void> {
    Bytes bytes(kSize);
    EXPECT_EQ((co_await file().Read(0, bytes)).value_or(0), kSize);
    int bits = 0;
    for (const std::byte byte : bytes) bits += std::popcount(static_cast<unsigned char>(byte));
    EXPECT_EQ(bits, 1);
  });
  EXPECT_EQ(ContentOf(disk().image(), "a"), Bytes(kSize));
}

TEST_F(SimDiskTest, AFullDiskRefusesToGrowAndStillOverwrites) {
  disk().SetCapacity(2 * kSize);
  Run([&]() -> Task<void> {
    EXPECT_TRUE(co_await file().Write(kSize, Filled(1, kSize)));
    const Status grown = co_await file().Write(2 * kSize, Filled(1, 1));
    EXPECT_EQ(grown.error().code(), ErrorCode::kServerOutofDiskSpace);
    const Status allocated = co_await file().Allocate(0, 3 * kSize);
    EXPECT_EQ(allocated.error().code(), ErrorCode::kServerOutofDiskSpace);
    EXPECT_TRUE(co_await file().Write(0, Filled(2, 2 * kSize)));
    EXPECT_EQ(file().size(), 2 * kSize);
  });
}

TEST_F(SimDiskTest, AfterThePowerIsOffNothingHasAnEffect) {
  const std::uint64_t before = disk().operations();
  disk().StopAtOperation(before + 3);
  Run([&]() -> Task<void> {
    EXPECT_TRUE(co_await file().Write(0, Filled(1, kSector), Durability::kDurable));
    EXPECT_TRUE(co_await file().Write(kSector, Filled(2, kSector), Durability::kDurable));
    EXPECT_FALSE(co_await file().Write(2 * kSector, Filled(3, 2 * kSector), Durability::kDurable));
    EXPECT_FALSE(disk().powered());
    const Status late = co_await file().Write(0, Filled(4, kSize), Durability::kDurable);
    EXPECT_EQ(late.error().code(), ErrorCode::kIoError);
    EXPECT_FALSE(co_await file().Sync());
    EXPECT_FALSE(co_await disk().Remove("a"));
    EXPECT_FALSE(co_await disk().SyncDirectory(""));
    Bytes bytes(10);
    EXPECT_FALSE((co_await file().Read(0, bytes)).has_value());
  });
  EXPECT_EQ(disk().operations(), before + 8);
  std::set<std::pair<int, int>> torn;
  for (const Bytes& content : Variants()) {
    EXPECT_EQ(content[0], std::byte{1});
    EXPECT_EQ(content[kSector], std::byte{2});
    torn.insert({static_cast<int>(content[2 * kSector]), static_cast<int>(content[3 * kSector])});
    EXPECT_EQ(content[4 * kSector], std::byte{0});
  }
  // The write at the crash point is there, absent, or torn.
  EXPECT_EQ(torn, (std::set<std::pair<int, int>>{{0, 0}, {0, 3}, {3, 0}, {3, 3}}));
}

TEST_F(SimDiskTest, OperationsUnderWayWhenThePowerGoesFailButMayHaveHappened) {
  Run([&]() -> Task<void> {
    TaskGroup group(loop());
    for (std::uint64_t i = 0; i < 4; ++i) {
      group.Spawn([](File& on, std::uint64_t number) -> Task<void> {
        const Bytes data = Filled(1, kSector);
        EXPECT_FALSE(co_await on.Write(number * kSector, data, Durability::kDurable));
      }(file(), i));
    }
    group.Spawn(
        [](SimDisk& on) -> Task<void> { EXPECT_FALSE(co_await on.Rename("a", "b")); }(disk()));
    co_await loop().Yield();
    co_await loop().Yield();
    disk().PowerOff();
    co_await group.Join();
  });
  std::set<std::string> names;
  std::set<Bytes> contents;
  for (std::uint64_t seed = 0; seed < kVariants; ++seed) {
    const SimImage image = disk().CrashImage(seed);
    names.insert(ContentOf(image, "a") ? "a" : "b");
    contents.insert(
        ContentOf(image, names.contains("b") && !ContentOf(image, "a") ? "b" : "a").value());
  }
  EXPECT_EQ(names.size(), 2u);
  EXPECT_GT(contents.size(), 10u);
}

TEST_F(SimDiskTest, TheSameSeedGivesTheSameImageAndNewWorldsStartFromIt) {
  Run([&]() -> Task<void> { EXPECT_TRUE(co_await file().Write(0, Filled(1, kSize))); });
  for (std::uint64_t seed = 0; seed < kVariants; ++seed) {
    const SimImage image = disk().CrashImage(seed);
    EXPECT_EQ(ContentOf(image, "a"), ContentOf(disk().CrashImage(seed), "a"));
    SimWorld after(seed, image);
    const Bytes content = after.loop().Run([](SimDisk& disk) -> Task<Bytes> {
      const auto opened = co_await disk.Open("a", {});
      Bytes bytes(kSize);
      EXPECT_EQ((co_await (*opened)->Read(0, bytes)).value_or(0), kSize);
      // What the new world writes leaves the image alone.
      EXPECT_TRUE(co_await (*opened)->Write(0, Filled(7, kSize), Durability::kDurable));
      co_return bytes;
    }(after.disk()));
    EXPECT_EQ(content, ContentOf(image, "a"));
  }
}

TEST_F(SimDiskTest, OperationsAreCountedAndDescribed) {
  std::vector<std::string> seen;
  disk().Observe([&](const SimOperation& operation) {
    seen.push_back(ToString(operation));
    return SimFault::kNone;
  });
  const std::uint64_t before = disk().operations();
  Run([&]() -> Task<void> {
    EXPECT_TRUE(co_await file().Write(512, Filled(1, 10), Durability::kDurable));
    EXPECT_TRUE(co_await disk().Rename("a", "b"));
  });
  EXPECT_EQ(disk().operations(), before + 2);
  EXPECT_EQ(seen, (std::vector{std::to_string(before + 1) + ": durable write a offset 512 size 10",
                               std::to_string(before + 2) + ": rename a to b"}));
}

// A program that does random things and remembers what it was promised; then the power fails at a
// random operation, and every promise must hold in every image.
class Promises {
 public:
  static constexpr std::uint64_t kFiles = 3;
  static constexpr std::uint64_t kBlocks = 8;

  // Until the first error.
  Task<void> Run(SimWorld& world, std::uint64_t number) {
    Random random(number);
    auto opened = co_await world.disk().Open(std::to_string(number), {.create = true});
    if (!opened) co_return;
    File& file = **opened;
    if (!co_await world.disk().SyncDirectory("")) co_return;
    created_.insert(number);
    std::map<std::uint64_t, int> unsynced;
    for (int value = 1; value < 100; ++value) {
      const std::uint64_t block = random.Below(kBlocks);
      const Bytes data = Filled(value, SimFile::kPageSize);
      newest_[{number, block}] = value;
      if (random.OneIn(2)) {
        if (!co_await file.Write(block * data.size(), data, Durability::kDurable)) co_return;
        promised_[{number, block}] = value;
        unsynced.erase(block);
      } else {
        if (!co_await file.Write(block * data.size(), data)) co_return;
        unsynced[block] = value;
      }
      if (random.OneIn(4)) {
        if (!co_await file.Sync()) co_return;
        for (const auto& [synced, with] : unsynced) promised_[{number, synced}] = with;
        unsynced.clear();
      }
    }
  }

  void Check(const SimImage& image) const {
    for (const std::uint64_t number : created_) {
      ASSERT_NE(image.Find(std::to_string(number)), SimImage::kNoNode);
    }
    for (const auto& [place, value] : promised_) {
      const SimFile& file = image.file(image.Find(std::to_string(place.first)));
      Bytes data(SimFile::kPageSize);
      ASSERT_EQ(file.Read(place.second * data.size(), data), data.size());
      for (const std::byte byte : data) {
        ASSERT_GE(static_cast<int>(byte), value);
        ASSERT_LE(static_cast<int>(byte), newest_.at(place));
      }
    }
  }

 private:
  using Place = std::pair<std::uint64_t, std::uint64_t>;
  std::set<std::uint64_t> created_;
  std::map<Place, int> promised_;
  std::map<Place, int> newest_;
};

TEST(SimDiskCrash, WhateverReturnedAsDurableIsInEveryImage) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SimWorld world(seed);
    Promises promises;
    world.disk().StopAtOperation(1 + world.random().Below(400));
    world.loop().Run([](SimWorld& w, Promises& p) -> Task<void> {
      TaskGroup group(w.loop());
      for (std::uint64_t i = 0; i < Promises::kFiles; ++i) group.Spawn(p.Run(w, i));
      co_await group.Join();
    }(world, promises));
    for (std::uint64_t variant = 0; variant < 10; ++variant) {
      promises.Check(world.disk().CrashImage(variant));
    }
  }
}

}  // namespace
}  // namespace obbak::io
