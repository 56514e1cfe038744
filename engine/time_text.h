// Dates and times as texts, in the ranges that MySQL has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace obbak::engine {

// 1000-01-01 .. 9999-12-31, in days since 1970-01-01.
std::optional<std::int32_t> ParseDate(std::string_view text);
std::optional<std::string> DateText(std::int32_t days);

// A date, and after a blank or a T the time of day, with up to six digits of a second's fraction;
// in microseconds since 1970-01-01 00:00:00. A date alone is its first moment.
std::optional<std::int64_t> ParseDateTime(std::string_view text);
std::optional<std::string> DateTimeText(std::int64_t micros);
// The same with up to nine digits of the fraction, in nanoseconds; from 1970 to what an SCN holds.
std::optional<std::uint64_t> ParseDateTimeNanos(std::string_view text);

// -838:59:59 .. 838:59:59, in microseconds.
std::optional<std::int64_t> ParseTime(std::string_view text);
std::optional<std::string> TimeText(std::int64_t micros);

// 0000 (0), 1901 (1) .. 2155 (255).
std::optional<std::uint8_t> ParseYear(std::string_view text);
std::string YearText(std::uint8_t year);

}  // namespace obbak::engine
