// PLUS ARCHIVELOG while the archive does what it likes.
#include "backup/complement_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backup/backup_test_support.h"
#include "backup/set_check_test_support.h"
#include "base/result_test_support.h"
#include "format/backup_path.h"

namespace obbak::backup {
namespace {

using format::BackupType;
using std::chrono::hours;

const char* const kComplement = "/data/backup_set_1_full/complement_log";
const char* const kHourlyPieces = " PIECE_SWITCH_INTERVAL=1h";

void Advance(io::SimWorld& world, std::chrono::nanoseconds time) {
  world.clock().Advance(static_cast<std::uint64_t>(time.count()));
}

// With some log in each of two user log streams.
struct Source {
  Source(std::string archive_options, HookedArchive::Hook when_archived)
      : tenant(world, {.archive_options = std::move(archive_options),
                       .when_archived = std::move(when_archived)}) {
    EXPECT_TRUE(tenant.Create());
    table = tenant.CreateWideTable("wide", 2);
    EXPECT_NE(table, nullptr);
    if (table != nullptr) {
      EXPECT_TRUE(tenant.PutWide(*table, 0, 20, 1));
    }
  }
  auto Backup(ReportBackup report = {}) {
    return tenant.Backup(BackupType::kFull, std::move(report), /*plus_archivelog=*/true);
  }
  Tree Complement() { return TreeOf(world.disk().image(), kComplement); }
  Tree Archive() { return TreeOf(world.disk().image(), "/archive"); }

  io::SimWorld world{1};
  BackedUpTenant tenant;
  engine::TableSchemaPtr table;
};

// ---- Pieces

io::Task<void> BeginNextPiece(Source& source) {
  Advance(source.world, hours(1));
  const Status put =
      co_await BackedUpTenant::PutWideRows(source.tenant.tenant(), *source.table, 1000, 1001, 3);
  EXPECT_TRUE(put) << put.error().ToString();
  const Status archived = co_await source.tenant.archiver().CatchUp();
  EXPECT_TRUE(archived) << archived.error().ToString();
}

TEST(ComplementLog, APieceThatIsFrozenWhileItIsCopiedIsTakenAsItWas) {
  Source source(kHourlyPieces, {});
  ASSERT_OK(source.tenant.PutWide(*source.table, 20, 600, 2));
  bool is_begun = false;
  const ReportBackup report = [&](const BackupProgress& progress) {
    if (progress.stage != SetTaskStatus::kBackupLog || progress.bytes_done == 0) return;
    if (!std::exchange(is_begun, true)) source.world.loop().Spawn(BeginNextPiece(source));
  };
  ASSERT_OK(source.Backup(report));
  ASSERT_TRUE(source.Archive().contains("piece_d1001r1p1/single_piece_info.obarc"));
  const Tree copy = source.Complement();
  EXPECT_TRUE(copy.contains("piece_d1002r1p1/logstream_1002/log/1.obarc"));
  EXPECT_TRUE(copy.contains("piece_d1002r1p1/tenant_archive_piece_infos.obarc"));
  EXPECT_TRUE(copy.contains("piece_d1002r1p1/checkpoint/checkpoint_info.0.obarc"));
  for (const char* const of_frozen :
       {"single_piece_info.obarc", "file_info.obarc", "logstream_1/file_info.obarc",
        "logstream_1001/file_info.obarc", "logstream_1002/file_info.obarc"}) {
    EXPECT_FALSE(copy.contains(std::string("piece_d1002r1p1/") + of_frozen)) << of_frozen;
  }
  EXPECT_EQ(Check(source.tenant).Text(), "");
}

TEST(ComplementLog, LogBehindTheLastBorderIsTakenAlong) {
  for (const int gap : {1, 5}) {
    Source source(kHourlyPieces, {});
    bool is_over = false;
    const ReportBackup report = [&](const BackupProgress& progress) {
      // The set has ended, and none of its log streams has log behind that.
      const bool is_log = progress.stage == SetTaskStatus::kBackupLog;
      if (is_log && !std::exchange(is_over, true)) Advance(source.world, hours(gap));
    };
    ASSERT_OK(source.Backup(report));
    const Tree copy = source.Complement();
    const std::string last = "piece_d1002r1p" + std::to_string(1 + gap);
    EXPECT_TRUE(copy.contains("piece_d1002r1p1/single_piece_info.obarc"));
    EXPECT_TRUE(copy.contains(last + "/tenant_archive_piece_infos.obarc"));
    for (const char* const ls : {"1", "1001", "1002"}) {
      EXPECT_TRUE(copy.contains(last + "/logstream_" + ls + "/log/1.obarc")) << ls;
    }
    EXPECT_EQ(Check(source.tenant).Text(), "");
  }
}

// ---- Files that are not there

// What a set comes to when `disturb` is done to the archive right before it is copied.
using Disturb = std::function<io::Task<Status>(io::Medium& archive)>;
io::Task<void> DisturbWhen(engine::Tenant& tenant, int time, Disturb disturb) {
  if (time != 4) co_return;
  const io::MediumFactory media =
      io::DirectoryMedia(tenant.core().env.loop, tenant.core().env.disk);
  const auto archive = media(*io::BackupDest::Parse("file:///archive"));
  EXPECT_TRUE(archive);
  if (!archive) co_return;
  const Status status = co_await disturb(**archive);
  EXPECT_TRUE(status) << status.error().ToString();
}
HookedArchive::Hook When(Disturb disturb) {
  return [disturb = std::move(disturb)](engine::Tenant& tenant, int time) {
    return DisturbWhen(tenant, time, disturb);
  };
}

void ExpectMissing(Source& source, const std::string& path, ErrorCode code) {
  const auto set = source.Backup();
  ASSERT_FALSE(set) << path;
  EXPECT_EQ(set.error().code(), code) << set.error().ToString();
  EXPECT_NE(set.error().ToString().find("/archive/" + path), std::string::npos)
      << set.error().ToString();
}

TEST(ComplementLog, AMissingFileOfAnActivePieceFailsTheSet) {
  for (const std::string path :
       {"piece_d1001r1p1/logstream_1/log/1.obarc", "piece_d1001r1p1/logstream_1002/log/1.obarc",
        "piece_d1001r1p1/tenant_archive_piece_infos.obarc",
        "piece_d1001r1p1/checkpoint/checkpoint_info.0.obarc", "rounds/round_d1001r1_start.obarc"}) {
    Source source(kHourlyPieces, When([&](io::Medium& archive) { return archive.Remove(path); }));
    ExpectMissing(source, path, ErrorCode::kBackupFileNotExist);
  }
  Source source(kHourlyPieces,
                When([](io::Medium& archive) { return archive.Remove("format.obbak"); }));
  const auto set = source.Backup();
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code(), ErrorCode::kBackupFormatFileNotExist) << set.error().ToString();
}

TEST(ComplementLog, AMissingFileOfAFrozenPieceFailsTheSet) {
  for (const std::string path :
       {"piece_d1001r1p1/logstream_1001/log/1.obarc",
        "piece_d1001r1p1/logstream_1001/file_info.obarc", "piece_d1001r1p1/file_info.obarc",
        "piece_d1001r1p1/single_piece_info.obarc",
        "piece_d1001r1p1/tenant_archive_piece_infos.obarc"}) {
    Source source(kHourlyPieces, When([&](io::Medium& archive) { return archive.Remove(path); }));
    bool is_over = false;
    const ReportBackup report = [&](const BackupProgress& progress) {
      const bool is_minor = progress.stage == SetTaskStatus::kBackupDataMinor;
      if (is_minor && !std::exchange(is_over, true)) Advance(source.world, hours(1));
    };
    const auto set = source.Backup(report);
    ASSERT_FALSE(set) << path;
    EXPECT_EQ(set.error().code(), ErrorCode::kBackupFileNotExist) << set.error().ToString();
    EXPECT_NE(set.error().ToString().find("/archive/" + path), std::string::npos)
        << set.error().ToString();
  }
}

io::Task<Status> CutInHalf(io::Medium& archive, std::string path) {
  const auto bytes = co_await io::ReadAll(archive, path, std::uint64_t{64} << 20);
  if (!bytes) co_return Fail(bytes.error());
  co_return co_await archive.Put(path, ByteView(*bytes).first(bytes->size() / 2));
}

TEST(ComplementLog, ALogFileThatHasBecomeShorterFailsTheSet) {
  const std::string path = "piece_d1001r1p1/logstream_1001/log/1.obarc";
  Source source(kHourlyPieces, When([&](io::Medium& archive) { return CutInHalf(archive, path); }));
  ExpectMissing(source, path, ErrorCode::kBackupFileNotExist);
}

TEST(ComplementLog, ALogFileThatIsJustBeingMadeIsNotTaken) {
  const std::string path = "logstream_1001/log/2.obarc";
  for (const std::size_t size : {0U, 100U, 4096U, 10'000U}) {
    const Bytes zeros(size);
    Source source(kHourlyPieces, When([&](io::Medium& archive) {
                    return archive.Put("piece_d1001r1p1/" + path, zeros);
                  }));
    ASSERT_OK(source.Backup());
    EXPECT_FALSE(source.Complement().contains("piece_d1002r1p1/" + path));
    EXPECT_EQ(Check(source.tenant).Text(), "");
  }
}

}  // namespace
}  // namespace obbak::backup
