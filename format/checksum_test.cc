#include "format/checksum.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "format/checksum_vectors.h"
#include "format/crc32c.h"

namespace obbak::format {
namespace {

Bytes RandomBytes(std::mt19937_64& random, std::size_t size) {
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

// The definition, one bit at a time.
std::uint64_t CrcByDefinition(ByteView data, std::uint64_t seed) {
  if (data.empty()) return seed;
  auto crc = static_cast<std::uint32_t>(seed);
  for (std::byte byte : data) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78);
  }
  return crc;
}

// Two inaccessible pages around accessible ones: reading one byte too many ends the test.
class GuardedPages {
 public:
  GuardedPages() {
    void* pages = mmap(nullptr, 4 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return;
    start_ = static_cast<std::byte*>(pages);
    if (mprotect(start_ + kPage, kSize, PROT_READ | PROT_WRITE) != 0) std::abort();
  }
  GuardedPages(const GuardedPages&) = delete;
  GuardedPages& operator=(const GuardedPages&) = delete;
  ~GuardedPages() {
    if (start_ != nullptr) munmap(start_, 4 * kPage);
  }
  std::span<std::byte> bytes() const { return {start_ + kPage, start_ == nullptr ? 0 : kSize}; }

 private:
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kSize = 2 * kPage;
  std::byte* start_ = nullptr;
};

TEST(Crc64Test, HasTheValuesOfTheSpecification) {
  const auto crc = [](std::string_view text, std::uint64_t seed = 0) {
    return Crc64(AsByteView(text), seed);
  };
  EXPECT_EQ(crc("123456789"), 0x58E3FA20U);
  EXPECT_EQ(crc("a"), 0x93AD1061U);
  EXPECT_EQ(crc("OceanBase"), 0xBD8BBC56U);
  EXPECT_EQ(crc(std::string(32, '\0')), 0U);
  EXPECT_EQ(crc(std::string(32, '\xff')), 0xE8399DE9U);
  std::string all_bytes;
  for (int byte = 0; byte < 256; ++byte) all_bytes += static_cast<char>(byte);
  EXPECT_EQ(crc(all_bytes), 0x2436A9DBU);
  EXPECT_EQ(crc("12345"), 0x5DA35500U);
  EXPECT_EQ(crc("6789", 0x5DA35500), 0x58E3FA20U);
  EXPECT_EQ(crc("123456789", 0xFFFFFFFF), 0x1CF96D7CU);
  EXPECT_EQ(crc("123456789", std::numeric_limits<std::uint64_t>::max()), 0x1CF96D7CU);
  EXPECT_EQ(crc("123456789", 0x123456789ABCDEF0), 0x33512A65U);
}

TEST(Crc64Test, OfNothingIsTheWholeSeed) {
  for (std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
    EXPECT_EQ(Crc64({}, seed), seed);
    EXPECT_EQ(Crc64Portable({}, seed), seed);
  }
}

TEST(Crc64Test, BothImplementationsFollowTheDefinitionAtEveryLengthAndAlignment) {
  std::mt19937_64 random(1);
  const Bytes bytes = RandomBytes(random, 1024);
  for (std::size_t size = 0; size <= 600; ++size) {
    const ByteView data = ByteView(bytes).subspan(random() % 64, size);
    const std::uint64_t seed = random();
    const std::uint64_t expected = CrcByDefinition(data, seed);
    ASSERT_EQ(Crc64(data, seed), expected) << size;
    ASSERT_EQ(Crc64Portable(data, seed), expected) << size;
  }
  for (std::size_t alignment = 0; alignment < 64; ++alignment) {
    const ByteView data = ByteView(bytes).subspan(alignment, 900);
    ASSERT_EQ(Crc64(data), Crc64Portable(data)) << alignment;
  }
}

TEST(Crc64Test, BothImplementationsAgreeOnAMegabyte) {
  std::mt19937_64 random(2);
  const Bytes bytes = RandomBytes(random, (1 << 20) + 13);
  for (std::size_t skip : {0U, 1U, 13U}) {
    const ByteView data = ByteView(bytes).subspan(skip);
    EXPECT_EQ(Crc64(data, skip), Crc64Portable(data, skip));
  }
}

TEST(Crc64Test, IsIncremental) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 2000; ++round) {
    const Bytes bytes = RandomBytes(random, random() % 1000);
    const std::size_t cut = random() % (bytes.size() + 1);
    const std::uint64_t seed = random() >> 32;
    const ByteView data(bytes);
    ASSERT_EQ(Crc64(data.subspan(cut), Crc64(data.first(cut), seed)), Crc64(data, seed))
        << bytes.size() << " cut at " << cut;
  }
}

TEST(Crc64Test, TouchesNoByteOutsideItsInput) {
  const GuardedPages pages;
  const ByteView all = pages.bytes();
  ASSERT_FALSE(all.empty());
  for (std::size_t size = 0; size <= 600; ++size) {
    EXPECT_EQ(Crc64(all.first(size)), 0U);
    EXPECT_EQ(Crc64(all.last(size)), 0U);
    EXPECT_EQ(Crc64Portable(all.last(size)), 0U);
  }
  EXPECT_EQ(Crc64(all), 0U);
}

TEST(Fold16Test, FoldsTheWordsOfTheTypesOwnWidth) {
  EXPECT_EQ(Fold16(std::int64_t{0x0001'0020'0300'4000}), 0x4321);
  EXPECT_EQ(Fold16(std::int32_t{0x0300'4000}), 0x4300);
  EXPECT_EQ(Fold16(std::int16_t{0x1234}), 0x1234);
  EXPECT_EQ(Fold16(std::int64_t{-2}), 0x0001);
  EXPECT_EQ(Fold16(std::int32_t{-2}), 0x0001);
  EXPECT_EQ(Fold16(std::int16_t{-2}), 0xfffe);
}

TEST(ParityCheckTest, TellsWhetherTheNumberOfSetBitsIsOdd) {
  EXPECT_FALSE(ParityCheck(std::uint16_t{0}));
  EXPECT_TRUE(ParityCheck(std::uint16_t{0x8000}));
  EXPECT_TRUE(ParityCheck(std::uint32_t{0x80000001} << 1));
  EXPECT_FALSE(ParityCheck(std::uint32_t{0xffffffff}));
  EXPECT_TRUE(ParityCheck(~std::uint64_t{1}));
}

TEST(Crc16Test, IsTheCatalogueArcAndIncremental) {
  EXPECT_EQ(Crc16(AsByteView("123456789")), 0xBB3D);
  EXPECT_EQ(Crc16(AsByteView("6789"), Crc16(AsByteView("12345"))), 0xBB3D);
}

TEST(MurmurHash64ATest, HasTheValuesOfTheSpecification) {
  EXPECT_EQ(MurmurHash64A(AsByteView("a")), 0x071717D2D36B6B11U);
  EXPECT_EQ(MurmurHash64A({}), 0U);
}

boost::json::array Vectors() {
  std::ifstream file(OBBAK_TESTDATA_DIR "/vectors/03_checksums.json");
  return boost::json::parse(std::string(std::istreambuf_iterator<char>(file), {})).as_array();
}

TEST(ChecksumVectorsTest, EveryGoldenVectorComesOutAsTheOriginalComputedIt) {
  const boost::json::array vectors = Vectors();
  EXPECT_GE(vectors.size(), 76U);
  for (const auto& entry : vectors) {
    const boost::json::object& vector = entry.as_object();
    const std::string_view name = vector.at("struct").as_string();
    const std::string_view hex = vector.at("hex").as_string();
    std::uint64_t expected = 0;
    std::from_chars(hex.data(), hex.data() + hex.size(), expected, 16);
    const auto computed = ChecksumFromVector(name, vector.at("fields").as_object());
    ASSERT_TRUE(computed.has_value()) << name << ": " << computed.error().ToString();
    EXPECT_EQ(*computed, expected) << boost::json::serialize(entry);
  }
}

TEST(ChecksumVectorsTest, TakesOtherValuesThanTheStoredOnes) {
  const auto compute = [](std::string_view name, std::string_view fields) {
    const std::string text(fields);
    return ChecksumFromVector(name, boost::json::parse(text).as_object()).value();
  };
  EXPECT_EQ(compute("fn:ob_crc64", R"({"init": 0, "input_hex": "313233343536373839"})"),
            0x58E3FA20U);
  EXPECT_EQ(compute("fn:ob_crc64", R"({"init": "18446744073709551615", "input_hex": ""})"),
            ~std::uint64_t{0});
  EXPECT_EQ(compute("fn:parity_check(uint32)", R"({"input_hex": "01000080"})"), 0U);
  EXPECT_EQ(compute("fn:parity_check(uint32)", R"({"input_hex": "00000080"})"), 1U);
}

TEST(ChecksumVectorsTest, RefusesWhatItCannotCompute) {
  const auto code = [](std::string_view name, const char* fields) {
    return ChecksumFromVector(name, boost::json::parse(fields).as_object()).error().code();
  };
  EXPECT_EQ(code("fn:other", R"({"init": 0, "input_hex": ""})"), ErrorCode::kNotSupported);
  for (const char* fields :
       {R"({"init": 0})", R"({"input_hex": ""})", R"({"init": 0, "input_hex": "0"})",
        R"({"init": 65536, "input_hex": ""})", R"({"init": -1, "input_hex": ""})",
        R"({"init": "1x", "input_hex": ""})", R"({"init": null, "input_hex": ""})"}) {
    EXPECT_EQ(code("fn:ob_crc16", fields), ErrorCode::kInvalidArgument) << fields;
  }
  EXPECT_EQ(code("fn:parity_check(uint32)", R"({"input_hex": "00"})"), ErrorCode::kInvalidArgument);
}

TEST(Crc64, PartsCombine) {
  std::mt19937_64 random(3);
  for (const std::size_t first : {0U, 1U, 24U, 255U, 4096U}) {
    for (const std::size_t second : {0U, 1U, 7U, 300U, 70'000U}) {
      const Bytes all = RandomBytes(random, first + second);
      const ByteView view(all);
      EXPECT_EQ(Crc64Combine(Crc64(view.first(first)), Crc64(view.subspan(first)), second),
                Crc64(view))
          << first << " and " << second << " bytes";
    }
  }
}

}  // namespace
}  // namespace obbak::format
