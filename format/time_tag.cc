#include "format/time_tag.h"

#include <fmt/format.h>

#include <cassert>

namespace obbak::format {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr local_seconds kFirst = local_days(std::chrono::year(0) / 1 / 1);
constexpr local_seconds kEnd = local_days(std::chrono::year(10000) / 1 / 1);

// The number that the `count` characters at `offset` spell, nothing unless all of them are digits.
std::optional<unsigned> Digits(std::string_view text, std::size_t offset, std::size_t count) {
  unsigned number = 0;
  for (const char c : text.substr(offset, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  return number;
}

}  // namespace

TimeTag TimeTag::FromUnixSeconds(std::int64_t unix_seconds, seconds utc_offset) {
  const TimeTag tag{local_seconds(seconds(unix_seconds) + utc_offset)};
  assert(tag.IsValid());
  return tag;
}

TimeTag TimeTag::FromScn(Scn scn, seconds utc_offset) {
  const std::uint64_t nanoseconds = scn.IsValid() ? scn.value : 0;
  return FromUnixSeconds(static_cast<std::int64_t>(nanoseconds / 1'000'000'000), utc_offset);
}

std::optional<TimeTag> TimeTag::Parse(std::string_view text) {
  if (text.size() != kLength || text[8] != 'T') return std::nullopt;
  const auto year = Digits(text, 0, 4);
  const auto month = Digits(text, 4, 2);
  const auto day = Digits(text, 6, 2);
  const auto hour = Digits(text, 9, 2);
  const auto minute = Digits(text, 11, 2);
  const auto second = Digits(text, 13, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day));
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return TimeTag{local_days(date) + hours(*hour) + minutes(*minute) + seconds(*second)};
}

bool TimeTag::IsValid() const { return value >= kFirst && value < kEnd; }

std::string ToText(TimeTag tag) {
  assert(tag.IsValid());
  const auto day = std::chrono::floor<days>(tag.value);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(tag.value - day);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

}  // namespace obbak::format
