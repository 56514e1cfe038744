#include "format/path_grammar.h"

#include <charconv>
#include <system_error>

#include "format/time_tag.h"

namespace obbak::format {
namespace {

struct Spelled {
  std::uint64_t value;
  std::size_t length;
};

std::optional<Spelled> MatchNumber(const PathVariable& variable, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  const auto length = static_cast<std::size_t>(end - text.data());
  if (text.front() == '0' && length > 1) return std::nullopt;
  if (value < variable.min || value > variable.max) return std::nullopt;
  return Spelled{value, length};
}

std::optional<Spelled> MatchWord(const PathVariable& variable, std::string_view text) {
  for (std::size_t i = 0; i < variable.words.size(); ++i) {
    const std::string_view word = variable.words[i];
    if (!word.empty() && text.starts_with(word)) return Spelled{i, word.size()};
  }
  return std::nullopt;
}

std::optional<Spelled> MatchTimeTag(std::string_view text) {
  const auto tag = TimeTag::Parse(text.substr(0, TimeTag::kLength));
  if (!tag) return std::nullopt;
  return Spelled{static_cast<std::uint64_t>(tag->value.time_since_epoch().count()),
                 TimeTag::kLength};
}

std::optional<Spelled> MatchVariable(const PathVariable& variable, std::string_view text) {
  switch (variable.form) {
    case VariableForm::kNumber:
      return MatchNumber(variable, text);
    case VariableForm::kTimeTag:
      return MatchTimeTag(text);
    case VariableForm::kWord:
      return MatchWord(variable, text);
  }
  return std::nullopt;
}

bool KeepsOrder(const PathVariable& variable, std::uint64_t value, const PathValues& values) {
  return !variable.above || !values.Has(*variable.above) || value > values.Get(*variable.above);
}

// False if the value contradicts one that is already there.
bool Bind(const PathVariable& variable, std::uint64_t value, PathValues& values) {
  if (values.Has(variable.slot)) return values.Get(variable.slot) == value;
  if (!KeepsOrder(variable, value, values)) return false;
  values.Set(variable.slot, value);
  return true;
}

}  // namespace

PathMatch PathPattern::Match(std::string_view text, PathValues& values,
                             std::size_t first_component) const {
  PathMatch match;
  for (const Token& token : tokens()) {
    if (first_component > 0) {
      if (token.EndsComponent()) --first_component;
      continue;
    }
    const std::string_view rest = text.substr(match.consumed);
    if (token.variable != nullptr) {
      const auto spelled = MatchVariable(*token.variable, rest);
      if (!spelled || !Bind(*token.variable, spelled->value, values)) return match;
      match.consumed += spelled->length;
    } else {
      if (!rest.starts_with(token.literal)) return match;
      match.consumed += token.literal.size();
      if (token.EndsComponent()) match.component = match.consumed;
    }
  }
  match.complete = true;
  if (match.consumed < text.size() && text[match.consumed] == '/') {
    match.component = match.consumed + 1;
  }
  return match;
}

std::optional<std::string> PrintVariable(const PathVariable& variable, std::uint64_t value) {
  switch (variable.form) {
    case VariableForm::kNumber:
      if (value < variable.min || value > variable.max) return std::nullopt;
      return std::to_string(value);
    case VariableForm::kTimeTag: {
      const std::chrono::seconds seconds(static_cast<std::int64_t>(value));
      const TimeTag tag{std::chrono::local_seconds(seconds)};
      if (!tag.IsValid()) return std::nullopt;
      return ToText(tag);
    }
    case VariableForm::kWord:
      if (value >= variable.words.size() || variable.words[value].empty()) return std::nullopt;
      return std::string(variable.words[value]);
  }
  return std::nullopt;
}

bool PathPattern::Print(const PathValues& values, std::string& out) const {
  for (const Token& token : tokens()) {
    if (token.variable == nullptr) {
      out += token.literal;
      continue;
    }
    if (!values.Has(token.variable->slot)) return false;
    const std::uint64_t value = values.Get(token.variable->slot);
    if (!KeepsOrder(*token.variable, value, values)) return false;
    const auto text = PrintVariable(*token.variable, value);
    if (!text) return false;
    out += *text;
  }
  return true;
}

}  // namespace obbak::format
