// Whole command lines in a directory of the test's own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/obbak.h"

namespace obbak::cli {

struct CommandResult {
  std::string out;
  std::string err;
  int status = kSuccess;
};

enum class Terminal { kNo, kYes };

class ObbakTest : public testing::Test {
 protected:
  ObbakTest() {
    std::string name = (std::filesystem::temp_directory_path() / "obbak-cli-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~ObbakTest() override { std::filesystem::remove_all(directory_); }

  std::string DataDir() const { return (directory_ / "data").string(); }

  CommandResult Run(std::vector<std::string> arguments, Terminal terminal = Terminal::kNo) {
    CommandResult result;
    const bool is_terminal = terminal == Terminal::kYes;
    const Console console{.out = [&](std::string_view text) { result.out += text; },
                          .err = [&](std::string_view text) { result.err += text; },
                          .out_is_terminal = is_terminal,
                          .err_is_terminal = is_terminal};
    arguments.insert(arguments.begin(), {"--data-dir", DataDir()});
    result.status = RunObbak(arguments, "1.2.3", console);
    return result;
  }
  // Must succeed, silently on standard error.
  std::string Out(std::vector<std::string> arguments) {
    const CommandResult result = Run(std::move(arguments));
    EXPECT_EQ(result.status, kSuccess);
    EXPECT_EQ(result.err, "");
    return result.out;
  }
  // Must fail.
  std::string Err(std::vector<std::string> arguments) {
    const CommandResult result = Run(std::move(arguments));
    EXPECT_EQ(result.status, kFailure) << result.out;
    return result.err;
  }

  void CreateAccounts() {
    Out({"tenant", "create", "shop"});
    Out({"table", "create", "accounts",
         "id bigint, owner varchar(20), balance bigint, primary key (id)", "--partitions", "3"});
  }
  std::string Write(const std::string& name, std::string_view content) {
    const std::filesystem::path path = directory_ / name;
    std::ofstream(path, std::ios::binary) << content;
    return path.string();
  }

  std::filesystem::path directory_;
};

inline std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The number behind "SCN ".
inline std::string ScnIn(const std::string& text) {
  const std::size_t begin = text.find("SCN ") + 4;
  return text.substr(begin, text.find(' ', begin) - begin);
}

}  // namespace obbak::cli
