// A standby is exactly what the tenant was whose logs it has replayed: at every SCN, in whatever
// steps it got there, through power failures, and for good once it is activated.
#include "engine/standby.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/thoroughness_test_support.h"
#include "engine/activation.h"
#include "engine/history_test_support.h"
#include "engine/tenant_builder.h"
#include "engine/tenant_directory.h"

namespace obbak::engine {
namespace {

using format::Scn;
using io::SimImage;
using io::SimWorld;

constexpr const char* kDir = "/standby";

// OBBAK_STANDBY_SEEDS=500 looks further.
std::uint64_t Seeds(std::uint64_t usual) {
  const char* seeds = std::getenv("OBBAK_STANDBY_SEEDS");
  return seeds == nullptr ? usual : std::strtoul(seeds, nullptr, 10);
}

// Some replays flush again and again, others never.
EngineOptions StandbyEngine(std::uint64_t seed) {
  EngineOptions options = SmallEngine();
  options.background = true;
  options.minor_trigger = 3;
  if (seed % 3 == 0) options.freeze_trigger = 2 << 10;
  if (seed % 3 == 1) options.memstore_limit = 64 << 10;
  return options;
}

// A log stream of which nothing is there but its creation.
io::Task<Status> AddEmpty(TenantBuilder& builder, const RecordedLog& log) {
  format::LsAttr attr;
  attr.id = log.ls;
  attr.ls_group_id = log.group_id;
  attr.status = format::LsStatus::kNormal;
  attr.create_scn = log.create_scn;
  format::LsMetaPackage package;
  package.ls_meta.ls_id = log.ls;
  package.ls_meta.clog_checkpoint_scn = log.create_scn;
  package.palf_meta.prev_log_info.scn = log.create_scn;
  co_return co_await builder.AddLogStream(attr, package);
}

io::Task<Status> BuildParts(TenantBuilder& builder, RecordedLogs& logs, Scn scn) {
  for (const RecordedLog& log : logs.logs()) {
    if (Status status = co_await AddEmpty(builder, log); !status) co_return status;
  }
  co_return co_await builder.Finish(logs, scn);
}

io::Task<Status> Build(SimWorld& world, RecordedLogs& logs, Scn scn, EngineOptions engine) {
  TenantOptions options;
  options.tenant_id = 1004;
  auto builder =
      co_await TenantBuilder::Create(EnvOf(world), kDir, std::move(options), std::move(engine));
  if (!builder) co_return Fail(std::move(builder).error());
  Status status = co_await BuildParts(**builder, logs, scn);
  Status closed = co_await (*builder)->Close();
  co_return status ? closed : status;
}

// An open standby in a world of its own.
class Standby {
 public:
  Standby(std::uint64_t seed, SimImage image = {})
      : options_(StandbyEngine(seed)), world_(std::make_unique<SimWorld>(seed, std::move(image))) {}

  void Build(RecordedLogs& logs, Scn scn) {
    ASSERT_OK(Run(engine::Build(*world_, logs, scn, options_)));
    Open();
  }
  void Open() {
    auto opened = Run(Tenant::Open(EnvOf(*world_), kDir, options_));
    ASSERT_OK(opened);
    tenant_ = *std::move(opened);
  }
  bool TryOpen() {
    auto opened = Run(Tenant::Open(EnvOf(*world_), kDir, options_));
    if (opened) tenant_ = *std::move(opened);
    return tenant_ != nullptr;
  }
  void Adopt(std::unique_ptr<Tenant> tenant) { tenant_ = std::move(tenant); }
  void Close() {
    ASSERT_OK(Run(tenant_->Close()));
    tenant_.reset();
  }
  void CloseAnyhow() {
    static_cast<void>(Run(tenant_->Close()));
    tenant_.reset();
  }
  Status Recover(RecordedLogs& logs, Scn until) {
    return Run(RecoverStandby(tenant_->core(), logs, until));
  }
  Status Activate() { return Run(ActivateStandby(EnvOf(*world_), kDir, options_)); }

  template <class T>
  T Run(io::Task<T> task) {
    return world_->loop().Run(std::move(task));
  }
  EngineOptions& options() { return options_; }
  SimWorld& world() { return *world_; }
  Tenant& tenant() { return *tenant_; }
  bool is_open() const { return tenant_ != nullptr; }

 private:
  EngineOptions options_;
  std::unique_ptr<SimWorld> world_;
  std::unique_ptr<Tenant> tenant_;
};

History::Options HistoryOf(std::uint64_t seed) {
  return {.log_streams = static_cast<int>(1 + seed % 3),
          .rounds = 2,
          .transactions = 6,
          .with_majors = seed % 4 == 3,
          .with_crash = seed % 4 == 2};
}

// All SCNs at which something may go wrong: of each log entry, and its neighbours.
std::vector<Scn> PointsOf(const History& history, const RecordedLogs& logs) {
  std::set<Scn> points;
  for (const Scn scn : logs.EntryScns()) {
    for (const std::uint64_t value : {scn.value - 1, scn.value, scn.value + 1}) {
      if (value >= history.begin().value && value <= history.end().value) points.insert(Scn{value});
    }
  }
  return {points.begin(), points.end()};
}

// Writes and maintenance on what was a standby; everything that it had stays.
void UseAsPrimary(Standby& standby, History& history, Scn sync) {
  Tenant& tenant = standby.tenant();
  EXPECT_EQ(tenant.role(), TenantRole::kPrimary);
  ASSERT_GE(tenant.snapshot(), sync);
  TableSchemaPtr schema = standby.Run(CreateTestTable(tenant, "after_activation", 3));
  ASSERT_NE(schema, nullptr);
  std::map<std::int64_t, std::int64_t> rows;
  for (std::int64_t key = 0; key < 6; ++key) {
    ASSERT_OK(standby.Run(PutRow(tenant, *schema, key, key * 7)));
    rows[key] = key * 7;
  }
  for (const auto& table : history.tables()) {
    const auto there = tenant.catalog().FindTable(table->schema->id());
    // The new table may have taken the id of one that came later in the history.
    if (there == nullptr || there->name() != table->name) continue;
    auto expected = table->At(sync);
    ASSERT_EQ(standby.Run(ReadAll(tenant, there, tenant.snapshot())), expected) << table->name;
    for (std::int64_t key = 15; key < 25; key += 3) {
      ASSERT_OK(standby.Run(PutRow(tenant, *there, key, -key)));
      expected[key] = -key;
    }
    ASSERT_EQ(standby.Run(ReadAll(tenant, there, tenant.snapshot())), expected) << table->name;
    ASSERT_EQ(standby.Run(ReadAll(tenant, there, sync)), table->At(sync)) << table->name;
    if (tenant.catalog().log_streams().size() > 2) {
      const format::TabletId tablet = there->tablets().front();
      const format::LsId from = *tenant.catalog().LsOf(tablet);
      const format::LsId to{from.value == 1001 ? 1002 : 1001};
      ASSERT_OK(standby.Run(tenant.MoveTablet(tablet, to)));
      ASSERT_EQ(standby.Run(ReadAll(tenant, there, tenant.snapshot())), expected) << table->name;
    }
  }
  ASSERT_EQ(standby.Run(ReadAll(tenant, schema, tenant.snapshot())), rows);
  ASSERT_OK(standby.Run(tenant.Flush()));
  ASSERT_OK(standby.Run(tenant.CompactMinor()));
  ASSERT_OK(standby.Run(tenant.CompactMajor()));
  ASSERT_NO_FATAL_FAILURE(standby.Close());
  ASSERT_NO_FATAL_FAILURE(standby.Open());
  schema = standby.tenant().catalog().FindTable(schema->id());
  ASSERT_NE(schema, nullptr);
  ASSERT_EQ(standby.Run(ReadAll(standby.tenant(), schema, standby.tenant().snapshot())), rows);
}

TEST(Standby, IsWhatTheTenantWasAtEverySCNInStepsThroughAllOfThem) {
  std::size_t points = 0;
  for (std::uint64_t seed = 0; seed < Seeds(12); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History history(seed, HistoryOf(seed));
    ASSERT_NO_FATAL_FAILURE(history.Make());
    RecordedLogs logs(history.ReadLogs());
    io::Random random(seed);
    Standby standby(seed);
    ASSERT_NO_FATAL_FAILURE(standby.Build(logs, history.begin()));
    for (const Scn point : PointsOf(history, logs)) {
      SCOPED_TRACE("point " + std::to_string(point.value));
      ASSERT_OK(standby.Recover(logs, point));
      ASSERT_EQ(standby.tenant().snapshot(), point);
      ASSERT_NO_FATAL_FAILURE(history.ExpectSame(standby.world(), standby.tenant(), point));
      if (random.OneIn(25)) {
        ASSERT_NO_FATAL_FAILURE(standby.Close());
        ASSERT_NO_FATAL_FAILURE(standby.Open());
        ASSERT_EQ(standby.tenant().snapshot(), point);
        ASSERT_NO_FATAL_FAILURE(history.ExpectSame(standby.world(), standby.tenant(), point));
      }
      if (random.OneIn(25)) ASSERT_OK(standby.Run(standby.tenant().Flush()));
      if (random.OneIn(40)) ASSERT_OK(standby.Run(standby.tenant().CompactMinor()));
      ++points;
    }
    ASSERT_NO_FATAL_FAILURE(standby.Close());
    ASSERT_NO_FATAL_FAILURE(history.Close());
  }
  EXPECT_GT(points, 250 * Seeds(12));
}

TEST(Standby, GetsThereInOneGoAndIsAPrimaryThenThatGoesItsOwnWay) {
  for (std::uint64_t seed = 0; seed < Seeds(12); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History history(seed, HistoryOf(seed));
    ASSERT_NO_FATAL_FAILURE(history.Make());
    RecordedLogs logs(history.ReadLogs());
    const std::vector<Scn> points = PointsOf(history, logs);
    io::Random random(seed);
    for (int i = 0; i < 6; ++i) {
      const Scn point = points[random.Below(points.size())];
      SCOPED_TRACE("point " + std::to_string(point.value));
      Standby standby(seed + static_cast<std::uint64_t>(i));
      ASSERT_NO_FATAL_FAILURE(standby.Build(logs, point));
      ASSERT_NO_FATAL_FAILURE(history.ExpectSame(standby.world(), standby.tenant(), point));
      ASSERT_NO_FATAL_FAILURE(standby.Close());
      ASSERT_OK(standby.Activate());
      ASSERT_OK(standby.Activate());  // nothing to do
      ASSERT_NO_FATAL_FAILURE(standby.Open());
      ASSERT_NO_FATAL_FAILURE(UseAsPrimary(standby, history, point));
      ASSERT_NO_FATAL_FAILURE(standby.Close());
    }
    ASSERT_NO_FATAL_FAILURE(history.Close());
  }
}

// Its log would be missed, and whatever moved there.
TEST(Standby, ALogStreamThatOnlyTheLogKnowsOfIsNotPassedOver) {
  History history(1, {.log_streams = 2, .rounds = 1, .transactions = 2});
  ASSERT_NO_FATAL_FAILURE(history.Make());
  std::vector<RecordedLog> known = history.ReadLogs();
  std::erase_if(known, [](const RecordedLog& log) { return log.ls == format::LsId{1002}; });
  RecordedLogs logs(std::move(known));
  SimWorld world(1);
  const Status status =
      world.loop().Run(Build(world, logs, history.end(), StandbyEngine(/*seed=*/2)));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kNotSupported) << status.error().ToString();
  EXPECT_NE(status.error().ToString().find("log stream 1002"), std::string::npos)
      << status.error().ToString();
  ASSERT_NO_FATAL_FAILURE(history.Close());
}

// ---- Power failures

// How far a standby came before its power went.
struct Progress {
  Scn reached;             // acknowledged
  Scn asked;               // begun
  bool activated = false;  // acknowledged
};

// Two recoveries, a flush and the activation; ends with the first error.
void Advance(Standby& standby, RecordedLogs& logs, const std::vector<Scn>& steps,
             Progress& progress) {
  if (!standby.TryOpen()) return;
  Status status;
  for (const Scn step : steps) {
    progress.asked = step;
    status = standby.Recover(logs, step);
    if (status) progress.reached = step;
    if (status) status = standby.Run(standby.tenant().Flush());
    if (!status) break;
  }
  standby.CloseAnyhow();
  if (status) progress.activated = static_cast<bool>(standby.Activate());
}

// Opens what a power failure has left, checks it, and goes on from there.
void CheckSurvival(const SimImage& image, History& history, RecordedLogs& logs,
                   const std::vector<Scn>& steps, const Progress& before, std::uint64_t seed) {
  Standby standby(seed, image);
  const Scn last = steps.back();
  auto opened = standby.Run(Tenant::Open(EnvOf(standby.world()), kDir, StandbyEngine(seed)));
  if (!opened) {
    ASSERT_EQ(opened.error().code(), ErrorCode::kStateNotMatch) << opened.error().ToString();
    ASSERT_EQ(before.reached, last);
  } else {
    standby.Adopt(*std::move(opened));
    if (standby.tenant().role() == TenantRole::kStandby) {
      ASSERT_FALSE(before.activated);
      const Scn sync = standby.tenant().snapshot();
      ASSERT_GE(sync, before.reached);
      ASSERT_LE(sync, before.asked);
      ASSERT_NO_FATAL_FAILURE(history.ExpectSame(standby.world(), standby.tenant(), sync));
      if (seed % 2 == 0) {
        ASSERT_OK(standby.Recover(logs, last));
        ASSERT_NO_FATAL_FAILURE(history.ExpectSame(standby.world(), standby.tenant(), last));
      }
    } else {
      ASSERT_EQ(before.reached, last);
    }
    ASSERT_NO_FATAL_FAILURE(standby.Close());
  }
  // It may be activated where it is, too.
  ASSERT_OK(standby.Activate());
  ASSERT_NO_FATAL_FAILURE(standby.Open());
  const Scn sync{standby.tenant().core().manifest->state().tenant().sync_scn()};
  ASSERT_NO_FATAL_FAILURE(UseAsPrimary(standby, history, sync));
  ASSERT_NO_FATAL_FAILURE(standby.Close());
}

TEST(Standby, SurvivesPowerFailuresWhileItRecoversAndIsActivated) {
  std::uint64_t crashes = 0;
  for (std::uint64_t seed = 0; seed < Seeds(3); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History history(seed, HistoryOf(seed + 1));
    ASSERT_NO_FATAL_FAILURE(history.Make());
    RecordedLogs logs(history.ReadLogs());
    const std::vector<Scn> points = PointsOf(history, logs);
    const std::vector<Scn> steps{points[points.size() / 2], points[points.size() * 4 / 5]};
    Standby first(seed);
    const Scn start = points[points.size() / 4];
    ASSERT_NO_FATAL_FAILURE(first.Build(logs, start));
    ASSERT_NO_FATAL_FAILURE(first.Close());
    const SimImage image = first.world().disk().image();
    for (std::uint64_t stop = 1;; stop += CrashStride(19, 19)) {
      SCOPED_TRACE("operation " + std::to_string(stop));
      Standby standby(seed, image);
      standby.world().disk().StopAtOperation(stop);
      Progress progress{.reached = start, .asked = start};
      Advance(standby, logs, steps, progress);
      if (standby.world().disk().powered()) {
        ASSERT_TRUE(progress.activated);
        break;
      }
      for (const std::uint64_t image_seed : {stop % 2, stop + 10}) {
        SCOPED_TRACE("image " + std::to_string(image_seed));
        ASSERT_NO_FATAL_FAILURE(CheckSurvival(standby.world().disk().CrashImage(image_seed),
                                              history, logs, steps, progress, stop));
        ++crashes;
      }
    }
    ASSERT_NO_FATAL_FAILURE(history.Close());
  }
  EXPECT_GT(crashes, 15 * Seeds(3));
}

TEST(Standby, ARestoreThatWasNotFinishedIsRefusedAndBegunAnew) {
  History history(5, HistoryOf(5));
  ASSERT_NO_FATAL_FAILURE(history.Make());
  RecordedLogs logs(history.ReadLogs());
  const std::vector<Scn> points = PointsOf(history, logs);
  const Scn point = points[points.size() / 2];
  for (std::uint64_t stop = 1;; stop += CrashStride(13, 13)) {
    SCOPED_TRACE("operation " + std::to_string(stop));
    SimWorld world(stop);
    world.disk().StopAtOperation(stop);
    const Status built = world.loop().Run(Build(world, logs, point, StandbyEngine(stop)));
    if (world.disk().powered()) {
      ASSERT_OK(built);
      break;
    }
    for (const std::uint64_t image_seed : {std::uint64_t{0}, std::uint64_t{1}, stop + 10}) {
      SCOPED_TRACE("image " + std::to_string(image_seed));
      Standby standby(stop, world.disk().CrashImage(image_seed));
      auto opened = standby.Run(Tenant::Open(EnvOf(standby.world()), kDir, StandbyEngine(stop)));
      if (!opened) {
        const ErrorCode code = opened.error().code();
        ASSERT_TRUE(code == ErrorCode::kStateNotMatch || code == ErrorCode::kFileNotExist)
            << opened.error().ToString();
        ASSERT_NO_FATAL_FAILURE(standby.Build(logs, point));
      } else {
        // Its last edit was durable, though nobody was told.
        standby.Adopt(*std::move(opened));
      }
      ASSERT_NO_FATAL_FAILURE(history.ExpectSame(standby.world(), standby.tenant(), point));
      ASSERT_NO_FATAL_FAILURE(standby.Close());
    }
  }
  ASSERT_NO_FATAL_FAILURE(history.Close());
}

// ---- What it refuses, and what fails

class StandbyOfHistory : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(history_.Make());
    logs_ = std::make_unique<RecordedLogs>(history_.ReadLogs());
    points_ = PointsOf(history_, *logs_);
  }
  void TearDown() override {
    if (standby_.is_open()) {
      ASSERT_NO_FATAL_FAILURE(standby_.Close());
    }
    ASSERT_NO_FATAL_FAILURE(history_.Close());
  }

  History history_{1, HistoryOf(1)};
  std::unique_ptr<RecordedLogs> logs_;
  std::vector<Scn> points_;
  Standby standby_{1};
};

TEST_F(StandbyOfHistory, IsOnlyRead) {
  ASSERT_NO_FATAL_FAILURE(standby_.Build(*logs_, points_.back()));
  Tenant& tenant = standby_.tenant();
  EXPECT_EQ(tenant.role(), TenantRole::kStandby);
  const auto refused = [](const Error& error) { return error.code() == ErrorCode::kOpNotAllow; };
  EXPECT_TRUE(refused(tenant.Begin().error()));
  EXPECT_TRUE(refused(standby_.Run(tenant.CreateDatabase("db")).error()));
  const auto definition = ParseTableDefinition("id bigint not null, primary key (id)");
  EXPECT_TRUE(refused(standby_.Run(tenant.CreateTable("new_table", *definition)).error()));
  EXPECT_TRUE(refused(standby_.Run(tenant.CompactMajor()).error()));
  EXPECT_TRUE(refused(AdvanceLogs(tenant.core(), points_.back()).error()));
  for (const auto& [id, table] : tenant.catalog().tables()) {
    EXPECT_TRUE(refused(standby_.Run(tenant.DropTable(table->name())).error()));
    for (const format::TabletId tablet : table->tablets()) {
      const format::LsId from = *tenant.catalog().LsOf(tablet);
      const format::LsId to{from.value == 1001 ? 1002 : 1001};
      EXPECT_TRUE(refused(standby_.Run(tenant.MoveTablet(tablet, to)).error()));
    }
  }
  EXPECT_TRUE(tenant.core().CheckUsable());
  ASSERT_NO_FATAL_FAILURE(history_.ExpectSame(standby_.world(), tenant, points_.back()));
}

TEST_F(StandbyOfHistory, DoesNotGoBackAndSaysWhenTheLogsEndTooSoon) {
  const Scn middle = points_[points_.size() / 2];
  ASSERT_NO_FATAL_FAILURE(standby_.Build(*logs_, middle));
  const Status back = standby_.Recover(*logs_, Scn{middle.value - 1});
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code(), ErrorCode::kOpNotAllow) << back.error().ToString();
  ASSERT_NO_FATAL_FAILURE(history_.ExpectSame(standby_.world(), standby_.tenant(), middle));

  const Status beyond = standby_.Recover(*logs_, Scn{Scn::kMaxValue});
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code(), ErrorCode::kEntryNotExist) << beyond.error().ToString();
  EXPECT_TRUE(standby_.tenant().core().CheckUsable());
}

TEST_F(StandbyOfHistory, GoesNoFurtherThanTheShortestLogAndThenOn) {
  ASSERT_NO_FATAL_FAILURE(standby_.Build(*logs_, points_.front()));
  io::Random random(2);
  int short_logs = 0;
  for (std::size_t i = 10; i < points_.size(); i += 1 + random.Below(20)) {
    const format::LsId ls = logs_->logs()[random.Below(logs_->logs().size())].ls;
    logs_->EndAt(ls, points_[i - random.Below(10)]);
    const Status recovered = standby_.Recover(*logs_, points_[i]);
    if (!recovered) {
      ++short_logs;
      ASSERT_EQ(recovered.error().code(), ErrorCode::kEntryNotExist)
          << recovered.error().ToString();
      ASSERT_TRUE(standby_.tenant().core().CheckUsable());
    }
    if (random.OneIn(2)) ASSERT_OK(standby_.Run(standby_.tenant().Flush()));
    if (random.OneIn(3)) {
      ASSERT_NO_FATAL_FAILURE(standby_.Close());
      ASSERT_NO_FATAL_FAILURE(standby_.Open());
      ASSERT_NO_FATAL_FAILURE(
          history_.ExpectSame(standby_.world(), standby_.tenant(), standby_.tenant().snapshot()));
    }
    logs_->EndNowhere();
    ASSERT_OK(standby_.Recover(*logs_, points_[i]));
    ASSERT_NO_FATAL_FAILURE(history_.ExpectSame(standby_.world(), standby_.tenant(), points_[i]));
  }
  EXPECT_GT(short_logs, 3);
}

io::Task<Status> FlipByte(io::Disk& disk, std::string path, std::uint64_t offset) {
  const auto file = co_await disk.Open(std::move(path), {});
  if (!file) co_return Fail(file.error());
  Bytes byte(1);
  const auto read = co_await (*file)->Read(offset, byte);
  if (!read) co_return Fail(read.error());
  byte[0] ^= std::byte{0xFF};
  co_return co_await (*file)->Write(offset, byte);
}

// The last group of a log is no torn tail when it was durable.
TEST_F(StandbyOfHistory, ALogThatHasLostItsDurableEndIsRefused) {
  ASSERT_NO_FATAL_FAILURE(standby_.Build(*logs_, points_.back()));
  std::vector<std::pair<format::LsId, format::Lsn>> ends;
  for (const auto& [ls, stream] : standby_.tenant().core().streams) {
    ends.emplace_back(ls, stream->clog().end_lsn());
  }
  ASSERT_NO_FATAL_FAILURE(standby_.Close());
  for (const auto& [ls, end] : ends) {
    SCOPED_TRACE("log stream " + std::to_string(ls.value));
    const std::string path = std::string(kDir) + "/clog/" + std::to_string(ls.value) + "/" +
                             std::to_string(format::BlockIdOf(end));
    const auto flip = [&] {
      return standby_.Run(
          FlipByte(standby_.world().disk(), path, format::OffsetInClogFile(end) - 1));
    };
    ASSERT_OK(flip());
    EXPECT_FALSE(standby_.TryOpen());
    ASSERT_OK(flip());
    ASSERT_NO_FATAL_FAILURE(standby_.Open());
    ASSERT_NO_FATAL_FAILURE(
        history_.ExpectSame(standby_.world(), standby_.tenant(), points_.back()));
    ASSERT_NO_FATAL_FAILURE(standby_.Close());
  }
  ASSERT_NO_FATAL_FAILURE(standby_.Open());
}

TEST_F(StandbyOfHistory, GoesOnWhereTheArchiveFailed) {
  io::Random random(1);
  ASSERT_NO_FATAL_FAILURE(standby_.Build(*logs_, points_.front()));
  const Scn target = points_[points_.size() * 3 / 4];
  for (std::uint64_t groups = 1; groups < 200; groups += 1 + random.Below(4)) {
    logs_->FailAfter(groups);
    const Status recovered = standby_.Recover(*logs_, target);
    if (recovered) break;
    ASSERT_EQ(recovered.error().code(), ErrorCode::kIoError) << recovered.error().ToString();
    ASSERT_TRUE(standby_.tenant().core().CheckUsable());
    if (!random.OneIn(3)) continue;
    // What was durable when it failed, or later.
    ASSERT_NO_FATAL_FAILURE(standby_.Close());
    ASSERT_NO_FATAL_FAILURE(standby_.Open());
    ASSERT_NO_FATAL_FAILURE(
        history_.ExpectSame(standby_.world(), standby_.tenant(), standby_.tenant().snapshot()));
  }
  ASSERT_OK(standby_.Recover(*logs_, target));
  ASSERT_NO_FATAL_FAILURE(history_.ExpectSame(standby_.world(), standby_.tenant(), target));
}

TEST_F(StandbyOfHistory, ItsUndecidedTransactionsHoldUpNeitherFlushesNorItsClosing) {
  ASSERT_NO_FATAL_FAILURE(standby_.Build(*logs_, points_.front()));
  int with_undecided = 0;
  for (std::size_t i = 1; i < points_.size(); i += 9) {
    ASSERT_OK(standby_.Recover(*logs_, points_[i]));
    bool has_undecided = false;
    for (const auto& [id, stream] : standby_.tenant().core().streams) {
      for (const auto& [tx, context] : stream->contexts()) {
        has_undecided = has_undecided || context->state() == TxContext::State::kActive;
      }
    }
    if (!has_undecided) continue;
    ++with_undecided;
    ASSERT_OK(standby_.Run(standby_.tenant().Flush()));
    ASSERT_OK(standby_.Run(standby_.tenant().CompactMinor()));
    ASSERT_NO_FATAL_FAILURE(standby_.Close());
    ASSERT_NO_FATAL_FAILURE(standby_.Open());
    ASSERT_NO_FATAL_FAILURE(history_.ExpectSame(standby_.world(), standby_.tenant(), points_[i]));
  }
  EXPECT_GT(with_undecided, 3);
}

TEST_F(StandbyOfHistory, ADirectoryThatHoldsAnythingElseIsNotTouched) {
  ASSERT_NO_FATAL_FAILURE(standby_.Build(*logs_, points_.front()));
  ASSERT_NO_FATAL_FAILURE(standby_.Close());
  const Status again =
      standby_.Run(Build(standby_.world(), *logs_, points_.front(), StandbyEngine(1)));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::kEntryExist) << again.error().ToString();
  ASSERT_NO_FATAL_FAILURE(standby_.Open());
  ASSERT_NO_FATAL_FAILURE(
      history_.ExpectSame(standby_.world(), standby_.tenant(), points_.front()));

  io::Disk& disk = standby_.world().disk();
  ASSERT_OK(standby_.Run(disk.MakeDirectory("/other")));
  ASSERT_OK(standby_.Run(disk.MakeDirectory("/other/photos")));
  const Status cleared = standby_.Run(ClearUnfinished(EnvOf(standby_.world()), "/other"));
  ASSERT_FALSE(cleared);
  EXPECT_EQ(cleared.error().code(), ErrorCode::kEntryExist);
  EXPECT_TRUE(standby_.Run(disk.Stat("/other/photos")));
}

// ---- Logs of several blocks

// A tenant with one user log stream whose log is a little longer than one block.
class LongLog : public testing::Test {
 protected:
  static constexpr std::size_t kValueSize = 200'000;
  static constexpr std::int64_t kKeys = 10;

  void SetUp() override {
    TenantOptions options;
    options.user_log_streams = 1;
    auto made = Run(Tenant::Create(EnvOf(world_), "/source", options, SmallEngine()));
    ASSERT_OK(made);
    tenant_ = *std::move(made);
    auto definition =
        ParseTableDefinition("id bigint not null, value varchar(262144), primary key (id)");
    ASSERT_OK(definition);
    const auto table = Run(tenant_->CreateTable("t", *std::move(definition)));
    ASSERT_OK(table);
    table_ = *table;
    Clog& clog = tenant_->core().streams.at(format::LsId{1001})->clog();
    while (clog.end_lsn() < format::BlockStart(1) + 3'000'000) {
      ASSERT_OK(Run(PutSome()));
      if (first_.value == 0) first_ = tenant_->snapshot();
      if (clog.end_lsn() < format::BlockStart(1)) in_block_0_ = tenant_->snapshot();
    }
    last_ = tenant_->snapshot();
    ASSERT_OK(AdvanceLogs(tenant_->core(), tenant_->core().scns.Next()));
    std::vector<RecordedLog> logs;
    for (const auto& [id, entry] : tenant_->catalog().log_streams()) {
      Clog& log = tenant_->core().streams.at(id)->clog();
      ASSERT_OK(Run(log.WaitDurable(log.end_lsn())));
      RecordedLog recorded;
      recorded.ls = id;
      recorded.group_id = entry.group_id;
      recorded.create_scn = entry.create_scn;
      ASSERT_OK(Run(ReadLog(log, recorded)));
      logs.push_back(std::move(recorded));
    }
    logs_ = std::make_unique<RecordedLogs>(std::move(logs));
    ASSERT_OK(Run(tenant_->Close()));
  }

  template <class T>
  T Run(io::Task<T> task) {
    return world_.loop().Run(std::move(task));
  }

  io::Task<Status> PutSome() {
    auto tx = tenant_->Begin();
    if (!tx) co_return Fail(tx.error());
    const std::string value(kValueSize, static_cast<char>('a' + rounds_ % 26));
    for (std::int64_t key = 0; key < kKeys; ++key) {
      const std::vector<format::Datum> row{format::Datum::Int(key),
                                           format::Datum::Of(AsByteView(value))};
      if (Status status = co_await (*tx)->Put(*table_, row); !status) co_return status;
    }
    const auto version = co_await (*tx)->Commit();
    if (!version) co_return Fail(version.error());
    rounds_by_version_[*version] = rounds_++;
    co_return Status();
  }

  // All rows have the value of the last round up to then.
  void ExpectAt(Standby& standby, Scn snapshot) {
    const auto round = std::prev(rounds_by_version_.upper_bound(snapshot));
    const auto table = standby.tenant().catalog().FindTable(table_->id());
    ASSERT_NE(table, nullptr);
    for (std::int64_t key = 0; key < kKeys; ++key) {
      const std::vector<format::Datum> rowkey{format::Datum::Int(key)};
      const auto row = standby.Run(standby.tenant().Get(table, rowkey, snapshot));
      ASSERT_OK(row);
      ASSERT_TRUE(row->has_value());
      const std::string expected(kValueSize, static_cast<char>('a' + round->second % 26));
      ASSERT_TRUE(Datums(**row)[1].bytes().size() == expected.size() &&
                  AsText(Datums(**row)[1].bytes()) == expected);
    }
  }

  SimWorld world_{1};
  std::unique_ptr<Tenant> tenant_;
  TableSchemaPtr table_;
  std::int64_t rounds_ = 0;
  std::map<Scn, std::int64_t> rounds_by_version_;
  Scn first_{0}, in_block_0_{0}, last_{0};
  std::unique_ptr<RecordedLogs> logs_;
};

TEST_F(LongLog, IsRecycledWhileItIsReplayed) {
  Standby standby(2);
  standby.options().freeze_trigger = 8 << 20;
  ASSERT_NO_FATAL_FAILURE(standby.Build(*logs_, first_));
  ASSERT_OK(standby.Recover(*logs_, last_));
  ASSERT_NO_FATAL_FAILURE(ExpectAt(standby, last_));
  const LogStream& stream = *standby.tenant().core().streams.at(format::LsId{1001});
  EXPECT_LT(stream.memtable_bytes(), std::size_t{24} << 20);
  ASSERT_OK(standby.Run(standby.tenant().Flush()));
  EXPECT_EQ(stream.record().clog_base_lsn(), format::BlockStart(1).value);
  EXPECT_EQ(stream.clog().base_lsn(), format::BlockStart(1));
  ASSERT_NO_FATAL_FAILURE(standby.Close());
  ASSERT_NO_FATAL_FAILURE(standby.Open());
  ASSERT_NO_FATAL_FAILURE(ExpectAt(standby, last_));
  ASSERT_NO_FATAL_FAILURE(standby.Close());
}

TEST_F(LongLog, IsCutInTheBlockBeforeItsLast) {
  Standby standby(2);
  ASSERT_NO_FATAL_FAILURE(standby.Build(*logs_, in_block_0_));
  std::uint64_t groups = 0;
  for (const RecordedLog& log : logs_->logs()) groups += log.groups.size();
  // Fails as late as possible: when the last group is asked for.
  const LogStream& stream = *standby.tenant().core().streams.at(format::LsId{1001});
  Status recovered;
  for (std::uint64_t asked = 1; recovered || stream.clog().end_lsn() < format::BlockStart(1);
       ++asked) {
    ASSERT_LT(asked, groups);
    logs_->FailAfter(asked);
    recovered = standby.Recover(*logs_, last_);
    ASSERT_FALSE(recovered);
  }
  ASSERT_NO_FATAL_FAILURE(standby.Close());
  ASSERT_NO_FATAL_FAILURE(standby.Open());
  ASSERT_EQ(standby.tenant().snapshot(), in_block_0_);
  ASSERT_NO_FATAL_FAILURE(ExpectAt(standby, in_block_0_));
  ASSERT_NO_FATAL_FAILURE(standby.Close());
  ASSERT_OK(standby.Activate());
  ASSERT_NO_FATAL_FAILURE(standby.Open());
  ASSERT_NO_FATAL_FAILURE(ExpectAt(standby, in_block_0_));
  const TableSchemaPtr table =
      standby.Run(CreateTestTable(standby.tenant(), "after_activation", 2));
  ASSERT_NE(table, nullptr);
  ASSERT_OK(standby.Run(PutRow(standby.tenant(), *table, 1, 2)));
  ASSERT_NO_FATAL_FAILURE(standby.Close());
  ASSERT_NO_FATAL_FAILURE(standby.Open());
  ASSERT_NO_FATAL_FAILURE(ExpectAt(standby, in_block_0_));
  ASSERT_NO_FATAL_FAILURE(standby.Close());
}

}  // namespace
}  // namespace obbak::engine
