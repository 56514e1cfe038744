// The engine behind a layout's names: a layout is a table of patterns such as
// "backup_set_{set}_{kind}/logstream_{ls}", and one pattern serves both directions. Substituting
// values prints a path, matching a path gives the values. Which patterns and variables exist is the
// business of the table: that of the 4.x destinations is in format/backup_path.cc, another layout
// is another table.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace obbak::format {

// How a variable is spelled.
enum class VariableForm : std::uint8_t {
  kNumber,   // decimal, no sign, no leading zero
  kTimeTag,  // 15 characters, format/time_tag.h
  kWord,     // one of a few words
};

// A variable that patterns mention as "{name}". Its value lives in a slot; two variables that share
// a slot are two spellings of one value, and a pattern that mentions both matches only if they
// agree.
struct PathVariable {
  std::string_view name;
  std::size_t slot;
  VariableForm form;
  // kNumber: the smallest and the largest value that may stand in a path.
  std::uint64_t min = 0;
  std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
  // kWord: the spelling of each value; an empty word means that this variable can't express it. No
  // word begins with another one.
  std::span<const std::string_view> words = {};
  // The value must be greater than the value of that slot.
  std::optional<std::size_t> above = std::nullopt;
};

// The values of one path: numbers as they are, words as their index, time tags as their civil
// seconds since 1970.
class PathValues {
 public:
  static constexpr std::size_t kSlots = 24;

  bool Has(std::size_t slot) const { return bound_[slot]; }
  std::uint64_t Get(std::size_t slot) const { return values_[slot]; }
  void Set(std::size_t slot, std::uint64_t value) {
    values_[slot] = value;
    bound_.set(slot);
  }
  void Clear() { bound_.reset(); }

 private:
  std::array<std::uint64_t, kSlots> values_{};
  std::bitset<kSlots> bound_;
};

// How far a pattern and a text went together.
struct PathMatch {
  // All of the pattern was matched.
  bool complete = false;
  // The characters of the text that were matched; the whole text fits if all of them.
  std::size_t consumed = 0;
  // Where the component of the text begins that matching had reached.
  std::size_t component = 0;
};

class PathPattern {
 public:
  // Compiles `text`. `variables` must outlive the pattern. A faulty pattern does not compile: a
  // variable nobody knows, words of which one begins with another, or a number in front of a digit
  // or of another variable. So matching never has to go back and is linear in the text.
  consteval PathPattern(std::string_view text, std::span<const PathVariable> variables);

  std::string_view text() const { return text_; }
  // Components between slashes.
  std::size_t components() const { return components_; }

  // Matches the beginning of `text` and adds the values found to `values`, from which they must not
  // differ. With `first_component` > 0 only that component of the pattern and the ones after it
  // count.
  PathMatch Match(std::string_view text, PathValues& values, std::size_t first_component = 0) const;

  // Appends the path that `values` spell. False, with `out` in an unspecified state, if a value is
  // missing or can't stand in a path.
  bool Print(const PathValues& values, std::string& out) const;

  // Calls `visit(variable)` for each variable in the order of the pattern.
  template <class Visitor>
  void ForEachVariable(Visitor visit) const {
    for (const Token& token : tokens()) {
      if (token.variable != nullptr) visit(*token.variable);
    }
  }

 private:
  // A variable, or a literal that holds no slash except as its last character.
  struct Token {
    std::string_view literal;
    const PathVariable* variable = nullptr;

    constexpr bool EndsComponent() const { return literal.ends_with('/'); }
  };

  std::span<const Token> tokens() const { return {tokens_.data(), token_count_}; }
  consteval void Add(Token token);

  static constexpr std::size_t kMaxTokens = 24;

  std::string_view text_;
  std::array<Token, kMaxTokens> tokens_{};
  std::size_t token_count_ = 0;
  std::size_t components_ = 1;
};

// The row of a layout's table that a text matches as a whole.
template <class Row>
struct RowSearch {
  const Row* row = nullptr;
  // Without a row: where the first component of the text begins that fits no row.
  std::size_t misfit = 0;
};

// Tries the rows for which `admits(row)` holds; each has a PathPattern `pattern`. The values of the
// row found are in `values`.
template <class Row, class Filter>
RowSearch<Row> FindRow(std::span<const Row> rows, std::string_view text, PathValues& values,
                       Filter admits) {
  RowSearch<Row> search;
  for (const Row& row : rows) {
    if (!admits(row)) continue;
    values.Clear();
    const PathMatch match = row.pattern.Match(text, values);
    if (match.complete && match.consumed == text.size()) return {.row = &row};
    search.misfit = std::max(search.misfit, match.component);
  }
  return search;
}

// The value's spelling, nothing if the variable can't express it.
std::optional<std::string> PrintVariable(const PathVariable& variable, std::uint64_t value);

// ---- Compilation: a `throw` here is a message of the compiler, never an exception. ----

consteval void PathPattern::Add(Token token) {
  if (token_count_ == kMaxTokens) throw "the pattern has too many parts";
  const bool after_variable = token_count_ > 0 && tokens_[token_count_ - 1].variable != nullptr;
  if (after_variable && tokens_[token_count_ - 1].variable->form == VariableForm::kNumber &&
      (token.variable != nullptr || (token.literal[0] >= '0' && token.literal[0] <= '9'))) {
    throw "a number must be followed by something that can't continue it";
  }
  if (token.variable != nullptr) {
    const auto& words = token.variable->words;
    for (std::size_t i = 0; i < words.size(); ++i) {
      for (std::size_t j = 0; j < words.size(); ++j) {
        if (i != j && !words[i].empty() && words[j].starts_with(words[i])) {
          throw "a word begins with another one";
        }
      }
    }
  }
  if (token.EndsComponent()) ++components_;
  tokens_[token_count_++] = token;
}

consteval PathPattern::PathPattern(std::string_view text, std::span<const PathVariable> variables)
    : text_(text) {
  while (!text.empty()) {
    if (text.front() == '{') {
      const std::size_t end = text.find('}');
      if (end == std::string_view::npos) throw "a brace is not closed";
      const std::string_view name = text.substr(1, end - 1);
      const PathVariable* found = nullptr;
      for (const PathVariable& variable : variables) {
        if (variable.name == name) found = &variable;
      }
      if (found == nullptr) throw "the pattern mentions an unknown variable";
      if (found->slot >= PathValues::kSlots) throw "there is no such slot";
      Add({.literal = {}, .variable = found});
      text.remove_prefix(end + 1);
    } else {
      std::size_t end = 0;
      while (end < text.size() && text[end] != '{' && text[end] != '/') ++end;
      if (end < text.size() && text[end] == '/') ++end;
      Add({.literal = text.substr(0, end)});
      text.remove_prefix(end);
    }
  }
}

}  // namespace obbak::format
