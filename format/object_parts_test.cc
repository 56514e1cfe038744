#include "format/object_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace obbak::format {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Parts = std::vector<ObjectPart>;

// The brute-force model: which bytes of a small file are there.
std::vector<bool> Covered(const Parts& parts, std::size_t size) {
  std::vector<bool> covered(size);
  for (const ObjectPart& part : parts) {
    for (std::uint64_t i = part.start; i < part.end; ++i) covered[i] = true;
  }
  return covered;
}

Parts RandomParts(std::mt19937_64& random, std::uint64_t file_size) {
  Parts parts(random() % 12);
  for (ObjectPart& part : parts) {
    part.start = random() % file_size;
    part.end = part.start + 1 + random() % std::min<std::uint64_t>(file_size - part.start, 12);
  }
  return parts;
}

TEST(ObjectPartsTest, CleaningFollowsTheDocumentedExamples) {
  EXPECT_THAT(CleanParts({}), IsEmpty());
  // A retried append: same start, more log.
  EXPECT_THAT(CleanParts({{0, 100}, {100, 250}, {100, 300}}),
              ElementsAre(ObjectPart{0, 100}, ObjectPart{100, 300}));
  EXPECT_THAT(CleanParts({{200, 500}, {0, 100}, {100, 300}}),
              ElementsAre(ObjectPart{0, 100}, ObjectPart{100, 300}, ObjectPart{200, 500}));
  // Behind a hole the list goes on.
  EXPECT_THAT(CleanParts({{0, 10}, {20, 30}, {21, 25}}),
              ElementsAre(ObjectPart{0, 10}, ObjectPart{20, 30}));
}

TEST(ObjectPartsTest, CleaningKeepsEveryByteAndNothingSuperfluous) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20'000; ++round) {
    Parts parts = RandomParts(random, 48);
    const auto covered = Covered(parts, 48);
    const Parts clean = CleanParts(parts);
    ASSERT_TRUE(CheckParts(clean));
    ASSERT_EQ(Covered(clean, 48), covered);
    ASSERT_EQ(CleanParts(clean), clean);
    for (const ObjectPart& part : clean) {
      ASSERT_NE(std::ranges::find(parts, part), parts.end()) << "a part was made up";
    }
    for (std::size_t i = 2; i < clean.size(); ++i) {
      ASSERT_GT(clean[i].start, clean[i - 2].end) << "the part between two others is superfluous";
    }
    std::ranges::shuffle(parts, random);
    ASSERT_EQ(CleanParts(parts), clean);
  }
}

TEST(ObjectPartsTest, TheFirstHoleIsTheFirstMissingByte) {
  std::mt19937_64 random(8);
  for (int round = 0; round < 20'000; ++round) {
    const Parts parts = CleanParts(RandomParts(random, 40));
    auto covered = Covered(parts, 40);
    covered.resize(LogicalLength(parts));
    const auto hole = FirstHole(parts);
    const auto missing = std::ranges::find(covered, false);
    ASSERT_EQ(hole.has_value(), missing != covered.end());
    if (!hole) continue;
    ASSERT_EQ(hole->start, static_cast<std::uint64_t>(missing - covered.begin()));
    const auto after = std::find(missing, covered.end(), true);
    ASSERT_EQ(hole->end, static_cast<std::uint64_t>(after - covered.begin()));
  }
}

// Byte i of the file has the value i in every part that holds it, so a plan is right if the bytes
// it collects are the numbers from `offset` on.
TEST(ObjectPartsTest, AReadGivesExactlyTheBytesOfTheFileOrNamesTheHole) {
  std::mt19937_64 random(9);
  int reads = 0;
  int holes = 0;
  for (int round = 0; round < 2'000; ++round) {
    const Parts parts = CleanParts(RandomParts(random, 40));
    const std::uint64_t length = LogicalLength(parts);
    const auto covered = Covered(parts, 40);
    for (std::uint64_t offset = 0; offset <= length + 1; ++offset) {
      for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{1}, random() % 40,
                                    std::numeric_limits<std::uint64_t>::max()}) {
        const auto plan = PlanRead(parts, offset, n);
        if (offset > length) {
          ASSERT_EQ(plan.error().code(), ErrorCode::kInvalidArgument);
          continue;
        }
        const std::uint64_t end = offset + std::min(n, length - offset);
        const auto from = covered.begin() + static_cast<std::ptrdiff_t>(offset);
        const auto to = covered.begin() + static_cast<std::ptrdiff_t>(end);
        if (const auto missing = std::find(from, to, false); missing != to) {
          ASSERT_EQ(plan.error().code(), ErrorCode::kInvalidData);
          ASSERT_EQ(plan.error().offset(), static_cast<std::uint64_t>(missing - covered.begin()));
          ++holes;
          continue;
        }
        std::uint64_t done = offset;
        for (const PartRead& read : *plan) {
          const ObjectPart& part = parts.at(read.part);
          ASSERT_GT(read.length, 0u);
          ASSERT_EQ(part.start + read.offset, done);
          ASSERT_LE(read.offset + read.length, part.size());
          done += read.length;
        }
        ASSERT_EQ(done, end);
        ++reads;
      }
    }
  }
  EXPECT_GT(reads, 1000);
  EXPECT_GT(holes, 1000);
}

TEST(ObjectPartsTest, InOverlapsTheFirstReadTakesTheLaterPartAndTheOthersTheEarlierOne) {
  const Parts parts{{0, 100}, {100, 300}, {200, 500}};
  EXPECT_THAT(*PlanRead(parts, 50, 1000),
              ElementsAre(PartRead{0, 50, 50}, PartRead{1, 0, 200}, PartRead{2, 100, 200}));
  EXPECT_THAT(*PlanRead(parts, 250, 10), ElementsAre(PartRead{2, 50, 10}));
  EXPECT_THAT(*PlanRead(parts, 500, 1), IsEmpty());
}

TEST(ObjectPartsTest, ListsThatNoWriterMakesAreInvalid) {
  for (const Parts& parts : {Parts{{5, 5}}, Parts{{6, 5}}, Parts{{0, 5}, {0, 6}},
                             Parts{{0, 5}, {1, 5}}, Parts{{0, 5}, {1, 4}}, Parts{{5, 9}, {0, 5}}}) {
    EXPECT_EQ(CheckParts(parts).error().code(), ErrorCode::kInvalidData);
  }
  EXPECT_TRUE(CheckParts(Parts{}));
  EXPECT_TRUE(CheckParts(Parts{{0, 5}, {7, 9}}));
}

}  // namespace
}  // namespace obbak::format
