#include "format/macro_block_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <span>

#include "format/crc32c.h"
#include "format/macro_block_header.h"
#include "format/record.h"

namespace obbak::format {
namespace {

// A block of that many payload bytes in a slot of 2 MiB.
Bytes Block(std::size_t payload_size) {
  std::mt19937_64 random(payload_size);
  Bytes block(kMacroBlockSize);
  const auto payload = std::span(block).subspan(MacroBlockCommonHeader::kSize).first(payload_size);
  for (std::byte& byte : payload) byte = static_cast<std::byte>(random());
  MacroBlockCommonHeader header;
  header.attr = MacroBlockType::kSstableData;
  header.payload_size = static_cast<std::int32_t>(payload_size);
  header.payload_checksum = static_cast<std::int32_t>(static_cast<std::uint32_t>(Crc64(payload)));
  const Bytes encoded = EncodeRecord(header).value();
  std::ranges::copy(encoded, block.begin());
  return block;
}

TEST(MacroBlockCheck, KnowsHowMuchIsUsedAndItsChecksum) {
  for (const std::size_t size : {0U, 1U, 1000U, 100'000U}) {
    const Bytes block = Block(size);
    const auto checked = CheckMacroBlock(block);
    ASSERT_TRUE(checked) << checked.error().ToString();
    EXPECT_EQ(checked->used_size, MacroBlockCommonHeader::kSize + size);
    EXPECT_EQ(checked->checksum, Crc64(ByteView(block).first(checked->used_size)));
    EXPECT_EQ(UsedSizeOfMacroBlock(ByteView(block).first(MacroBlockCommonHeader::kSize)),
              checked->used_size);
    EXPECT_TRUE(ReadMacroBlockCommonHeader(block));
  }
}

TEST(MacroBlockCheck, EveryFlippedBitOfAUsedByteIsFound) {
  Bytes block = Block(200);
  // The type is not covered: other types are legal.
  for (std::size_t at = 0; at < MacroBlockCommonHeader::kSize + 200; ++at) {
    if (at == 12) continue;
    for (int bit = 0; bit < 8; ++bit) {
      block[at] ^= static_cast<std::byte>(1 << bit);
      EXPECT_FALSE(CheckMacroBlock(block)) << at;
      block[at] ^= static_cast<std::byte>(1 << bit);
    }
  }
}

TEST(MacroBlockCheck, ABlockThatWasCutIsRefused) {
  const Bytes block = Block(5000);
  for (const std::size_t size : {0U, 10U, 24U, 4096U, 5023U}) {
    EXPECT_FALSE(CheckMacroBlock(ByteView(block).first(size))) << size;
  }
}

}  // namespace
}  // namespace obbak::format
