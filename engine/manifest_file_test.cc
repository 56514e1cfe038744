#include "engine/manifest_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace obbak::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Lengths around the alignment, and an empty payload.
const std::vector<std::string> kPayloads = {"the complete state", "",          "1234567",
                                            "12345678",           "123456789", "the last record"};
constexpr std::uint64_t kFirstSequence = 41;

struct Sample {
  Bytes bytes;
  std::vector<std::uint64_t> offsets;  // of the records
};

void Append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

Sample MakeSample() {
  Sample sample{.bytes = ManifestFileHeader(), .offsets = {}};
  std::uint64_t sequence = kFirstSequence;
  for (const std::string& payload : kPayloads) {
    sample.offsets.push_back(sample.bytes.size());
    Append(sample.bytes, EncodeManifestRecord(sequence++, AsByteView(payload)));
  }
  return sample;
}

void ExpectRecords(const Result<ManifestRecords>& parsed, const Sample& sample, std::size_t count) {
  ASSERT_TRUE(parsed) << parsed.error().ToString();
  ASSERT_EQ(parsed->records.size(), count);
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_EQ(parsed->records[i].offset, sample.offsets[i]);
    EXPECT_EQ(parsed->records[i].sequence, kFirstSequence + i);
    EXPECT_EQ(AsText(parsed->records[i].payload), kPayloads[i]);
  }
  EXPECT_EQ(parsed->end,
            count < sample.offsets.size() ? sample.offsets[count] : sample.bytes.size());
}

TEST(ManifestFile, BytesAreTheDocumentedOnes) {
  Bytes file = ManifestFileHeader();
  Append(file, EncodeManifestRecord(0x0102030405060708, AsByteView("abcde")));
  EXPECT_EQ(ToHex(file),
            "4f4242414b4d414e0100000000000000"
            "1e5e35064f005e06"  // XXH3-64
            "0807060504030201"
            "0500000000000000"
            "6162636465000000");
}

TEST(ManifestFile, GivesBackWhatWasWritten) {
  const Sample sample = MakeSample();
  ExpectRecords(ParseManifestFile(sample.bytes), sample, kPayloads.size());
}

TEST(ManifestFile, EveryFlippedBitIsNoticed) {
  const Sample sample = MakeSample();
  for (std::size_t bit = 0; bit < sample.bytes.size() * 8; ++bit) {
    SCOPED_TRACE(bit);
    Bytes damaged = sample.bytes;
    damaged[bit / 8] ^= std::byte{1} << (bit % 8);
    const Result<ManifestRecords> parsed = ParseManifestFile(damaged);
    if (bit / 8 >= sample.offsets.back()) {
      ExpectRecords(parsed, sample, kPayloads.size() - 1);
      continue;
    }
    ASSERT_FALSE(parsed);
    ASSERT_TRUE(parsed.error().offset());
    EXPECT_THAT(parsed.error().advice(), Not(IsEmpty()));
    // The error names the record, or the field of the file header, that was hit.
    std::uint64_t begin = 0;
    for (const std::uint64_t offset : sample.offsets) {
      if (offset <= bit / 8) begin = offset;
    }
    if (begin > 0) {
      EXPECT_EQ(parsed.error().offset(), begin);
    } else {
      EXPECT_LT(*parsed.error().offset(), kManifestHeaderSize);
    }
  }
}

TEST(ManifestFile, EveryLengthIsATornTailOrAnError) {
  const Sample sample = MakeSample();
  for (std::size_t size = 0; size < sample.bytes.size(); ++size) {
    SCOPED_TRACE(size);
    const Result<ManifestRecords> parsed = ParseManifestFile(ByteView(sample.bytes).first(size));
    std::size_t whole = 0;
    while (whole + 1 < sample.offsets.size() && sample.offsets[whole + 1] <= size) ++whole;
    if (whole == 0) {
      EXPECT_FALSE(parsed);
    } else {
      ExpectRecords(parsed, sample, whole);
    }
  }
}

// What a crash leaves of a write beyond the end: any of its sectors, the rest old or zero.
TEST(ManifestFile, ZerosOrGarbageBehindTheLastRecordAreATornTail) {
  const Sample sample = MakeSample();
  for (const std::size_t size : {1UL, 8UL, 24UL, 100UL, 4096UL, 1UL << 20}) {
    for (const std::byte fill : {std::byte{0}, std::byte{1}, std::byte{0xff}}) {
      SCOPED_TRACE(size);
      Bytes longer = sample.bytes;
      longer.resize(longer.size() + size, fill);
      const Result<ManifestRecords> parsed = ParseManifestFile(longer);
      ExpectRecords(parsed, sample, kPayloads.size());
    }
  }
}

TEST(ManifestFile, ARecordIsNotATornTailWhenAnotherFollows) {
  // Whatever the damage does to the length, the record behind is found.
  const Sample sample = MakeSample();
  const std::size_t damaged = sample.offsets[3];
  for (std::size_t end = damaged + 1; end <= sample.offsets[4]; ++end) {
    for (const std::byte fill : {std::byte{0}, std::byte{0xff}}) {
      SCOPED_TRACE(end);
      Bytes bytes = sample.bytes;
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(damaged),
                bytes.begin() + static_cast<std::ptrdiff_t>(end), fill);
      const Result<ManifestRecords> parsed = ParseManifestFile(bytes);
      if (bytes == sample.bytes) continue;
      ASSERT_FALSE(parsed);
      EXPECT_EQ(parsed.error().code(), ErrorCode::kChecksumError);
      EXPECT_EQ(parsed.error().offset(), damaged);
    }
  }
}

TEST(ManifestFile, RecordsOfAnotherPlaceAreRefused) {
  Bytes gap = ManifestFileHeader();
  Append(gap, EncodeManifestRecord(1, AsByteView("a")));
  const std::size_t second = gap.size();
  Append(gap, EncodeManifestRecord(3, AsByteView("c")));
  const Result<ManifestRecords> parsed = ParseManifestFile(gap);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidData);
  EXPECT_EQ(parsed.error().offset(), second);
}

TEST(ManifestFile, ANewerVersionIsNamed) {
  Bytes bytes = MakeSample().bytes;
  bytes[8] = std::byte{2};
  const Result<ManifestRecords> parsed = ParseManifestFile(bytes);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code(), ErrorCode::kVersionNotMatch);
  EXPECT_THAT(parsed.error().message(), HasSubstr("version 2"));
}

}  // namespace
}  // namespace obbak::engine
