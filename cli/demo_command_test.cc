// The demonstration proves what it says, and keeps off what isn't its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "cli/obbak_test_support.h"

namespace obbak::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class DemoCommandTest : public ObbakTest {
 protected:
  std::string Dir() const { return (directory_ / "demo").string(); }
};

constexpr const char* kCharacters =
    "0041;LATIN CAPITAL LETTER A;Lu;0;L;;;;;N;;;;0061;\n"
    "00BD;VULGAR FRACTION ONE HALF;No;0;ON;<fraction> 0031 2044 0032;;;1/2;N;FRACTION ONE "
    "HALF;;;;\n"
    "0338;COMBINING LONG SOLIDUS OVERLAY;Mn;1;NSM;;;;;N;NON-SPACING LONG SLASH OVERLAY;;;;\n"
    "1F600;GRINNING FACE;So;0;ON;;;;;N;;;;;\n";

TEST_F(DemoCommandTest, ProvesThatTheTenantIsBack) {
  const std::string characters = Write("UnicodeData.txt", kCharacters);
  const CommandResult demo =
      Run({"demo", "--dir", Dir(), "--unicode-data", characters, "--rows", "3"});
  EXPECT_EQ(demo.status, kSuccess) << demo.out << demo.err;
  EXPECT_THAT(demo.out, HasSubstr("3 rows are gone"));
  EXPECT_THAT(demo.out, HasSubstr("proved  test.unicode is the same            3 rows"));
  EXPECT_THAT(demo.out, HasSubstr("proved  every account is as recorded"));
  EXPECT_THAT(demo.out, Not(HasSubstr("FAILED")));
  EXPECT_THAT(demo.out, HasSubstr("restorable"));
  EXPECT_THAT(demo.out, HasSubstr(" 0 unknown names"));
  fs::rename(Dir() + "/data", DataDir());
  EXPECT_EQ(Lines(Out({"--tenant", "rescued", "scan", "unicode"})).size(), 4);
}

TEST_F(DemoCommandTest, NeverWritesIntoADirectoryInUse) {
  fs::create_directories(Dir());
  std::ofstream(Dir() + "/precious") << "data";
  EXPECT_THAT(Err({"demo", "--dir", Dir()}), HasSubstr("is not an empty directory"));
}

TEST_F(DemoCommandTest, SaysWhichPackageHasTheCharacters) {
  EXPECT_THAT(Err({"demo", "--dir", Dir(), "--unicode-data", "/nonexistent"}),
              HasSubstr("Debian package unicode-data"));
}

}  // namespace
}  // namespace obbak::cli
