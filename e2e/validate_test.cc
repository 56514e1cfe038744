// Validation over what the archiver and the backup really write: nothing to say about an untouched
// destination, something about any damage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "e2e/history_test_support.h"
#include "format/backup_path.h"
#include "restore/memory_medium_test_util.h"
#include "restore/validate.h"

namespace obbak::e2e {
namespace {

using format::BackupType;
using restore::MemoryMedium;
using restore::ValidationReport;

constexpr std::uint64_t kHour = 3'600'000'000'000;

// A data destination and its archive in memory.
struct Destinations {
  MemoryMedium data{kDataUri};
  MemoryMedium archive{kArchiveUri};
};

io::Task<Status> Copy(io::Medium& from, std::string directory, MemoryMedium& to) {
  const auto entries = co_await from.List(directory);
  if (!entries) co_return Fail(entries.error());
  for (const io::DirEntry& entry : *entries) {
    const std::string path = directory.empty() ? entry.name : directory + "/" + entry.name;
    if (entry.is_directory) {
      Status status = co_await Copy(from, path, to);
      if (!status) co_return status;
      continue;
    }
    Result<Bytes> bytes = co_await io::ReadAll(from, path, std::uint64_t{1} << 30);
    if (!bytes) co_return Fail(std::move(bytes).error());
    to.files[path] = *std::move(bytes);
  }
  co_return Status();
}

class Tenant1002 {
 public:
  explicit Tenant1002(Source::Options options = {}) : source_(world_, std::move(options)) {
    Good(source_.Create());
    for (int i = 0; i < 3; ++i) Good(workload_.CreateTable());
    Good(source_.StartArchive());
    Good(source_.SetDataDest());
  }

  static void Good(const Status& status) { ASSERT_TRUE(status) << status.error().ToString(); }
  void Write() { Good(workload_.Write(2, 12)); }
  void Compact() {
    const auto compacted = source_.Run(source_.tenant().CompactMajor());
    ASSERT_TRUE(compacted) << compacted.error().ToString();
  }
  void Backup(BackupType type, bool plus_archivelog = false) {
    const auto set = source_.Backup(type, plus_archivelog);
    ASSERT_TRUE(set) << set.error().ToString();
  }
  void CatchUp() { Good(source_.Run(source_.archiver().CatchUp())); }
  // Into the next piece of the archive.
  void Later() {
    world_.clock().Set(world_.clock().NowNs() + kHour);
    Write();
    CatchUp();
  }
  void StopArchive() {
    Good(source_.Run(source_.archiver().NoArchiveLog()));
    Good(source_.Run(source_.archiver().AwaitState()));
  }

  void CopyTo(Destinations& to) {
    const auto data = io::MakeDirectoryMedium(world_.loop(), world_.disk(), "/data", kDataUri);
    const auto archive =
        io::MakeDirectoryMedium(world_.loop(), world_.disk(), "/archive", kArchiveUri);
    Good(source_.Run(Copy(*data, "", to.data)));
    Good(source_.Run(Copy(*archive, "", to.archive)));
  }

  Source& source() { return source_; }

 private:
  io::SimWorld world_{21};
  History history_;
  Source source_;
  Workload workload_{source_, history_, 5};
};

Source::Options HourlyPieces() {
  Source::Options options;
  options.piece_interval = std::chrono::hours(1);
  return options;
}

// A full and an incremental set with minor and major data; three pieces, the last of them active.
const Destinations& Chain() {
  static const Destinations& chain = *[] {
    auto* made = new Destinations();
    Tenant1002 tenant(HourlyPieces());
    tenant.Write();
    tenant.Compact();
    tenant.Write();
    tenant.Backup(BackupType::kFull);
    tenant.Later();
    tenant.Compact();
    tenant.Write();
    tenant.Backup(BackupType::kInc);
    tenant.Later();
    tenant.Later();
    tenant.CopyTo(*made);
    return made;
  }();
  return chain;
}

std::string Text(const ValidationReport& report) {
  std::string text;
  for (const restore::Finding& finding : report.findings) {
    text += std::string(finding.severity == restore::Severity::kError ? "E" : "W") + " " +
            std::to_string(finding.rule) + " [" + finding.object + "] " + finding.error.ToString() +
            "\n";
  }
  return text;
}

ValidationReport ValidateAll(const Destinations& destinations) {
  io::SimWorld world(1);
  auto& all = const_cast<Destinations&>(destinations);
  auto report = world.loop().Run(restore::Validate(world.loop(), {&all.data, &all.archive}));
  EXPECT_TRUE(report.has_value());
  return report ? *std::move(report) : ValidationReport{};
}

TEST(ValidateDestinations, NothingIsFoundInAnUntouchedChain) {
  const ValidationReport report = ValidateAll(Chain());
  EXPECT_EQ(Text(report), "");
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.sets.size(), 2u);
  for (const restore::ValidatedSet& set : report.sets) EXPECT_TRUE(set.intact);
  for (const restore::ValidatedPiece& piece : report.pieces) EXPECT_TRUE(piece.intact);
  std::uint64_t bytes = 0;
  for (const auto* medium : {&Chain().data, &Chain().archive}) {
    for (const auto& [path, file] : medium->files) bytes += file.size();
  }
  EXPECT_EQ(report.bytes, bytes);
}

// ---- Damage: each test changes one file at a time, and collects what nobody noticed.

class Damage : public testing::Test {
 protected:
  using Change = std::function<void(MemoryMedium& medium, const std::string& path)>;

  // Validates with `change` made to a copy.
  bool IsFound(const Destinations& whole, bool in_archive, const std::string& path,
               const Change& change) {
    Destinations damaged = whole;
    change(in_archive ? damaged.archive : damaged.data, path);
    const ValidationReport report = ValidateAll(damaged);
    return !report.findings.empty();
  }

  // Every file for which `applies`.
  std::vector<std::string> NotFound(
      const Destinations& whole, const Change& change,
      const std::function<bool(const std::string& path, const Bytes& file)>& applies) {
    std::vector<std::string> missed;
    for (const bool in_archive : {false, true}) {
      for (const auto& [path, file] : (in_archive ? whole.archive : whole.data).files) {
        if (!applies(path, file)) continue;
        if (!IsFound(whole, in_archive, path, change)) missed.push_back(path);
      }
    }
    return missed;
  }

  static bool IsNotEmpty(const std::string&, const Bytes& file) { return !file.empty(); }
  static bool Always(const std::string&, const Bytes&) { return true; }

  io::Random random_{77};
};

TEST_F(Damage, EveryFlippedBitIsFound) {
  for (int round = 0; round < 3; ++round) {
    const auto flip = [&](MemoryMedium& medium, const std::string& path) {
      Bytes& file = medium.files[path];
      // Half of them where files are dense.
      const std::size_t end =
          random_.OneIn(2) ? std::min<std::size_t>(file.size(), 400) : file.size();
      file[random_.Below(end)] ^= static_cast<std::byte>(1u << random_.Below(8));
    };
    EXPECT_THAT(NotFound(Chain(), flip, IsNotEmpty), testing::IsEmpty());
  }
}

TEST_F(Damage, EveryTruncatedFileIsFound) {
  const auto truncate = [&](MemoryMedium& medium, const std::string& path) {
    Bytes& file = medium.files[path];
    file.resize(random_.Below(file.size()));
  };
  EXPECT_THAT(NotFound(Chain(), truncate, IsNotEmpty), testing::IsEmpty());
}

// Where the data dictionary is in the log, nobody but readers of changes must know; and whether
// there was such a file, nothing else says.
bool IsSchemaMeta(const std::string& path) { return path.find("/schema_meta/") != path.npos; }

TEST_F(Damage, EveryMissingFileIsFoundButTheIndexOfTheDictionary) {
  const auto remove = [](MemoryMedium& medium, const std::string& path) {
    medium.files.erase(path);
  };
  EXPECT_THAT(NotFound(Chain(), remove, Always), testing::Each(testing::Truly(IsSchemaMeta)));
}

// A path of the same kind with another number or time in its name; empty when there is none.
std::string OtherName(const std::string& path) {
  auto parsed = format::ParseBackupPath(path);
  if (!parsed) return {};
  format::BackupPath other = *parsed;
  const std::string_view pattern = format::Facts(other.kind).pattern;
  const std::string_view name = pattern.substr(pattern.rfind('/') + 1);
  const auto has = [&](std::string_view variable) { return name.find(variable) != name.npos; };
  if (has("{file}")) {
    ++other.file;
  } else if (has("{turn}")) {
    ++other.turn;
  } else if (has("{retry}")) {
    ++other.retry;
  } else if (has("{scn}") || has("{checkpoint}")) {
    ++other.scn.value;
  } else if (has("{piece}")) {
    ++other.piece.value;
    ++other.piece.value;
    ++other.piece.value;
    ++other.piece.value;
  } else if (has("{time}")) {
    other.time.value += std::chrono::seconds(7);
  } else if (has("{round}")) {
    ++other.round.value;
  } else {
    return {};
  }
  return format::Print(other);
}

TEST_F(Damage, EveryCopyUnderAnotherNameIsFound) {
  const auto copy = [](MemoryMedium& medium, const std::string& path) {
    const Bytes file = medium.files[path];
    medium.files[OtherName(path)] = file;
  };
  const auto applies = [](const std::string& path, const Bytes&) {
    return !OtherName(path).empty();
  };
  EXPECT_THAT(NotFound(Chain(), copy, applies), testing::IsEmpty());
}

// Names that stand for nothing else: the wall clock when a destination was checked, and how far a
// piece was archived at some time before it was frozen.
bool HasFreeName(const std::string& path) {
  return path.find("_connect_file_") != path.npos ||
         path.find("/checkpoint/checkpoint_info.") != path.npos;
}

TEST_F(Damage, EveryRenamedFileIsFoundButTheFreelyNamed) {
  const auto rename = [](MemoryMedium& medium, const std::string& path) {
    medium.files[OtherName(path)] = medium.files[path];
    medium.files.erase(path);
  };
  const auto applies = [](const std::string& path, const Bytes&) {
    return !OtherName(path).empty();
  };
  EXPECT_THAT(NotFound(Chain(), rename, applies), testing::Each(testing::Truly(HasFreeName)));
}

TEST_F(Damage, EveryFileInThePlaceOfAnotherOfItsKindIsFound) {
  // The next one of the same kind, around the end.
  const auto other = [&](const MemoryMedium& medium, const std::string& path) {
    const auto kind = format::ParseBackupPath(path)->kind;
    auto at = medium.files.find(path);
    do {
      if (++at == medium.files.end()) at = medium.files.begin();
    } while (format::ParseBackupPath(at->first)->kind != kind);
    return at->first;
  };
  for (const bool in_archive : {false, true}) {
    const MemoryMedium& medium = in_archive ? Chain().archive : Chain().data;
    std::vector<std::string> missed;
    for (const auto& [path, file] : medium.files) {
      const std::string from = other(medium, path);
      if (medium.files.at(from) == file) continue;
      const auto replace = [&](MemoryMedium& changed, const std::string& to) {
        changed.files[to] = changed.files[from];
      };
      if (!IsFound(Chain(), in_archive, path, replace)) missed.push_back(path);
    }
    EXPECT_THAT(missed, testing::IsEmpty());
  }
}

TEST_F(Damage, EveryUnknownNameIsFound) {
  for (const std::string name : {"junk", "backup_sets/junk", "backup_set_1_full/infos/junk.obbak",
                                 "backup_set_1_full/logstream_1/junk/file"}) {
    const auto add = [](MemoryMedium& medium, const std::string& path) { medium.files[path] = {}; };
    EXPECT_TRUE(IsFound(Chain(), false, name, add)) << name;
  }
  for (const std::string name : {"junk", "pieces/junk", "piece_d1001r1p1/checkpoint/junk",
                                 "piece_d1001r1p1/logstream_1/log/1.obarc.old"}) {
    const auto add = [](MemoryMedium& medium, const std::string& path) { medium.files[path] = {}; };
    EXPECT_TRUE(IsFound(Chain(), true, name, add)) << name;
  }
}

TEST_F(Damage, EveryLongerFileIsFound) {
  const auto append = [&](MemoryMedium& medium, const std::string& path) {
    medium.files[path].resize(medium.files[path].size() + 1 + random_.Below(5000), std::byte{0});
  };
  EXPECT_THAT(NotFound(Chain(), append, Always), testing::IsEmpty());
}

}  // namespace
}  // namespace obbak::e2e
