#include "base/error.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"

namespace obbak {
namespace {

TEST(ErrorTest, TellsPlaceWhatCodeAndAdviceInOneLine) {
  const Error error =
      Error(ErrorCode::kChecksumError, "payload checksum is 0x1, the header says 0x2")
          .WithField("data_checksum")
          .WithOffset(32)
          .WithPath("a/b.obbak")
          .WithAdvice("restore the file from another copy");
  EXPECT_EQ(error.ToString(),
            "a/b.obbak: offset 0x20 (32): field data_checksum: payload checksum is 0x1, the header "
            "says 0x2 "
            "[OB_CHECKSUM_ERROR -4103]; restore the file from another copy");
}

TEST(ErrorTest, ContextFromADeeperLevelWins) {
  const Error error = Error(ErrorCode::kInvalidData, "x")
                          .WithOffset(7)
                          .WithOffset(99)
                          .WithField("a")
                          .WithField("b");
  EXPECT_EQ(error.offset(), 7U);
  EXPECT_EQ(error.field(), "a");
}

TEST(ErrorTest, ShiftingMovesOnlyAKnownOffset) {
  EXPECT_EQ(Error(ErrorCode::kInvalidData, "x").WithOffset(7).ShiftOffset(48).offset(), 55U);
  EXPECT_FALSE(Error(ErrorCode::kInvalidData, "x").ShiftOffset(48).offset().has_value());
}

TEST(ErrorTest, CopiesAreIndependent) {
  const Error original(ErrorCode::kInvalidData, "x");
  const Error changed = Error(original).WithPath("p");
  EXPECT_TRUE(original.path().empty());
  EXPECT_EQ(changed.path(), "p");
}

TEST(HexTest, RoundTripsAndNamesTheBadDigit) {
  const Bytes bytes = FromHex("00ff7fA0").value();
  EXPECT_EQ(ToHex(bytes), "00ff7fa0");
  EXPECT_FALSE(FromHex("0").has_value());
  const Result<Bytes> bad = FromHex("00zz");
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().offset(), 2U);
}

TEST(LoggerTest, IsQuietByDefaultAndPassesOnWhatIsAskedFor) {
  Logger().Write(LogLevel::kError, "dropped");
  std::string seen;
  const Logger logger(LogLevel::kWarning, [&](LogLevel level, std::string_view message) {
    seen += std::string(LogLevelName(level)) + ":" + std::string(message) + ";";
  });
  logger.Write(LogLevel::kInfo, "too detailed");
  logger.Write(LogLevel::kWarning, "careful");
  EXPECT_EQ(seen, "WARN:careful;");
}

}  // namespace
}  // namespace obbak
