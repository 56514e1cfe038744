// Destinations that the archiver and the backup have written, in memory, and what a validation says
// of them.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "e2e/history_test_support.h"
#include "io/sync.h"
#include "restore/memory_medium_test_util.h"
#include "restore/validate.h"

namespace obbak::e2e {

using format::BackupType;
using restore::MemoryMedium;
using restore::ValidationReport;

constexpr std::uint64_t kHour = 3'600'000'000'000;

// A data destination and its archive.
struct Destinations {
  MemoryMedium data{kDataUri};
  MemoryMedium archive{kArchiveUri};
};

inline io::Task<Status> Copy(io::Medium& from, std::string directory, MemoryMedium& to) {
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

inline Source::Options HourlyPieces() {
  Source::Options options;
  options.piece_interval = std::chrono::hours(1);
  return options;
}

// A tenant with three tables, an archive that is DOING and a data destination.
class Tenant1002 {
 public:
  explicit Tenant1002(Source::Options options = HourlyPieces(), std::uint64_t seed = 21)
      : world_(seed), source_(world_, std::move(options)), workload_(source_, history_, seed) {
    Good(source_.Create());
    for (int i = 0; i < 3; ++i) Good(workload_.CreateTable());
    Good(source_.StartArchive());
    Good(source_.SetDataDest());
  }

  static void Good(const Status& status) { ASSERT_TRUE(status) << status.error().ToString(); }
  void Write() { Good(workload_.Write(2, 12)); }
  // Rows of a quarter of a mebibyte, so that SSTables have several macro blocks and logs several
  // files.
  void WriteWide(int rows) { Good(source_.Run(PutWide(source_.tenant(), rows, next_wide_))); }
  void Compact() {
    const auto compacted = source_.Run(source_.tenant().CompactMajor());
    ASSERT_TRUE(compacted) << compacted.error().ToString();
  }
  void Backup(BackupType type, bool plus_archivelog = false) {
    const auto set = source_.Backup(type, plus_archivelog);
    ASSERT_TRUE(set) << set.error().ToString();
  }
  // A set while tables come and go, tablets move and data is compacted.
  void BackupBesides(BackupType type, std::uint64_t seed, bool plus_archivelog = false) {
    backup::BackupRequest request{
        .type = type, .plus_archivelog = plus_archivelog, .description = {}};
    Good(source_.Run(Beside(*this, std::move(request), seed)));
  }
  void CatchUp() { Good(source_.Run(source_.archiver().CatchUp())); }
  // Into the next piece of the archive.
  void Later() {
    world_.clock().Advance(kHour);
    Write();
    CatchUp();
  }
  void StartArchive() { Good(source_.StartArchive()); }
  void Drop(const std::string& table) { Good(source_.Run(source_.tenant().DropTable(table))); }
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
  static io::Task<Status> PutWide(Tenant& tenant, int rows, std::int64_t& next) {
    auto table = tenant.catalog().ResolveTable("wide");
    if (!table) {
      auto definition = engine::ParseTableDefinition(
          "id bigint not null, value varchar(262144), primary key (id)");
      if (!definition) co_return Fail(definition.error());
      auto made = co_await tenant.CreateTable("wide", *std::move(definition));
      if (!made) co_return Fail(made.error());
      table = *made;
    }
    for (int i = 0; i < rows; ++i) {
      auto tx = tenant.Begin();
      if (!tx) co_return Fail(tx.error());
      std::string text(std::size_t{250'000}, 'a');
      // Every tenth row does not compress.
      io::Random random(static_cast<std::uint64_t>(next));
      for (char& c : text) c = next % 10 == 0 ? static_cast<char>('!' + random.Below(90)) : 'b';
      const std::vector<format::Datum> row{format::Datum::Int(next++),
                                           format::Datum::Of(AsByteView(text))};
      if (Status status = co_await (*tx)->Put(**table, row); !status) co_return status;
      const auto version = co_await (*tx)->Commit();
      if (!version) co_return Fail(version.error());
    }
    co_return Status();
  }

  io::Task<void> RunBackup(backup::BackupRequest request, bool& done, Status& result) {
    const auto set = co_await source_.backup().Run(std::move(request));
    if (!set) result = Fail(set.error());
    done = true;
  }
  io::Task<void> Disturb(std::uint64_t seed, const bool& done, const Status& result) {
    io::Random random(seed);
    while (!done && result) {
      // What compactions and DDL have against each other is not the matter here.
      switch (random.Below(6)) {
        case 0:
          (void)co_await workload_.CreateOne();
          break;
        case 1:
          if (workload_.tables().size() > 2) (void)co_await workload_.DropOne();
          break;
        case 2:
          (void)co_await workload_.MoveOne();
          break;
        case 3:
          (void)co_await source_.tenant().CompactMajor();
          break;
        default:
          (void)co_await workload_.WriteBeside(2, 4);
      }
      co_await world_.loop().Yield();
    }
  }
  static io::Task<Status> Beside(Tenant1002& tenant, backup::BackupRequest request,
                                 std::uint64_t seed) {
    bool done = false;
    Status result;
    io::TaskGroup tasks(tenant.world_.loop());
    tasks.Spawn(tenant.RunBackup(std::move(request), done, result));
    tasks.Spawn(tenant.Disturb(seed, done, result));
    co_await tasks.Join();
    co_return result;
  }

  io::SimWorld world_;
  History history_;
  Source source_;
  Workload workload_;
  std::int64_t next_wide_ = 1;
};

inline std::string Text(const ValidationReport& report) {
  std::string text;
  for (const restore::Finding& finding : report.findings) {
    text += std::string(finding.severity == restore::Severity::kError ? "E" : "W") + " " +
            std::to_string(finding.rule) + " [" + finding.object + "] " + finding.error.ToString() +
            "\n";
  }
  return text;
}

inline ValidationReport ValidateAll(Destinations& all) {
  io::SimWorld world(1);
  auto report = world.loop().Run(restore::Validate(world.loop(), {&all.data, &all.archive}));
  EXPECT_TRUE(report.has_value());
  return report ? *std::move(report) : ValidationReport{};
}
// Of what tests share.
inline ValidationReport ValidateAll(const Destinations& all) {
  Destinations copy = all;
  return ValidateAll(copy);
}

// A full and an incremental set with minor and major data; four pieces, the last of them active.
inline const Destinations& Chain() {
  static const Destinations& chain = *[] {
    auto* made = new Destinations();
    Tenant1002 tenant;
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

// Logs of several blocks, of which a set needs the end only; SSTables of several macro blocks.
inline const Destinations& Long() {
  static const Destinations& made = *[] {
    auto* destinations = new Destinations();
    Tenant1002 tenant;
    tenant.WriteWide(320);
    tenant.Later();
    tenant.WriteWide(20);
    tenant.Compact();
    tenant.Backup(BackupType::kFull);
    tenant.WriteWide(20);
    tenant.Later();
    tenant.Compact();
    tenant.Backup(BackupType::kInc);
    tenant.Later();
    tenant.CopyTo(*destinations);
    return destinations;
  }();
  return made;
}

}  // namespace obbak::e2e
