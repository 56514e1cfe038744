// TimeTag: the date and time inside a file name, e.g. 20230111T193049 (docs/spec/layout.md §1.2).
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "format/ids.h"

namespace obbak::format {

// A civil date and time without a zone: the name doesn't say which zone its writer lived in, so two
// tags compare by what the calendar shows and nothing converts a tag back to an instant. Years 0 to
// 9999. The SCN that counts is inside the file.
struct TimeTag {
  std::chrono::local_seconds value{};

  static constexpr std::size_t kLength = 15;

  // What a calendar shows at a UTC offset of `utc_offset`, `seconds` after the epoch. The result
  // must lie in the years 0 to 9999.
  static TimeTag FromUnixSeconds(std::int64_t seconds, std::chrono::seconds utc_offset);
  // The same for an SCN, rounded down to whole seconds. An invalid SCN gives what SCN 0 gives.
  static TimeTag FromScn(Scn scn, std::chrono::seconds utc_offset);
  // Exactly YYYYMMDDTHHMMSS; the day must exist in the calendar, second 60 does not.
  static std::optional<TimeTag> Parse(std::string_view text);

  // Whether the tag lies in the years 0 to 9999, that is, whether it can stand in a name.
  bool IsValid() const;

  constexpr auto operator<=>(const TimeTag&) const = default;
};

// "20230111T193049". `tag` must be valid.
std::string ToText(TimeTag tag);

}  // namespace obbak::format
