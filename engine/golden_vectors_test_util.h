// Golden vectors for tests of the engine.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace obbak::engine {

// The bytes, in hexadecimal, of the only vector in `file` with this record name and note.
inline std::string GoldenHex(std::string_view file, std::string_view record,
                             std::string_view note) {
  std::ifstream in(std::string(OBBAK_TESTDATA_DIR) + "/vectors/" + std::string(file));
  std::stringstream text;
  text << in.rdbuf();
  const boost::json::value vectors = boost::json::parse(text.str());
  std::string hex;
  for (const boost::json::value& vector : vectors.as_array()) {
    const boost::json::object& object = vector.as_object();
    if (object.at("struct").as_string() != record || object.at("note").as_string() != note)
      continue;
    EXPECT_TRUE(hex.empty()) << "two vectors " << record << " with note " << note;
    hex = std::string(object.at("hex").as_string());
  }
  EXPECT_FALSE(hex.empty()) << "no vector " << record << " with note " << note;
  return hex;
}

}  // namespace obbak::engine
