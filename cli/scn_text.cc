#include "cli/scn_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "engine/time_text.h"

namespace obbak::cli {
namespace {

using format::Scn;

bool IsDigits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<Scn> FromNumber(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  if (error != std::errc() || end != text.end() || value > Scn::kMaxValue) return std::nullopt;
  return Scn{value};
}

std::optional<Scn> FromTime(std::string_view text) {
  if (text.ends_with(" UTC")) text.remove_suffix(4);
  const std::optional<std::uint64_t> nanos = engine::ParseDateTimeNanos(text);
  if (!nanos) return std::nullopt;
  return Scn{*nanos};
}

}  // namespace

std::string ScnText(Scn scn) { return fmt::format("{} ({})", scn.value, ToText(scn)); }

Result<Scn> ParseScn(std::string_view text) {
  const std::optional<Scn> scn = IsDigits(text) ? FromNumber(text) : FromTime(text);
  if (scn) return *scn;
  return Fail(Error(ErrorCode::kInvalidArgument, fmt::format("'{}' is neither SCN nor time", text))
                  .WithAdvice("write nanoseconds since 1970, or a time in UTC like '2024-01-01 "
                              "12:30:00.5'"));
}

Result<Scn> ChooseSnapshot(std::string_view text, TenantSession& session) {
  const Scn newest = session.tenant.snapshot();
  if (text.empty()) return newest;
  const Result<Scn> asked = ParseScn(text);
  if (!asked) return Fail(asked.error());
  if (*asked <= newest) return *asked;
  const Scn now{session.world.clock().NowNs()};
  if (*asked <= now) return newest;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("SCN {} is in the future: it is {} now", ScnText(*asked), ScnText(now)));
}

}  // namespace obbak::cli
