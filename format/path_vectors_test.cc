#include "format/path_vectors.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "base/bytes.h"

namespace obbak::format {
namespace {

boost::json::array LoadVectors() {
  std::ifstream file(OBBAK_TESTDATA_DIR "/vectors/33_backup_paths.json");
  std::ostringstream text;
  text << file.rdbuf();
  return boost::json::parse(text.str()).as_array();
}

std::string_view TextOf(const boost::json::value& value) { return value.as_string(); }

TEST(PathVectorsTest, EveryPathOfTheOriginalIsRebuiltFromItsValues) {
  const boost::json::array vectors = LoadVectors();
  ASSERT_EQ(vectors.size(), 153u);
  for (const boost::json::value& entry : vectors) {
    const auto path = PathFromVector(TextOf(entry.at("struct")), entry.at("fields").as_object());
    ASSERT_TRUE(path) << entry << path.error().ToString();
    EXPECT_EQ(ToHex(AsByteView(*path)), TextOf(entry.at("hex")));
    EXPECT_EQ(*path, TextOf(entry.at("fields").at("path")));
  }
}

// No argument is ignored, none is made up.
TEST(PathVectorsTest, EveryFieldIsNeededAndNoOtherIsTaken) {
  for (const boost::json::value& entry : LoadVectors()) {
    const boost::json::object& fields = entry.at("fields").as_object();
    const std::string_view function = TextOf(entry.at("struct"));
    for (const auto& field : fields) {
      if (field.key() == "path") continue;
      boost::json::object fewer = fields;
      fewer.erase(field.key());
      EXPECT_FALSE(PathFromVector(function, fewer)) << function << " without " << field.key();
      boost::json::object wrong = fields;
      wrong[field.key()] = nullptr;
      EXPECT_FALSE(PathFromVector(function, wrong)) << function << " without " << field.key();
    }
    boost::json::object more = fields;
    more["color"] = 1;
    EXPECT_FALSE(PathFromVector(function, more)) << function;
  }
}

TEST(PathVectorsTest, EveryNumberReachesThePath) {
  for (const boost::json::value& entry : LoadVectors()) {
    const boost::json::object& fields = entry.at("fields").as_object();
    for (const auto& field : fields) {
      if (!field.value().is_int64() || field.key() == "data_type") continue;
      boost::json::object other = fields;
      other[field.key()] = "9223372036854775807";
      const auto path = PathFromVector(TextOf(entry.at("struct")), other);
      ASSERT_TRUE(path) << path.error().ToString();
      EXPECT_NE(path->find("9223372036854775807"), std::string::npos) << *path;
      other[field.key()] = -1;
      EXPECT_FALSE(PathFromVector(TextOf(entry.at("struct")), other));
    }
  }
}

TEST(PathVectorsTest, UnknownFunctionsAndDataTypesAreErrors) {
  const boost::json::object root{{"root", "file:///a"}};
  EXPECT_EQ(PathFromVector("path:get_pieces_dir_path", root), "file:///a/pieces");
  EXPECT_EQ(PathFromVector("path:get_luck", root).error().code(), ErrorCode::kNotSupported);
  EXPECT_EQ(PathFromVector("get_pieces_dir_path", root).error().code(), ErrorCode::kNotSupported);
  const boost::json::object turn{
      {"backup_set_root", "file:///a"}, {"data_type", 3}, {"turn_id", 1}};
  EXPECT_FALSE(PathFromVector("path:get_backup_data_tablet_ls_info_path", turn));
}

}  // namespace
}  // namespace obbak::format
