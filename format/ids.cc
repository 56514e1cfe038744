#include "format/ids.h"

#include <fmt/format.h>

#include <chrono>

namespace obbak::format {
namespace {

// `fraction_digits` digits of `fraction` follow the seconds.
std::string UtcText(std::chrono::sys_seconds seconds, std::uint64_t fraction, int fraction_digits) {
  const auto days = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss time(seconds - days);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:0{}} UTC",
                     static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), fraction, fraction_digits);
}

}  // namespace

std::string ToText(Scn scn) {
  if (scn == kMinScn) return "min";
  if (scn == kBaseScn) return "base";
  if (scn == kMaxScn) return "max";
  if (!scn.IsValid()) return "invalid";
  const std::chrono::sys_seconds seconds{std::chrono::seconds(scn.value / 1'000'000'000)};
  return UtcText(seconds, scn.value % 1'000'000'000, 9);
}

std::string ToText(Timestamp time) {
  // Calendar years beyond 32767 do not exist in <chrono>; such a stamp is damage, not a date.
  constexpr std::int64_t kLimit = 900'000'000'000'000'000;
  if (time.value < -kLimit || time.value > kLimit) return "out of range";
  std::int64_t seconds = time.value / 1'000'000;
  std::int64_t micros = time.value % 1'000'000;
  if (micros < 0) {
    micros += 1'000'000;
    --seconds;
  }
  return UtcText(std::chrono::sys_seconds{std::chrono::seconds(seconds)},
                 static_cast<std::uint64_t>(micros), 6);
}

std::string ToText(DataVersion version) {
  return fmt::format("{}.{}.{}.{}", version.value >> 32, (version.value >> 16) & 0xffff,
                     (version.value >> 8) & 0xff, version.value & 0xff);
}

}  // namespace obbak::format
