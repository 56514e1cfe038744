// The golden files of testdata/golden, and the worked examples of the specification, against the
// readers and writers.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "base/bytes.h"
#include "format/inspect_file.h"
#include "format/sample_destination.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

namespace fs = std::filesystem;

const fs::path kTestdata = OBBAK_TESTDATA_DIR;
const fs::path kGolden = kTestdata / "golden";
const fs::path kDocs = kTestdata.parent_path() / "docs";

std::string ReadText(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

const std::vector<SampleFile>& Samples() {
  static const std::vector<SampleFile> samples = SampleDestinations().value();
  return samples;
}

TEST(GoldenTest, SamplesAreTheGoldenFilesByteForByte) {
  std::set<std::string> expected;
  for (const SampleFile& sample : Samples()) {
    expected.insert(sample.path);
    EXPECT_EQ(ToHex(AsByteView(ReadText(kGolden / sample.path))), ToHex(sample.bytes))
        << sample.path;
  }
  std::set<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(kGolden)) {
    if (entry.is_regular_file())
      found.insert(entry.path().lexically_relative(kGolden).generic_string());
  }
  EXPECT_EQ(found, expected)
      << "write them anew with `obbak demo --dir` and look at the difference";
}

TEST(GoldenTest, EveryFileIsRecognisedAcceptedAndExplainedToTheLastByte) {
  std::set<std::string> records;
  for (const SampleFile& sample : Samples()) {
    const Result<FileReport> report = InspectFile(sample.path, sample.bytes);
    ASSERT_TRUE(report.has_value()) << sample.path << ": " << report.error().ToString();
    for (const Error& finding : report->inspection.findings)
      ADD_FAILURE() << sample.path << ": " << finding.ToString();
    const Status named = ExpectEveryByteNamed(report->inspection.dissection, sample.bytes.size());
    EXPECT_TRUE(named.has_value()) << sample.path << ": " << named.error().ToString();
    records.insert(std::string(report->record));
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

TEST(GoldenTest, EveryFlippedBitIsNoticedOrDocumentedAsUnprotected) {
  std::size_t rejected = 0;
  std::map<std::string, std::size_t> accepted;
  for (const SampleFile& sample : Samples()) {
    Bytes file = sample.bytes;
    const FileReport intact = InspectFile(sample.path, file).value();
    for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
      const auto mask = static_cast<std::byte>(1U << bit % 8);
      file[bit / 8] ^= mask;
      const Result<FileReport> report = InspectFile(sample.path, file);
      file[bit / 8] ^= mask;
      if (!report || !report->inspection.findings.empty()) {
        ++rejected;
      } else {
        ++accepted[std::string(intact.record) + " " +
                   FieldAt(intact.inspection.dissection, bit / 8)];
      }
    }
  }
  std::size_t total_accepted = 0;
  std::set<std::string> fields;
  for (const auto& [field, count] : accepted) {
    total_accepted += count;
    fields.insert(field);
    std::cout << "not noticed: " << count << " flips in " << field << "\n";
  }
  std::cout << "single-bit flips over " << Samples().size() << " golden files: " << rejected
            << " noticed, " << total_accepted << " not\n";
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
