#include "format/log_payload.h"

#include <gtest/gtest.h>

#include "format/record_random.h"

namespace obbak::format {
namespace {

constexpr int kRounds = 500;

// docs/spec/consistency.md §2.2, docs/spec/system-data.md §5.
TEST(LogPayloadTest, WritesWhatAServerWrites) {
  const auto hex = [](const Result<Bytes>& payload) { return ToHex(*payload); };
  EXPECT_EQ(hex(KeepAliveLog(kSysLsId, {}).Encode()),
            "00010006000000000000000000000001018c8080800001ffffffffffffffffff0100");
  EXPECT_EQ(hex(KeepAliveLog(LsId{1001}, {.min_start_scn = kMinScn,
                                          .min_start_status = MinStartScnStatus::kNoCtx})
                    .Encode()),
            "000100060000000000000000000003e901838080800001"
            "0001");
  EXPECT_EQ(hex(IdServiceLog(LogBaseType::kTransId, 1).Encode()),
            "00010008000000000000000000000001018280808000"
            "0101");
  EXPECT_EQ(hex(GcLog(GcLsLogType::kOfflineLs, 2).Encode()),
            "0001000940000000000000000000000200010002");
}

template <class Body>
void ExpectRoundTrips(LogBaseType type) {
  RandomSource random(static_cast<std::uint64_t>(type));
  for (int round = 0; round < kRounds; ++round) {
    LogPayload<Body> log{.base_header = {.log_type = type}, .body = {}};
    Randomize(random, log.base_header.replay_hint);
    Randomize(random, log.body);
    const Result<Bytes> payload = log.Encode();
    ASSERT_TRUE(payload);
    const auto decoded = LogPayload<Body>::Decode(*payload);
    ASSERT_TRUE(decoded) << decoded.error().ToString();
    EXPECT_EQ(*decoded, log);
    for (std::size_t size = 0; size < payload->size(); ++size)
      EXPECT_FALSE(LogPayload<Body>::Decode(ByteView(*payload).first(size))) << size;
    Bytes longer = *payload;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(LogPayload<Body>::Decode(longer));
  }
}

TEST(LogPayloadTest, RoundTripsAndRefusesEveryOtherLength) {
  ExpectRoundTrips<KeepAliveLogBody>(LogBaseType::kKeepAlive);
  ExpectRoundTrips<PresistIdLog>(LogBaseType::kTimestamp);
  ExpectRoundTrips<PresistIdLog>(LogBaseType::kTransId);
  ExpectRoundTrips<PresistIdLog>(LogBaseType::kDasId);
  ExpectRoundTrips<GcLsLog>(LogBaseType::kGcLs);
}

TEST(LogPayloadTest, RefusesABodyOfAnotherType) {
  LogPayload<GcLsLog> log = GcLog(GcLsLogType::kOfflineLs, 0);
  const Result<Bytes> payload = log.Encode();
  EXPECT_FALSE(LogPayload<KeepAliveLogBody>::Decode(*payload));
  log.base_header.log_type = LogBaseType::kKeepAlive;
  EXPECT_EQ(log.Encode().error().field(), "base_header.log_type");
}

TEST(LogBaseHeaderTest, FastPathsGiveTheBytesAndFieldsOfTheDescription) {
  RandomSource random(1);
  for (int round = 0; round < kRounds; ++round) {
    LogBaseHeader header;
    Randomize(random, header.log_type);
    Randomize(random, header.replay_hint);
    header.flag = std::array{kNoBarrier, kPreBarrier, kStrictBarrier}[random() % 3];
    const auto stored = StoreBaseHeader(header);
    EXPECT_EQ(ToHex(stored), ToHex(*EncodeRecord(header)));
    const Result<LogBaseHeader> loaded = LoadBaseHeader(stored);
    ASSERT_TRUE(loaded);
    EXPECT_EQ(*loaded, header);
  }
}

TEST(LogBaseHeaderTest, SaysWhichRuleIsBroken) {
  const auto field = [](const LogBaseHeader& header) {
    return LoadBaseHeader(StoreBaseHeader(header)).error().field();
  };
  EXPECT_EQ(field({.version = 2, .log_type = LogBaseType::kDdl}), "base_header.version");
  EXPECT_EQ(field({.log_type = LogBaseType::kInvalid}), "base_header.log_type");
  EXPECT_EQ(field({.log_type = LogBaseType::kDdl, .flag = 1}), "base_header.flag");
  EXPECT_FALSE(LoadBaseHeader(Bytes(LogBaseHeader::kSize - 1)));
}

TEST(LogBaseHeaderTest, KeepsTypesThatHaveNoName) {
  const auto stored = StoreBaseHeader({.log_type = LogBaseType{44}});
  EXPECT_EQ(LoadBaseHeader(stored)->log_type, LogBaseType{44});
}

// docs/spec/consistency.md §2.2.
TEST(KeepAliveTest, RulesAreThoseOfTheServer) {
  const auto valid = [](Scn scn, MinStartScnStatus status) {
    Rules rules;
    CheckRules(KeepAliveLogBody{.min_start_scn = scn, .min_start_status = status}, rules);
    return rules.violations().empty();
  };
  using enum MinStartScnStatus;
  EXPECT_TRUE(valid(kInvalidScn, kUnknown));
  EXPECT_FALSE(valid(kBaseScn, kUnknown));
  EXPECT_TRUE(valid(kMinScn, kNoCtx));
  EXPECT_FALSE(valid(kBaseScn, kNoCtx));
  EXPECT_TRUE(valid(kBaseScn, kHasCtx));
  EXPECT_FALSE(valid(kMinScn, kHasCtx));
  EXPECT_FALSE(valid(kMinScn, MinStartScnStatus{3}));
}

}  // namespace
}  // namespace obbak::format
