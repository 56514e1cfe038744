#include "format/decoder.h"

#include <gtest/gtest.h>

#include <string>

#include "base/bytes.h"
#include "format/encoder.h"

namespace obbak::format {
namespace {

Bytes Hex(std::string_view hex) { return FromHex(hex).value(); }

std::uint64_t DecodeVarint64(std::string_view hex, ErrorCode* error = nullptr) {
  const Bytes bytes = Hex(hex);
  Decoder in(bytes);
  const std::uint64_t value = in.Varint64();
  if (error != nullptr) *error = in.ok() ? ErrorCode{} : in.status().error().code();
  return value;
}

TEST(DecoderTest, AcceptsEveryVarintFormUpToTenBytes) {
  EXPECT_EQ(DecodeVarint64("00"), 0U);
  EXPECT_EQ(DecodeVarint64("7f"), 127U);
  EXPECT_EQ(DecodeVarint64("8001"), 128U);
  EXPECT_EQ(DecodeVarint64("ac82808000"), 300U);  // not minimal
  EXPECT_EQ(DecodeVarint64("ffffffffffffffffff01"), ~std::uint64_t{0});
}

TEST(DecoderTest, RefusesVarintsThatAreTooLongOrCutOff) {
  ErrorCode code{};
  DecodeVarint64("ffffffffffffffffff8100", &code);
  EXPECT_EQ(code, ErrorCode::kDeserializeError);
  DecodeVarint64("8080", &code);
  EXPECT_EQ(code, ErrorCode::kDeserializeError);
  DecodeVarint64("", &code);
  EXPECT_EQ(code, ErrorCode::kDeserializeError);
}

TEST(DecoderTest, DropsTheHighBitsOfAThirtyTwoBitVarint) {
  const Bytes bytes = Hex("ffffffff7f");
  Decoder in(bytes);
  EXPECT_EQ(in.Varint32(), 0xffffffffU);
  EXPECT_TRUE(in.ok());
  const Bytes six = Hex("ffffffffff01");
  Decoder too_long(six);
  too_long.Varint32();
  EXPECT_FALSE(too_long.ok());
}

TEST(DecoderTest, ReadsNothingMoreAfterTheFirstFailure) {
  const Bytes bytes = Hex("80");
  Decoder in(bytes);
  in.Varint64();
  in.Fail(ErrorCode::kInvalidData, 99, "later");
  EXPECT_EQ(in.FixedBigEndian(8), 0U);
  EXPECT_TRUE(in.Take(0).empty());
  EXPECT_EQ(in.status().error().offset(), 0U);
  EXPECT_EQ(in.status().error().code(), ErrorCode::kDeserializeError);
}

TEST(DecoderTest, NeverReadsBeyondTheOpenEnvelope) {
  const Bytes bytes =
      Hex("01818080800005"
          "06");
  Decoder in(bytes);
  {
    const Decoder::Envelope envelope(in, 1);
    EXPECT_EQ(in.remaining(), 1U);
    in.FixedBigEndian(2);
    EXPECT_FALSE(in.ok());
  }
}

TEST(DecoderTest, SkipsWhatANewerWriterAdded) {
  const Bytes bytes =
      Hex("018380808000050607"
          "2a");
  Decoder in(bytes);
  {
    const Decoder::Envelope envelope(in, 1);
    EXPECT_EQ(in.Fixed8(), 5);
  }
  EXPECT_EQ(in.Fixed8(), 0x2a);
  EXPECT_TRUE(in.ok());
}

TEST(DecoderTest, RefusesAnotherEnvelopeVersionAndTooMuchPayload) {
  const Bytes version = Hex("028080808000");
  Decoder newer(version);
  {
    const Decoder::Envelope envelope(newer, 1);
  }
  EXPECT_EQ(newer.status().error().code(), ErrorCode::kNotSupported);

  const Bytes length = Hex("01828080800000");
  Decoder cut(length);
  {
    const Decoder::Envelope envelope(cut, 1);
  }
  EXPECT_EQ(cut.status().error().code(), ErrorCode::kDeserializeError);
  EXPECT_EQ(cut.status().error().offset(), 1U);
}

TEST(DecoderTest, KeepsDecodingACutOffEnvelopeWhenItTraces) {
  const Bytes bytes = Hex("01828080800007");
  Dissection dissection;
  Decoder in(bytes, &dissection);
  {
    const Decoder::Envelope envelope(in, 1);
    EXPECT_EQ(in.Fixed8(), 7);
    EXPECT_FALSE(envelope.HasMore());
  }
  EXPECT_FALSE(in.status().has_value());
}

TEST(DecoderTest, DemandsTheNulBehindAString) {
  const Bytes good = Hex("0568656c6c6f00");
  EXPECT_EQ(Decoder(good).String(), "hello");
  for (const std::string_view bad : {"0568656c6c6f01", "0568656c6c6f", "0668656c6c6f00"}) {
    const Bytes bytes = Hex(bad);
    Decoder in(bytes);
    in.String();
    EXPECT_FALSE(in.ok()) << bad;
  }
}

TEST(DecoderTest, HoldsCharArraysToTheirCapacityAndFinalNul) {
  const Bytes good = Hex("0461626300");
  EXPECT_EQ(Decoder(good).CString(4), "abc");
  for (const auto& [bytes, capacity] :
       {std::pair{Hex("0461626300"), 3}, std::pair{Hex("00"), 9}, std::pair{Hex("0461626364"), 9},
        std::pair{Hex("0461006300"), 9}}) {
    Decoder in(bytes);
    in.CString(static_cast<std::size_t>(capacity));
    EXPECT_FALSE(in.ok()) << ToHex(bytes);
  }
}

TEST(DecoderTest, RefusesACountThatTheBytesCannotHold) {
  const Bytes bytes = Hex("0300112233445566778899aabbccddeeff");
  Decoder fits(bytes);
  EXPECT_EQ(fits.Count(5), 3U);
  Decoder does_not(bytes);
  does_not.Count(6);
  EXPECT_FALSE(does_not.ok());
}

TEST(EncoderTest, RefusesTextThatDoesNotFit) {
  Encoder fits;
  fits.CString("abc", 4);
  EXPECT_TRUE(std::move(fits).Finish().has_value());
  Encoder too_long;
  too_long.CString("abcd", 4);
  EXPECT_EQ(std::move(too_long).Finish().error().code(), ErrorCode::kSizeOverflow);
  Encoder nul;
  nul.CString(std::string_view("a\0b", 3), 9);
  EXPECT_FALSE(std::move(nul).Finish().has_value());
}

}  // namespace
}  // namespace obbak::format
