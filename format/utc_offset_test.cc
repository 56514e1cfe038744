#include "format/utc_offset.h"

#include <gtest/gtest.h>

namespace obbak::format {
namespace {

using std::chrono::minutes;

TEST(UtcOffset, IsTakenWithinItsRange) {
  EXPECT_EQ(ParseUtcOffset("+00:00").value(), minutes(0));
  EXPECT_EQ(ParseUtcOffset("+08:00").value(), minutes(480));
  EXPECT_EQ(ParseUtcOffset("-03:30").value(), minutes(-210));
  EXPECT_EQ(ParseUtcOffset("+14:00").value(), minutes(840));
  EXPECT_EQ(ParseUtcOffset("-12:59").value(), minutes(-779));
}

TEST(UtcOffset, AnythingElseIsRefused) {
  for (const char* text : {"", "+8:00", "08:00", "+08:60", "+14:01", "-13:00", "+08-00", "+0x:00",
                           "SYSTEM", "Asia/Shanghai", "+08:00 "}) {
    EXPECT_FALSE(ParseUtcOffset(text)) << text;
  }
}

}  // namespace
}  // namespace obbak::format
