#include "io/log_archive_dest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace obbak::io {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr PieceSwitchIntervalRange kAnyInterval{.min = microseconds(1), .max = microseconds::max()};

TEST(LogArchiveDestTest, FillsInTheDefaults) {
  const auto dest = LogArchiveDest::Parse("LOCATION=file:///log");
  ASSERT_TRUE(dest.has_value());
  EXPECT_EQ(dest->location.root(), "file:///log");
  EXPECT_EQ(dest->binding, ArchiveBinding::kOptional);
  EXPECT_EQ(dest->piece_switch_interval, days(1));
  EXPECT_EQ(dest->ToMaskedString(),
            "LOCATION=file:///log BINDING=OPTIONAL PIECE_SWITCH_INTERVAL=1d");
}

TEST(LogArchiveDestTest, TakesItemsInAnyOrderAndCase) {
  const auto dest = LogArchiveDest::Parse(
      "  piece_switch_interval=36H   Compression=enable binding=Mandatory "
      "location=s3://b/l?host=h&access_id=i&access_key=SeCrEt ");
  ASSERT_TRUE(dest.has_value()) << dest.error().ToString();
  EXPECT_EQ(dest->binding, ArchiveBinding::kMandatory);
  EXPECT_EQ(dest->piece_switch_interval, hours(36));
  EXPECT_EQ(dest->location.access_key().Reveal(), "SeCrEt");
  EXPECT_EQ(dest->ToMaskedString(),
            "LOCATION=s3://b/l?host=h&access_id=i&access_key=***&checksum_type=md5 "
            "BINDING=MANDATORY PIECE_SWITCH_INTERVAL=36h");
}

TEST(LogArchiveDestTest, RefusesWithTheTextsOfTheServer) {
  const struct {
    std::string_view options;
    ErrorCode code;
    std::string_view message;
  } cases[] = {
      {"", ErrorCode::kNotSupported, "set archive dest without location is not supported"},
      {"  ", ErrorCode::kNotSupported, "set archive dest without location is not supported"},
      {"BINDING=OPTIONAL", ErrorCode::kNotSupported,
       "set archive dest without location is not supported"},
      {"LOCATION=file:///l PIECE_SWITCH_INTERVAL=86399s", ErrorCode::kNotSupported,
       "invalid piece_switch_interval out of range [1d,7d] is not supported"},
      {"LOCATION=file:///l PIECE_SWITCH_INTERVAL=604800000001us", ErrorCode::kNotSupported,
       "invalid piece_switch_interval out of range [1d,7d] is not supported"},
      {"LOCATION=file:///l PIECE_SWITCH_INTERVAL=0", ErrorCode::kNotSupported,
       "invalid piece_switch_interval out of range [1d,7d] is not supported"},
      {"LOCATION=file:///l PIECE_SWITCH_INTERVAL=1w", ErrorCode::kInvalidArgument,
       "Incorrect arguments to piece_switch_interval"},
      {"LOCATION=file:///l PIECE_SWITCH_INTERVAL=", ErrorCode::kInvalidArgument,
       "Incorrect arguments to PIECE_SWITCH_INTERVAL"},
      {"LOCATION=file:///l BINDING=MAYBE", ErrorCode::kInvalidArgument,
       "Incorrect arguments to binding"},
      {"LOCATION=file:///l COMPRESSION=zstd", ErrorCode::kNotSupported, "is not supported"},
      {"LOCATION=file:///l OTHER=1", ErrorCode::kNotSupported, "is not supported"},
      {"LOCATION = file:///l", ErrorCode::kInvalidArgument, "Incorrect arguments to LOCATION"},
      {"LOCATION=file:///l LOCATION=file:///l", ErrorCode::kInvalidArgument,
       "more than one LOCATION"},
      {"LOCATION=file://l", ErrorCode::kInvalidBackupDest, "not absolute"},
      {"file:///l", ErrorCode::kNotSupported, "is not supported"},
  };
  for (const auto& c : cases) {
    const auto dest = LogArchiveDest::Parse(c.options);
    ASSERT_FALSE(dest.has_value()) << c.options;
    EXPECT_EQ(dest.error().code(), c.code) << c.options << ": " << dest.error().ToString();
    EXPECT_THAT(dest.error().message(), HasSubstr(c.message)) << c.options;
  }
}

TEST(LogArchiveDestTest, AcceptsTheBoundsAndNamesTheRangeInForce) {
  for (std::string_view interval : {"1d", "24h", "1440m", "86400", "86400s", "7d", "168h"}) {
    EXPECT_TRUE(
        LogArchiveDest::Parse("LOCATION=file:///l PIECE_SWITCH_INTERVAL=" + std::string(interval)))
        << interval;
  }
  const PieceSwitchIntervalRange internal{.min = PieceSwitchIntervalRange::kMinimum};
  EXPECT_TRUE(LogArchiveDest::Parse("LOCATION=file:///l PIECE_SWITCH_INTERVAL=60s", internal));
  EXPECT_EQ(LogArchiveDest::Parse("LOCATION=file:///l PIECE_SWITCH_INTERVAL=59s", internal)
                .error()
                .message(),
            "invalid piece_switch_interval out of range [1m,7d] is not supported");
  EXPECT_TRUE(LogArchiveDest::Parse("LOCATION=file:///l PIECE_SWITCH_INTERVAL=1us", kAnyInterval));
  EXPECT_FALSE(LogArchiveDest::Parse("LOCATION=file:///l PIECE_SWITCH_INTERVAL=0",
                                     {.min = microseconds(0)}));
}

TEST(LogArchiveDestTest, ParsesItsOwnTextBack) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 1000; ++round) {
    const microseconds interval = random() % 2 == 0 ? microseconds(1 + random() % 600'000'000'000)
                                                    : microseconds(hours(1 + random() % 168));
    const LogArchiveDest dest{
        .location = BackupDest::Parse("oss://b/l?host=h&access_id=i&access_key=Q0S3cr3tX").value(),
        .binding = random() % 2 == 0 ? ArchiveBinding::kOptional : ArchiveBinding::kMandatory,
        .piece_switch_interval = interval};
    const auto again = LogArchiveDest::Parse(dest.ToStringWithSecrets(), kAnyInterval);
    ASSERT_TRUE(again.has_value()) << again.error().ToString();
    ASSERT_EQ(*again, dest);
    ASSERT_THAT(dest.ToMaskedString(), Not(HasSubstr("Q0S3cr3tX")));
  }
}

TEST(LogArchiveDestTest, AMistypedTextNeverShowsItsSecret) {
  const std::string text =
      "LOCATION=s3://b/l?host=h&access_id=i&access_key=S+cR/eT0KeY9 BINDING=OPTIONAL "
      "PIECE_SWITCH_INTERVAL=2d";
  const std::string secret = "S+cR/eT0KeY9";
  const std::size_t secret_at = text.find(secret);
  const auto check = [&secret](const std::string& mistyped) {
    const auto dest = LogArchiveDest::Parse(mistyped);
    const std::string shown = dest ? dest->ToMaskedString() : dest.error().ToString();
    ASSERT_THAT(shown, Not(HasSubstr(secret))) << mistyped;
    if (!dest) return;
    ASSERT_EQ(LogArchiveDest::Parse(dest->ToStringWithSecrets()).value(), *dest);
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (at >= secret_at && at < secret_at + secret.size()) continue;
    check(std::string(text).erase(at, 1));
    for (char inserted : std::string_view(" =&?/x0\t"))
      check(std::string(text).insert(at, 1, inserted));
  }
}

TEST(IntervalTest, ReadsEveryUnit) {
  const struct {
    std::string_view text;
    microseconds interval;
  } cases[] = {{"7us", microseconds(7)}, {"7ms", milliseconds(7)}, {"7s", seconds(7)},
               {"7", seconds(7)},        {"7m", minutes(7)},       {"7h", hours(7)},
               {"7D", days(7)},          {"0", microseconds(0)},   {"0MS", microseconds(0)}};
  for (const auto& c : cases) {
    const auto interval = ParseInterval(c.text);
    ASSERT_TRUE(interval.has_value()) << c.text;
    EXPECT_EQ(*interval, c.interval) << c.text;
  }
}

TEST(IntervalTest, RefusesWhatIsNoTime) {
  for (std::string_view text : {"", "d", "-1d", "-0s", "+1d", "1.5d", "1 d", "01d", "0x10s", "1dd",
                                "1w", "9223372036854775808us", "106751992d"}) {
    const auto interval = ParseInterval(text);
    ASSERT_FALSE(interval.has_value()) << text;
    EXPECT_EQ(interval.error().code(), ErrorCode::kInvalidArgument) << text;
  }
}

TEST(IntervalTest, TheStoredTextCutsOffAndTheExactTextDoesNot) {
  const struct {
    microseconds interval;
    std::string_view stored;
    std::string_view exact;
  } cases[] = {{days(1), "1d", "1d"},
               {hours(36), "1d", "36h"},
               {hours(23), "23h", "23h"},
               {seconds(90), "1m", "90s"},
               {milliseconds(1500), "1s", "1500ms"},
               {microseconds(999), "999us", "999us"},
               {microseconds(1001), "1ms", "1001us"}};
  for (const auto& c : cases) {
    EXPECT_EQ(StoredIntervalText(c.interval), c.stored);
    EXPECT_EQ(ExactIntervalText(c.interval), c.exact);
  }
}

TEST(IntervalTest, TheExactTextReadsBack) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 2000; ++round) {
    const auto bits = random() % 63;
    const microseconds interval(static_cast<std::int64_t>(random() >> (1 + bits)));
    ASSERT_EQ(ParseInterval(ExactIntervalText(interval)).value(), interval);
  }
}

TEST(LagTarget, IsAnIntervalOfUpToTwoHours) {
  EXPECT_EQ(ParseLagTarget("0ms").value(), std::chrono::seconds(0));
  EXPECT_EQ(ParseLagTarget("7200s").value(), std::chrono::hours(2));
  for (const char* text : {"7201s", "200000d", "abc", ""}) {
    const auto lag = ParseLagTarget(text);
    ASSERT_FALSE(lag) << text;
    EXPECT_EQ(lag.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(lag.error().field(), "archive_lag_target");
  }
}

}  // namespace
}  // namespace obbak::io
