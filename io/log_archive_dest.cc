#include "io/log_archive_dest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

namespace obbak::io {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t microseconds;
};

// From the largest to the smallest.
constexpr std::array<Unit, 6> kUnits = {{{"d", 86'400'000'000},
                                         {"h", 3'600'000'000},
                                         {"m", 60'000'000},
                                         {"s", 1'000'000},
                                         {"ms", 1'000},
                                         {"us", 1}}};

char ToUpper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, ToUpper, ToUpper);
}

std::string IntervalIn(const Unit& unit, std::chrono::microseconds interval) {
  return fmt::format("{}{}", interval.count() / unit.microseconds, unit.name);
}

std::unexpected<Error> BadArgument(std::string_view what) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("Incorrect arguments to {}", what));
}

Result<ArchiveBinding> ParseBinding(std::string_view word) {
  for (ArchiveBinding binding : {ArchiveBinding::kOptional, ArchiveBinding::kMandatory}) {
    if (EqualsIgnoringCase(word, ToText(binding))) return binding;
  }
  return BadArgument("binding");
}

Result<std::chrono::microseconds> ParsePieceSwitchInterval(std::string_view text,
                                                           const PieceSwitchIntervalRange& range) {
  Result<std::chrono::microseconds> interval = ParseInterval(text);
  if (!interval) return BadArgument("piece_switch_interval");
  if (Status fits = CheckPieceSwitchInterval(*interval, range); !fits) return Fail(fits.error());
  return interval;
}

constexpr std::array<std::string_view, 4> kKeys = {"LOCATION", "BINDING", "PIECE_SWITCH_INTERVAL",
                                                   "COMPRESSION"};
enum Key : std::uint8_t { kLocation, kBinding, kPieceSwitchInterval, kCompression };
using Items = std::array<std::optional<std::string_view>, kKeys.size()>;

Result<Items> SplitItems(std::string_view options) {
  Items items;
  while (true) {
    options.remove_prefix(std::min(options.find_first_not_of(' '), options.size()));
    if (options.empty()) return items;
    const std::string_view item = options.substr(0, options.find(' '));
    options.remove_prefix(item.size());

    const std::size_t equals = std::min(item.find('='), item.size());
    const auto key = std::ranges::find_if(kKeys, [&](std::string_view known) {
      return EqualsIgnoringCase(known, item.substr(0, equals));
    });
    if (key == kKeys.end()) {
      return Fail(Error(ErrorCode::kNotSupported,
                        "an item other than LOCATION, BINDING, PIECE_SWITCH_INTERVAL, COMPRESSION "
                        "in log_archive_dest is not supported")
                      .WithAdvice("separate items by blanks and write no blank around '='"));
    }
    if (equals + 1 >= item.size()) return BadArgument(*key);
    auto& value = items[static_cast<std::size_t>(key - kKeys.begin())];
    if (value) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("log_archive_dest has more than one {}", *key));
    }
    value = item.substr(equals + 1);
  }
}

std::string Join(std::string_view location, const LogArchiveDest& dest) {
  return fmt::format("LOCATION={} BINDING={} PIECE_SWITCH_INTERVAL={}", location,
                     ToText(dest.binding), ExactIntervalText(dest.piece_switch_interval));
}

}  // namespace

Result<LogArchiveDest> LogArchiveDest::Parse(std::string_view options,
                                             const PieceSwitchIntervalRange& range) {
  const Result<Items> items = SplitItems(options);
  if (!items) return Fail(items.error());
  const auto& [location, binding, interval, compression] = *items;
  if (!location) {
    return Fail(ErrorCode::kNotSupported, "set archive dest without location is not supported");
  }
  Result<BackupDest> parsed_location = BackupDest::Parse(*location);
  if (!parsed_location) return Fail(std::move(parsed_location).error());
  LogArchiveDest dest{.location = *std::move(parsed_location)};
  if (binding) {
    const Result<ArchiveBinding> parsed = ParseBinding(*binding);
    if (!parsed) return Fail(parsed.error());
    dest.binding = *parsed;
  }
  if (interval) {
    const auto parsed = ParsePieceSwitchInterval(*interval, range);
    if (!parsed) return Fail(parsed.error());
    dest.piece_switch_interval = *parsed;
  }
  if (compression && !EqualsIgnoringCase(*compression, "ENABLE") &&
      !EqualsIgnoringCase(*compression, "DISABLE")) {
    return Fail(ErrorCode::kNotSupported,
                "COMPRESSION other than ENABLE or DISABLE is not supported");
  }
  return dest;
}

std::string LogArchiveDest::ToMaskedString() const {
  return Join(location.ToMaskedString(), *this);
}

std::string LogArchiveDest::ToStringWithSecrets() const {
  return Join(location.ToPersistedStringWithSecrets(), *this);
}

std::string_view ToText(ArchiveBinding binding) {
  return binding == ArchiveBinding::kOptional ? "OPTIONAL" : "MANDATORY";
}

Result<std::chrono::microseconds> ParseInterval(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const auto digits = static_cast<std::size_t>(stop - text.data());
  if (error != std::errc() || number < 0 || text[0] == '-') return BadArgument("time");
  if (text[0] == '0' && digits > 1) return BadArgument("time, a number with a leading zero");
  const std::string_view name = digits == text.size() ? "s" : text.substr(digits);
  const auto unit = std::ranges::find_if(
      kUnits, [name](const Unit& known) { return EqualsIgnoringCase(known.name, name); });
  if (unit == kUnits.end()) return BadArgument("time, whose unit is none of us, ms, s, m, h, d");
  if (number > std::numeric_limits<std::int64_t>::max() / unit->microseconds) {
    return BadArgument("time, which is too long");
  }
  return std::chrono::microseconds(number * unit->microseconds);
}

Result<std::chrono::microseconds> ParseLagTarget(std::string_view text) {
  const auto lag = ParseInterval(text);
  if (!lag) return Fail(Error(lag.error()).WithField("archive_lag_target"));
  if (*lag <= std::chrono::seconds(7200)) return lag;
  return Fail(Error(ErrorCode::kInvalidArgument, "'" + std::string(text) + "' is more than 7200 s")
                  .WithField("archive_lag_target"));
}

Status CheckPieceSwitchInterval(std::chrono::microseconds interval,
                                const PieceSwitchIntervalRange& range) {
  if (interval >= range.min && interval <= range.max && interval.count() > 0) return {};
  return Fail(ErrorCode::kNotSupported,
              fmt::format("invalid piece_switch_interval out of range [{},{}] is not supported",
                          ExactIntervalText(range.min), ExactIntervalText(range.max)));
}

std::string ExactIntervalText(std::chrono::microseconds interval) {
  const auto unit = std::ranges::find_if(
      kUnits, [interval](const Unit& u) { return interval.count() % u.microseconds == 0; });
  return IntervalIn(*unit, interval);
}

std::string StoredIntervalText(std::chrono::microseconds interval) {
  const auto unit = std::ranges::find_if(
      kUnits, [interval](const Unit& u) { return interval.count() >= u.microseconds; });
  return IntervalIn(unit == kUnits.end() ? kUnits.back() : *unit, interval);
}

}  // namespace obbak::io
