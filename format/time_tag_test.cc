#include "format/time_tag.h"

#include <gtest/gtest.h>

#include <random>

namespace obbak::format {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

TEST(TimeTagTest, ScnOfTheDocumentGivesTheNameOfTheDocument) {
  const Scn scn{1673436649723677822};
  EXPECT_EQ(ToText(TimeTag::FromScn(scn, hours(8))), "20230111T193049");
  EXPECT_EQ(ToText(TimeTag::FromScn(scn, hours(0))), "20230111T113049");
}

TEST(TimeTagTest, ScnsAreRoundedDown) {
  EXPECT_EQ(ToText(TimeTag::FromScn(Scn{0}, hours(8))), "19700101T080000");
  EXPECT_EQ(ToText(TimeTag::FromScn(Scn{999'999'999}, hours(0))), "19700101T000000");
  EXPECT_EQ(ToText(TimeTag::FromScn(Scn{1'000'000'000}, hours(0))), "19700101T000001");
  EXPECT_EQ(ToText(TimeTag::FromScn(Scn{0}, hours(-5))), "19691231T190000");
  EXPECT_EQ(ToText(TimeTag::FromScn(kMaxScn, hours(0))), "21160220T235338");
  EXPECT_EQ(ToText(TimeTag::FromScn(kInvalidScn, hours(8))), "19700101T080000");
}

TEST(TimeTagTest, ParseIsTheInverseOfPrintForEveryCalendarDay) {
  std::mt19937_64 random(1);
  constexpr std::int64_t kYear0 = -62167219200;
  constexpr std::int64_t kYear10000 = 253402300800;
  for (std::int64_t day = kYear0; day < kYear10000; day += 86400) {
    const std::int64_t second = day + static_cast<std::int64_t>(random() % 86400);
    const TimeTag tag = TimeTag::FromUnixSeconds(second, seconds(0));
    ASSERT_EQ(TimeTag::Parse(ToText(tag)), tag) << ToText(tag);
  }
}

TEST(TimeTagTest, OnlyRealDatesInExactlyFifteenCharactersParse) {
  EXPECT_TRUE(TimeTag::Parse("20240229T235959"));
  EXPECT_TRUE(TimeTag::Parse("00000101T000000"));
  EXPECT_TRUE(TimeTag::Parse("99991231T235959"));
  for (const char* text :
       {"", "20230229T000000", "21000229T000000", "20230431T000000", "20230001T000000",
        "20230100T000000", "20231301T000000", "20230132T000000", "20230101T240000",
        "20230101T006000", "20230101T000060", "20230101t000000", "20230101 000000",
        "20230101T00000", "20230101T0000000", "2023 101T000000", "+0230101T000000",
        "20230101T-10000"}) {
    EXPECT_FALSE(TimeTag::Parse(text)) << text;
  }
}

// Whatever one-character damage still parses is the print of what it parsed to.
TEST(TimeTagTest, NoOtherSpellingOfATagParses) {
  const std::string text = "20231130T195906";
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (int c = 0; c < 256; ++c) {
      std::string damaged = text;
      damaged[i] = static_cast<char>(c);
      if (const auto tag = TimeTag::Parse(damaged)) {
        EXPECT_EQ(ToText(*tag), damaged);
      }
    }
  }
}

}  // namespace
}  // namespace obbak::format
