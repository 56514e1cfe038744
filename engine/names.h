// Names of databases, tables and columns.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace obbak::engine {

// The longest name, in bytes.
inline constexpr std::size_t kMaxNameLength = 128;

// ASCII letters made small, as utf8mb4_general_ci compares them.
inline std::string FoldedName(std::string_view name) {
  std::string folded(name);
  std::ranges::transform(folded, folded.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return folded;
}
inline bool SameName(std::string_view left, std::string_view right) {
  return left.size() == right.size() && FoldedName(left) == FoldedName(right);
}

// In backquotes, as a text that is parsed as a name again.
inline std::string QuotedName(std::string_view name) {
  std::string quoted = "`";
  for (const char c : name) quoted.append(c == '`' ? 2 : 1, c);
  return quoted + "`";
}

}  // namespace obbak::engine
