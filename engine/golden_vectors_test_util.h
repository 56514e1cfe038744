// Golden vectors for tests of the engine.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace obbak::engine {

// The bytes, in hexadecimal, of the only vector in `file` of this record of which `matches` is
// true.
template <class Matches>
std::string GoldenHexIf(std::string_view file, std::string_view record, Matches matches) {
  std::ifstream in(std::string(OBBAK_TESTDATA_DIR) + "/vectors/" + std::string(file));
  std::stringstream text;
  text << in.rdbuf();
  const boost::json::value vectors = boost::json::parse(text.str());
  std::string hex;
  for (const boost::json::value& vector : vectors.as_array()) {
    const boost::json::object& object = vector.as_object();
    if (object.at("struct").as_string() != record || !matches(object)) continue;
    EXPECT_TRUE(hex.empty()) << "two vectors of " << record << " match";
    hex = std::string(object.at("hex").as_string());
  }
  EXPECT_FALSE(hex.empty()) << "no vector of " << record << " matches";
  return hex;
}

// The one with this note.
inline std::string GoldenHex(std::string_view file, std::string_view record,
                             std::string_view note) {
  return GoldenHexIf(file, record, [&](const boost::json::object& vector) {
    return vector.at("note").as_string() == note;
  });
}

}  // namespace obbak::engine
