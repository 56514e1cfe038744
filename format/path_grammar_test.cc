#include "format/path_grammar.h"

#include <gtest/gtest.h>

namespace obbak::format {
namespace {

// A small layout of its own: the engine knows none.
constexpr std::string_view kLong[] = {"", "left", "right"};
constexpr std::string_view kShort[] = {"none", "l", "r"};
constexpr PathVariable kVariables[] = {
    {.name = "side", .slot = 0, .form = VariableForm::kWord, .words = kLong},
    {.name = "s", .slot = 0, .form = VariableForm::kWord, .words = kShort},
    {.name = "n", .slot = 1, .form = VariableForm::kNumber, .min = 1, .max = 300},
    {.name = "any", .slot = 2, .form = VariableForm::kNumber},
    {.name = "above", .slot = 3, .form = VariableForm::kNumber, .above = 2},
    {.name = "time", .slot = 4, .form = VariableForm::kTimeTag},
};

bool Matches(const PathPattern& pattern, std::string_view text) {
  PathValues values;
  const PathMatch match = pattern.Match(text, values);
  std::string printed;
  const bool whole = match.complete && match.consumed == text.size();
  if (whole) {
    EXPECT_TRUE(pattern.Print(values, printed));
    EXPECT_EQ(printed, text);
  }
  return whole;
}

TEST(PathPatternTest, NumbersHaveOneSpellingAndABound) {
  static constexpr PathPattern kBounded("f{n}.x", kVariables);
  for (const char* text : {"f1.x", "f300.x"}) EXPECT_TRUE(Matches(kBounded, text)) << text;
  for (const char* text : {"f0.x", "f301.x", "f01.x", "f+1.x", "f-1.x", "f 1.x", "f.x", "f1", "f1x",
                           "f0x1.x", "f1.x.x"}) {
    EXPECT_FALSE(Matches(kBounded, text)) << text;
  }
  static constexpr PathPattern kFull("{any}", kVariables);
  EXPECT_TRUE(Matches(kFull, "0"));
  EXPECT_TRUE(Matches(kFull, "18446744073709551615"));
  EXPECT_FALSE(Matches(kFull, "18446744073709551616"));
  EXPECT_FALSE(Matches(kFull, "99999999999999999999999"));
  EXPECT_FALSE(Matches(kFull, "00"));
}

TEST(PathPatternTest, AVariableThatOccursTwiceHasOneValue) {
  static constexpr PathPattern kTwice("{n}/{n}_{n}", kVariables);
  EXPECT_TRUE(Matches(kTwice, "12/12_12"));
  EXPECT_FALSE(Matches(kTwice, "12/12_13"));
  EXPECT_FALSE(Matches(kTwice, "12/1_12"));
}

TEST(PathPatternTest, TwoSpellingsOfOneValueMustAgree) {
  static constexpr PathPattern kSpelled("{side}-{s}", kVariables);
  EXPECT_TRUE(Matches(kSpelled, "left-l"));
  EXPECT_FALSE(Matches(kSpelled, "left-r"));
  EXPECT_FALSE(Matches(kSpelled, "-none"));
}

TEST(PathPatternTest, OrderedNumbersKeepTheirOrderInBothDirections) {
  static constexpr PathPattern kOrdered("{any}-{above}", kVariables);
  EXPECT_TRUE(Matches(kOrdered, "4-5"));
  EXPECT_FALSE(Matches(kOrdered, "5-5"));
  PathValues values;
  values.Set(2, 5);
  values.Set(3, 5);
  std::string text;
  EXPECT_FALSE(kOrdered.Print(values, text));
}

TEST(PathPatternTest, ValuesThatAreMissingOrOutOfRangeDoNotPrint) {
  static constexpr PathPattern kAll("{side}/{n}/{time}", kVariables);
  PathValues values;
  std::string text;
  EXPECT_FALSE(kAll.Print(values, text));
  values.Set(0, 1);
  values.Set(1, 1);
  values.Set(4, 0);
  text.clear();
  ASSERT_TRUE(kAll.Print(values, text));
  EXPECT_EQ(text, "left/1/19700101T000000");
  for (const auto& [slot, value] : {std::pair<std::size_t, std::uint64_t>{0, 0},
                                    {0, 3},
                                    {1, 0},
                                    {1, 301},
                                    {4, std::uint64_t{1} << 40},
                                    {4, ~std::uint64_t{0} << 40}}) {
    PathValues wrong = values;
    wrong.Set(slot, value);
    EXPECT_FALSE(kAll.Print(wrong, text)) << slot << " " << value;
  }
}

TEST(PathPatternTest, MatchingTellsTheComponentItReached) {
  static constexpr PathPattern kDeep("a{n}/b/c", kVariables);
  const auto component = [](std::string_view text) {
    PathValues values;
    return kDeep.Match(text, values).component;
  };
  EXPECT_EQ(kDeep.components(), 3u);
  EXPECT_EQ(component("x/b/c"), 0u);
  EXPECT_EQ(component("a7x/b/c"), 0u);
  EXPECT_EQ(component("a7/x/c"), 3u);
  EXPECT_EQ(component("a7/b/x"), 5u);
  EXPECT_EQ(component("a7/b/c/d"), 7u);
}

TEST(PathPatternTest, TheEndOfAPatternMatchesAlone) {
  static constexpr PathPattern kDeep("a{n}/b{any}/c", kVariables);
  PathValues values;
  EXPECT_TRUE(kDeep.Match("b7/c", values, 1).complete);
  EXPECT_EQ(values.Get(2), 7u);
  EXPECT_FALSE(values.Has(1));
  EXPECT_FALSE(kDeep.Match("b7/c", values, 2).complete);
}

}  // namespace
}  // namespace obbak::format
