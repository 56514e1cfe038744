#include "cli/inspect_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "cli/tree_view.h"
#include "format/sample_destination.h"
#include "format/sample_files.h"

namespace obbak::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

const fs::path kGolden = fs::path(OBBAK_TESTDATA_DIR) / "golden";
const fs::path kSamples = kGolden / "samples";

// What a command prints, and its exit status.
struct CommandResult {
  std::string out;
  std::string err;
  int status = kSuccess;
};

template <class Command>
CommandResult Capture(Command command) {
  CommandResult result;
  const Console console{.out = [&](std::string_view text) { result.out += text; },
                        .err = [&](std::string_view text) { result.err += text; }};
  result.status = command(console);
  return result;
}
CommandResult RunInspect(const fs::path& path, InspectOutput output) {
  return Capture(
      [&](const Console& console) { return Inspect(path, {.output = output}, console); });
}
void WriteSamples(const fs::path& directory) {
  const Result<std::vector<format::SampleFile>> files = format::SampleFiles();
  ASSERT_TRUE(files.has_value());
  for (const format::SampleFile& file : *files) {
    fs::create_directories((directory / file.path).parent_path());
    std::ofstream(directory / file.path, std::ios::binary) << AsText(file.bytes);
  }
}

// A directory of the test's own, gone at its end.
class InspectCommandTest : public testing::Test {
 protected:
  InspectCommandTest() {
    std::string name = (fs::temp_directory_path() / "obbak-inspect-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~InspectCommandTest() override { fs::remove_all(directory_); }

  fs::path Write(const fs::path& name, std::string_view content) {
    fs::create_directories((directory_ / name).parent_path());
    std::ofstream(directory_ / name, std::ios::binary) << content;
    return directory_ / name;
  }
  static std::string Read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  fs::path directory_;
};

TEST_F(InspectCommandTest, PrintsTheShapeOfObAdmin) {
  const CommandResult result = RunInspect(
      kSamples / "log_archive_dest/rounds/round_d1002r1_start.obarc", InspectOutput::kDump);
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(
      result.out,
      HasSubstr(
          "------------------------------{Backup Common Header}------------------------------\n"
          "|                     data_type|18 (BACKUP_ARCHIVE_ROUND_START_INFO)\n"
          "|                header_version|1                             \n"));
  EXPECT_THAT(
      result.out,
      HasSubstr(
          "------------------------------{archive round start info}------------------------------\n"
          "|                       dest_id|1002                          \n"
          "|                      round_id|1                             \n"
          "|                     start_scn|1673436649000000000 (2023-01-11 11:30:49.000000000 "
          "UTC)\n"
          "|                 base_piece_id|1                             \n"
          "|         piece_switch_interval|86400000000                   \n" +
          std::string(80, '-') + "\n"));
}

// Whatever the view, no value of the file is left out.
TEST_F(InspectCommandTest, ShowsEveryFieldOfEveryGoldenMetadataFileInTheDump) {
  const Result<std::vector<format::SampleFile>> samples = format::SampleDestinations();
  ASSERT_TRUE(samples.has_value());
  for (const format::SampleFile& sample : *samples) {
    const fs::path path = kSamples / sample.path;
    if (fs::file_size(path) == 0) continue;
    const std::string dump = RunInspect(path, InspectOutput::kDump).out;
    const CommandResult hex = RunInspect(path, InspectOutput::kHex);
    EXPECT_EQ(hex.status, 0) << path;
    // Each text of the file appears in all views.
    const std::string json = RunInspect(path, InspectOutput::kJson).out;
    boost::system::error_code error;
    const boost::json::value parsed = boost::json::parse(json, error);
    ASSERT_FALSE(error) << json;
    EXPECT_TRUE(parsed.at("findings").as_array().empty());
    const auto check = [&](const auto& self, const boost::json::value& value) -> void {
      if (value.is_object()) {
        for (const auto& member : value.get_object()) self(self, member.value());
      } else if (value.is_array()) {
        for (const auto& item : value.get_array()) self(self, item);
      } else if (value.is_string()) {
        EXPECT_THAT(dump, HasSubstr(std::string(value.get_string()))) << path;
        EXPECT_THAT(hex.out, HasSubstr(std::string(value.get_string()))) << path;
      }
    };
    if (const auto* payload = parsed.as_object().if_contains("payload")) check(check, *payload);
  }
}

TEST_F(InspectCommandTest, NamesEveryByteInTheHexView) {
  for (const auto& entry : fs::recursive_directory_iterator(kGolden)) {
    if (!entry.is_regular_file()) continue;
    const std::string hex = RunInspect(entry.path(), InspectOutput::kHex).out;
    EXPECT_THAT(hex, Not(HasSubstr("not explained")));
    EXPECT_THAT(hex, Not(HasSubstr("not decoded")));
  }
}

TEST_F(InspectCommandTest, ShowsWhatADamagedFileStillHoldsAndWhatFailed) {
  std::string bytes = Read(kSamples / "log_archive_dest/piece_d1002r1p1/single_piece_info.obarc");
  const fs::path cut = Write("single_piece_info.obarc", bytes.substr(0, 110));
  const CommandResult result = RunInspect(cut, InspectOutput::kDump);
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.out, HasSubstr("|                 key.tenant_id|1002 "));
  EXPECT_THAT(result.err,
              HasSubstr(cut.string() + ": offset 0x20 (32): field header.data_checksum: is 0x"));
  EXPECT_THAT(result.err, HasSubstr("envelope promises"));

  bytes[0x50] = static_cast<char>(bytes[0x50] ^ 1);
  const CommandResult json =
      RunInspect(Write("single_piece_info.obarc", bytes), InspectOutput::kJson);
  const boost::json::value parsed = boost::json::parse(json.out);
  EXPECT_EQ(parsed.at("findings").as_array().at(0).at("field"), "header.data_checksum");
  EXPECT_EQ(parsed.at("findings").as_array().at(0).at("offset"), 32);
}

const fs::path kLog =
    kSamples / "log_archive_dest_stopped/piece_d1002r1p1/logstream_1001/log/1.obarc";

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST_F(InspectCommandTest, ListsOneLinePerLogEntryAndTheRowsOnDemand) {
  const CommandResult plain = RunInspect(kLog, InspectOutput::kDump);
  EXPECT_EQ(plain.status, 0);
  EXPECT_THAT(plain.out, HasSubstr("START_WORKING"));
  EXPECT_THAT(plain.out, HasSubstr("clean end at offset"));
  EXPECT_THAT(plain.out, Not(HasSubstr("INSERT tablet")));
  const CommandResult rows =
      Capture([&](const Console& console) { return Inspect(kLog, {.rows = true}, console); });
  EXPECT_THAT(rows.out, HasSubstr("        INSERT tablet 200001 key (1)"));
  // A heading, the columns, the entries, the end: as many entries as JSON has objects but for its
  // end.
  EXPECT_EQ(Lines(plain.out).size() - 3,
            Lines(RunInspect(kLog, InspectOutput::kJson).out).size() - 1);
}

TEST_F(InspectCommandTest, PrintsEveryJsonObjectOfALogOnALineOfItsOwn) {
  for (const std::string& line : Lines(RunInspect(kLog, InspectOutput::kJson).out)) {
    boost::system::error_code error;
    EXPECT_TRUE(boost::json::parse(line, error).is_object()) << line;
  }
}

TEST_F(InspectCommandTest, TellsATornTailFromDamage) {
  const std::string bytes = Read(kLog);
  const CommandResult torn =
      RunInspect(Write("log/1.obarc", bytes.substr(0, bytes.size() - 10)), InspectOutput::kDump);
  EXPECT_EQ(torn.status, 0);
  EXPECT_THAT(torn.out, HasSubstr("torn tail at offset"));
  std::string damaged = bytes;
  damaged[4096 + 200] = static_cast<char>(damaged[4096 + 200] ^ 1);
  const CommandResult damage = RunInspect(Write("log/1.obarc", damaged), InspectOutput::kDump);
  EXPECT_EQ(damage.status, 1);
  EXPECT_THAT(damage.out, HasSubstr("damage at offset"));
  EXPECT_THAT(damage.err, HasSubstr("offset 0x"));
}

TEST_F(InspectCommandTest, LooksIntoMacroBlocksAloneAndInDataFiles) {
  const auto rows = [](const fs::path& path) {
    return Capture([&](const Console& console) { return Inspect(path, {.rows = true}, console); });
  };
  const CommandResult block = rows(kSamples / "engine/macro_block/minor_lz4_data.mb");
  EXPECT_EQ(block.status, 0);
  EXPECT_THAT(block.out, HasSubstr("{SSTable Macro Block Header}"));
  EXPECT_THAT(block.out, HasSubstr("|ROW[0]:dml=INSERT"));
  const CommandResult data = rows(kSamples /
                                  "data_backup_dest/backup_set_1_full/logstream_1001/"
                                  "minor_data_turn_1_retry_0/macro_block_data.0.obbak");
  EXPECT_EQ(data.status, 0);
  EXPECT_THAT(data.out, HasSubstr("{Backup File Header}"));
  EXPECT_THAT(data.out, HasSubstr("|ROW[0]:dml="));
  EXPECT_THAT(data.out, HasSubstr("{Backup Macro Block Index[1]}"));
}

TEST_F(InspectCommandTest, SaysSoWhenAFileIsNoneOfABackup) {
  const CommandResult text = RunInspect(Write("notes.txt", "hello"), InspectOutput::kDump);
  EXPECT_EQ(text.status, 1);
  EXPECT_THAT(text.err, HasSubstr("neither its name nor its header"));
  const CommandResult missing = RunInspect(directory_ / "nope", InspectOutput::kDump);
  EXPECT_EQ(missing.status, 1);
  EXPECT_THAT(missing.err, HasSubstr("OB_FILE_NOT_EXIST"));
}

TEST_F(InspectCommandTest, ListsADestinationWithUnknownNamesAsUnknown) {
  WriteSamples(directory_ / "d");
  Write("d/data_backup_dest/backup_set_1_full/scratch.tmp", "x");
  const CommandResult tree = RunInspect(directory_ / "d/data_backup_dest", InspectOutput::kDump);
  EXPECT_EQ(tree.status, 0);
  EXPECT_THAT(tree.out, testing::ContainsRegex("    scratch.tmp +1 B  unknown\n"));
  EXPECT_THAT(tree.out, HasSubstr("identity of the destination"));
  EXPECT_THAT(tree.out, HasSubstr("49 files, 1 unknown names\n"));

  // A directory inside a destination is known by the path that leads to it.
  const Result<std::vector<TreeEntry>> inside =
      ListTree(directory_ / "d/data_backup_dest/backup_set_1_full");
  ASSERT_TRUE(inside.has_value());
  for (const TreeEntry& entry : *inside)
    EXPECT_EQ(entry.known, entry.path != "scratch.tmp") << entry.path;
}

}  // namespace
}  // namespace obbak::cli
