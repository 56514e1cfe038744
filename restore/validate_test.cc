// Validation over the sample destinations, which hold what one tenant's metadata looks like, but
// only a part of its data and logs; over real ones it is tried in e2e/.
#include "restore/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "format/sample_files.h"
#include "io/sim_world.h"
#include "restore/memory_medium_test_util.h"

namespace obbak::restore {
namespace {

// The samples below one directory.
std::unique_ptr<MemoryMedium> Sample(std::string_view directory) {
  auto medium = std::make_unique<MemoryMedium>("file:///" + std::string(directory));
  const auto files = format::SampleFiles();
  EXPECT_TRUE(files);
  if (!files) return medium;
  const std::string prefix = std::string(directory) + "/";
  for (const format::SampleFile& file : *files) {
    if (file.path.starts_with(prefix)) medium->files[file.path.substr(prefix.size())] = file.bytes;
  }
  return medium;
}

ValidationReport ValidateMedia(std::vector<io::Medium*> media) {
  io::SimWorld world(1);
  auto report = world.loop().Run(Validate(world.loop(), std::move(media)));
  EXPECT_TRUE(report.has_value());
  return report ? *std::move(report) : ValidationReport{};
}

std::set<int> RulesOf(const ValidationReport& report) {
  std::set<int> rules;
  for (const Finding& finding : report.findings) rules.insert(finding.rule);
  return rules;
}

std::string Text(const ValidationReport& report) {
  std::string text;
  for (const Finding& finding : report.findings)
    text += std::to_string(finding.rule) + " " + finding.error.ToString() + "\n";
  return text;
}

TEST(ValidateTest, MetadataOfTheSamplesAgrees) {
  const auto data = Sample("data_backup_dest");
  const auto archive = Sample("log_archive_dest");
  const ValidationReport report = ValidateMedia({data.get(), archive.get()});
  // No sample file is damaged or unknown, and what the metadata files of sets and pieces say of
  // each other holds.
  const std::set<int> rules = RulesOf(report);
  for (const int rule : {0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 16, 33, 34, 35, 36, 37, 42})
    EXPECT_FALSE(rules.contains(rule)) << rule << "\n" << Text(report);
  EXPECT_EQ(report.sets.size(), 2u);
  EXPECT_EQ(report.pieces.size(), 3u);
  EXPECT_FALSE(report.ok());
}

TEST(ValidateTest, WhatTheSamplesLackIsMissed) {
  const auto data = Sample("data_backup_dest");
  const auto archive = Sample("log_archive_dest");
  const std::set<int> rules = RulesOf(ValidateMedia({data.get(), archive.get()}));
  // tablet_info, tenant indexes, inner tablets, data and index files, archived logs.
  for (const int rule : {8, 17, 31, 39}) EXPECT_TRUE(rules.contains(rule)) << rule;
}

// The sample has the list of a file's parts, but none of them.
TEST(ValidateTest, ALogFileInPartsIsRead) {
  const auto archive = Sample("log_archive_dest_s3");
  const ValidationReport report = ValidateMedia({archive.get()});
  const auto is_it = [](const Finding& finding) {
    return finding.error.path().ends_with("/log/2.obarc/@APD_PART@0-32472973.obarc") ||
           finding.error.path().ends_with("/log/2.obarc");
  };
  EXPECT_TRUE(std::ranges::any_of(report.findings, is_it)) << Text(report);
  EXPECT_FALSE(report.ok());
}

TEST(ValidateTest, AnEmptyDirectoryIsNoDestination) {
  MemoryMedium empty("file:///nothing");
  const ValidationReport report = ValidateMedia({&empty});
  ASSERT_FALSE(report.findings.empty());
  EXPECT_EQ(report.findings[0].error.code(), ErrorCode::kBackupFormatFileNotExist);
  EXPECT_FALSE(report.ok());
  EXPECT_TRUE(report.windows.empty());
}

// A root that cannot be read.
class BrokenMedium : public MemoryMedium {
 public:
  using MemoryMedium::MemoryMedium;
  io::Task<Result<std::vector<io::DirEntry>>> List(std::string) override {
    co_return Fail(ErrorCode::kIoError, "it is gone");
  }
};

TEST(ValidateTest, AMediumThatCannotBeReadIsAnError) {
  BrokenMedium broken("file:///gone");
  io::SimWorld world(1);
  const auto report = world.loop().Run(Validate(world.loop(), {&broken}));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), ErrorCode::kIoError);
}

}  // namespace
}  // namespace obbak::restore
