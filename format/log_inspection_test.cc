#include "format/log_inspection.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "format/data_dict_log.h"
#include "format/decoder.h"
#include "format/dissection_json.h"
#include "format/log_file_header.h"
#include "format/log_payload.h"
#include "format/log_test_support.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

// A log with every kind of payload that has a dissector, some that have none, and padding.
TestLog MixedLog() {
  PalfBaseInfo start;
  start.curr_lsn = Lsn{kPalfBlockSize - 6000};
  TestLog log(start);
  log.Append(*KeepAliveLog(kSysLsId, {}).Encode());
  log.Append(*IdServiceLog(LogBaseType::kTimestamp, 5).Encode());
  log.Append(log.Payload(300));
  log.Seal();
  log.Append(*GcLog(GcLsLogType::kOfflineLs, 7).Encode());
  DictTenantMeta tenant;
  tenant.tenant_name = "t";
  const std::vector<DictMeta> metas = {tenant};
  log.Append(EncodeDictionary(metas, kBaseScn, 9)->front());
  const auto unknown = StoreBaseHeader({.log_type = LogBaseType{99}});
  log.Append(Bytes(unknown.begin(), unknown.end()));
  log.Append(log.Payload(1500));
  log.Append(log.Payload(1500));
  log.Seal();
  return log;
}

Bytes ArchiveFile(const TestLog& log) {
  Bytes file = *HeaderArea<ArchiveFileHeader>::Write({.start_lsn = log.start().curr_lsn});
  file.insert(file.end(), log.bytes().begin(), log.bytes().end());
  return file;
}

struct Group {
  ByteView bytes;
  Lsn lsn;
};
std::vector<Group> GroupsOf(const TestLog& log) {
  std::vector<Group> groups;
  std::size_t begin = 0;
  for (const std::size_t end : log.group_ends()) {
    groups.push_back({.bytes = ByteView(log.bytes()).subspan(begin, end - begin),
                      .lsn = log.start().curr_lsn + begin});
    begin = end;
  }
  return groups;
}

TEST(LogInspectionTest, NamesEveryByteOfEveryGroup) {
  const TestLog log = MixedLog();
  bool padding = false;
  for (const Group& group : GroupsOf(log)) {
    const Inspection inspection = InspectLogGroup(group.bytes, group.lsn);
    EXPECT_TRUE(inspection.findings.empty()) << inspection.findings.front().ToString();
    const Status named = ExpectEveryByteNamed(inspection.dissection, group.bytes.size());
    EXPECT_TRUE(named) << named.error().ToString();
    padding |= inspection.dissection.Find("entries[0].payload.padding") != nullptr;
  }
  EXPECT_TRUE(padding);
}

TEST(LogInspectionTest, ShowsFieldsOfHeadersAndPayloads) {
  const TestLog log = MixedLog();
  const Group group = GroupsOf(log).front();
  const Inspection inspection = InspectLogGroup(group.bytes, group.lsn);
  const auto text = [&](std::string_view path) {
    const Field* field = inspection.dissection.Find(path);
    return field == nullptr ? std::string("none") : ValueText(*field) + " " + field->text;
  };
  EXPECT_EQ(text("group_header.log_id"), "1 ");
  EXPECT_EQ(text("entries[0].payload.base_header.log_type"), "6 KEEP_ALIVE");
  EXPECT_EQ(text("entries[0].payload.body.min_start_status"), "0 UNKNOWN");
  EXPECT_EQ(text("entries[1].payload.body.limit_id"), "5 ");
  EXPECT_EQ(text("entries[2].payload.base_header.log_type"), "1 TRANS_SERVICE");
}

TEST(LogInspectionTest, LeavesTransactionsToTheDissectorThatIsGiven) {
  const TestLog log = MixedLog();
  const Group group = GroupsOf(log).front();
  std::size_t seen = 0;
  const Inspection inspection = InspectLogGroup(group.bytes, group.lsn, [&](Decoder& in) {
    seen += in.remaining();
    const std::size_t begin = in.position();
    in.Take(in.remaining());
    in.Frame("mine", begin);
  });
  EXPECT_EQ(seen, 300);
  const Field* mine = inspection.dissection.Find("entries[2].payload.mine");
  ASSERT_NE(mine, nullptr);
  EXPECT_EQ(mine->end, group.bytes.size());
}

TEST(LogInspectionTest, FindsSomethingForEveryFlippedBitAndNeverLosesBytes) {
  const TestLog log = MixedLog();
  for (const Group& group : GroupsOf(log)) {
    Bytes bytes(group.bytes.begin(), group.bytes.end());
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
      const Inspection inspection = InspectLogGroup(bytes, group.lsn);
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
      EXPECT_FALSE(inspection.findings.empty()) << bit;
      for (const Error& finding : inspection.findings) {
        ASSERT_TRUE(finding.offset()) << finding.ToString();
        EXPECT_LE(*finding.offset(), bytes.size());
      }
    }
  }
}

TEST(LogInspectionTest, ScansAFileEntryByEntry) {
  const TestLog log = MixedLog();
  // The archive file ends with its block; what the log has behind it is the next file's.
  std::size_t in_block = 0;
  for (const std::size_t end : log.group_ends()) {
    if (log.start().curr_lsn + end <= BlockStart(1)) in_block = end;
  }
  Bytes file = ArchiveFile(log);
  file.resize(kLogFileHeaderArea + in_block);
  Result<LogFileReader> reader = LogFileReader::Open(file, LogFileKind::kArchive);
  ASSERT_TRUE(reader);
  std::vector<TestLog::Entry> entries;
  std::size_t with_base_header = 0;
  const LogScan scan = ScanLog(*reader, [&](const LogEntrySummary& summary) {
    with_base_header += summary.base_header ? 1 : 0;
    if (summary.entry.header.IsPadding()) return;
    entries.push_back(
        {.lsn = summary.entry.lsn,
         .scn = summary.entry.scn(),
         .payload = Bytes(summary.entry.payload.begin(), summary.entry.payload.end())});
  });
  EXPECT_EQ(scan.end, LogReader::Outcome::kEnd);
  EXPECT_FALSE(scan.error);
  EXPECT_EQ(scan.offset, file.size());
  EXPECT_EQ(scan.position.curr_lsn, BlockStart(1));
  EXPECT_GT(scan.padding_bytes, 0);
  EXPECT_EQ(scan.entries, entries.size() + 1);
  EXPECT_EQ(with_base_header, scan.entries);
  for (std::size_t i = 0; i < entries.size(); ++i) EXPECT_EQ(entries[i], log.entries()[i]);
}

}  // namespace
}  // namespace obbak::format
