#include "base/utf8.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace obbak {
namespace {

TEST(Utf8, KnowsTheShortestFormsInRange) {
  for (const char* good : {"", "a", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEF\xBF\xBF",
                           "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
    EXPECT_EQ(ToUtf8(good), good);
  }
  for (const char* bad : {"\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC2", "\xE2\x82"}) {
    EXPECT_FALSE(IsUtf8(bad)) << bad;
  }
}

TEST(Utf8, CountsCharacters) { EXPECT_EQ(Utf8Length("a\xC3\xA4\xE2\x82\xAC"), 3U); }

TEST(Utf8, ReplacesWhatIsNone) {
  EXPECT_EQ(ToUtf8("a\xE4\xC3\xA4"), "a\xEF\xBF\xBD\xC3\xA4");
  std::mt19937 random(1);
  for (int i = 0; i < 10'000; ++i) {
    std::string text(random() % 8, ' ');
    for (char& byte : text) byte = static_cast<char>(random());
    const std::string good = ToUtf8(text);
    EXPECT_TRUE(IsUtf8(good));
    EXPECT_EQ(IsUtf8(text), good == text);
  }
}

}  // namespace
}  // namespace obbak
