#include "format/index_rule.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>
#include <string>

namespace obbak::format {
namespace {

namespace json = boost::json;

class RuleParser {
 public:
  RuleParser(std::string_view rule, std::uint64_t i) : rest_(rule), i_(i) {}

  Result<json::value> Parse() {
    if (!Eat("entry i:")) return Malformed();
    json::object entry;
    if (!Members(entry) || !rest_.empty()) return Malformed();
    return entry;
  }

 private:
  Result<json::value> Malformed() const {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("can't follow the rule at '{}'", rest_));
  }
  void SkipBlanks() {
    while (rest_.starts_with(' ')) rest_.remove_prefix(1);
  }
  bool Eat(std::string_view word) {
    SkipBlanks();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  std::string_view Name() {
    SkipBlanks();
    const std::size_t end = rest_.find_first_not_of("abcdefghijklmnopqrstuvwxyz_");
    const std::string_view name = rest_.substr(0, end);
    rest_.remove_prefix(name.size());
    return name;
  }

  bool Members(json::object& out) {
    const json::object* before = nullptr;
    do {
      const std::string key(Name());
      if (key.empty()) return false;
      json::object inner;
      if (Eat("{")) {
        if (!Members(inner) || !Eat("}")) return false;
        out[key] = inner;
      } else if (Eat("same with")) {
        if (before == nullptr) return false;
        inner = *before;
        if (!Member(inner)) return false;
        out[key] = inner;
      } else if (!Expression(out[key])) {
        return false;
      }
      before = out[key].if_object();
    } while (Eat(","));
    return true;
  }
  bool Member(json::object& out) {
    const std::string key(Name());
    return !key.empty() && Expression(out[key]);
  }

  // number | [number] "i" [("/" | "%") number], joined by "+".
  bool Expression(json::value& out) {
    std::uint64_t sum = 0;
    do {
      SkipBlanks();
      std::uint64_t term = 1;
      const bool has_factor = Number(term);
      if (Eat("i")) {
        term *= i_;
        std::uint64_t divisor = 0;
        if (Eat("/")) {
          if (!Number(divisor) || divisor == 0) return false;
          term /= divisor;
        } else if (Eat("%")) {
          if (!Number(divisor) || divisor == 0) return false;
          term %= divisor;
        }
      } else if (!has_factor) {
        return false;
      }
      sum += term;
    } while (Eat("+"));
    out = sum;
    return true;
  }
  bool Number(std::uint64_t& value) {
    const auto [stop, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc()) return false;
    rest_.remove_prefix(static_cast<std::size_t>(stop - rest_.data()));
    return true;
  }

  std::string_view rest_;
  std::uint64_t i_;
};

}  // namespace

Result<json::value> EntryByRule(std::string_view rule, std::uint64_t i) {
  return RuleParser(rule, i).Parse();
}

}  // namespace obbak::format
