#include "format/tx_log_inspection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "format/dissection_json.h"
#include "format/mds_payload.h"
#include "format/tx_log_block.h"
#include "format/tx_log_random.h"

namespace obbak::format {
namespace {

using testing::ElementsAre;

// The leaves cover all bytes without gap or overlap.
void ExpectEveryByteNamed(const Dissection& dissection, std::size_t size) {
  std::size_t at = 0;
  for (const Segment& segment : Segments(dissection)) {
    const Field& field = dissection.fields()[segment.field];
    ASSERT_EQ(segment.begin, at) << field.name;
    ASSERT_NE(field.kind, FieldKind::kRecord) << field.name << " at " << at;
    ASSERT_NE(field.kind, FieldKind::kArray) << field.name << " at " << at;
    at = segment.end;
  }
  EXPECT_EQ(at, size);
}

TEST(TxLogInspection, EveryByteOfARandomBlockHasAName) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Bytes block = TxLogRandom(seed).Block();
    const Inspection inspection = InspectTxLogBlock(block);
    ASSERT_TRUE(inspection.findings.empty()) << inspection.findings[0].ToString();
    ExpectEveryByteNamed(inspection.dissection, block.size());
  }
}

TEST(TxLogInspection, DamageIsFoundWithItsPlaceAndNeverCrashes) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Bytes good = TxLogRandom(seed).Block();
    for (std::size_t bit = 0; bit < good.size() * 8; bit += 3) {
      Bytes bad = good;
      bad[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
      for (const Error& finding : InspectTxLogBlock(bad).findings) {
        EXPECT_TRUE(finding.offset().has_value());
        EXPECT_LE(finding.offset().value_or(0), bad.size());
        EXPECT_NE(finding.field(), "");
      }
      (void)SummarizeTxLogBlock(bad);
      (void)RowChangesOf(bad);
    }
  }
}

TxLogBlockHeader Header(std::int64_t tx_id) {
  TxLogBlockHeader header;
  header.tx_id = {{tx_id}};
  return header;
}

// A transaction that inserts a row, locks its table and creates a tablet.
class Transaction : public testing::Test {
 protected:
  Transaction() {
    row_.rowkey = {1, key_};
    row_.dml_flag = {DmlFlag::kInsert};
    row_.new_row = {image_};
    row_.seq_no = MakeTxSeq(12, 3);
    row_.column_cnt = 2;
    MutatorTableLock lock;
    lock.obj_type = {LockObjType::kTable};
    lock.obj_id = {500002};
    lock.mode = {LockMode::kRowExclusive};
    lock.lock_type = {LockOpType::kInTransDml};
    MutatorBuilder mutator;
    mutator.Add(TabletId{200001}, row_);
    mutator.Add(lock);
    mutator_ = std::move(mutator).Finish().value();

    BatchRemoveTabletArg drop;
    drop.tablet_ids = {TabletId{200001}};
    drop.id = LsId{1001};
    TxMultiDataSourceLog mds;
    mds.data = {{TxDataSourceType::kDeleteTablet, EncodeMdsPayload(drop).value(), 1}};
    TxCommitLog commit;
    commit.trans_type = TransType::kSp;
    TxLogBlockBuilder builder(Header(42));
    builder.Add(TxRedoLog{{}, mutator_});
    builder.Add(mds);
    builder.Add(commit);
    block_ = std::move(builder).Finish().value();
  }

  Bytes image_{10};
  Bytes key_ = EncodeRowkeyObjects(std::vector{IntObj(7)});
  MemtableMutatorRow row_;
  Bytes mutator_;
  Bytes block_;
};

TEST_F(Transaction, HasOneLinePerLog) {
  const Result<std::vector<TxLogLine>> lines = SummarizeTxLogBlock(block_);
  ASSERT_TRUE(lines);
  std::vector<std::string> texts;
  std::size_t end = lines->front().offset;
  for (const TxLogLine& line : *lines) {
    texts.push_back(std::string(NameOf(line.type)) + ": " + line.text);
    EXPECT_EQ(line.tx_id, TxId{42});
    EXPECT_EQ(line.offset, end);
    end += line.size;
  }
  EXPECT_EQ(end, block_.size());
  EXPECT_THAT(texts,
              ElementsAre("REDO: 2 rows, " + std::to_string(mutator_.size()) + " bytes",
                          "MULTI_DATA_SOURCE: DELETE_TABLET_NEW_MDS: delete tablets 200001 on LS "
                          "1001",
                          "COMMIT: SP, commit version is the entry's SCN"));
}

TEST_F(Transaction, ShowsItsRows) {
  const Result<std::vector<RowChange>> changes = RowChangesOf(block_);
  ASSERT_TRUE(changes) << changes.error().ToString();
  ASSERT_EQ(changes->size(), 2u);
  EXPECT_EQ(ToText((*changes)[0]),
            "INSERT tablet 200001 key (7) seq 12, branch 3, 2 columns, 10 bytes");
  EXPECT_EQ(ToText((*changes)[1]), "TABLE_LOCK TABLE 500002 mode 4 IN_TRANS_DML_LOCK seq unset");
  EXPECT_EQ(
      (*changes)[0].offset,
      static_cast<std::size_t>(std::ranges::search(block_, mutator_).begin() - block_.begin()));
}

TEST_F(Transaction, ShowsPayloadsInsideTheirNodes) {
  const Inspection inspection = InspectTxLogBlock(block_);
  const Field* tablet =
      inspection.dissection.Find("logs[1].body.data[0].data.payload.tablet_ids[0]");
  ASSERT_NE(tablet, nullptr);
  EXPECT_EQ(ValueText(*tablet), "200001");
  const Field* key = inspection.dissection.Find("logs[0].body.mutator.rows[0].row.rowkey[0].value");
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(ValueText(*key), "7");
}

}  // namespace
}  // namespace obbak::format
