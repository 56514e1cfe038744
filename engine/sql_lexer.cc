#include "engine/sql_lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

namespace obbak::engine {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameCharacter(char c) {
  // Bytes of UTF-8 letters are part of names, as in MySQL.
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

void SqlLexer::Advance() {
  constexpr std::string_view kBlanks = " \t\r\n";
  position_ = std::min(text_.find_first_not_of(kBlanks, position_), text_.size());
  token_ = {.kind = SqlToken::Kind::kEnd, .text = {}, .offset = position_};
  if (position_ == text_.size()) return;
  const char first = text_[position_];
  if (first == '`') return TakeQuotedName();
  std::size_t end = position_;
  while (end < text_.size() && IsNameCharacter(text_[end])) ++end;
  if (end == position_) {
    token_.kind = SqlToken::Kind::kSign;
    end = position_ + 1;
  } else {
    const bool is_number = std::all_of(text_.begin() + static_cast<std::ptrdiff_t>(position_),
                                       text_.begin() + static_cast<std::ptrdiff_t>(end), IsDigit);
    token_.kind = is_number ? SqlToken::Kind::kNumber : SqlToken::Kind::kWord;
  }
  token_.text = text_.substr(position_, end - position_);
  position_ = end;
}

void SqlLexer::TakeQuotedName() {
  token_.kind = SqlToken::Kind::kQuotedName;
  for (++position_; position_ < text_.size(); ++position_) {
    if (text_[position_] == '`') {
      ++position_;
      if (position_ >= text_.size() || text_[position_] != '`') {
        if (token_.text.empty()) error_ = "a quoted name is empty";
        return;
      }
    }
    token_.text.push_back(text_[position_]);
  }
  error_ = "a quoted name does not end";
}

bool SqlLexer::Is(std::string_view word) const {
  const bool comparable =
      token_.kind == SqlToken::Kind::kWord || token_.kind == SqlToken::Kind::kSign;
  return comparable && std::ranges::equal(token_.text, word, {}, Lower, Lower);
}

bool SqlLexer::Accept(std::string_view word) {
  if (!Is(word)) return false;
  Advance();
  return true;
}

Status SqlLexer::Expect(std::string_view word) {
  if (!Accept(word)) return Unexpected(fmt::format("'{}'", word));
  return {};
}

Result<std::string> SqlLexer::ExpectName() {
  const bool is_name =
      token_.kind == SqlToken::Kind::kWord || token_.kind == SqlToken::Kind::kQuotedName;
  if (!is_name || !error_.empty()) return Unexpected("a name");
  std::string name = std::move(token_.text);
  Advance();
  return name;
}

Result<std::uint32_t> SqlLexer::ExpectNumber(std::uint32_t limit) {
  if (token_.kind != SqlToken::Kind::kNumber) return Unexpected("a number");
  std::uint32_t number = 0;
  const char* const end = token_.text.data() + token_.text.size();
  const auto [stop, error] = std::from_chars(token_.text.data(), end, number);
  if (error != std::errc() || stop != end || number > limit) {
    return Unexpected(fmt::format("a number of at most {}", limit));
  }
  Advance();
  return number;
}

std::unexpected<Error> SqlLexer::Unexpected(std::string_view expected) const {
  std::string message;
  if (!error_.empty()) {
    message = error_;
  } else if (token_.kind == SqlToken::Kind::kEnd) {
    message = fmt::format("expected {}, found the end", expected);
  } else {
    message = fmt::format("expected {}, found '{}'", expected, token_.text);
  }
  return Fail(Error(ErrorCode::kInvalidArgument, std::move(message)).WithOffset(token_.offset));
}

}  // namespace obbak::engine
