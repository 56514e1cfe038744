#include "restore/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
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
  if (!files) return medium;
  const std::string prefix = std::string(directory) + "/";
  for (const format::SampleFile& file : *files) {
    if (file.path.starts_with(prefix)) medium->files[file.path.substr(prefix.size())] = file.bytes;
  }
  return medium;
}

std::string Text(const ValidationReport& report) {
  std::string text;
  for (const Finding& finding : report.findings) {
    text += std::string(finding.severity == Severity::kError ? "E" : "W") + " " +
            std::to_string(finding.rule) + " [" + finding.object + "] " + finding.error.ToString() +
            "\n";
  }
  return text;
}

ValidationReport ValidateMedia(std::vector<io::Medium*> media) {
  io::SimWorld world(1);
  auto report = world.loop().Run(Validate(world.loop(), std::move(media)));
  EXPECT_TRUE(report.has_value());
  return report ? *std::move(report) : ValidationReport{};
}

TEST(ValidateTest, Samples) {
  const auto data = Sample("data_backup_dest");
  const auto archive = Sample("log_archive_dest");
  const auto stopped = Sample("log_archive_dest_stopped");
  std::printf("%s\n", Text(ValidateMedia({data.get(), archive.get()})).c_str());
  std::printf("%s\n", Text(ValidateMedia({stopped.get()})).c_str());
}

}  // namespace
}  // namespace obbak::restore
