// Where commands print: handed in, so that tests and pipes look alike to them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace obbak::cli {

// Exit statuses of every command.
inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;  // damaged, not found, refused; standard error says what
inline constexpr int kUsage = 2;    // the command line is wrong

struct Console {
  std::function<void(std::string_view text)> out;
  std::function<void(std::string_view text)> err;
  // Whether a person looks at them: tables are aligned for people only, and so is progress.
  bool out_is_terminal = false;
  bool err_is_terminal = false;

  // One line for what is no reason to fail.
  void Warn(std::string_view message) const { err("obbak: WARN: " + std::string(message) + "\n"); }
  // One line per error; returns kFailure.
  int Fail(const Error& error) const {
    err(error.ToString() + "\n");
    return kFailure;
  }
};

}  // namespace obbak::cli
