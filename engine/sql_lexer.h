// Words, numbers and signs of the SQL texts that obbak reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace obbak::engine {

struct SqlToken {
  enum class Kind { kEnd, kWord, kQuotedName, kNumber, kSign };
  Kind kind = Kind::kEnd;
  // As written; of a quoted name what is inside the quotes, doubled ones made single.
  std::string text;
  std::size_t offset = 0;
};

// Looks one token ahead. An error is found when its token is looked at, and stays.
class SqlLexer {
 public:
  explicit SqlLexer(std::string_view text) : text_(text) { Advance(); }

  const SqlToken& token() const { return token_; }
  bool AtEnd() const { return token_.kind == SqlToken::Kind::kEnd && error_.empty(); }
  // Whether the token is that word, whatever its letters' case, or that sign.
  bool Is(std::string_view word) const;
  // Takes the token if it is `word`.
  bool Accept(std::string_view word);
  Status Expect(std::string_view word);
  // A name of a table or column.
  Result<std::string> ExpectName();
  // A decimal number of at most `limit`.
  Result<std::uint32_t> ExpectNumber(std::uint32_t limit);

  // "expected a, found b", at the token's place. Something wrong with the token itself goes first.
  std::unexpected<Error> Unexpected(std::string_view expected) const;

 private:
  void Advance();
  void TakeQuotedName();

  std::string_view text_;
  std::size_t position_ = 0;
  SqlToken token_;
  std::string_view error_;
};

}  // namespace obbak::engine
