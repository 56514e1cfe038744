#include "cli/timeline.h"

#include <gtest/gtest.h>

namespace obbak::cli {
namespace {

using format::Scn;

constexpr Scn At(std::uint64_t second) {
  return Scn{1'700'000'000'000'000'000 + second * 1'000'000'000};
}

TEST(Timeline, DrawsSpansAndMarksWhereTheyAre) {
  Timeline timeline(At(0), At(20), 40);
  timeline.AddSpans("pieces", {{At(0), At(10), "one"}, {At(10), At(20), "two"}}, "-");
  timeline.AddSpans("set", {{At(5), At(6), "too long a name"}}, "-");
  timeline.AddMark("accident", At(15), "x", "DELETE");
  timeline.AddMark("end", At(19), "x", "no room at the right");
  EXPECT_EQ(timeline.ToText(),
            "          22:13:20                        22:13:40\n"
            "pieces    ├--------one--------┤├-------two-------┤\n"
            "set                 ├-┤\n"
            "accident                                x DELETE\n"
            "end                        no room at the right x\n");
}

TEST(Timeline, WhatIsOutsideIsAtTheEdge) {
  Timeline timeline(At(10), At(20), 20);
  timeline.AddSpans("all", {{At(0), At(30), ""}}, "-");
  timeline.AddMark("late", At(99), "x", "y");
  EXPECT_EQ(timeline.ToText(),
            "      22:13:30    22:13:40\n"
            "all   ├------------------┤\n"
            "late                   y x\n");
}

}  // namespace
}  // namespace obbak::cli
