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

constexpr std::size_t kMicroDigits = 6;
constexpr std::size_t kNanoDigits = 9;

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
  // Digits behind the microseconds.
  std::uint64_t nanos = 0;
  const std::size_t point = text.find('.');
  if (point != text.npos && text.size() - point - 1 > kMicroDigits) {
    const std::string_view rest = text.substr(point + 1 + kMicroDigits);
    if (rest.size() > kNanoDigits - kMicroDigits || !IsDigits(rest)) return std::nullopt;
    std::string padded(rest);
    padded.resize(kNanoDigits - kMicroDigits, '0');
    std::from_chars(padded.data(), padded.data() + padded.size(), nanos);
    text.remove_suffix(rest.size());
  }
  const std::optional<std::int64_t> micros = engine::ParseDateTime(text);
  constexpr std::int64_t kMaxMicros = static_cast<std::int64_t>(Scn::kMaxValue / 1000) - 1;
  if (!micros || *micros < 0 || *micros > kMaxMicros) return std::nullopt;
  return Scn{static_cast<std::uint64_t>(*micros) * 1000 + nanos};
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
