// The option string of LOG_ARCHIVE_DEST: docs/spec/user-surface.md §1.1, docs/spec/layout.md §4.2.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/backup_dest.h"

namespace obbak::io {

// Whether commits wait for the archive; 4.3 stores it without effect.
enum class ArchiveBinding : std::uint8_t { kOptional, kMandatory };

// Which piece switch intervals are accepted. The defaults are what a statement may say; the engine
// itself works from kMinimum up, and a test or a demonstration may allow less still.
struct PieceSwitchIntervalRange {
  static constexpr std::chrono::microseconds kMinimum = std::chrono::seconds(60);

  std::chrono::microseconds min = std::chrono::days(1);
  std::chrono::microseconds max = std::chrono::days(7);
};

struct LogArchiveDest {
  BackupDest location;
  ArchiveBinding binding = ArchiveBinding::kOptional;
  // Above zero.
  std::chrono::microseconds piece_switch_interval = std::chrono::days(1);

  // Parses "LOCATION=<uri> [BINDING=..] [PIECE_SWITCH_INTERVAL=..] [COMPRESSION=..]": items
  // separated by blanks, keys and words in any case. What is not given has its default. COMPRESSION
  // must be ENABLE or DISABLE and has no effect. The empty string, with which a statement unsets
  // the destination, is the caller's business: here the location is missing.
  //
  // Fails with kNotSupported on an unknown key, a missing location, an interval out of `range` or
  // another compression; with kInvalidArgument on a malformed item and (unlike 4.3.0.1, where the
  // last one wins) on a repeated key; and as BackupDest::Parse. No message quotes the location.
  static Result<LogArchiveDest> Parse(std::string_view options,
                                      const PieceSwitchIntervalRange& range = {});

  // All three items, the interval exactly. Parse reads the second form back, provided that the
  // location contains no blank.
  std::string ToMaskedString() const;
  std::string ToStringWithSecrets() const;

  bool operator==(const LogArchiveDest&) const = default;
};

// "OPTIONAL" or "MANDATORY".
std::string_view ToText(ArchiveBinding binding);

// Parses a time as parameters have it: a decimal number and one of us, ms, s, m, h, d in any case;
// s when there is none. Fails with kInvalidArgument on anything else, on a number with a leading
// zero (which a server reads as octal) and beyond the range of microseconds.
Result<std::chrono::microseconds> ParseInterval(std::string_view text);

// archive_lag_target: an interval of up to 7200 s (docs/spec/user-surface.md). kInvalidArgument
// for anything else.
Result<std::chrono::microseconds> ParseLagTarget(std::string_view text);

// kNotSupported for an interval that `range` does not allow.
Status CheckPieceSwitchInterval(std::chrono::microseconds interval,
                                const PieceSwitchIntervalRange& range);

// The interval in the largest unit that expresses it exactly: "36h".
std::string ExactIntervalText(std::chrono::microseconds interval);

// The interval as it is stored and shown: in the largest unit of which it has at least one, the
// rest cut off. 36h gives "1d".
std::string StoredIntervalText(std::chrono::microseconds interval);

}  // namespace obbak::io
