#include "restore/restore_point.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "engine/time_text.h"
#include "format/utc_offset.h"

namespace obbak::restore {

using format::Scn;

Result<Scn> PointOfTime(const std::string& text, std::string_view time_zone) {
  const std::optional<std::uint64_t> local = engine::ParseDateTimeNanos(text);
  if (!local) {
    return Fail(Error(ErrorCode::kInvalidArgument, fmt::format("'{}' is no time", text))
                    .WithAdvice("write it like '2024-01-01 12:30:00.5', in the time zone of the "
                                "tenant that was backed up"));
  }
  const Result<std::chrono::seconds> offset = format::ParseUtcOffset(time_zone);
  if (!offset) return Fail(offset.error());
  const std::int64_t shift = std::chrono::nanoseconds(*offset).count();
  const auto utc = static_cast<std::int64_t>(*local) - shift;
  if (utc <= 0 || static_cast<std::uint64_t>(utc) > Scn::kMaxValue) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("no log was ever written at '{}'", text));
  }
  return Scn{static_cast<std::uint64_t>(utc)};
}

}  // namespace obbak::restore
