// ObTimeZoneInfoWrap and what it can hold. docs/spec/encoding-and-metadata.md §6.6.
#pragma once

#include <boost/describe/class.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "format/backup_enums.h"

namespace obbak::format {

// ObTimeZoneInfo: a fixed distance from UTC.
struct TimeZoneInfo {
  std::int32_t tz_id = -1;
  std::int32_t offset = 0;  // seconds east of UTC
  bool error_on_overlap_time = false;
  bool operator==(const TimeZoneInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(TimeZoneInfo, (), (tz_id, offset, error_on_overlap_time))

// ObTZTransitionTypeInfo: from `lower_time` on, this offset holds.
struct TzTransitionTypeInfo {
  std::int64_t lower_time = std::numeric_limits<std::int64_t>::min();
  std::int32_t offset_sec = 0;
  bool is_dst = false;
  std::string abbr;
  std::int32_t tran_type_id = -1;
  bool operator==(const TzTransitionTypeInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(TzTransitionTypeInfo, (),
                      (lower_time, offset_sec, is_dst, abbr, tran_type_id))

// ObTZRevertTypeInfo: the way back from local time.
struct TzRevertTypeInfo {
  TzTransitionTypeInfo transition;
  TimeZoneRevertClass type_class = TimeZoneRevertClass::kNone;
  std::int32_t offset_sec = 0;
  bool is_dst = false;
  std::string abbr;
  std::int32_t tran_type_id = -1;
  bool operator==(const TzRevertTypeInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(TzRevertTypeInfo, (),
                      (transition, type_class, offset_sec, is_dst, abbr, tran_type_id))

// ObTimeZoneInfoPos: a named zone with its history.
struct TimeZoneInfoPos {
  std::int64_t tz_id = -1;
  TzTransitionTypeInfo default_type;
  std::vector<TzTransitionTypeInfo> tz_tran_types;
  std::vector<TzRevertTypeInfo> tz_revt_types;
  std::string tz_name;
  bool operator==(const TimeZoneInfoPos&) const = default;
};
BOOST_DESCRIBE_STRUCT(TimeZoneInfoPos, (),
                      (tz_id, default_type, tz_tran_types, tz_revt_types, tz_name))

// Which of the two members is written depends on `tz_class`.
struct TimeZoneInfoWrap {
  TimeZoneClass tz_class = TimeZoneClass::kOffset;
  std::int64_t cur_version = -1;
  bool error_on_overlap_time = false;
  TimeZoneInfo tz_info_offset;
  TimeZoneInfoPos tz_info_pos;

  static void Fields(auto& self, auto&& visitor) {
    visitor("class", self.tz_class);
    visitor("cur_version", self.cur_version);
    visitor("error_on_overlap_time", self.error_on_overlap_time);
    if (self.tz_class == TimeZoneClass::kOffset) visitor("tz_info_offset", self.tz_info_offset);
    if (self.tz_class == TimeZoneClass::kPosition) visitor("tz_info_pos", self.tz_info_pos);
  }
  bool operator==(const TimeZoneInfoWrap&) const = default;
};

}  // namespace obbak::format
