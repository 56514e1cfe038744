#include "format/tablet_mds_records.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "format/record_random.h"
#include "format/tx_table_records.h"

namespace obbak::format {
namespace {

// docs/spec/system-data.md §1.7.
TEST(TabletMds, KeysHaveTheChecksumsThatTheSpecificationLists) {
  const auto checksum = [](std::uint8_t unit) {
    MdsDumpKey key;
    key.mds_table_id = kTabletMdsTable;
    key.mds_unit_id = unit;
    return MdsChecksum(key);
  };
  EXPECT_EQ(checksum(kTabletStatusUnit), 4256234034u);
  EXPECT_EQ(checksum(kTabletBindingUnit), 1493189213u);
  EXPECT_EQ(checksum(2), 207291185u);
  EXPECT_EQ(checksum(3), 97807823u);
}

TEST(TabletMds, CommittedPairHasChecksumsThatHold) {
  const MdsDumpKv kv = CommittedMdsKv(kTabletStatusUnit, TxId{5001}, Scn{10}, Scn{11}, Scn{11},
                                      std::string("\x01\x80", 2));
  EXPECT_EQ(kv.k.crc_check_number, 4256234034u);
  EXPECT_EQ(kv.v.crc_check_number, MdsChecksum(kv.v));
  MdsDumpNode other = kv.v;
  other.end_scn = Scn{12};
  EXPECT_NE(MdsChecksum(other), kv.v.crc_check_number);
}

// docs/spec/system-data.md §3.3: their length is a plain varint.
TEST(TxTableValue, ReadsBackEqual) {
  RandomSource random(5);
  for (int i = 0; i < 300; ++i) {
    TxData data;
    Randomize(random, data);
    const Result<TxData> read = DecodeTxData(EncodeTxTableValue(data));
    ASSERT_TRUE(read) << read.error().ToString();
    EXPECT_EQ(*read, data);
    TxCtxTableMeta meta;
    Randomize(random, meta);
    const Result<TxCtxTableMeta> meta_read = DecodeTxCtxTableMeta(EncodeTxTableValue(meta));
    ASSERT_TRUE(meta_read) << meta_read.error().ToString();
    EXPECT_EQ(*meta_read, meta);
  }
}

TEST(TxTableValue, EveryTruncationIsNoticed) {
  TxData data;
  data.undo_actions.resize(2);
  const Bytes value = EncodeTxTableValue(data);
  for (std::size_t size = 0; size < value.size(); ++size) {
    const Result<TxData> read = DecodeTxData(ByteView(value).first(size));
    ASSERT_FALSE(read);
    EXPECT_TRUE(read.error().offset().has_value());
  }
  Bytes longer = value;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(DecodeTxData(longer));
}

}  // namespace
}  // namespace obbak::format
