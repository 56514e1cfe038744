#include "format/log_headers.h"

#include <gtest/gtest.h>

#include <random>

#include "format/lsn.h"
#include "format/record_random.h"

namespace obbak::format {
namespace {

constexpr int kRounds = 2000;

template <class H>
Bytes Stored(H& header) {
  Bytes bytes(H::kSize);
  header.flag = StoreHeader(header, std::span(bytes).template first<H::kSize>());
  return bytes;
}

template <class H>
class LogHeaderTest : public testing::Test {
 public:
  static H Load(ByteView bytes) {
    if constexpr (std::is_same_v<H, LogEntryHeader>) {
      return LoadEntryHeader(bytes.first<H::kSize>());
    } else {
      return LoadGroupHeader(bytes.first<H::kSize>());
    }
  }
};
using Headers = testing::Types<LogGroupEntryHeader, LogEntryHeader>;
TYPED_TEST_SUITE(LogHeaderTest, Headers);

TYPED_TEST(LogHeaderTest, FastPathsGiveTheBytesAndFieldsOfTheDescription) {
  RandomSource random(1);
  for (int round = 0; round < kRounds; ++round) {
    TypeParam header;
    Randomize(random, header);
    const Bytes stored = Stored(header);
    EXPECT_EQ(ToHex(stored), ToHex(*EncodeRecord(header)));
    EXPECT_EQ(this->Load(stored), *DecodeRecord<TypeParam>(stored));
    EXPECT_EQ(this->Load(stored), header);
  }
}

TYPED_TEST(LogHeaderTest, ParityNoticesEveryOddNumberOfFlippedBits) {
  RandomSource random(2);
  TypeParam header;
  Randomize(random, header);
  Bytes bytes = Stored(header);
  std::size_t flipped = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::size_t bit = random() % (8 * bytes.size());
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    ++flipped;
    EXPECT_EQ(HasEvenParity(ByteView(bytes).template first<TypeParam::kSize>()), flipped % 2 == 0);
  }
}

// docs/spec/clog-and-archive.md §9.
TEST(LogChecksumTest, ChainsAsTheWorkedExample) {
  Bytes payload;
  for (int i = 0; i < 16; ++i) payload.push_back(static_cast<std::byte>(i));
  EXPECT_EQ(EntryDataChecksum(payload, false), 0x9bb99201);
  const std::int64_t data = ChainChecksum(0, 0x9bb99201);
  EXPECT_EQ(data, 0x4a1d3d6c);
  EXPECT_EQ(ChainChecksum(kInitialAccumulatedChecksum, data), 0x5ae4c210);
}

TEST(LsnTest, BlocksFilesAndOffsetsAgree) {
  std::mt19937_64 random(3);
  for (int round = 0; round < kRounds; ++round) {
    const Lsn lsn{round < 4 ? kPalfBlockSize - 2 + static_cast<std::uint64_t>(round)
                            : random() % kLsnLimit.value};
    EXPECT_EQ(BlockStart(BlockIdOf(lsn)) + OffsetInBlock(lsn), lsn);
    EXPECT_EQ(BlockIdOf(lsn + BytesLeftInBlock(lsn)), BlockIdOf(lsn) + 1);
    EXPECT_EQ(OffsetInBlock(lsn + BytesLeftInBlock(lsn)), 0);
    EXPECT_EQ(ArchiveFileBlockStart(ArchiveFileIdOf(lsn)), BlockStart(BlockIdOf(lsn)));
    // A file that begins with its block has log bytes where the local file has them.
    EXPECT_EQ(OffsetInArchiveFile(lsn, BlockStart(BlockIdOf(lsn))), OffsetInClogFile(lsn));
    EXPECT_LT(OffsetInClogFile(lsn), kLogFileSize);
  }
}

TEST(LsnTest, HasTheNumbersOfTheSpecification) {
  EXPECT_EQ(kPalfBlockSize, 67'104'768);
  EXPECT_EQ(ArchiveFileIdOf(Lsn{0}), 1);
  EXPECT_EQ(ArchiveFileIdOf(Lsn{67'104'767}), 1);
  EXPECT_EQ(ArchiveFileIdOf(Lsn{67'104'768}), 2);
}

}  // namespace
}  // namespace obbak::format
