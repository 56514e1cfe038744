#include "backup/archive_round.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "io/random.h"

namespace obbak::backup {
namespace {

using format::ArchivePieceStatus;
using format::BackupFileStatus;
using format::LsId;
using format::Lsn;
using format::PieceId;
using format::Scn;
using format::TenantArchivePieceAttr;

constexpr format::TenantId kTenant{1002};

RoundStatus BegunRound(Scn start, std::chrono::microseconds interval) {
  return BeginRound(NextRound(nullptr, {1001}, "file:///a", interval), start);
}

TEST(PieceSchedule, TheExamplesOfTheRuleHold) {
  const PieceSchedule schedule{
      .start_scn = {1'000'000'000'000'000'900}, .base = {5}, .interval = std::chrono::seconds(60)};
  const std::uint64_t length = 60'000'000'000;
  EXPECT_EQ(schedule.PieceOf(schedule.start_scn).value, 5);
  EXPECT_EQ(schedule.PieceOf({schedule.start_scn.value + length - 1}).value, 5);
  EXPECT_EQ(schedule.PieceOf({schedule.start_scn.value + length}).value, 6);
  EXPECT_EQ(schedule.StartOf({7}).value, schedule.start_scn.value + 2 * length);
  EXPECT_EQ(schedule.EndOf({6}), schedule.StartOf({7}));
  // The same microsecond as the border, 900 ns before it.
  EXPECT_EQ(schedule.PieceOfGroup({schedule.start_scn.value + length - 900}).value, 6);
  EXPECT_EQ(schedule.PieceOfGroup({schedule.start_scn.value + length - 901}).value, 5);
  EXPECT_EQ(schedule.PieceOfGroup({1}).value, 5);
}

TEST(PieceSchedule, AGroupLiesInItsPieceOrLessThanAMicrosecondBeforeIt) {
  io::Random random(3);
  for (int i = 0; i < 10'000; ++i) {
    const PieceSchedule schedule{
        .start_scn = {1'700'000'000'000'000'000 + random.Below(1'000'000'000'000)},
        .base = {1 + static_cast<std::int64_t>(random.Below(100))},
        .interval = std::chrono::microseconds(1 + random.Below(1'000'000))};
    // Around a border as often as not.
    const PieceId border{schedule.base.value + static_cast<std::int64_t>(random.Below(50))};
    const std::uint64_t distance = random.OneIn(2) ? random.Below(3'000) : random.Below(1u << 30);
    const std::uint64_t at = schedule.StartOf(border).value + distance - 1'500;
    const Scn scn{std::max(at, schedule.start_scn.value)};
    const PieceId exact = schedule.PieceOf(scn);
    EXPECT_LE(schedule.StartOf(exact), scn);
    EXPECT_GT(schedule.EndOf(exact), scn);
    const PieceId placed = schedule.PieceOfGroup(scn);
    EXPECT_GE(placed, exact);
    EXPECT_GT(scn.value + 1'000, schedule.StartOf(placed).value);
    EXPECT_LT(scn, schedule.EndOf(placed));
  }
}

TEST(Rounds, IdsGoOnOverRoundsAndDestinations) {
  RoundStatus first = NextRound(nullptr, {1001}, "file:///a", std::chrono::days(1));
  EXPECT_EQ(first.round.value, 1);
  EXPECT_EQ(first.base_piece.value, 1);
  EXPECT_EQ(first.state, RoundState::kPrepare);
  first.used_piece = {17};
  first.bytes = 5;
  const RoundStatus second = NextRound(&first, {1002}, "file:///b", std::chrono::days(2));
  EXPECT_EQ(second.round.value, 2);
  EXPECT_EQ(second.dest.value, 1002);
  EXPECT_EQ(second.base_piece.value, 18);
  EXPECT_EQ(second.used_piece.value, 18);
  EXPECT_EQ(second.bytes, 0);
}

// ---- The table of states

LsProgress Row(const RoundStatus& round, std::int64_t ls, Scn checkpoint, ArchiveLsState state) {
  return {.dest = round.dest,
          .round = round.round,
          .piece = PieceSchedule::Of(round).PieceOfGroup(checkpoint),
          .ls = {ls},
          .start_scn = round.start_scn,
          .min_lsn = Lsn{0},
          .max_lsn = Lsn{100},
          .checkpoint_scn = checkpoint,
          .state = state,
          .reason = {}};
}

struct TableCase {
  const char* name;
  RoundState state;
  // kNo: not started. The SCN is start + 10 * position.
  std::array<std::optional<ArchiveLsState>, 3> log_streams;
  RoundState next;
  bool checkpoint_moves;
};

constexpr auto kDo = ArchiveLsState::kDoing;
constexpr auto kIn = ArchiveLsState::kInterrupted;
constexpr auto kSt = ArchiveLsState::kStop;
constexpr auto kSu = ArchiveLsState::kSuspend;

constexpr std::nullopt_t kNo = std::nullopt;

const TableCase kTable[] = {
    {"all do", RoundState::kBeginning, {kDo, kDo, kDo}, RoundState::kDoing, true},
    {"one has not begun", RoundState::kBeginning, {kDo, kNo, kDo}, RoundState::kBeginning, false},
    {"one is interrupted",
     RoundState::kBeginning,
     {kDo, kIn, kDo},
     RoundState::kInterrupted,
     false},
    {"one sleeps still", RoundState::kBeginning, {kDo, kSu, kDo}, RoundState::kBeginning, true},
    {"all do", RoundState::kDoing, {kDo, kDo, kDo}, RoundState::kDoing, true},
    {"a new one", RoundState::kDoing, {kDo, kDo, kNo}, RoundState::kDoing, false},
    {"a new one hides it", RoundState::kDoing, {kIn, kDo, kNo}, RoundState::kDoing, false},
    {"one is interrupted", RoundState::kDoing, {kDo, kDo, kIn}, RoundState::kInterrupted, true},
    {"one works still", RoundState::kSuspending, {kSu, kDo, kSu}, RoundState::kSuspending, false},
    {"all sleep", RoundState::kSuspending, {kSu, kSu, kNo}, RoundState::kSuspend, false},
    {"one works still", RoundState::kStopping, {kSt, kDo, kSt}, RoundState::kStopping, false},
    {"all stopped", RoundState::kStopping, {kSt, kNo, kSt}, RoundState::kStop, false},
    {"none had begun", RoundState::kStopping, {kNo, kNo, kNo}, RoundState::kStop, false},
};

TEST(Checkpoint, FollowsTheTableOfStates) {
  for (const TableCase& one : kTable) {
    SCOPED_TRACE(std::string(ToText(one.state)) + ", " + one.name);
    RoundStatus round = BegunRound({5'000'000}, std::chrono::days(1));
    round.state = one.state;
    CheckpointInput input{.round = round,
                          .tenant = kTenant,
                          .log_streams = {},
                          .progress = {},
                          .pieces = {NewPiece(round, kTenant, {1})},
                          .limit = format::kMaxScn};
    for (std::size_t i = 0; i < one.log_streams.size(); ++i) {
      const auto ls = static_cast<std::int64_t>(i + 1);
      input.log_streams.push_back({ls});
      if (!one.log_streams[i]) continue;
      const Scn checkpoint{round.start_scn.value + 10 * static_cast<std::uint64_t>(ls)};
      input.progress.push_back(Row(round, ls, checkpoint, *one.log_streams[i]));
    }
    const auto output = Checkpoint(input);
    ASSERT_TRUE(output);
    EXPECT_EQ(output->round.state, one.next);
    EXPECT_EQ(output->round.checkpoint_scn > round.checkpoint_scn, one.checkpoint_moves);
    EXPECT_EQ(output->round.comment.empty(), one.next != RoundState::kInterrupted);
    const bool is_frozen = output->pieces[0].status.value == ArchivePieceStatus::kFrozen;
    EXPECT_EQ(is_frozen, one.next == RoundState::kStop);
  }
}

TEST(Checkpoint, NamesTheLogStreamThatIsInterrupted) {
  RoundStatus round = BegunRound({5'000'000}, std::chrono::days(1));
  round.state = RoundState::kDoing;
  CheckpointInput input{
      .round = round,
      .tenant = kTenant,
      .log_streams = {{1}, {1001}},
      .progress = {Row(round, 1, {5'000'001}, kDo), Row(round, 1001, {5'000'002}, kIn)},
      .pieces = {},
      .limit = format::kMaxScn};
  EXPECT_EQ(Checkpoint(input)->round.comment, "log stream 1001 interrupted.");
}

TEST(Checkpoint, IsNeverAboveWhatAReaderMaySee) {
  RoundStatus round = BegunRound({5'000'000}, std::chrono::days(1));
  round.state = RoundState::kDoing;
  CheckpointInput input{.round = round,
                        .tenant = kTenant,
                        .log_streams = {{1}},
                        .progress = {Row(round, 1, {6'000'000}, kDo)},
                        .pieces = {},
                        .limit = Scn{5'500'000}};
  EXPECT_EQ(Checkpoint(input)->round.checkpoint_scn.value, 5'500'000U);
  input.limit = Scn{4'000'000};
  EXPECT_FALSE(Checkpoint(input));
  input.limit = format::kMaxScn;
  input.round.state = RoundState::kSuspend;
  EXPECT_FALSE(Checkpoint(input));
}

TEST(Checkpoint, ADeletedLogStreamLimitsNothing) {
  RoundStatus round = BegunRound({5'000'000}, std::chrono::days(1));
  round.state = RoundState::kDoing;
  LsProgress gone = Row(round, 1002, {5'000'010}, kDo);
  gone.deleted = true;
  CheckpointInput input{.round = round,
                        .tenant = kTenant,
                        .log_streams = {{1}, {1002}},
                        .progress = {Row(round, 1, {6'000'000}, kDo), gone},
                        .pieces = {},
                        .limit = format::kMaxScn};
  const auto output = Checkpoint(input);
  EXPECT_EQ(output->round.checkpoint_scn.value, 6'000'000U);
  EXPECT_EQ(output->pieces[0].checkpoint_scn.value, 6'000'000U);
  EXPECT_EQ(output->round.state, RoundState::kDoing);
}

// ---- Whole rounds against a model

// The logs of a few log streams, archived group by group in a random order, with a checkpoint now
// and then. What must hold is said of the groups themselves.
class RoundModel {
 public:
  explicit RoundModel(std::uint64_t seed) : random_(seed) {
    // So small that many groups lie within a microsecond of a border.
    round_ = BegunRound({1'000'000 + random_.Below(5'000)},
                        std::chrono::microseconds(1 + random_.Below(6)));
    pieces_.push_back(NewPiece(round_, kTenant, {1}));
    const std::size_t count = 1 + random_.Below(3);
    for (std::size_t i = 0; i < count; ++i) {
      Stream stream{.row = {}, .groups = {}};
      stream.row = {.dest = round_.dest,
                    .round = round_.round,
                    .piece = round_.base_piece,
                    .ls = {static_cast<std::int64_t>(1001 + i)},
                    .start_scn = round_.start_scn,
                    .min_lsn = Lsn{0},
                    .max_lsn = Lsn{0},
                    .checkpoint_scn = {round_.start_scn.value - 1},
                    .reason = {}};
      rows_.push_back(stream.row);
      std::uint64_t scn = round_.start_scn.value - random_.Below(500);
      for (int g = 0; g < 40; ++g) {
        scn += 1 + (random_.OneIn(8) ? random_.Below(20'000) : random_.Below(700));
        stream.groups.push_back({scn});
      }
      streams_.push_back(std::move(stream));
    }
  }

  void Run() {
    for (int step = 0; step < 200; ++step) {
      Archive(streams_[random_.Below(streams_.size())]);
      if (!random_.OneIn(3)) continue;
      Pass();
      if (testing::Test::HasFailure()) return;
    }
    Stop();
  }

 private:
  struct Stream {
    LsProgress row;
    std::vector<Scn> groups;
    std::size_t archived = 0;
  };

  // Sends one group, as LsArchiver does.
  void Archive(Stream& stream) {
    if (stream.archived == stream.groups.size()) return;
    const Scn scn = stream.groups[stream.archived++];
    const PieceId piece = Place(scn);
    while (stream.row.piece < piece) {
      Store(stream.row);
      stream.row = EmptyProgress(round_, stream.row, {stream.row.piece.value + 1});
    }
    stream.row.max_lsn.value += 10;
    stream.row.checkpoint_scn = scn;
    Store(stream.row);
  }

  void Store(const LsProgress& row) {
    const auto same = [&](const LsProgress& known) {
      return known.ls == row.ls && known.piece == row.piece;
    };
    std::erase_if(rows_, same);
    rows_.push_back(row);
  }

  // §15 by counting pieces.
  PieceId Place(Scn scn) const {
    PieceId piece = round_.base_piece;
    const std::uint64_t interval = static_cast<std::uint64_t>(round_.piece_switch_interval.count());
    for (std::uint64_t end = round_.start_scn.value / 1000 + interval;
         scn.value / 1000 >= end && scn >= round_.start_scn; end += interval) {
      ++piece.value;
    }
    return piece;
  }

  void Pass() {
    const RoundStatus before = round_;
    CheckpointInput input{.round = round_,
                          .tenant = kTenant,
                          .log_streams = {},
                          .progress = {},
                          .pieces = pieces_,
                          .limit = format::kMaxScn};
    for (const Stream& stream : streams_) input.log_streams.push_back(stream.row.ls);
    const PieceId first = PieceSchedule::Of(round_).PieceOf(round_.checkpoint_scn);
    for (const LsProgress& row : rows_) {
      if (row.piece >= first) input.progress.push_back(row);
    }
    const auto output = Checkpoint(std::move(input));
    ASSERT_TRUE(output) << output.error().ToString();
    round_ = output->round;
    for (const LsProgress& row : output->progress) Store(row);
    for (const TenantArchivePieceAttr& piece : output->pieces) Put(piece);
    CheckRound(before);
    CheckPieces();
  }

  void Put(const TenantArchivePieceAttr& piece) {
    for (TenantArchivePieceAttr& known : pieces_) {
      if (known.key != piece.key) continue;
      if (known.status.value == ArchivePieceStatus::kFrozen) {
        EXPECT_EQ(known, piece) << "a frozen piece never changes";
      }
      known = piece;
      return;
    }
    EXPECT_EQ(piece.key.piece_id.value, pieces_.back().key.piece_id.value + 1);
    pieces_.push_back(piece);
  }

  void CheckRound(const RoundStatus& before) {
    EXPECT_GE(round_.checkpoint_scn, before.checkpoint_scn);
    EXPECT_GE(round_.max_scn, before.max_scn);
    EXPECT_LE(round_.checkpoint_scn, round_.max_scn);
    const PieceId current = PieceSchedule::Of(round_).PieceOf(round_.checkpoint_scn);
    EXPECT_LE(current, round_.used_piece);
    for (const Stream& stream : streams_) {
      EXPECT_LE(stream.row.piece, round_.used_piece);
      for (std::size_t g = 0; g < stream.groups.size(); ++g) {
        const bool is_claimed =
            stream.groups[g] <= round_.checkpoint_scn && stream.groups[g] >= round_.start_scn;
        if (!is_claimed) continue;
        EXPECT_LT(g, stream.archived) << "SCN " << stream.groups[g].value;
        EXPECT_LE(Place(stream.groups[g]), current) << "SCN " << stream.groups[g].value;
      }
    }
  }

  void CheckPieces() {
    const PieceId current = PieceSchedule::Of(round_).PieceOf(round_.checkpoint_scn);
    const bool stopped = round_.state == RoundState::kStop;
    std::int64_t bytes = 0;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      const TenantArchivePieceAttr& piece = pieces_[i];
      SCOPED_TRACE("piece " + std::to_string(piece.key.piece_id.value));
      bytes += piece.input_bytes;
      if (i > 0) {
        EXPECT_EQ(piece.start_scn, pieces_[i - 1].end_scn);
      }
      EXPECT_LE(piece.start_scn, piece.checkpoint_scn);
      EXPECT_LE(piece.checkpoint_scn, piece.max_scn);
      const bool is_frozen = piece.status.value == ArchivePieceStatus::kFrozen;
      EXPECT_EQ(is_frozen, stopped || piece.key.piece_id < current);
      if (!is_frozen || stopped) continue;
      EXPECT_EQ(piece.file_status, BackupFileStatus::kAvailable);
      std::optional<Scn> lowest;
      for (const Stream& stream : streams_) {
        EXPECT_GT(stream.row.piece, piece.key.piece_id) << "somebody still writes there";
        // The last group up to the piece's end.
        Scn last{round_.start_scn.value - 1};
        for (const Scn scn : stream.groups) {
          if (Place(scn) <= piece.key.piece_id) last = scn;
        }
        lowest = std::min(lowest.value_or(last), last);
      }
      EXPECT_EQ(piece.checkpoint_scn, std::max(piece.start_scn, *lowest));
    }
    EXPECT_EQ(round_.bytes, bytes);
  }

  void Stop() {
    // As the archiver: a last checkpoint, and nothing is sent behind it.
    Pass();
    round_.state = RoundState::kStopping;
    for (Stream& stream : streams_) {
      stream.row.state = ArchiveLsState::kStop;
      Store(stream.row);
    }
    const Scn checkpoint = round_.checkpoint_scn;
    Pass();
    EXPECT_EQ(round_.state, RoundState::kStop);
    EXPECT_EQ(round_.checkpoint_scn, checkpoint);
    // Rule 42, of every piece, and a row of every log stream in each.
    for (const TenantArchivePieceAttr& piece : pieces_) {
      std::size_t rows = 0;
      Scn lowest = format::kMaxScn;
      for (const LsProgress& row : rows_) {
        if (row.piece != piece.key.piece_id) continue;
        ++rows;
        lowest = std::min(lowest, row.checkpoint_scn);
      }
      EXPECT_EQ(rows, streams_.size());
      EXPECT_EQ(piece.checkpoint_scn, std::max(piece.start_scn, lowest))
          << "piece " << piece.key.piece_id.value;
    }
  }

  io::Random random_;
  RoundStatus round_;
  std::vector<Stream> streams_;
  std::vector<LsProgress> rows_;
  std::vector<TenantArchivePieceAttr> pieces_;
};

TEST(Checkpoint, ClaimsNothingThatIsNotArchivedAndFreezesNothingThatIsWritten) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RoundModel(seed).Run();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace obbak::backup
