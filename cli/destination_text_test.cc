#include "cli/destination_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace obbak::cli {
namespace {

struct DestinationText : testing::Test {
  std::string warnings;
  Console console{.out = [](std::string_view) {},
                  .err = [this](std::string_view text) { warnings += text; }};
  std::string here = std::filesystem::current_path().string();
};

TEST_F(DestinationText, DirectoriesAreUris) {
  EXPECT_EQ(UriOf("/data/backup/"), "file:///data/backup");
  EXPECT_EQ(UriOf("backup/../b"), "file://" + here + "/b");
  EXPECT_EQ(UriOf("file:///x"), "file:///x");
  EXPECT_EQ(UriOf("s3://bucket/p?host=h"), "s3://bucket/p?host=h");
  EXPECT_EQ(DirectoryOf("file:///x").value(), "/x");
  EXPECT_EQ(DirectoryOf("x/y").value(), "x/y");
}

TEST_F(DestinationText, SourcesComeInAnyMixture) {
  const auto sources = ParseDestinations("/data,file:///archive", console);
  ASSERT_TRUE(sources) << sources.error().ToString();
  ASSERT_EQ(sources->size(), 2);
  EXPECT_EQ((*sources)[0].root(), "file:///data");
  EXPECT_EQ((*sources)[1].root(), "file:///archive");
  EXPECT_FALSE(ParseDestinations("/a,/b,/c", console));
}

TEST_F(DestinationText, AnArchiveIsAPlaceOrAnOptionString) {
  for (const std::string text : {"/a", "file:///a", "LOCATION=/a", "location=file:///a"}) {
    const auto dest = ParseArchiveDestination(text, {}, console);
    ASSERT_TRUE(dest) << text << ": " << dest.error().ToString();
    EXPECT_EQ(dest->location.root(), "file:///a");
  }
  const auto dest = ParseArchiveDestination(
      "BINDING=mandatory LOCATION=/a PIECE_SWITCH_INTERVAL=2d", {}, console);
  ASSERT_TRUE(dest) << dest.error().ToString();
  EXPECT_EQ(dest->binding, io::ArchiveBinding::kMandatory);
  EXPECT_EQ(dest->piece_switch_interval, std::chrono::days(2));
  EXPECT_FALSE(ParseArchiveDestination("BINDING=OPTIONAL", {}, console));
}

TEST_F(DestinationText, WhatIsIgnoredIsSaidWithoutSecrets) {
  const auto dest =
      ParseDestination("oss://bucket/p?host=h&access_id=ID&access_key=SECRET&colour=red", console);
  ASSERT_TRUE(dest) << dest.error().ToString();
  EXPECT_THAT(warnings, testing::HasSubstr("colour"));
  EXPECT_THAT(warnings, testing::Not(testing::HasSubstr("SECRET")));
}

}  // namespace
}  // namespace obbak::cli
