#include "format/mds_payload.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "format/mds_codec.h"
#include "format/record_random.h"

namespace obbak::format {
namespace {

// docs/spec/system-data.md §1.3.
constexpr std::string_view kCreateTablet =
    "01c58180800000000000000003e901"
    "0101958080800001000000000003"
    "0d410000000000030d41010000000001000103"
    "00030000018080f9c0c1c482030380808040008080010100ffffffffffffffffff010600000000"
    "01001005053fff03018e8080800003f8f6d8970805053fff000700ff"
    "018e8080800001f8f6d8970816022dff000700ff018e8080800001f8f6d8970805053fff000700ff"
    "000000000000000301010106018080010303010500"
    "a2c21e01ffffffffffffffffff01"
    "0101868080800081808c804001";

TxBufferNode Node(TxDataSourceType type, std::string_view hex) {
  return {type, std::string(AsText(FromHex(hex).value())), 1};
}

TEST(MdsPayload, TabletCreationReadsAsTheSpecificationShows) {
  const Result<MdsPayload> payload =
      DecodeMdsPayload(Node(TxDataSourceType::kCreateTablet, kCreateTablet));
  ASSERT_TRUE(payload) << payload.error().ToString();
  const auto& arg = std::get<BatchCreateTabletArg>(*payload);
  EXPECT_EQ(arg.id, LsId{1001});
  EXPECT_EQ(arg.major_frozen_scn, kBaseScn);
  ASSERT_EQ(arg.create_tablet_schemas.size(), 1u);
  EXPECT_EQ(arg.create_tablet_schemas[0].table_id, 500002u);
  EXPECT_EQ(arg.create_tablet_schemas[0].storage_schema.column_array.size(), 3u);
  EXPECT_EQ(ToHex(AsByteView(EncodeMdsPayload(arg).value())), kCreateTablet);
}

TEST(MdsPayload, TabletDeletionAndLogStreamCreationAreWrittenAsTheSpecificationShows) {
  BatchRemoveTabletArg drop;
  drop.tablet_ids = {TabletId{200001}};
  drop.id = LsId{1001};
  drop.is_old_mds = false;
  EXPECT_EQ(ToHex(AsByteView(EncodeMdsPayload(drop).value())),
            "0192808080000100000000000"
            "30d4100000000000003e900");
  const Result<MdsPayload> created =
      DecodeMdsPayload(Node(TxDataSourceType::kLsTable,
                            "019d8080800000000000000003e9e907000000959a97ece39fe7cb17"
                            "01818080800000"));
  ASSERT_TRUE(created) << created.error().ToString();
  EXPECT_EQ(std::get<LsAttr>(*created).id, LsId{1001});
}

TEST(MdsPayload, OldWritersMeanOldMdsByStoppingEarly) {
  const Result<MdsPayload> drop = DecodeMdsPayload(Node(TxDataSourceType::kDeleteTablet,
                                                        "0191808080000100000000000"
                                                        "30d4100000000000003e9"));
  ASSERT_TRUE(drop) << drop.error().ToString();
  EXPECT_TRUE(std::get<BatchRemoveTabletArg>(*drop).is_old_mds);
}

TEST(MdsPayload, OfDictionaryAndUnknownTypesStaysBytes) {
  for (const auto type : {TxDataSourceType::kDdlTrans, TxDataSourceType::kTransferTask,
                          static_cast<TxDataSourceType>(99)}) {
    const TxBufferNode node = Node(type, "0102");
    const Result<MdsPayload> payload = DecodeMdsPayload(node);
    ASSERT_TRUE(payload);
    EXPECT_EQ(ToHex(std::get<OpaqueMdsPayload>(*payload).bytes), "0102");
  }
}

TEST(MdsPayload, NothingInvalidIsWritten) {
  BatchCreateTabletArg arg = std::get<BatchCreateTabletArg>(
      DecodeMdsPayload(Node(TxDataSourceType::kCreateTablet, kCreateTablet)).value());
  arg.tablets[0].table_schema_index[0] = 1;
  const Result<std::string> data = EncodeMdsPayload(arg);
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().field(), "tablets[0].table_schema_index");
}

TEST(MdsPayload, TruncationsAndFlippedBitsNeverCrash) {
  const Bytes good = FromHex(kCreateTablet).value();
  for (std::size_t size = 0; size < good.size(); ++size) {
    TxBufferNode node{TxDataSourceType::kCreateTablet,
                      std::string(AsText(ByteView(good).first(size))), 1};
    const Result<MdsPayload> payload = DecodeMdsPayload(node);
    ASSERT_FALSE(payload);
    EXPECT_TRUE(payload.error().offset().has_value());
    EXPECT_NE(Summary(node), "");
  }
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    EXPECT_NE(Summary({TxDataSourceType::kCreateTablet, std::string(AsText(bad)), 1}), "");
  }
}

template <class Payload>
void ExpectRoundTrips(TxDataSourceType type) {
  RandomSource random(11);
  for (int i = 0; i < 200; ++i) {
    Payload payload;
    Randomize(random, payload);
    const Result<std::string> data = EncodeMdsPayload(payload);
    ASSERT_TRUE(data);
    const Result<MdsPayload> read = DecodeMdsPayload({type, *data, 1});
    ASSERT_TRUE(read) << read.error().ToString();
    EXPECT_EQ(std::get<Payload>(*read), payload);
  }
}

TEST(MdsPayload, EveryRecordReadsBackEqual) {
  ExpectRoundTrips<TableLockOp>(TxDataSourceType::kTableLock);
  ExpectRoundTrips<BatchRemoveTabletArg>(TxDataSourceType::kDeleteTablet);
  ExpectRoundTrips<DdlBarrierLog>(TxDataSourceType::kDdlBarrier);
  ExpectRoundTrips<BatchUnbindTabletArg>(TxDataSourceType::kUnbindTablet);
  ExpectRoundTrips<StandbyUpgrade>(TxDataSourceType::kStandbyUpgrade);
  ExpectRoundTrips<TxStartTransferOutInfo>(TxDataSourceType::kStartTransferOutV2);
  ExpectRoundTrips<TxFinishTransferOutInfo>(TxDataSourceType::kFinishTransferOut);
  ExpectRoundTrips<TxFinishTransferInInfo>(TxDataSourceType::kFinishTransferIn);
  ExpectRoundTrips<CollectTxCtxInfo>(TxDataSourceType::kTransferMoveTxCtx);
  ExpectRoundTrips<TransferDestPrepareInfo>(TxDataSourceType::kTransferDestPrepare);
}

}  // namespace
}  // namespace obbak::format
