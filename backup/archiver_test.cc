// What the archiver promises, in a world where nothing fails.
#include "backup/archiver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backup/archiver_test_support.h"
#include "engine/maintenance.h"

namespace obbak::backup {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds kMinute{60};

TEST(Archiver, ARoundRunsThroughItsLife) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.Put(3));
  EXPECT_FALSE(tenant.archiver().status().round);
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, days(1))));
  ArchiveStatus status = tenant.archiver().status();
  ASSERT_TRUE(status.round);
  EXPECT_EQ(status.round->state, RoundState::kDoing);
  EXPECT_EQ(status.round->round.value, 1);
  EXPECT_EQ(status.round->dest.value, 1001);
  EXPECT_EQ(status.round->base_piece.value, 1);
  EXPECT_EQ(status.log_streams.size(), 3U);
  ASSERT_OK(tenant.archiver().DoingRound());

  ASSERT_OK(tenant.Put(20));
  const format::Scn committed = tenant.core().scns.last();
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  ArchiveChecker active = tenant.Check();
  ASSERT_TRUE(active.RestorableUpTo());
  EXPECT_GE(*active.RestorableUpTo(), committed);
  EXPECT_EQ(active.frozen_pieces(), 0U);
  EXPECT_EQ(active.logs().size(), 3U);

  ASSERT_OK(tenant.StopArchiving());
  status = tenant.archiver().status();
  EXPECT_EQ(status.round->state, RoundState::kStop);
  ASSERT_EQ(status.history.size(), 1U);
  EXPECT_EQ(status.history[0], *status.round);
  ArchiveChecker stopped = tenant.Check();
  EXPECT_EQ(stopped.round_ends().size(), 1U);
  EXPECT_EQ(stopped.frozen_pieces(), 1U);
  EXPECT_GE(*stopped.RestorableUpTo(), committed);
  EXPECT_FALSE(tenant.archiver().DoingRound());
}

TEST(Archiver, TheNextRoundContinuesTheIds) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, kMinute)));
  tenant.Advance(minutes(3));
  ASSERT_OK(tenant.Put(1));
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  ASSERT_OK(tenant.StopArchiving());
  const std::int64_t used = tenant.archiver().status().round->used_piece.value;
  EXPECT_EQ(used, 4);
  ASSERT_OK(tenant.Run(tenant.archiver().ArchiveLog()));
  ASSERT_OK(tenant.Run(tenant.archiver().AwaitState()));
  const RoundStatus round = *tenant.archiver().status().round;
  EXPECT_EQ(round.round.value, 2);
  EXPECT_EQ(round.base_piece.value, used + 1);
  ASSERT_OK(tenant.Put(5));
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  const ArchiveChecker checker = tenant.Check();
  EXPECT_EQ(checker.round_starts().size(), 2U);
}

TEST(Archiver, ASuspendedRoundGoesOnInTheSamePieces) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, days(1))));
  ASSERT_OK(tenant.Put(5));
  ASSERT_OK(tenant.Run(tenant.archiver().SetDestState(false)));
  ASSERT_OK(tenant.Run(tenant.archiver().AwaitState()));
  EXPECT_EQ(tenant.archiver().status().round->state, RoundState::kSuspend);
  ASSERT_OK(tenant.Put(5));
  const auto before = TreeOf(tenant.disk().image(), kArchiveDir);
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  EXPECT_EQ(TreeOf(tenant.disk().image(), kArchiveDir), before) << "nothing is archived meanwhile";
  EXPECT_FALSE(tenant.archiver().DoingRound());

  ASSERT_OK(tenant.Run(tenant.archiver().SetDestState(true)));
  ASSERT_OK(tenant.Run(tenant.archiver().AwaitState()));
  const format::Scn committed = tenant.core().scns.last();
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  EXPECT_EQ(tenant.archiver().status().round->round.value, 1);
  EXPECT_GE(*tenant.Check().RestorableUpTo(), committed);
}

TEST(Archiver, LogsGoToThePieceOfTheirTimeAndPiecesWithoutLogsAreEmptyButThere) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, kMinute)));
  // Pieces with logs of all, of some and of none.
  for (const int gap : {1, 1, 4, 1, 2}) {
    ASSERT_OK(tenant.Put(3));
    tenant.Advance(gap * kMinute);
  }
  ASSERT_OK(tenant.Put(3));
  const format::Scn committed = tenant.core().scns.last();
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  const ArchiveChecker checker = tenant.Check();
  EXPECT_EQ(checker.pieces(), 10U);
  EXPECT_EQ(checker.frozen_pieces(), 9U);
  EXPECT_GE(*checker.RestorableUpTo(), committed);
  const ArchiveStatus status = tenant.archiver().status();
  ASSERT_EQ(status.pieces.size(), 10U);
  std::int64_t bytes = 0;
  for (const auto& piece : status.pieces) bytes += piece.input_bytes;
  EXPECT_EQ(status.round->bytes, bytes);
}

TEST(Archiver, CatchesUpAfterALongPause) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, kMinute)));
  for (int i = 0; i < 8; ++i) {
    ASSERT_OK(tenant.Put(2));
    tenant.Advance(kMinute);
  }
  tenant.Close();
  tenant.Advance(20 * kMinute);
  ASSERT_OK(tenant.Open());
  const format::Scn recovered = tenant.tenant().snapshot();
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  const ArchiveChecker checker = tenant.Check();
  EXPECT_EQ(checker.pieces(), 29U);
  EXPECT_GE(*checker.RestorableUpTo(), recovered);
}

TEST(Archiver, PiecesMayBeShorterThanAPassTakes) {
  ArchivedTenant tenant(/*seed=*/5);
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, std::chrono::milliseconds(5))));
  ASSERT_OK(tenant.Put(100));
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  ASSERT_OK(tenant.Put(10));
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  EXPECT_GT(tenant.Check().pieces(), 5U);
  ASSERT_OK(tenant.StopArchiving());
  tenant.Check();
}

TEST(Archiver, ABlockThatPiecesShareIsCutAtAGroup) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, kMinute)));
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(tenant.PutMebibytes(25));
    tenant.Advance(seconds(90));
  }
  // 75 MiB: the first block is complete and lies in three pieces.
  const format::Scn committed = tenant.tenant().snapshot();
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  ASSERT_GT(tenant.BigClog().end_lsn(), format::BlockStart(1));
  const ArchiveChecker checker = tenant.Check();
  EXPECT_EQ(checker.frozen_pieces(), 4U);
  EXPECT_GE(*checker.RestorableUpTo(), committed);
  ASSERT_OK(tenant.StopArchiving());
  tenant.Check();
}

TEST(Archiver, NamesHaveTheDatesOfTheTenantsTimeZone) {
  ArchivedTenant tenant;
  engine::TenantOptions options;
  options.time_zone = "-03:30";
  ASSERT_OK(tenant.Create(options));
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, kMinute)));
  tenant.Advance(minutes(5));
  ASSERT_OK(tenant.Put(1));
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  tenant.Check({.utc_offset = -minutes(210)});
}

TEST(Archiver, TheSameSeedGivesTheSameTree) {
  std::vector<std::map<std::string, Bytes>> trees;
  for (int i = 0; i < 2; ++i) {
    ArchivedTenant tenant(/*seed=*/9);
    ASSERT_OK(tenant.Create());
    ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, kMinute)));
    for (int step = 0; step < 4; ++step) {
      ASSERT_OK(tenant.Put(4));
      tenant.Advance(seconds(45));
    }
    ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
    ASSERT_OK(tenant.StopArchiving());
    trees.push_back(TreeOf(tenant.disk().image(), kArchiveDir));
  }
  EXPECT_FALSE(trees[0].empty());
  EXPECT_EQ(trees[0], trees[1]);
}

TEST(Archiver, ADumpOfTheDictionaryIsRecordedWhereLogStream1HasIt) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, days(1))));
  std::size_t files = 0;
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
    ASSERT_OK(tenant.Put(1));
    ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
    tenant.Advance(minutes(31));
  }
  const ArchiveChecker checker = tenant.Check();
  const ArchivedLog& log = checker.logs().at({{1}, format::kSysLsId});
  for (const auto& [path, bytes] : TreeOf(tenant.disk().image(), kArchiveDir)) {
    if (path.find("/schema_meta/") == std::string::npos) continue;
    ++files;
    const auto meta = format::SchemaMetaFile::Read(bytes);
    ASSERT_OK(meta);
    EXPECT_EQ(meta->body.items.size(), files);
    for (const format::DataDictMetaInfoItem& item : meta->body.items) {
      EXPECT_GE(item.start_lsn, log.begin.value);
      EXPECT_LE(item.end_lsn, log.end().value);
      EXPECT_LT(item.start_lsn, item.end_lsn);
    }
  }
  EXPECT_EQ(files, 3U);
}

// ---- Statements

TEST(Archiver, StatementsAreRefusedAsTheTableSays) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create({}, [] {
    ArchiveOptions options = QuietArchive();
    options.piece_interval = {};
    return options;
  }()));
  Archiver& archiver = tenant.archiver();
  const auto code = [&](io::Task<Status> task) {
    const Status status = tenant.Run(std::move(task));
    return status ? ErrorCode{} : status.error().code();
  };
  EXPECT_EQ(code(archiver.NoArchiveLog()), ErrorCode::kAlreadyInNoarchiveMode);
  EXPECT_EQ(code(archiver.SetDestState(false)), ErrorCode::kInvalidBackupDest);
  EXPECT_EQ(code(archiver.SetDest(DestAt(kArchiveDir, std::chrono::hours(1)))),
            ErrorCode::kNotSupported);
  EXPECT_EQ(code(archiver.SetDest(DestAt(kArchiveDir, days(8)))), ErrorCode::kNotSupported);
  // Without a destination nothing starts, and nothing is awaited.
  EXPECT_EQ(code(archiver.ArchiveLog()), ErrorCode{});
  EXPECT_EQ(code(archiver.AwaitState()), ErrorCode{});
  EXPECT_FALSE(archiver.status().round);
  EXPECT_EQ(code(archiver.ArchiveLog()), ErrorCode::kAlreadyInArchiveMode);

  EXPECT_EQ(code(archiver.SetDest(DestAt(kArchiveDir, days(1)))), ErrorCode{});
  EXPECT_EQ(code(archiver.AwaitState()), ErrorCode{});
  EXPECT_EQ(archiver.status().round->state, RoundState::kDoing);
  EXPECT_EQ(code(archiver.SetDest(DestAt("/other", days(1)))), ErrorCode::kNotSupported);
  EXPECT_EQ(code(archiver.ClearDest()), ErrorCode::kNotSupported);
  ASSERT_OK(tenant.StopArchiving());
  EXPECT_EQ(code(archiver.ClearDest()), ErrorCode{});
  EXPECT_FALSE(archiver.status().dest);
}

TEST(Archiver, ARoundThatHasBegunGoesOnThoughTheClockStepsBack) {
  ArchivedTenant before;
  ASSERT_OK(before.Create());
  ASSERT_OK(before.Run(before.archiver().SetDest(DestAt(kArchiveDir, days(1)))));
  before.Close();
  std::set<RoundState> states;
  for (std::uint64_t stop = 1;; ++stop) {
    SCOPED_TRACE("operation " + std::to_string(stop));
    ArchivedTenant tenant(1, before.disk().image(), io::SimWorld::kStartNs + 3'600'000'000'000);
    ASSERT_OK(tenant.Open());
    tenant.disk().StopAtOperation(tenant.disk().operations() + stop);
    if (tenant.Run(tenant.archiver().ArchiveLog()))
      (void)tenant.Run(tenant.archiver().AwaitState());
    tenant.Close();
    if (tenant.disk().powered()) break;

    ArchivedTenant after(2, tenant.disk().CrashImage(0));
    ASSERT_OK(after.Open());
    const auto round = after.archiver().status().round;
    states.insert(round ? round->state : RoundState::kInvalid);
    ASSERT_OK(after.Run(after.archiver().AwaitState()));
    ASSERT_OK(after.Put(1));
    ASSERT_OK(after.Run(after.archiver().CatchUp()));
    after.Check();
    if (HasFailure()) return;
  }
  EXPECT_TRUE(states.contains(RoundState::kPrepare));
  EXPECT_TRUE(states.contains(RoundState::kBeginning));
}

TEST(Archiver, AnotherDestinationTakesTheNextRound) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, kMinute)));
  tenant.Advance(minutes(2));
  ASSERT_OK(tenant.Put(2));
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  ASSERT_OK(tenant.StopArchiving());
  ASSERT_OK(tenant.StartArchiving(DestAt("/second", kMinute)));
  const RoundStatus round = *tenant.archiver().status().round;
  EXPECT_EQ(round.dest.value, 1002);
  EXPECT_EQ(round.round.value, 2);
  EXPECT_EQ(round.base_piece.value, 4);
  ASSERT_OK(tenant.Put(2));
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  tenant.Check();
  tenant.Check({}, "/second");
}

// As if it had applied its logs up to `sync`.
Status MakeStandby(ArchivedTenant& tenant, format::Scn sync) {
  engine::pb::Edit edit;
  *edit.mutable_tenant() = tenant.core().manifest->state().tenant();
  edit.mutable_tenant()->set_role(engine::pb::Tenant::STANDBY);
  edit.mutable_tenant()->set_sync_scn(sync.value);
  return tenant.Run(tenant.core().manifest->Apply(std::move(edit)));
}

TEST(Archiver, ARoundOfAStandbyThatReceivesNothingIsNotWaitedForForever) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.Put(10));
  const format::Scn applied = tenant.tenant().snapshot();
  ASSERT_OK(engine::AdvanceLogs(tenant.core(), tenant.core().scns.Next()));
  ASSERT_OK(tenant.Put(10));
  ASSERT_OK(MakeStandby(tenant, applied));
  const Status waited = tenant.StartArchiving(DestAt(kArchiveDir, days(1)));
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code(), ErrorCode::kStateNotMatch) << waited.error().ToString();
  EXPECT_EQ(tenant.archiver().status().round->state, RoundState::kBeginning);
  ASSERT_OK(MakeStandby(tenant, tenant.tenant().snapshot()));
  ASSERT_OK(tenant.Run(tenant.archiver().AwaitState()));
  EXPECT_EQ(tenant.archiver().status().round->state, RoundState::kDoing);
  ASSERT_OK(tenant.StopArchiving());
}

TEST(Archiver, AStandbySendsWhatItHasAppliedAndNoMore) {
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create());
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, days(1))));
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  ASSERT_OK(tenant.Put(10));
  const format::Scn applied = tenant.tenant().snapshot();
  ASSERT_OK(tenant.Put(10));
  ASSERT_OK(MakeStandby(tenant, applied));

  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  format::Scn last = format::kMinScn;
  const ArchiveChecker checker = tenant.Check();
  for (const auto& [round_ls, log] : checker.logs()) last = std::max(last, log.scns.back());
  EXPECT_EQ(last, applied);
  EXPECT_LE(tenant.archiver().status().round->checkpoint_scn, applied);
  EXPECT_FALSE(tenant.Run(tenant.archiver().CatchUpTo(tenant.tenant().snapshot())));
}

// ---- In the background

TEST(Archiver, WorksByItselfWhileTheTenantIsOpen) {
  ArchiveOptions archive = QuietArchive();
  archive.background = true;
  archive.lag_target = seconds(5);
  engine::EngineOptions engine = engine::SmallEngine();
  engine.background = true;
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create({}, archive, engine));
  ASSERT_OK(tenant.Run(tenant.archiver().SetDest(DestAt(kArchiveDir, seconds(10)))));
  ASSERT_OK(tenant.Run(tenant.archiver().ArchiveLog()));
  for (int i = 0; i < 30; ++i) {
    ASSERT_OK(tenant.Put(2));
    ASSERT_OK(tenant.Run(tenant.world().loop().Sleep(seconds(1))));
  }
  const RoundStatus round = *tenant.archiver().status().round;
  EXPECT_EQ(round.state, RoundState::kDoing);
  // The lag, a pass, and what lies between.
  EXPECT_GT(round.checkpoint_scn.value + 10'000'000'000, tenant.world().clock().NowNs());
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  EXPECT_GE(tenant.Check().frozen_pieces(), 2U);
  ASSERT_OK(tenant.StopArchiving());
  tenant.Check();
}

TEST(Archiver, SendsNoSoonerThanTheLagTarget) {
  ArchiveOptions archive = QuietArchive();
  archive.background = true;
  archive.lag_target = seconds(100);
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create({}, archive));
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, days(1))));
  ASSERT_OK(tenant.Run(tenant.archiver().CatchUp()));
  ASSERT_OK(tenant.Put(5));
  const auto sent = [&] {
    std::uint64_t bytes = 0;
    for (const auto& ls : tenant.archiver().status().log_streams) bytes += ls.archived_lsn.value;
    return bytes;
  };
  const std::uint64_t before = sent();
  ASSERT_OK(tenant.Run(tenant.world().loop().Sleep(seconds(60))));
  EXPECT_EQ(sent(), before);
  ASSERT_OK(tenant.Run(tenant.world().loop().Sleep(seconds(60))));
  EXPECT_GT(sent(), before);
}

TEST(Archiver, SendsCompleteBlocksAtOnce) {
  ArchiveOptions archive = QuietArchive();
  archive.background = true;
  archive.lag_target = std::chrono::hours(10);
  ArchivedTenant tenant;
  ASSERT_OK(tenant.Create({}, archive));
  ASSERT_OK(tenant.StartArchiving(DestAt(kArchiveDir, days(1))));
  ASSERT_OK(tenant.PutMebibytes(70));
  ASSERT_OK(tenant.Run(tenant.world().loop().Sleep(seconds(5))));
  for (const LsArchiveStatus& ls : tenant.archiver().status().log_streams) {
    if (ls.ls != tenant.BigLs()) continue;
    EXPECT_EQ(ls.archived_lsn, format::BlockStart(1));
  }
}

}  // namespace
}  // namespace obbak::backup
