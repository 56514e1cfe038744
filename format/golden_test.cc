// The golden files of testdata/golden/samples, and the worked examples of the specification,
// against the readers and writers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "format/backup_inspect.h"
#include "format/backup_path.h"
#include "format/inspect_file.h"
#include "format/log_file_reader.h"
#include "format/log_inspection.h"
#include "format/lsn.h"
#include "format/macro_block_header.h"
#include "format/macro_block_inspection.h"
#include "format/macro_block_reader.h"
#include "format/metadata_file.h"
#include "format/random_access.h"
#include "format/sample_files.h"
#include "format/schema_meta_file.h"
#include "format/tx_log_inspection.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

namespace fs = std::filesystem;

const fs::path kTestdata = OBBAK_TESTDATA_DIR;
const fs::path kGolden = kTestdata / "golden" / "samples";
const fs::path kDocs = kTestdata.parent_path() / "docs";

std::string ReadText(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

const std::vector<SampleFile>& Samples() {
  static const std::vector<SampleFile> samples = SampleFiles().value();
  return samples;
}

const std::vector<SampleFile>& GoldenFiles() {
  static const std::vector<SampleFile> files = [] {
    std::vector<SampleFile> read = Samples();
    for (auto& [path, bytes] : read) {
      const std::string text = ReadText(kGolden / path);
      const ByteView view = AsByteView(text);
      bytes.assign(view.begin(), view.end());
    }
    return read;
  }();
  return files;
}

// Their bytes depend on the version of a library.
bool IsCompressed(std::string_view path) {
  return path.contains("_lz4_") || path.contains("_zstd_");
}

// How a sample is read and explained.
enum class Family { kMetadata, kBlockFile, kArchiveFile, kSchemaMeta, kMacroBlock, kBackupFile };
constexpr std::string_view kFamilyNames[] = {
    "metadata files",    "block files",  "archive files",
    "schema_meta files", "macro blocks", "backup data, index and tablet_info files"};

Family FamilyOf(std::string_view path) {
  if (path.starts_with("engine/clog/")) return Family::kBlockFile;
  if (path.ends_with(".mb")) return Family::kMacroBlock;
  switch (ClassifyByName(path).candidates.front().kind) {
    case PathKind::kLogFile:
      return Family::kArchiveFile;
    case PathKind::kSchemaMeta:
      return Family::kSchemaMeta;
    case PathKind::kMacroBlockData:
    case PathKind::kLsIndex:
    case PathKind::kTenantIndex:
    case PathKind::kTabletInfo:
      return Family::kBackupFile;
    default:
      return Family::kMetadata;
  }
}

// A stretch of a file that was dissected for itself.
struct Part {
  std::string record;
  std::size_t begin = 0;
  std::size_t size = 0;
  Inspection inspection;  // offsets of the dissection count from `begin`
};

// What can be said about a file; an error when a strict reader stops before its end.
Result<std::vector<Part>> InspectLog(LogFileKind kind, ByteView file) {
  Result<LogFileReader> reader = LogFileReader::Open(file, kind);
  if (!reader) return Fail(reader.error());
  std::vector<Part> parts;
  parts.push_back({"LogFileHeader", 0, kLogFileHeaderArea, InspectLogFileHeader(file, kind)});
  LogReader::Outcome outcome = reader->Next();
  for (; outcome == LogReader::Outcome::kGroup; outcome = reader->Next()) {
    const LogGroup& group = reader->group();
    parts.push_back({"LogGroup", reader->offset() - group.bytes.size(), group.bytes.size(),
                     InspectLogGroup(group.bytes, group.lsn, DissectTxLogBlock)});
  }
  if (outcome != LogReader::Outcome::kEnd) return Fail(reader->error());
  Part zeros{"LogFileRest", reader->offset(), file.size() - reader->offset(), {}};
  if (zeros.size > 0) zeros.inspection.dissection.AddFraming("zeros", 0, zeros.size);
  parts.push_back(std::move(zeros));
  return parts;
}

Result<std::vector<Part>> InspectBackupFile(ByteView file) {
  const std::optional<BackupFileKind> kind =
      RecognizeBackupFile(file.first(std::min<std::size_t>(file.size(), 48)));
  if (!kind) return Fail(ErrorCode::kInvalidData, "is no backup file");
  std::vector<Part> parts;
  const Status status =
      ForEachBlock(*kind, RandomAccess::Of(file), {}, [&](const InspectedBlock& block) {
        parts.push_back({std::string(BackupPartName(block.part)), block.offset, block.bytes.size(),
                         block.inspection});
        return true;
      });
  if (!status) return Fail(status.error());
  return parts;
}

Result<std::vector<Part>> Inspect(std::string_view path, ByteView file) {
  switch (FamilyOf(path)) {
    case Family::kBlockFile:
      return InspectLog(LogFileKind::kBlock, file);
    case Family::kArchiveFile:
      return InspectLog(LogFileKind::kArchive, file);
    case Family::kSchemaMeta:
      return std::vector{Part{"SchemaMetaFile", 0, file.size(), SchemaMetaFile::Inspect(file)}};
    case Family::kMacroBlock:
      return std::vector{Part{"MacroBlock", 0, file.size(), InspectMacroBlock(file)}};
    case Family::kBackupFile:
      return InspectBackupFile(file);
    case Family::kMetadata:
      break;
  }
  Result<FileReport> report = InspectFile(path, file);
  if (!report) return Fail(report.error());
  return std::vector{
      Part{std::string(report->record), 0, file.size(), std::move(report->inspection)}};
}

bool IsReadToItsEnd(LogFileKind kind, ByteView file) {
  Result<LogFileReader> reader = LogFileReader::Open(file, kind);
  if (!reader) return false;
  LogReader::Outcome outcome = reader->Next();
  while (outcome == LogReader::Outcome::kGroup) outcome = reader->Next();
  return outcome == LogReader::Outcome::kEnd;
}

// Whether a reader takes the file without an objection, and neither has the inspection any. Asks
// the reader first: most flips end there, and it is much faster.
bool IsAccepted(std::string_view path, ByteView file) {
  switch (FamilyOf(path)) {
    case Family::kBackupFile: {
      const auto kind = RecognizeBackupFile(file.first(std::min<std::size_t>(file.size(), 48)));
      if (!kind || !VerifyBackupFile(*kind, RandomAccess::Of(file))) return false;
      break;
    }
    case Family::kMacroBlock:
      if (!ReadMacroBlockCommonHeader(file)) return false;
      break;
    case Family::kBlockFile:
      if (!IsReadToItsEnd(LogFileKind::kBlock, file)) return false;
      break;
    case Family::kArchiveFile:
      if (!IsReadToItsEnd(LogFileKind::kArchive, file)) return false;
      break;
    case Family::kSchemaMeta:
    case Family::kMetadata:
      break;
  }
  const Result<std::vector<Part>> parts = Inspect(path, file);
  return parts && std::ranges::all_of(
                      *parts, [](const Part& part) { return part.inspection.findings.empty(); });
}

// Rows of a data macro block, as text.
std::vector<std::string> RowsOf(ByteView block) {
  const MacroBlockReader reader = MacroBlockReader::Open(block).value();
  MacroBlockCursor cursor(reader);
  std::vector<std::string> rows;
  EXPECT_TRUE(cursor.SeekToFirst());
  while (cursor.Valid()) {
    std::string& row = rows.emplace_back(std::to_string(cursor.flags().mvcc.bits));
    for (const Datum& cell : cursor.cells()) row += " " + ToHex(cell.bytes());
    EXPECT_TRUE(cursor.Next());
  }
  return rows;
}

void WriteGolden() {
  fs::remove_all(kGolden);
  for (const SampleFile& sample : Samples()) {
    const fs::path file = kGolden / sample.path;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << AsText(sample.bytes);
  }
}

TEST(GoldenTest, SamplesAreTheGoldenFilesByteForByte) {
  if (std::getenv("OBBAK_WRITE_GOLDEN") != nullptr) WriteGolden();
  std::set<std::string> expected;
  for (const SampleFile& sample : Samples()) {
    expected.insert(sample.path);
    const std::string golden = ReadText(kGolden / sample.path);
    if (IsCompressed(sample.path)) continue;
    const auto ours = std::ranges::mismatch(sample.bytes, AsByteView(golden)).in1;
    EXPECT_TRUE(ours == sample.bytes.end() && sample.bytes.size() == golden.size())
        << sample.path << " differs from offset " << ours - sample.bytes.begin() << " on";
  }
  std::set<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(kGolden)) {
    if (entry.is_regular_file())
      found.insert(entry.path().lexically_relative(kGolden).generic_string());
  }
  EXPECT_EQ(found, expected)
      << "run this test with OBBAK_WRITE_GOLDEN=1 and look at the difference";
}

// Another version of a library may compress differently, and so put more or fewer rows into a
// block.
TEST(GoldenTest, CompressedSamplesHaveTheRowsOfTheGoldenFiles) {
  std::size_t compared = 0;
  for (const SampleFile& sample : Samples()) {
    if (!IsCompressed(sample.path) || !sample.path.ends_with("_data.mb")) continue;
    const std::string text = ReadText(kGolden / sample.path);
    std::vector<std::string> golden = RowsOf(AsByteView(text));
    std::vector<std::string> ours = RowsOf(sample.bytes);
    const std::size_t common = std::min(golden.size(), ours.size());
    golden.resize(common);
    ours.resize(common);
    EXPECT_GT(common, 10U);
    EXPECT_EQ(golden, ours) << sample.path;
    ++compared;
  }
  EXPECT_EQ(compared, 2U);
}

TEST(GoldenTest, EveryFileIsRecognisedAcceptedAndExplainedToTheLastByte) {
  std::set<std::string> records;
  for (const auto& [path, bytes] : GoldenFiles()) {
    const Result<std::vector<Part>> parts = Inspect(path, bytes);
    ASSERT_TRUE(parts.has_value()) << path << ": " << parts.error().ToString();
    std::size_t at = 0;
    for (const Part& part : *parts) {
      EXPECT_EQ(part.begin, at) << path;
      at += part.size;
      for (const Error& finding : part.inspection.findings)
        ADD_FAILURE() << path << ": " << finding.ToString();
      const Status named = ExpectEveryByteNamed(part.inspection.dissection, part.size);
      EXPECT_TRUE(named.has_value())
          << path << ", " << part.record << ": " << named.error().ToString();
      records.insert(part.record);
    }
    EXPECT_EQ(at, bytes.size()) << path;
    EXPECT_TRUE(IsAccepted(path, bytes)) << path;
  }
  for (const MetadataFileType& type : MetadataFileTypes()) {
    EXPECT_TRUE(records.contains(std::string(type.record))) << "no golden file of " << type.record;
  }
}

// The fields of docs/format.md's table of what no checksum protects: "| `StorageObjectMeta` |
// `payload.type` |".
std::set<std::string> DocumentedAsUnprotected() {
  std::set<std::string> fields;
  const std::string text = ReadText(kDocs / "format.md");
  const std::regex row("\\| `(\\w+)` \\| `([\\w.\\[\\]]+)` \\|");
  for (std::sregex_iterator it(text.begin(), text.end(), row), end; it != end; ++it) {
    fields.insert((*it)[1].str() + " " + (*it)[2].str());
  }
  return fields;
}

// Path of the innermost field at `offset`, indexes left out.
std::string FieldAt(const Dissection& dissection, std::size_t offset) {
  std::vector<std::string> path;
  for (const Field& field : dissection.fields()) {
    if (offset < field.begin || offset >= field.end) continue;
    path.resize(static_cast<std::size_t>(field.depth));
    path.push_back(field.name.starts_with('[') ? "[]" : field.name);
  }
  std::string text;
  for (const std::string& step : path) text += (text.empty() || step == "[]" ? "" : ".") + step;
  return text;
}

// Bytes to flip bits of: all but the inner ones of long runs of zeros - padding and reserved areas
// - of which every 61st is taken.
std::vector<std::size_t> BytesToFlip(ByteView file) {
  constexpr std::size_t kEdge = 16;
  constexpr std::size_t kStep = 61;
  std::vector<std::size_t> bytes;
  for (std::size_t begin = 0; begin < file.size();) {
    std::size_t end = begin;
    while (end < file.size() && file[end] == std::byte{0}) ++end;
    for (std::size_t at = begin; at < end; ++at) {
      if (at < begin + kEdge || at + kEdge >= end || at % kStep == 0) bytes.push_back(at);
    }
    if (end < file.size()) bytes.push_back(end);
    begin = end + 1;
  }
  return bytes;
}

std::string PlaceOf(const std::vector<Part>& parts, std::size_t offset) {
  for (const Part& part : parts) {
    if (offset >= part.begin && offset - part.begin < part.size)
      return part.record + " " + FieldAt(part.inspection.dissection, offset - part.begin);
  }
  return "no part";
}

TEST(GoldenTest, EveryFlippedBitIsNoticedOrDocumentedAsUnprotected) {
  struct Count {
    std::size_t files = 0;
    std::size_t noticed = 0;
    std::size_t accepted = 0;
  };
  std::map<Family, Count> counts;
  std::map<std::string, std::size_t> accepted;
  for (const auto& [path, intact] : GoldenFiles()) {
    Bytes file = intact;
    Count& count = counts[FamilyOf(path)];
    ++count.files;
    for (const std::size_t byte : BytesToFlip(intact)) {
      for (int bit = 0; bit < 8; ++bit) {
        const auto mask = static_cast<std::byte>(1U << bit);
        file[byte] ^= mask;
        const bool passes = IsAccepted(path, file);
        file[byte] ^= mask;
        ++(passes ? count.accepted : count.noticed);
        if (passes) ++accepted[PlaceOf(Inspect(path, intact).value(), byte)];
      }
    }
  }
  std::set<std::string> fields;
  for (const auto& [field, flips] : accepted) {
    fields.insert(field);
    std::cout << "not noticed: " << flips << " flips in " << field << "\n";
  }
  for (const auto& [family, count] : counts) {
    std::cout << "single-bit flips over " << count.files << " "
              << kFamilyNames[static_cast<std::size_t>(family)] << ": " << count.noticed
              << " noticed, " << count.accepted << " not\n";
  }
  EXPECT_EQ(fields, DocumentedAsUnprotected());
}

// A worked example: "### A. `format.obbak` ... — 126 bytes" and a code block of lines "offset bytes
// caption".
struct Example {
  std::string name;
  std::size_t size = 0;
  Bytes bytes;
};

std::vector<Example> WorkedExamples() {
  std::vector<Example> examples;
  std::istringstream text(ReadText(kDocs / "spec" / "encoding-and-metadata.md"));
  const std::regex heading("### [A-Z]\\. `([^`]+)`.* (\\d+) bytes");
  const std::regex line("^([0-9a-f]{3})  ((?:[0-9a-f]{2} ?)+)(?: .*)?$");
  const std::regex zeros("^([0-9a-f]{3})  (\\d+) bytes of 00 .*$");
  bool open = false;
  std::smatch match;
  for (std::string row; std::getline(text, row);) {
    if (std::regex_match(row, match, heading)) {
      examples.push_back({match[1], std::stoul(match[2]), {}});
      open = true;
    } else if (row.starts_with("#")) {
      open = false;
    } else if (open && std::regex_match(row, match, zeros)) {
      examples.back().bytes.resize(examples.back().bytes.size() + std::stoul(match[2]));
    } else if (open && std::regex_match(row, match, line)) {
      EXPECT_EQ(std::stoul(match[1], nullptr, 16), examples.back().bytes.size()) << row;
      std::string hex = match[2];
      std::erase(hex, ' ');
      const Bytes bytes = FromHex(hex).value();
      examples.back().bytes.insert(examples.back().bytes.end(), bytes.begin(), bytes.end());
    }
  }
  return examples;
}

TEST(SpecificationTest, WorkedExamplesAreFilesThatWeAccept) {
  const std::vector<Example> examples = WorkedExamples();
  EXPECT_GE(examples.size(), 8U);
  for (const Example& example : examples) {
    EXPECT_EQ(example.bytes.size(), example.size) << example.name;
    const Result<FileReport> report = InspectFile(example.name, example.bytes);
    ASSERT_TRUE(report.has_value()) << example.name << ": " << report.error().ToString();
    for (const Error& finding : report->inspection.findings)
      ADD_FAILURE() << example.name << ": " << finding.ToString();
  }
}

}  // namespace
}  // namespace obbak::format
