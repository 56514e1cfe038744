#include "format/log_payload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "format/record.h"

namespace obbak::format {
namespace {

template <class Body>
bool IsTypeOf(LogBaseType type);
template <>
bool IsTypeOf<KeepAliveLogBody>(LogBaseType type) {
  return type == LogBaseType::kKeepAlive;
}
template <>
bool IsTypeOf<PresistIdLog>(LogBaseType type) {
  return type == LogBaseType::kTimestamp || type == LogBaseType::kTransId ||
         type == LogBaseType::kDasId;
}
template <>
bool IsTypeOf<GcLsLog>(LogBaseType type) {
  return type == LogBaseType::kGcLs;
}

// The rest of `in` as a payload.
template <class Body>
void DecodeInto(Decoder& in, LogPayload<Body>& log) {
  const std::size_t begin = in.position();
  DecodeField(in, "base_header", log.base_header);
  if (in.ok() && !IsTypeOf<Body>(log.base_header.log_type)) {
    in.Fail(
        ErrorCode::kInvalidData, begin + 2,
        fmt::format("log of type {} has another body", static_cast<int>(log.base_header.log_type)));
  }
  if (in.ok()) DecodeField(in, "body", log.body);
  if (in.ok() && in.remaining() > 0)
    in.Fail(ErrorCode::kDeserializeError, in.position(), "bytes are left over after the log");
}

template <class Body>
void Dissect(Decoder& in) {
  LogPayload<Body> log;
  DecodeInto(in, log);
}

}  // namespace

void CheckRules(const KeepAliveLogBody& body, Rules& rules) {
  rules.Require(body.compat_bit == 1, "compat_bit", "must be 1");
  switch (body.min_start_status) {
    case MinStartScnStatus::kUnknown:
      rules.Require(!body.min_start_scn.IsValid(), "min_start_scn",
                    "must be invalid when the status is UNKNOWN");
      return;
    case MinStartScnStatus::kNoCtx:
      rules.Require(body.min_start_scn == kMinScn, "min_start_scn",
                    "must be 0 when the status is NO_CTX");
      return;
    case MinStartScnStatus::kHasCtx:
      rules.Require(body.min_start_scn.IsValid() && body.min_start_scn > kMinScn, "min_start_scn",
                    "must be valid and above 0 when the status is HAS_CTX");
      return;
  }
  rules.Require(false, "min_start_status", "must be 0 (UNKNOWN), 1 (NO_CTX) or 2 (HAS_CTX)");
}

void CheckRules(const PresistIdLog& log, Rules& rules) {
  rules.Require(log.last_id >= 0, "last_id", "must not be negative");
  rules.Require(log.limit_id >= log.last_id, "limit_id", "must not be below last_id");
}

void CheckRules(const GcLsLog& log, Rules& rules) {
  rules.Require(log.version == 1, "version", "must be 1");
  rules.Require(IsNamed(log.log_type), "log_type",
                "must be 1 (BLOCK_TABLET_TRANSFER_IN) or 2 (OFFLINE_LS)");
}

template <class Body>
Result<Bytes> LogPayload<Body>::Encode() const {
  Rules rules;
  rules.Nested("base_header", base_header);
  if (Status status = rules.ToStatus(ErrorCode::kInvalidArgument); !status)
    return Fail(std::move(status).error());
  if (!IsTypeOf<Body>(base_header.log_type)) {
    return Fail(Error(ErrorCode::kInvalidArgument, "is not a type of this body")
                    .WithField("base_header.log_type"));
  }
  Encoder out;
  EncodeValue(out, base_header);
  EncodeValue(out, body);
  return std::move(out).Finish();
}

template <class Body>
Result<LogPayload<Body>> LogPayload<Body>::Decode(ByteView payload, Dissection* trace) {
  Decoder in(payload, trace);
  LogPayload log;
  DecodeInto(in, log);
  if (Status status = in.status(); !status) return Fail(std::move(status).error());
  Rules rules;
  rules.Nested("base_header", log.base_header);
  if (Status status = rules.ToStatus(ErrorCode::kInvalidData); !status)
    return Fail(std::move(status).error());
  return log;
}

template struct LogPayload<KeepAliveLogBody>;
template struct LogPayload<PresistIdLog>;
template struct LogPayload<GcLsLog>;

void DissectLogPayload(Decoder& in, LogBaseType type) {
  if (IsTypeOf<KeepAliveLogBody>(type)) return Dissect<KeepAliveLogBody>(in);
  if (IsTypeOf<PresistIdLog>(type)) return Dissect<PresistIdLog>(in);
  if (IsTypeOf<GcLsLog>(type)) return Dissect<GcLsLog>(in);
  LogBaseHeader base_header;
  DecodeField(in, "base_header", base_header);
  const std::size_t begin = in.position();
  in.Take(in.remaining());
  in.Frame("body", begin);
}

LogPayload<KeepAliveLogBody> KeepAliveLog(LsId ls_id, const KeepAliveLogBody& body) {
  return {.base_header = {.log_type = LogBaseType::kKeepAlive, .replay_hint = ls_id.value},
          .body = body};
}

LogPayload<PresistIdLog> IdServiceLog(LogBaseType service, std::int64_t limit_id) {
  assert(IsTypeOf<PresistIdLog>(service));
  const std::int64_t hint = service == LogBaseType::kTimestamp ? 0
                            : service == LogBaseType::kTransId ? 1
                                                               : 2;
  return {.base_header = {.log_type = service, .replay_hint = hint},
          .body = {.last_id = limit_id, .limit_id = limit_id}};
}

LogPayload<GcLsLog> GcLog(GcLsLogType type, std::int64_t now_us) {
  return {
      .base_header = {.log_type = LogBaseType::kGcLs, .flag = kPreBarrier, .replay_hint = now_us},
      .body = {.log_type = type}};
}

}  // namespace obbak::format
