#include "format/log_base_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "format/log_headers.h"
#include "format/record.h"

namespace obbak::format {

void CheckRules(const LogBaseHeader& header, Rules& rules) {
  rules.Require(header.version == LogBaseHeader::kHeaderVersion, "version", "must be 1");
  rules.Require(header.log_type > LogBaseType::kInvalid, "log_type", "must be above 0");
  rules.Require(
      header.flag == kNoBarrier || header.flag == kPreBarrier || header.flag == kStrictBarrier,
      "flag", "must be 0, 0x40000000 (pre-barrier) or 0xc0000000 (strict barrier)");
}

std::array<std::byte, LogBaseHeader::kSize> StoreBaseHeader(const LogBaseHeader& header) {
  Encoder out;
  EncodeValue(out, header);
  std::array<std::byte, LogBaseHeader::kSize> stored{};
  std::ranges::copy(out.bytes(), stored.begin());
  return stored;
}

Result<LogBaseHeader> LoadBaseHeader(ByteView payload) {
  if (payload.size() < LogBaseHeader::kSize) {
    return Fail(Error(ErrorCode::kDeserializeError,
                      fmt::format("a payload of {} bytes is shorter than its base header's {}",
                                  payload.size(), LogBaseHeader::kSize))
                    .WithField("base_header"));
  }
  using log_headers_detail::Load;
  const LogBaseHeader header{.version = Load<std::int16_t>(payload.data()),
                             .log_type = LogBaseType{Load<std::int16_t>(payload.data() + 2)},
                             .flag = Load<std::int32_t>(payload.data() + 4),
                             .replay_hint = Load<std::int64_t>(payload.data() + 8)};
  Rules rules;
  CheckRules(header, rules);
  if (Status status = rules.ToStatus(ErrorCode::kInvalidData, "base_header"); !status)
    return Fail(std::move(status).error());
  return header;
}

}  // namespace obbak::format
