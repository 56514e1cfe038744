// Logging that is handed in: no global logger, quiet unless someone asks.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace obbak {

enum class LogLevel { kError, kWarning, kInfo, kDebug };

// "ERROR", "WARN", "INFO", "DEBUG".
std::string_view LogLevelName(LogLevel level);

// Passes messages up to a level on to a sink. A default-constructed Logger drops everything; copies
// share the sink.
class Logger {
 public:
  using Sink = std::function<void(LogLevel level, std::string_view message)>;

  Logger() = default;
  // Messages less important than `verbosity` are dropped before they reach `sink`.
  Logger(LogLevel verbosity, Sink sink) : verbosity_(verbosity), sink_(std::move(sink)) {}

  // Asked before a message is built, so that a silent logger costs one comparison.
  bool Enabled(LogLevel level) const { return sink_ != nullptr && level <= verbosity_; }
  void Write(LogLevel level, std::string_view message) const {
    if (Enabled(level)) sink_(level, message);
  }

 private:
  LogLevel verbosity_ = LogLevel::kError;
  Sink sink_;
};

}  // namespace obbak
