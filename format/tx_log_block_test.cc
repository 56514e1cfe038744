#include "format/tx_log_block.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "format/lsn.h"
#include "format/tx_log_random.h"

namespace obbak::format {
namespace {

// docs/spec/clog-and-archive.md §14.1.
constexpr std::string_view kOneLsTransaction =
    "000100010000000000000000000003e9"
    "01a9808080007d01018280808000e907018b8080800004818080f807000000c216000000000000000081808c804000"
    "0000000000000001018381808000018180808000000000007"
    "86d757461a84a68661c0000001b3635085c0000000100000000000000"
    "7fffefff000000000000030d410000004f000105053fff018080f9c0c1c48203030020000300010300050000000000"
    "00"
    "000000ff01012c0168656c6c6f02030544001000e78a8d09ffffffffffffffff7f0080808280808080804003"
    "0000000000000040019d80808000838000018b8080800004818080f807000000c2160100000000000003e9"
    "0000000000000100019480808000b00400018a80808000ffffffffffffffffff0101";

Bytes Block() { return FromHex(kOneLsTransaction).value(); }

Addr Scheduler() {
  Addr addr;
  addr.w0 = 0x7f000001;
  addr.port = 2882;
  return addr;
}

TxLogBlockHeader Header(std::int64_t tx_id) {
  TxLogBlockHeader header;
  header.org_cluster_id = 1;
  header.tx_id = {{tx_id}};
  header.scheduler = Scheduler();
  header.cluster_version = kDataVersion4301;
  return header;
}

std::vector<TxLog> ReadAll(ByteView block) {
  Result<TxLogBlockReader> reader = TxLogBlockReader::Open(block);
  EXPECT_TRUE(reader) << reader.error().ToString();
  std::vector<TxLog> logs;
  while (reader) {
    const Result<std::optional<TxLogView>> view = reader->Next();
    EXPECT_TRUE(view) << view.error().ToString();
    if (!view || !*view) break;
    Result<TxLog> log = DecodeTxLog(**view);
    EXPECT_TRUE(log) << log.error().ToString();
    if (log) logs.push_back(std::move(*log));
  }
  return logs;
}

Bytes Write(const TxLogBlockHeader& header, const std::vector<TxLog>& logs) {
  TxLogBlockBuilder builder(header);
  for (const TxLog& log : logs) builder.Add(log);
  return std::move(builder).Finish().value();
}

TEST(TxLogBlock, WorkedTransactionIsWrittenAndReadAsTheSpecificationShows) {
  const Bytes block = Block();
  const std::vector<TxLog> logs = ReadAll(block);
  ASSERT_EQ(logs.size(), 3u);
  TxCommitInfoLog info;
  info.scheduler = Scheduler();
  info.participants = {LsId{1001}};
  EXPECT_EQ(std::get<TxCommitInfoLog>(logs[1]), info);
  TxCommitLog commit;
  commit.trans_type = TransType::kSp;
  commit.prev_log_type = {PrevLogType::kSelf};
  EXPECT_EQ(std::get<TxCommitLog>(logs[2]), commit);

  const ByteView mutator = std::get<TxRedoLog>(logs[0]).mutator;
  EXPECT_EQ(mutator.size(), 120u);
  EXPECT_EQ(ToHex(Write(Header(1001), {TxRedoLog{{}, mutator}, info, commit})), kOneLsTransaction);
}

TEST(TxLogBlock, TwoPhaseCommitIsWrittenAsTheSpecificationShows) {
  TxCommitLog commit;
  commit.commit_version = Scn{1700000000000000100};
  commit.trans_type = TransType::kDist;
  commit.tx_data_backup.start_log_ts = Scn{1700000000000000001};
  commit.prev_lsn = Lsn{56};
  commit.ls_log_info_arr = {{LsId{1001}, Lsn{56}}, {LsId{1002}, Lsn{56}}};
  commit.prev_log_type = {PrevLogType::kPrepare};
  const std::string block = ToHex(Write(Header(1001), {commit}));
  EXPECT_TRUE(block.ends_with(
      "000000000000010001d180808000f105e480a8b1e39fe7cb170201898080800081"
      "80a8b1e39fe7cb1700000000000000380201908080800000000000000003e90000000000000038"
      "01908080800000000000000003ea000000000000003803"))
      << block;
  TxAbortLog abort;
  abort.tx_data_backup.start_log_ts = Scn{1700000000000000001};
  EXPECT_TRUE(ToHex(Write(Header(1001), {abort}))
                  .ends_with("0000000000000200"
                             "01908080800002018980808000"
                             "8180a8b1e39fe7cb17"));
  EXPECT_TRUE(ToHex(Write(Header(1001), {TxClearLog{}}))
                  .ends_with("0000000000000400"
                             "01818080800000"));
}

// docs/spec/consistency.md §2.1.
TEST(TxLogBlock, StartWorkingIsWhatAServerWrites) {
  constexpr std::string_view kBehindHint =
      "01a8808080007f01010181808080000001868080800004000000000000000000000000010100"
      "0000000000000000"
      "0000000000100000018480808000"
      "03baf502";
  EXPECT_EQ(ToHex(TxLogBlockBuilder::StartWorking(kSysLsId).value()),
            "00010001c000000067318bf2cf01c8ab" + std::string(kBehindHint));
  EXPECT_EQ(ToHex(TxLogBlockBuilder::StartWorking(LsId{1001}).value()),
            "00010001c00000001cab840c4808dbcc" + std::string(kBehindHint));
  const std::vector<TxLog> logs = ReadAll(TxLogBlockBuilder::StartWorking(kSysLsId).value());
  ASSERT_EQ(logs.size(), 1u);
  EXPECT_EQ(std::get<TxStartWorkingLog>(logs[0]).leader_epoch, TxStartWorkingLog::kServerEpoch);
}

TEST(TxLogBlock, ReaderGivesBackWhatTheBuilderTook) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    TxLogRandom random(seed);
    const Bytes block = random.Block();
    const Result<TxLogBlockReader> reader = TxLogBlockReader::Open(block);
    ASSERT_TRUE(reader) << reader.error().ToString();
    const Bytes again = Write(reader->header(), ReadAll(block));
    EXPECT_EQ(ToHex(again), ToHex(block)) << "seed " << seed;
  }
}

template <class Log>
void ExpectRoundTrips() {
  RandomSource random(7);
  for (int i = 0; i < 300; ++i) {
    Log log;
    Randomize(random, log);
    const Bytes block = Write(Header(1), {log});
    const std::vector<TxLog> read = ReadAll(block);
    ASSERT_EQ(read.size(), 1u);
    EXPECT_EQ(std::get<Log>(read[0]), log);
  }
}

TEST(TxLogBlock, EveryRecordReadsBackEqual) {
  ExpectRoundTrips<TxRollbackToLog>();
  ExpectRoundTrips<TxMultiDataSourceLog>();
  ExpectRoundTrips<TxActiveInfoLog>();
  ExpectRoundTrips<TxRecordLog>();
  ExpectRoundTrips<TxCommitInfoLog>();
  ExpectRoundTrips<TxPrepareLog>();
  ExpectRoundTrips<TxCommitLog>();
  ExpectRoundTrips<TxAbortLog>();
  ExpectRoundTrips<TxClearLog>();
  ExpectRoundTrips<TxStartWorkingLog>();
}

TEST(TxLogBlock, HeaderReadsBackEqual) {
  TxLogRandom random(3);
  for (int i = 0; i < 300; ++i) {
    const TxLogBlockHeader header = random.BlockHeader();
    const Bytes block = Write(header, {TxClearLog{}});
    const Result<TxLogBlockReader> reader = TxLogBlockReader::Open(block);
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->header(), header);
    EXPECT_EQ(reader->base_header().replay_hint, header.tx_id.value.value);
  }
}

// Reads as far as it goes; what matters is that it ends, with a place in every error.
void ReadDamaged(ByteView block) {
  Result<TxLogBlockReader> reader = TxLogBlockReader::Open(block);
  if (!reader) return;
  for (;;) {
    const Result<std::optional<TxLogView>> view = reader->Next();
    if (!view) {
      EXPECT_TRUE(view.error().offset().has_value());
      return;
    }
    if (!*view) return;
    const Result<TxLog> log = DecodeTxLog(**view);
    if (log) continue;
    EXPECT_GE(log.error().offset().value_or(0), (*view)->offset);
    EXPECT_LE(log.error().offset().value_or(0), block.size());
  }
}

TEST(TxLogBlock, TruncatedBlocksEndInAnErrorWithItsPlace) {
  const Bytes block = Block();
  std::size_t whole = 0;
  for (std::size_t size = 0; size < block.size(); ++size) {
    ReadDamaged(ByteView(block).first(size));
    Result<TxLogBlockReader> reader = TxLogBlockReader::Open(ByteView(block).first(size));
    bool failed = !reader;
    while (reader && !failed) {
      const Result<std::optional<TxLogView>> view = reader->Next();
      failed = !view;
      if (view && !*view) break;
    }
    if (!failed) ++whole;
  }
  // Only behind the header and between two logs is a shorter block a whole one.
  EXPECT_EQ(whole, 3u);
}

TEST(TxLogBlock, FlippedBitsNeverCrashTheReader) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Bytes good = TxLogRandom(seed).Block();
    for (std::size_t bit = 0; bit < good.size() * 8; bit += 1 + seed % 5) {
      Bytes bad = good;
      bad[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
      ReadDamaged(bad);
    }
  }
}

TEST(TxLogBlock, UnknownLogsAreReturnedAndPassedOver) {
  Bytes block = Write(Header(1), {TxClearLog{}, TxClearLog{}});
  const std::size_t first = block.size() - 2 * 15;
  block[first + 5] = std::byte{0x70};
  Result<TxLogBlockReader> reader = TxLogBlockReader::Open(block);
  ASSERT_TRUE(reader);
  const Result<std::optional<TxLogView>> unknown = reader->Next();
  ASSERT_TRUE(unknown && *unknown);
  const Result<TxLog> log = DecodeTxLog(**unknown);
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code(), ErrorCode::kNotSupported);
  EXPECT_EQ(log.error().offset(), first);
  const Result<std::optional<TxLogView>> known = reader->Next();
  ASSERT_TRUE(known && *known);
  EXPECT_EQ((*known)->type, TxLogType::kClear);
}

TEST(TxLogBlock, MembersOfANewerWriterAreSkipped) {
  // A CLEAR with a second member that we do not know.
  const Bytes body = FromHex("0182808080000207").value();
  const Result<TxLog> log = DecodeTxLog({TxLogType::kClear, 0, body});
  ASSERT_TRUE(log) << log.error().ToString();
  EXPECT_EQ(std::get<TxClearLog>(*log), TxClearLog{});
}

TEST(TxLogBlock, AnnouncedMembersThatAreMissingAreAnError) {
  const Bytes body = FromHex("01818080800003").value();
  const Result<TxLog> log = DecodeTxLog({TxLogType::kRollbackTo, 100, body});
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().field(), "body.from");
  EXPECT_EQ(log.error().offset(), 100u + 8u + 7u);
}

TEST(TxLogBlock, UnsetMembersAreNotWritten) {
  TxActiveInfoLog active;
  active.trans_type = TransType::kSp;
  EXPECT_TRUE(ToHex(Write(Header(1), {active})).ends_with("000000000000001001848080800082800000"));
}

TEST(TxLogBlock, BarrierIsThatOfTheStrictestNode) {
  const auto with = [](std::vector<TxDataSourceType> types) {
    TxMultiDataSourceLog log;
    for (const TxDataSourceType type : types) log.data.push_back({type, "", 1});
    return BarrierOf(TxLog(log));
  };
  EXPECT_EQ(with({TxDataSourceType::kLsTable}), kNoBarrier);
  EXPECT_EQ(with({TxDataSourceType::kLsTable, TxDataSourceType::kCreateTablet}), kPreBarrier);
  EXPECT_EQ(with({TxDataSourceType::kCreateTablet, TxDataSourceType::kStartTransferOutV2}),
            kStrictBarrier);
  TxCommitLog commit;
  commit.multi_source_data = {{TxDataSourceType::kCreateTablet, "", 1}};
  EXPECT_EQ(BarrierOf(TxLog(commit)), kNoBarrier);
  commit.multi_source_data = {{TxDataSourceType::kStartTransferIn, "", 1}};
  EXPECT_EQ(BarrierOf(TxLog(commit)), kStrictBarrier);
}

TEST(TxLogBlock, OfAnotherLogTypeIsRefused) {
  Bytes block = Block();
  block[3] = std::byte{6};
  const Result<TxLogBlockReader> reader = TxLogBlockReader::Open(block);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().field(), "base_header.log_type");
}

TEST(TxLogBlock, EmptyOrTooLongIsRefused) {
  EXPECT_FALSE(TxLogBlockBuilder(Header(1)).Finish());
  const Bytes mutator(kMaxTxLogSize);
  TxLogBlockBuilder builder(Header(1));
  builder.Add(TxRedoLog{{}, mutator});
  const Result<Bytes> block = std::move(builder).Finish();
  ASSERT_FALSE(block);
  EXPECT_EQ(block.error().code(), ErrorCode::kSizeOverflow);
}

TEST(TxLogBlock, PartsOfABigSegmentMakeUpTheLog) {
  TxMultiDataSourceLog log;
  log.data = {{TxDataSourceType::kDdlTrans, std::string(100, 'x'), 1}};
  const Bytes block = Write(Header(1), {log});
  const Result<TxLogBlockReader> reader = TxLogBlockReader::Open(block);
  ASSERT_TRUE(reader);
  Result<TxLogBlockReader> whole = TxLogBlockReader::Open(block);
  const std::size_t begin = (**whole->Next()).offset;
  const ByteView bytes = ByteView(block).subspan(begin);
  Bytes together;
  for (const ByteView part : {bytes.first(40), bytes.subspan(40)}) {
    TxBigSegmentLog segment;
    segment.part = part;
    const Bytes written = Write(Header(1), {segment});
    const std::vector<TxLog> read = ReadAll(written);
    ASSERT_EQ(read.size(), 1u);
    EXPECT_EQ(TypeOf(read[0]), TxLogType::kBigSegment);
    together.insert(together.end(), part.begin(), part.end());
  }
  EXPECT_EQ(ToHex(together), ToHex(bytes));
}

}  // namespace
}  // namespace obbak::format
