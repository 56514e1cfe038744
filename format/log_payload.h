// The logs that belong to no transaction. docs/spec/clog-and-archive.md §10,
// docs/spec/consistency.md §1.2, §2.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "format/dissection.h"
#include "format/field_types.h"
#include "format/ids.h"
#include "format/log_base_header.h"
#include "format/record_layout.h"
#include "format/rules.h"

namespace obbak::format {

class Decoder;

// ObKeepAliveLogBody's status.
enum class MinStartScnStatus : std::int32_t { kUnknown = 0, kNoCtx = 1, kHasCtx = 2 };
constexpr auto EnumNames(MinStartScnStatus) {
  return std::to_array<NamedValue<MinStartScnStatus>>({{MinStartScnStatus::kUnknown, "UNKNOWN"},
                                                       {MinStartScnStatus::kNoCtx, "NO_CTX"},
                                                       {MinStartScnStatus::kHasCtx, "HAS_CTX"}});
}

// KEEP_ALIVE: lets an idle log stream's SCN advance. ObKeepAliveLogBody.
struct KeepAliveLogBody {
  std::int64_t compat_bit = 1;
  Scn min_start_scn;  // of the open transactions
  MinStartScnStatus min_start_status = MinStartScnStatus::kUnknown;
  bool operator==(const KeepAliveLogBody&) const = default;
};
BOOST_DESCRIBE_STRUCT(KeepAliveLogBody, (), (compat_bit, min_start_scn, min_start_status))
// What a server writes (docs/spec/consistency.md §2.2); a reader accepts any combination.
void CheckRules(const KeepAliveLogBody& body, Rules& rules);

// TIMESTAMP, TRANS_ID, DAS_ID: no id from limit_id upward has been given out. ObPresistIDLog.
struct PresistIdLog {
  std::int64_t last_id = 0;  // a server writes limit_id here too
  std::int64_t limit_id = 0;
  bool operator==(const PresistIdLog&) const = default;
};
BOOST_DESCRIBE_STRUCT(PresistIdLog, (), (last_id, limit_id))
void CheckRules(const PresistIdLog& log, Rules& rules);

// ObGCLSLOGType.
enum class GcLsLogType : std::int16_t { kBlockTabletTransferIn = 1, kOfflineLs = 2 };
constexpr auto EnumNames(GcLsLogType) {
  return std::to_array<NamedValue<GcLsLogType>>(
      {{GcLsLogType::kBlockTabletTransferIn, "BLOCK_TABLET_TRANSFER_IN"},
       {GcLsLogType::kOfflineLs, "OFFLINE_LS"}});
}

// GC_LS: steps of dropping a log stream; OFFLINE_LS is its last log. ObGCLSLog.
struct GcLsLog {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedBigEndian;
  static constexpr std::size_t kSize = 4;

  std::int16_t version = 1;
  GcLsLogType log_type = GcLsLogType::kOfflineLs;
  bool operator==(const GcLsLog&) const = default;
};
BOOST_DESCRIBE_STRUCT(GcLsLog, (), (version, log_type))
void CheckRules(const GcLsLog& log, Rules& rules);

// A payload of base header and one of the bodies above: KeepAliveLogBody, PresistIdLog, GcLsLog.
template <class Body>
struct LogPayload {
  LogBaseHeader base_header;
  Body body;

  // Fails when a rule does not hold, so that nothing invalid is ever written.
  Result<Bytes> Encode() const;
  // Fails when the payload's type is none of the body's, when it does not decode, or when bytes are
  // left over. `trace` receives its fields at the top level.
  static Result<LogPayload> Decode(ByteView payload, Dissection* trace = nullptr);

  bool operator==(const LogPayload&) const = default;
};

// Names every byte of a payload of `type` that fills the rest of `in`, for a dissection of the log
// around it: "base_header" and "body", the latter in one piece when the type is not one of the
// above. Stops at the first damage.
void DissectLogPayload(Decoder& in, LogBaseType type);

// Payloads as a server writes them.
LogPayload<KeepAliveLogBody> KeepAliveLog(LsId ls_id, const KeepAliveLogBody& body);
// `service` is kTimestamp, kTransId or kDasId.
LogPayload<PresistIdLog> IdServiceLog(LogBaseType service, std::int64_t limit_id);
// `now_us`: microseconds since the epoch, the hint of this log.
LogPayload<GcLsLog> GcLog(GcLsLogType type, std::int64_t now_us);

}  // namespace obbak::format
