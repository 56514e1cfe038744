#include "format/utc_offset.h"

#include <fmt/format.h>

#include <optional>

namespace obbak::format {
namespace {

using std::chrono::minutes;

std::optional<int> TwoDigits(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!digit(text[0]) || !digit(text[1])) return std::nullopt;
  return (text[0] - '0') * 10 + (text[1] - '0');
}

}  // namespace

Result<std::chrono::seconds> ParseUtcOffset(std::string_view text) {
  const auto fail = [text] {
    return Fail(Error(ErrorCode::kInvalidArgument,
                      fmt::format("'{}' is not a UTC offset from -12:59 to +14:00", text))
                    .WithAdvice("write a time zone like +08:00"));
  };
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return fail();
  const std::optional<int> hours = TwoDigits(text.substr(1, 2));
  const std::optional<int> rest = TwoDigits(text.substr(4, 2));
  if (!hours || !rest || *rest > 59) return fail();
  const minutes size(*hours * 60 + *rest);
  const minutes offset = text[0] == '-' ? -size : size;
  if (offset < -minutes(12 * 60 + 59) || offset > minutes(14 * 60)) return fail();
  return offset;
}

}  // namespace obbak::format
