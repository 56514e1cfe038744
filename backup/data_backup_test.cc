// Data backups of a whole tenant.
#include "backup/data_backup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "backup/backup_test_support.h"
#include "backup/set_check_test_support.h"
#include "base/result_test_support.h"
#include "format/backup_data_file.h"
#include "format/backup_path.h"
#include "format/ls_meta_records.h"
#include "format/macro_block_check.h"
#include "format/macro_block_header.h"
#include "format/metadata_file.h"

namespace obbak::backup {
namespace {

using format::BackupSetFileDesc;
using format::BackupType;

TEST(DataBackup, AFullSetHoldsToEveryRule) {
  io::SimWorld world(1);
  BackedUpTenant source(world);
  ASSERT_OK(source.Create());
  const auto table = source.CreateTable("t", 3);
  ASSERT_NE(table, nullptr);
  ASSERT_OK(source.Put(*table, 0, 500, 1));
  ASSERT_OK(source.CompactMajor());
  ASSERT_OK(source.Put(*table, 300, 900, 2));
  const auto set = source.Full();
  ASSERT_OK(set);
  const SetCheck check = Check(source);
  EXPECT_EQ(check.Text(), "");
  EXPECT_TRUE(check.missing.empty());
  ASSERT_EQ(check.sets.size(), 1U);
  EXPECT_EQ(check.sets.front(), *set);
  EXPECT_EQ(source.backup().sets(), std::vector{*set});
  ASSERT_EQ(source.backup().jobs().size(), 1U);
  EXPECT_EQ(source.backup().jobs().front().status, JobStatus::kCompleted);
}

TEST(DataBackup, AnEmptyTenantHasACompleteSet) {
  io::SimWorld world(2);
  BackedUpTenant source(world);
  ASSERT_OK(source.Create());
  ASSERT_OK(source.Full());
  const SetCheck check = Check(source);
  EXPECT_EQ(check.Text(), "");
  EXPECT_EQ(check.sets.size(), 1U);
}

TEST(DataBackup, AnIncrementalSetWithoutAPredecessorIsFull) {
  io::SimWorld world(3);
  BackedUpTenant source(world);
  ASSERT_OK(source.Create());
  const auto set = source.Incremental();
  ASSERT_OK(set);
  EXPECT_EQ(set->backup_type.value, BackupType::kFull);
  EXPECT_EQ(source.backup().jobs().front().request.type, BackupType::kInc);
  EXPECT_EQ(Check(source).Text(), "");
}

TEST(DataBackup, PlusArchivelogTakesTheLogsAlong) {
  io::SimWorld world(4);
  BackedUpTenant source(world);
  ASSERT_OK(source.Create());
  const auto table = source.CreateTable("t", 3);
  ASSERT_NE(table, nullptr);
  ASSERT_OK(source.Put(*table, 0, 500, 1));
  const auto set = source.Backup(BackupType::kFull, {}, /*plus_archivelog=*/true);
  ASSERT_OK(set);
  const SetCheck check = Check(source);
  EXPECT_EQ(check.Text(), "");
}

// What of all macro blocks of the tenant's majors a set has copied.
std::int64_t MajorBlocks(BackedUpTenant& source) {
  std::int64_t blocks = 0;
  for (const auto& [ls, stream] : source.tenant().core().streams) {
    for (const auto& [id, tablet] : stream->tablets()) {
      for (const auto& sstable : tablet->sstables()) {
        if (sstable->is_major()) blocks += static_cast<std::int64_t>(sstable->data_block_count());
      }
    }
  }
  return blocks;
}

TEST(DataBackup, IncrementalSetsCopyWhatIsNew) {
  io::SimWorld world(6);
  BackedUpTenant source(world);
  ASSERT_OK(source.Create());
  const auto table = source.CreateWideTable("wide", 3);
  ASSERT_NE(table, nullptr);
  ASSERT_OK(source.PutWide(*table, 0, 600, 1));
  ASSERT_OK(source.CompactMajor());
  const auto full = source.Full();
  ASSERT_OK(full);
  EXPECT_GT(full->stats.finish_macro_block_count, 15);
  for (int i = 1; i <= 3; ++i) {
    // A few keys in a row change, so a few blocks of one or two tablets.
    ASSERT_OK(source.PutWide(*table, 100 * i, 100 * i + 3, 10U + static_cast<std::uint64_t>(i)));
    ASSERT_OK(source.CompactMajor());
    const std::int64_t all = MajorBlocks(source);
    const auto set = source.Incremental();
    ASSERT_OK(set);
    EXPECT_EQ(set->backup_type.value, BackupType::kInc);
    EXPECT_EQ(set->prev_full_backup_set_id, full->backup_set_id);
    EXPECT_EQ(set->prev_inc_backup_set_id.value, set->backup_set_id.value - 1);
    EXPECT_LT(set->stats.finish_macro_block_count, all / 2);
    EXPECT_EQ(Check(source).Text(), "");
  }
  EXPECT_EQ(Check(source).sets.size(), 4U);
}

TEST(DataBackup, AnIncrementalSetOfAnUnchangedTenantCopiesNoMajorBlock) {
  io::SimWorld world(7);
  BackedUpTenant source(world);
  ASSERT_OK(source.Create());
  const auto table = source.CreateWideTable("wide", 2);
  ASSERT_NE(table, nullptr);
  ASSERT_OK(source.PutWide(*table, 0, 200, 1));
  ASSERT_OK(source.CompactMajor());
  ASSERT_OK(source.Full());
  ASSERT_OK(source.Incremental());
  for (const auto& [path, bytes] : TreeOf(world.disk().image(), kDataDir)) {
    const auto parsed = format::ParseBackupPath(path);
    if (!parsed || parsed->kind != format::PathKind::kMacroBlockData || parsed->set.value != 2 ||
        parsed->data_type != format::DataType::kMajor) {
      continue;
    }
    const auto index = format::ReadBackupDataFileIndex(format::RandomAccess::Of(bytes));
    ASSERT_OK(index);
    EXPECT_EQ(index->trailer.macro_block_count, 0) << path;
  }
  EXPECT_EQ(Check(source).Text(), "");
}

TEST(DataBackup, MacroBlocksAreTheTenantsByteForByte) {
  io::SimWorld world(8);
  BackedUpTenant source(world);
  ASSERT_OK(source.Create());
  const auto table = source.CreateWideTable("wide", 2);
  ASSERT_NE(table, nullptr);
  ASSERT_OK(source.PutWide(*table, 0, 200, 1));
  ASSERT_OK(source.CompactMajor());
  ASSERT_OK(source.PutWide(*table, 50, 60, 2));
  ASSERT_OK(source.Full());
  std::set<Bytes> copies;
  for (const auto& [path, bytes] : TreeOf(world.disk().image(), kDataDir)) {
    const auto parsed = format::ParseBackupPath(path);
    if (!parsed || parsed->kind != format::PathKind::kMacroBlockData) continue;
    const auto index = format::ReadBackupDataFileIndex(format::RandomAccess::Of(bytes));
    ASSERT_OK(index);
    for (const auto& block : index->macro_blocks) {
      const auto payload = format::DecodeMacroRecord(ByteView(bytes).subspan(
          static_cast<std::size_t>(block.offset), static_cast<std::size_t>(block.length)));
      ASSERT_OK(payload);
      copies.emplace(payload->begin(), payload->end());
    }
  }
  const Tree tenant = TreeOf(world.disk().image(), kTenantDir);
  const Bytes& file = tenant.at("block_file");
  std::size_t compared = 0;
  for (const auto& [ls, stream] : source.tenant().core().streams) {
    for (const auto& [id, tablet] : stream->tablets()) {
      for (const auto& sstable : tablet->sstables()) {
        for (const format::MacroBlockId& place : sstable->meta().macro_info.data_block_ids) {
          const ByteView block = ByteView(file).subspan(
              static_cast<std::size_t>(place.second) * format::kMacroBlockSize,
              format::kMacroBlockSize);
          const auto used = format::UsedSizeOfMacroBlock(block);
          ASSERT_OK(used);
          EXPECT_TRUE(copies.contains(
              Bytes(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(*used))));
          ++compared;
        }
      }
    }
  }
  EXPECT_GT(compared, 6U);
}

TEST(DataBackup, HundredsOfTabletsMakeIndexesOfManyBlocks) {
  io::SimWorld world(9);
  BackedUpTenant::Options options;
  options.backup.data_file_size = std::uint64_t{64} << 20;
  BackedUpTenant source(world, options);
  ASSERT_OK(source.Create());
  const auto table = source.CreateTable("many", 700);
  ASSERT_NE(table, nullptr);
  ASSERT_OK(source.Put(*table, 0, 3000, 1));
  ASSERT_OK(source.CompactMajor());
  ASSERT_OK(source.Full());
  ASSERT_OK(source.Put(*table, 0, 30, 2));
  ASSERT_OK(source.CompactMajor());
  ASSERT_OK(source.Incremental());
  EXPECT_EQ(Check(source).Text(), "");
}

// Writers, flushes, compactions and a scheduler of the archive, all by themselves.
io::Task<void> WriteAllTheTime(engine::Tenant& tenant, engine::TableSchemaPtr table,
                               std::uint64_t seed, bool& stop, std::int64_t& commits) {
  io::Random random(seed);
  while (!stop) {
    // Keys of their own, so that nobody meets another's lock.
    const auto from = static_cast<std::int64_t>(seed % 3 * 700 + random.Below(600));
    const auto before = tenant.core().env.loop.SteadyNow();
    const Status status = co_await BackedUpTenant::PutRows(tenant, *table, from, from + 5, from);
    EXPECT_TRUE(status) << status.error().ToString();
    // Never held up.
    EXPECT_LT(tenant.core().env.loop.SteadyNow() - before, std::chrono::milliseconds(500));
    ++commits;
    (void)co_await tenant.core().env.loop.Sleep(std::chrono::milliseconds(1));
  }
}

io::Task<void> CompactAllTheTime(engine::Tenant& tenant, bool& stop) {
  int compactions = 0;
  while (!stop) {
    if (compactions++ % 2 == 0) {
      const auto major = co_await tenant.CompactMajor();
      EXPECT_TRUE(major) << major.error().ToString();
    } else {
      const auto minor = co_await tenant.CompactMinor();
      EXPECT_TRUE(minor) << minor.error().ToString();
    }
    (void)co_await tenant.core().env.loop.Sleep(std::chrono::milliseconds(30));
  }
}

io::Task<Status> BackUpWhileBusy(BackedUpTenant& source, engine::TableSchemaPtr table,
                                 std::uint64_t seed, std::int64_t& commits) {
  bool stop = false;
  io::TaskGroup group(source.world().loop());
  for (std::uint64_t i = 0; i < 3; ++i) {
    group.Spawn(WriteAllTheTime(source.tenant(), table, seed * 3 + i, stop, commits));
  }
  group.Spawn(CompactAllTheTime(source.tenant(), stop));
  Status status;
  for (int i = 0; i < 3 && status; ++i) {
    BackupRequest request;
    request.type = i == 0 ? BackupType::kFull : BackupType::kInc;
    request.plus_archivelog = i == 1;
    const auto set = co_await source.backup().Run(std::move(request));
    if (!set) status = Fail(set.error());
  }
  stop = true;
  co_await group.Join();
  co_return status;
}

TEST(DataBackup, BesideWritersAndCompactions) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    io::SimWorld world(seed);
    BackedUpTenant::Options options;
    options.engine.background = true;
    options.engine.freeze_trigger = std::size_t{64} << 10;
    options.engine.memstore_limit = std::size_t{1} << 20;
    options.engine.minor_trigger = 2;
    BackedUpTenant source(world, options);
    ASSERT_OK(source.Create());
    const auto table = source.CreateTable("t", 6);
    ASSERT_NE(table, nullptr);
    ASSERT_OK(source.Put(*table, 0, 2000, 1));
    std::int64_t commits = 0;
    ASSERT_OK(source.Run(BackUpWhileBusy(source, table, seed, commits)));
    EXPECT_GT(commits, 20);
    const SetCheck check = Check(source);
    EXPECT_EQ(check.Text(), "") << "seed " << seed;
    EXPECT_EQ(check.sets.size(), 3U);
  }
}

TEST(DataBackup, ALogOfSeveralBlocksIsReplayedFromTheMiddle) {
  io::SimWorld world(10);
  BackedUpTenant::Options options;
  options.user_log_streams = 1;
  BackedUpTenant source(world, options);
  ASSERT_OK(source.Create());
  const auto table = source.CreateWideTable("wide", 1);
  ASSERT_NE(table, nullptr);
  // Above 64 MiB.
  ASSERT_OK(source.PutWide(*table, 0, 1400, 1));
  const auto set = source.Full();
  ASSERT_OK(set);
  EXPECT_EQ(Check(source).Text(), "");
  const Tree tree = TreeOf(world.disk().image(), kDataDir);
  const auto metas = format::MetadataFile<format::BackupLsMetaInfosDesc>::Read(
      tree.at("backup_set_1_full/infos/meta_info/ls_meta_infos.obbak"));
  ASSERT_OK(metas);
  ASSERT_EQ(metas->ls_meta_packages.size(), 2U);
  const format::PalfBaseInfo& base = metas->ls_meta_packages[1].palf_meta;
  EXPECT_EQ(base.curr_lsn.value, 67'104'768U);
  EXPECT_GE(base.prev_log_info.log_id, 1);
  // What the flushes of the backup have recycled is in the archive.
  const auto statistics = source.tenant().Statistics();
  EXPECT_GT(statistics.log_streams[1].base_lsn.value, 0U);
  ASSERT_OK(source.Run(source.archiver().CatchUp()));
}

TEST(DataBackup, TheSameSeedGivesTheSameBytes) {
  Tree trees[2];
  for (Tree& tree : trees) {
    io::SimWorld world(5);
    BackedUpTenant source(world);
    ASSERT_OK(source.Create());
    const auto table = source.CreateTable("t", 4);
    ASSERT_NE(table, nullptr);
    ASSERT_OK(source.Put(*table, 0, 500, 1));
    ASSERT_OK(source.Full());
    ASSERT_OK(source.Put(*table, 0, 500, 1));
    ASSERT_OK(source.CompactMajor());
    ASSERT_OK(source.Incremental());
    tree = TreeOf(world.disk().image(), kDataDir);
  }
  EXPECT_TRUE(trees[0] == trees[1]);
}

}  // namespace
}  // namespace obbak::backup
