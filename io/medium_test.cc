// What every medium promises, on a directory of every device; and what power failures, full disks
// and failing devices leave of it.
#include "io/medium.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/aligned_bytes.h"
#include "io/directory_medium.h"
#include "io/directory_tree.h"
#include "io/directory_writer.h"
#include "io/random.h"
#include "io/sim_world.h"
#include "io/test_device.h"

namespace obbak::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Bytes RandomBytes(std::uint64_t seed, std::size_t size) {
  Random random(seed);
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.Next());
  return bytes;
}

template <class T>
ErrorCode CodeOf(const Result<T>& result) {
  return result ? ErrorCode{} : result.error().code();
}

template <class T>
testing::AssertionResult Succeeded(const Result<T>& result) {
  if (result) return testing::AssertionSuccess();
  return testing::AssertionFailure() << result.error().ToString();
}

// Gives the writer the bytes in pieces of random sizes.
Task<Status> WriteInPieces(MediumWriter& writer, ByteView bytes, std::uint64_t seed) {
  Random random(seed);
  while (!bytes.empty()) {
    const std::uint64_t limit = random.OneIn(2) ? 5000 : DirectoryWriter::kBufferSize;
    const std::size_t size = std::min<std::size_t>(bytes.size(), 1 + random.Below(limit));
    if (Status written = co_await writer.Write(bytes.first(size)); !written) co_return written;
    bytes = bytes.subspan(size);
  }
  co_return Status();
}

Task<Status> WriteObject(Medium& medium, std::string path, ByteView bytes, std::uint64_t seed) {
  Result<std::unique_ptr<MediumWriter>> writer = co_await medium.Create(std::move(path));
  if (!writer) co_return Fail(std::move(writer).error());
  Status status = co_await WriteInPieces(**writer, bytes, seed);
  if (status) status = co_await (*writer)->Complete();
  if (!status) co_await (*writer)->Abort();
  co_return status;
}

constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

class MediumConformance : public DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (IsSkipped()) return;
    medium_ = MakeMedium();
  }
  void TearDown() override {
    medium_.reset();
    DeviceTest::TearDown();
  }

  std::unique_ptr<Medium> MakeMedium() {
    return MakeDirectoryMedium(loop(), disk(), Path("mount/backup"), "file:///mount/backup");
  }
  Medium& medium() { return *medium_; }
  void StartAnew() { medium_ = MakeMedium(); }
  Status Put(const std::string& path, ByteView bytes) {
    return loop().Run(medium().Put(path, bytes));
  }
  Status Append(const std::string& path, std::uint64_t offset, ByteView bytes) {
    return loop().Run(medium().Append(path, offset, bytes));
  }
  Result<Bytes> Read(const std::string& path) {
    return loop().Run(ReadAll(medium(), path, kNoLimit));
  }
  std::vector<std::string> NamesIn(const std::string& path) {
    const auto entries = loop().Run(medium().List(path));
    EXPECT_TRUE(Succeeded(entries));
    std::vector<std::string> names;
    for (const DirEntry& entry : entries.value_or(std::vector<DirEntry>())) {
      names.push_back(entry.name + (entry.is_directory ? "/" : ""));
    }
    return names;
  }
  // Everything that is on the disk below the root directory.
  std::vector<std::string> NamesOnDisk() {
    const auto entries = loop().Run(disk().List(Path("mount/backup")));
    std::vector<std::string> names;
    for (const DirEntry& entry : entries.value_or(std::vector<DirEntry>())) {
      names.push_back(entry.name);
    }
    return names;
  }

 private:
  std::unique_ptr<Medium> medium_;
};
OBBAK_ON_ALL_DEVICES(MediumConformance);

TEST_P(MediumConformance, NothingIsThereBeforeTheFirstWrite) {
  EXPECT_THAT(NamesIn(""), IsEmpty());
  EXPECT_THAT(NamesIn("a/b"), IsEmpty());
  EXPECT_EQ(loop().Run(medium().Exists("a")).value(), false);
  EXPECT_EQ(CodeOf(Read("a")), ErrorCode::kFileNotExist);
  EXPECT_THAT(Read("a").error().ToString(), HasSubstr("file:///mount/backup/a"));
  EXPECT_TRUE(Succeeded(loop().Run(medium().Remove("a/b"))));
  EXPECT_TRUE(Succeeded(loop().Run(medium().RemoveDirectory("a"))));
  EXPECT_TRUE(Succeeded(loop().Run(medium().RemoveTemporaries())));
}

TEST_P(MediumConformance, PutObjectsAreReadBackAndReplaced) {
  const Bytes first = RandomBytes(1, 10'000), second = RandomBytes(2, 77);
  ASSERT_TRUE(Succeeded(Put("sets/one/info", first)));
  ASSERT_TRUE(Succeeded(Put("sets/empty", {})));
  ASSERT_TRUE(Succeeded(Put("top", second)));
  EXPECT_EQ(Read("sets/one/info").value(), first);
  EXPECT_TRUE(Read("sets/empty").value().empty());
  ASSERT_TRUE(Succeeded(Put("sets/one/info", second)));
  EXPECT_EQ(Read("sets/one/info").value(), second);
  EXPECT_THAT(NamesIn(""), ElementsAre("sets/", "top"));
  EXPECT_THAT(NamesIn("sets"), ElementsAre("empty", "one/"));
  EXPECT_THAT(NamesIn("top"), IsEmpty());
  EXPECT_TRUE(loop().Run(medium().Exists("sets/one/info")).value());
}

TEST_P(MediumConformance, WrittenObjectsAreExactlyTheBytesAtEverySize) {
  constexpr std::size_t kBuffer = DirectoryWriter::kBufferSize;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{4095}, std::size_t{4096}, std::size_t{4097},
        kBuffer - 1, kBuffer, kBuffer + 1, 4 * kBuffer, 5 * kBuffer + 12'345}) {
    SCOPED_TRACE(size);
    const Bytes bytes = RandomBytes(size, size);
    ASSERT_TRUE(Succeeded(loop().Run(WriteObject(medium(), "set/data", bytes, size))));
    EXPECT_TRUE(Read("set/data").value() == bytes);
    EXPECT_THAT(NamesOnDisk(), ElementsAre("set"));
  }
}

TEST_P(MediumConformance, ReadsAnyRangeIntoAnyMemory) {
  const Bytes bytes = RandomBytes(3, 300'001);
  ASSERT_TRUE(Succeeded(Put("a", bytes)));
  const std::unique_ptr<MediumReader> reader = loop().Run(medium().Open("a")).value();
  EXPECT_EQ(reader->size(), bytes.size());
  const AlignedBytes memory(512 << 10);
  Random random(4);
  for (int i = 0; i < 200; ++i) {
    const bool aligned = random.OneIn(2);
    const std::size_t unit = aligned ? Disk::kAlignment : 1;
    const std::size_t offset = random.Below(310'000) / unit * unit;
    const std::size_t size = random.Below(200'000) / unit * unit;
    const std::span<std::byte> out = memory.span().subspan(aligned ? 0 : random.Below(10), size);
    const Result<std::size_t> read = loop().Run(reader->Read(offset, out));
    ASSERT_TRUE(Succeeded(read));
    const std::size_t left = offset < bytes.size() ? bytes.size() - offset : 0;
    ASSERT_EQ(*read, std::min(size, left));
    const ByteView expected = ByteView(bytes).subspan(std::min(offset, bytes.size()), *read);
    ASSERT_TRUE(std::ranges::equal(out.first(*read), expected)) << offset << " " << size;
  }
}

TEST_P(MediumConformance, ReaderKeepsTheSizeOfTheMomentItWasOpened) {
  const Bytes bytes = RandomBytes(5, 10'000);
  ASSERT_TRUE(Succeeded(Append("log", 0, ByteView(bytes).first(5000))));
  const std::unique_ptr<MediumReader> reader = loop().Run(medium().Open("log")).value();
  ASSERT_TRUE(Succeeded(Append("log", 5000, ByteView(bytes).subspan(5000))));
  EXPECT_EQ(reader->size(), 5000u);
  const AlignedBytes memory(16384);
  EXPECT_EQ(loop().Run(reader->Read(0, memory.span())).value(), 5000u);
  EXPECT_EQ(loop().Run(reader->Read(1, memory.span().first(9000))).value(), 4999u);
}

TEST_P(MediumConformance, WriterThatIsNotCompletedLeavesNothing) {
  const Bytes old = RandomBytes(6, 100), bytes = RandomBytes(7, 9'000'000);
  ASSERT_TRUE(Succeeded(Put("set/data", old)));
  std::unique_ptr<MediumWriter> writer = loop().Run(medium().Create("set/data")).value();
  std::unique_ptr<MediumWriter> other = loop().Run(medium().Create("set/data2")).value();
  ASSERT_TRUE(Succeeded(loop().Run(writer->Write(bytes))));
  EXPECT_EQ(NamesOnDisk().size(), 3u);
  EXPECT_THAT(NamesIn(""), ElementsAre("set/"));
  EXPECT_THAT(NamesIn("set"), ElementsAre("data"));
  EXPECT_EQ(Read("set/data").value(), old);
  loop().Run(writer->Abort());
  loop().Run(other->Abort());
  EXPECT_THAT(NamesOnDisk(), ElementsAre("set"));
}

TEST_P(MediumConformance, TemporariesOfDeadWritersAreSteppedOverAndRemoved) {
  ASSERT_TRUE(Succeeded(Put("a", {})));
  for (const char* name : {"mount/backup/.obbak_tmp.0", "mount/backup/.obbak_tmp.1"}) {
    ASSERT_TRUE(Succeeded(loop().Run(disk().Open(Path(name), {.create = true}))));
  }
  const std::unique_ptr<Medium> again = MakeMedium();
  ASSERT_TRUE(Succeeded(loop().Run(again->Put("b", {}))));
  EXPECT_THAT(NamesIn(""), ElementsAre("a", "b"));
  EXPECT_EQ(NamesOnDisk().size(), 4u);
  ASSERT_TRUE(Succeeded(loop().Run(again->RemoveTemporaries())));
  EXPECT_THAT(NamesOnDisk(), ElementsAre("a", "b"));
}

TEST_P(MediumConformance, AppendsFitOntoWhatIsThere) {
  const Bytes bytes = RandomBytes(8, 700'000);
  const ByteView view = bytes;
  EXPECT_EQ(CodeOf(Append("piece/log", 10, view)), ErrorCode::kBackupPwriteOffsetNotMatch);
  EXPECT_FALSE(loop().Run(medium().Exists("piece/log")).value());
  ASSERT_TRUE(Succeeded(Append("piece/log", 0, view.first(4096))));
  ASSERT_TRUE(Succeeded(Append("piece/log", 4096, view.subspan(4096, 1001))));
  // The same again, a part of it, and more that begins before the end.
  ASSERT_TRUE(Succeeded(Append("piece/log", 4096, view.subspan(4096, 1001))));
  ASSERT_TRUE(Succeeded(Append("piece/log", 100, view.subspan(100, 50))));
  ASSERT_TRUE(Succeeded(Append("piece/log", 1, view.subspan(1, 599'999))));
  EXPECT_EQ(CodeOf(Append("piece/log", 600'001, view)), ErrorCode::kBackupPwriteOffsetNotMatch);
  EXPECT_TRUE(Read("piece/log").value() == Bytes(view.begin(), view.begin() + 600'000));

  Bytes wrong = bytes;
  wrong[450'000] ^= std::byte{1};
  const Status refused = Append("piece/log", 0, wrong);
  EXPECT_EQ(CodeOf(refused), ErrorCode::kBackupPwriteContentNotMatch);
  EXPECT_EQ(refused.error().offset(), 450'000u);
  EXPECT_THAT(refused.error().ToString(), HasSubstr("file:///mount/backup/piece/log"));
  EXPECT_EQ(Read("piece/log").value().size(), 600'000u);

  const std::unique_ptr<Medium> again = MakeMedium();
  ASSERT_TRUE(Succeeded(loop().Run(again->Append("piece/log", 599'000, view.subspan(599'000)))));
  EXPECT_TRUE(Read("piece/log").value() == bytes);
}

TEST_P(MediumConformance, AppendsOfAnySizesMakeExactlyTheBytes) {
  const Bytes bytes = RandomBytes(20, 12'000'000);
  Random random(20);
  std::size_t size = 0;
  while (size < bytes.size()) {
    const std::size_t unit = random.OneIn(4) ? Disk::kAlignment : 1;
    const std::size_t limit = random.OneIn(2) ? 10'000 : 2'500'000;
    // Now and then some of it was there already.
    const std::size_t begin = size - std::min(size, random.OneIn(3) ? random.Below(5000) : 0);
    const std::size_t end = std::min(bytes.size(), size + (1 + random.Below(limit)) / unit * unit);
    ASSERT_TRUE(Succeeded(Append("log", begin, ByteView(bytes).subspan(begin, end - begin))));
    size = end;
    if (random.OneIn(4)) {
      // As after a start of the program.
      StartAnew();
    }
    ASSERT_EQ(loop().Run(medium().Open("log")).value()->size(), size);
  }
  EXPECT_TRUE(Read("log").value() == bytes);
}

TEST_P(MediumConformance, ManyObjectsGrowBesideEachOther) {
  constexpr std::size_t kObjects = 40;
  std::vector<Bytes> written(kObjects);
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < kObjects; ++i) {
      const Bytes more = RandomBytes(i * 10 + static_cast<std::size_t>(round), 100 + i);
      ASSERT_TRUE(Succeeded(Append(fmt::format("ls{}/log", i), written[i].size(), more)));
      written[i].insert(written[i].end(), more.begin(), more.end());
    }
  }
  for (std::size_t i = 0; i < kObjects; ++i) {
    EXPECT_EQ(Read(fmt::format("ls{}/log", i)).value(), written[i]);
  }
}

TEST_P(MediumConformance, ReplacedAndRemovedObjectsGrowFromTheirNewState) {
  const Bytes bytes = RandomBytes(9, 3000);
  const ByteView view = bytes;
  ASSERT_TRUE(Succeeded(Append("log", 0, view.first(2000))));
  ASSERT_TRUE(Succeeded(Put("log", view.first(10))));
  ASSERT_TRUE(Succeeded(Append("log", 10, view.subspan(10, 10))));
  EXPECT_EQ(Read("log").value(), Bytes(view.begin(), view.begin() + 20));
  ASSERT_TRUE(Succeeded(loop().Run(medium().Remove("log"))));
  EXPECT_EQ(CodeOf(Append("log", 20, view)), ErrorCode::kBackupPwriteOffsetNotMatch);
  ASSERT_TRUE(Succeeded(Append("log", 0, view)));
  EXPECT_EQ(Read("log").value(), bytes);
}

TEST_P(MediumConformance, DirectoriesGoWhenTheyAreEmptyAndComeBack) {
  ASSERT_TRUE(Succeeded(Put("a/b/c", {})));
  EXPECT_EQ(CodeOf(loop().Run(medium().RemoveDirectory("a/b"))), ErrorCode::kEntryExist);
  EXPECT_EQ(CodeOf(loop().Run(medium().RemoveDirectory("a/b/c"))), ErrorCode::kInvalidArgument);
  ASSERT_TRUE(Succeeded(loop().Run(medium().Remove("a/b/c"))));
  ASSERT_TRUE(Succeeded(loop().Run(medium().RemoveDirectory("a/b"))));
  ASSERT_TRUE(Succeeded(loop().Run(medium().RemoveDirectory("a"))));
  EXPECT_THAT(NamesIn(""), IsEmpty());
  ASSERT_TRUE(Succeeded(Put("a/b/c", {})));
  EXPECT_TRUE(loop().Run(medium().Exists("a/b/c")).value());
}

TEST_P(MediumConformance, ReadAllRefusesLargerObjects) {
  ASSERT_TRUE(Succeeded(Put("a", RandomBytes(1, 101))));
  const Result<Bytes> read = loop().Run(ReadAll(medium(), "a", 100));
  EXPECT_EQ(CodeOf(read), ErrorCode::kSizeOverflow);
  EXPECT_THAT(read.error().ToString(), HasSubstr("file:///mount/backup/a"));
}

TEST(DirectoryMedium, SaysWhatTheDiskSaysInTheWordsOfDestinations) {
  SimWorld world(1);
  DirectoryTree tree(world.disk(), "backup", "file:///backup");
  const auto code = [&](int error) {
    return tree.Locate(ErrnoError(error, "open", "backup/x/.obbak_tmp.7"), "x/y").code();
  };
  EXPECT_EQ(code(ENOSPC), ErrorCode::kBackupDeviceOutOfSpace);
  EXPECT_EQ(code(EDQUOT), ErrorCode::kBackupDeviceOutOfSpace);
  EXPECT_EQ(code(EACCES), ErrorCode::kBackupPermissionDenied);
  EXPECT_EQ(code(EROFS), ErrorCode::kBackupPermissionDenied);
  EXPECT_EQ(code(EPERM), ErrorCode::kBackupPermissionDenied);
  EXPECT_EQ(code(ESTALE), ErrorCode::kBackupDestNotConnect);
  EXPECT_EQ(code(EIO), ErrorCode::kIoError);
  EXPECT_EQ(code(ENOENT), ErrorCode::kFileNotExist);
  const Error error = tree.Locate(ErrnoError(EACCES, "open", "backup/.obbak_tmp.7"), "x/y");
  EXPECT_EQ(error.path(), "file:///backup/x/y");
  EXPECT_FALSE(error.advice().empty());
}

TEST(DirectoryMedium, FactoryTakesDirectoriesOnly) {
  SimWorld world(1);
  const MediumFactory media = DirectoryMedia(world.loop(), world.disk());
  const Result<std::unique_ptr<Medium>> medium = media(BackupDest::Parse("file:///a/b").value());
  ASSERT_TRUE(Succeeded(medium));
  EXPECT_EQ((*medium)->location(), "file:///a/b");
  ASSERT_TRUE(Succeeded(world.loop().Run((*medium)->Put("c", {}))));
  EXPECT_TRUE(Succeeded(world.loop().Run(world.disk().Stat("/a/b/c"))));
  const BackupDest bucket =
      BackupDest::Parse("s3://bucket/dir?host=h&access_id=i&access_key=k&s3_region=r").value();
  EXPECT_EQ(CodeOf(media(bucket)), ErrorCode::kNotSupported);
}

// ---- Power failures and failing devices.

// What may be found of each object: its contents, absent as nothing.
struct Expected {
  std::map<std::string, std::vector<std::optional<Bytes>>> whole;
  // Objects that grow: what was acknowledged of them, and all that they would become.
  std::map<std::string, std::pair<std::size_t, Bytes>> growing;
  bool finished = false;
};

// Puts, replaces, writes, appends and removes until something fails; keeps book of it.
Expected RunWorkload(Loop& loop, Medium& medium, std::uint64_t seed) {
  Expected expected;
  const auto change = [&](const std::string& path, std::optional<Bytes> to, Task<Status> task) {
    std::vector<std::optional<Bytes>>& allowed = expected.whole[path];
    if (allowed.empty()) allowed.emplace_back();
    allowed.push_back(to);
    const Status status = loop.Run(std::move(task));
    if (status) allowed = {std::move(to)};
    return status.has_value();
  };
  const auto append = [&](const std::string& path, std::size_t size) {
    auto& [acknowledged, all] = expected.growing.at(path);
    const std::size_t offset = acknowledged;
    const Status status =
        loop.Run(medium.Append(path, offset, ByteView(all).subspan(offset, size)));
    if (status) acknowledged = offset + size;
    return status.has_value();
  };
  expected.growing["piece/ls/log"] = {0, RandomBytes(seed + 1, 40'000)};
  const Bytes a = RandomBytes(seed + 2, 3000), b = RandomBytes(seed + 3, 9000),
              c = RandomBytes(seed + 4, 50'001);
  expected.finished =
      change("set/info", a, medium.Put("set/info", a)) && append("piece/ls/log", 5000) &&
      change("set/ls/data", c, WriteObject(medium, "set/ls/data", c, seed)) &&
      append("piece/ls/log", 777) && append("piece/ls/log", 20'000) &&
      change("set/info", b, medium.Put("set/info", b)) &&
      change("set/ls/data", a, WriteObject(medium, "set/ls/data", a, seed)) &&
      append("piece/ls/log", 14'223) && change("set/info", std::nullopt, medium.Remove("set/info"));
  return expected;
}

class MediumFaults : public testing::Test {
 protected:
  static constexpr const char* kRoot = "/mnt/backup";

  static std::unique_ptr<Medium> MediumOf(SimWorld& world) {
    return MakeDirectoryMedium(world.loop(), world.disk(), kRoot, "file:///mnt/backup");
  }
  static void ExpectAllowed(SimWorld& world, Medium& medium, const Expected& expected) {
    for (const auto& [path, allowed] : expected.whole) {
      const Result<Bytes> read = world.loop().Run(ReadAll(medium, path, kNoLimit));
      EXPECT_TRUE(read || read.error().code() == ErrorCode::kFileNotExist) << path;
      const std::optional<Bytes> found = read ? std::optional<Bytes>(*read) : std::nullopt;
      EXPECT_TRUE(std::ranges::find(allowed, found) != allowed.end())
          << path << " has " << (found ? fmt::format("{} bytes", found->size()) : "gone");
    }
  }
  // What was acknowledged is there, and the rest can be given again until all is.
  static void ExpectGrows(SimWorld& world, Medium& medium, const Expected& expected) {
    for (const auto& [path, state] : expected.growing) {
      const auto& [acknowledged, all] = state;
      const Result<Bytes> read = world.loop().Run(ReadAll(medium, path, kNoLimit));
      if (acknowledged > 0) {
        ASSERT_TRUE(Succeeded(read));
        ASSERT_GE(read->size(), acknowledged);
        EXPECT_TRUE(std::equal(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(acknowledged),
                               read->begin()));
      }
      const Status again =
          world.loop().Run(medium.Append(path, acknowledged, ByteView(all).subspan(acknowledged)));
      ASSERT_TRUE(Succeeded(again));
      EXPECT_TRUE(world.loop().Run(ReadAll(medium, path, kNoLimit)).value() == all);
    }
  }
};

TEST_F(MediumFaults, PowerFailureAtAnyOperationLeavesObjectsOldOrAbsentOrWhole) {
  constexpr std::uint64_t kSeed = 11;
  std::uint64_t operations = 0;
  {
    SimWorld world(kSeed);
    ASSERT_TRUE(RunWorkload(world.loop(), *MediumOf(world), kSeed).finished);
    operations = world.disk().operations();
  }
  for (std::uint64_t stop = 1; stop <= operations + 1; ++stop) {
    SimWorld world(kSeed);
    world.disk().StopAtOperation(stop);
    const Expected expected = RunWorkload(world.loop(), *MediumOf(world), kSeed);
    ASSERT_EQ(expected.finished, stop > operations);
    for (std::uint64_t image = 0; image < 8; ++image) {
      SCOPED_TRACE(fmt::format("operation {}, image {}", stop, image));
      SimWorld after(image, world.disk().CrashImage(image));
      const std::unique_ptr<Medium> medium = MediumOf(after);
      ExpectAllowed(after, *medium, expected);
      ASSERT_TRUE(Succeeded(after.loop().Run(medium->RemoveTemporaries())));
      const auto names = after.loop().Run(after.disk().List(kRoot));
      for (const DirEntry& entry : names.value_or(std::vector<DirEntry>())) {
        EXPECT_FALSE(entry.name.starts_with(".")) << entry.name;
      }
      ExpectGrows(after, *medium, expected);
      if (HasFailure()) return;
    }
  }
}

TEST_F(MediumFaults, PowerFailureDuringLargeAppendsLeavesWhatWasAcknowledged) {
  constexpr std::uint64_t kSeed = 16;
  const Bytes all = RandomBytes(kSeed, 2'100'000);
  for (std::uint64_t stop = 1;; ++stop) {
    SimWorld world(kSeed);
    world.disk().StopAtOperation(stop);
    const std::unique_ptr<Medium> medium = MediumOf(world);
    Expected expected;
    auto& [acknowledged, content] = expected.growing["piece/log"];
    content = all;
    for (const std::size_t end : {3000u, 800'001u, 805'000u, 2'000'000u, 2'100'000u}) {
      const ByteView bytes = ByteView(all).subspan(acknowledged, end - acknowledged);
      if (!world.loop().Run(medium->Append("piece/log", acknowledged, bytes))) break;
      acknowledged = end;
    }
    for (std::uint64_t image = 0; image < 5; ++image) {
      SCOPED_TRACE(fmt::format("operation {}, image {}", stop, image));
      SimWorld after(image, world.disk().CrashImage(image));
      ExpectGrows(after, *MediumOf(after), expected);
      if (HasFailure()) return;
    }
    if (acknowledged == all.size()) break;
  }
}

TEST_F(MediumFaults, KilledProcessesLeaveNothingThatALaterPowerFailureTakesBack) {
  // The process dies after any operation, the machine lives on; the next process writes on top of
  // what it finds, and only then the power goes.
  constexpr std::uint64_t kSeed = 12;
  for (std::uint64_t stop = 1; stop <= 60; ++stop) {
    SCOPED_TRACE(stop);
    SimWorld world(kSeed);
    std::uint64_t operations = 0;
    world.disk().Observe([&](const SimOperation&) {
      return ++operations > stop ? SimFault::kIoError : SimFault::kNone;
    });
    const Expected first = RunWorkload(world.loop(), *MediumOf(world), kSeed);
    world.disk().Observe(nullptr);
    const std::unique_ptr<Medium> medium = MediumOf(world);
    ExpectGrows(world, *medium, first);
    const Bytes last = RandomBytes(13, 100);
    ASSERT_TRUE(Succeeded(world.loop().Run(medium->Put("set/ls/x/last", last))));
    SimWorld after(kSeed, world.disk().CrashImage(0));
    const std::unique_ptr<Medium> found = MediumOf(after);
    EXPECT_EQ(after.loop().Run(ReadAll(*found, "set/ls/x/last", kNoLimit)).value(), last);
    for (const auto& [path, state] : first.growing) {
      EXPECT_TRUE(after.loop().Run(ReadAll(*found, path, kNoLimit)).value() == state.second);
    }
    if (HasFailure()) return;
  }
}

TEST_F(MediumFaults, FailuresOfAnyOperationAreReportedAndLeaveWhatWasThere) {
  constexpr std::uint64_t kSeed = 14;
  for (const SimFault fault : {SimFault::kIoError, SimFault::kNoSpace}) {
    for (std::uint64_t failing = 1;; ++failing) {
      SCOPED_TRACE(failing);
      SimWorld world(kSeed);
      world.disk().Observe([&](const SimOperation& operation) {
        return operation.number == failing ? fault : SimFault::kNone;
      });
      const std::unique_ptr<Medium> medium = MediumOf(world);
      const Expected expected = RunWorkload(world.loop(), *medium, kSeed);
      if (world.disk().operations() < failing) break;
      ExpectAllowed(world, *medium, expected);
      ExpectGrows(world, *medium, expected);
      if (HasFailure()) return;
    }
  }
}

TEST_F(MediumFaults, FullDiskIsSaidAndLeavesTheOldObjectAndNoLitter) {
  SimWorld world(15);
  const std::unique_ptr<Medium> medium = MediumOf(world);
  const Bytes old = RandomBytes(1, 100'000), larger = RandomBytes(2, 20'000'000);
  ASSERT_TRUE(Succeeded(world.loop().Run(medium->Put("set/data", old))));
  ASSERT_TRUE(Succeeded(world.loop().Run(medium->Append("log", 0, old))));
  world.disk().SetCapacity(10'000'000);
  const Status put = world.loop().Run(medium->Put("set/data", larger));
  EXPECT_EQ(CodeOf(put), ErrorCode::kBackupDeviceOutOfSpace);
  EXPECT_THAT(put.error().ToString(), HasSubstr("file:///mnt/backup/set/data"));
  const Status written = world.loop().Run(WriteObject(*medium, "set/data", larger, 1));
  EXPECT_EQ(CodeOf(written), ErrorCode::kBackupDeviceOutOfSpace);
  EXPECT_EQ(CodeOf(world.loop().Run(medium->Append("log", old.size(), larger))),
            ErrorCode::kBackupDeviceOutOfSpace);
  EXPECT_TRUE(world.loop().Run(ReadAll(*medium, "set/data", kNoLimit)).value() == old);
  EXPECT_EQ(world.loop().Run(world.disk().List(kRoot)).value().size(), 2u);
  world.disk().SetCapacity(SimDisk::kNever);
  ASSERT_TRUE(Succeeded(world.loop().Run(medium->Append("log", old.size(), larger))));
}

}  // namespace
}  // namespace obbak::io
