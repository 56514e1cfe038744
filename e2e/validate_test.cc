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
#include "format/lsn.h"
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
            std::to_string(finding.rule) + " [" + finding.object + "] " +
            finding.error.ToString() + "\n";
  }
  return text;
}

ValidationReport ValidateAll(const Destinations& destinations) {
  io::SimWorld world(1);
  auto& all = const_cast<Destinations&>(destinations);
  auto report =
      world.loop().Run(restore::Validate(world.loop(), {&all.data, &all.archive}));
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
    for (const auto& [path, file] : medium->files) {
      std::printf("%8zu %s\n", file.size(), path.c_str());
      bytes += file.size();
    }
  }
  EXPECT_EQ(report.bytes, bytes);
}

}  // namespace
}  // namespace obbak::e2e
