#include "engine/tenant_core.h"

#include <string>
#include <utility>

#include "engine/standby_replay.h"
#include "format/log_payload.h"

namespace obbak::engine {
namespace {

// docs/spec/consistency.md §1.2.
constexpr std::int64_t kTimestampIncrement = 10'000'000'000;  // 10 s
constexpr std::int64_t kTxIdIncrement = 1'000'000;

// A limit is raised when less than two thirds of the increment are left.
bool NeedsRaise(std::int64_t next, std::int64_t limit, std::int64_t increment) {
  return limit - next < increment / 3 * 2;
}

Status RaiseLimit(LogStream& sys, format::LogBaseType service, pb::IdLimit& limit,
                  std::int64_t value) {
  const Result<Bytes> payload = format::IdServiceLog(service, value).Encode();
  if (!payload) return Fail(payload.error());
  const Result<Clog::Appended> appended = sys.Append(*payload);
  if (!appended) return Fail(appended.error());
  limit.set_limited_id(value);
  limit.set_latest_log_ts(appended->scn.value);
  return {};
}

}  // namespace

TenantCore::TenantCore(Env environment, std::string directory, EngineOptions engine_options)
    : env(std::move(environment)),
      dir(std::move(directory)),
      engine(std::move(engine_options)),
      scns(env.clock),
      commits(env.loop, scns),
      cache(engine.block_cache),
      scan_buffers(env.loop, format::kMacroBlockSize, engine.scan_buffers),
      ddl(env.loop),
      maintenance(env.loop),
      destinations(env.loop),
      memory_freed(env.loop),
      memory_used(env.loop),
      background(env.loop) {
  origin.scheduler = {.version = format::AddrVersion::kIpv4, .w0 = 0x7f000001, .port = 2882};
}

TenantCore::~TenantCore() = default;

std::string TenantCore::ClogDir(format::LsId ls) const {
  return dir + "/clog/" + std::to_string(ls.value);
}

LogStream* TenantCore::FindStream(format::LsId id) const {
  const auto found = streams.find(id);
  return found == streams.end() ? nullptr : found->second.get();
}

Result<std::pair<LogStream*, Tablet*>> TenantCore::FindTablet(format::TabletId id) const {
  const Result<format::LsId> ls = catalog.LsOf(id);
  if (!ls) return Fail(ls.error());
  LogStream* stream = FindStream(*ls);
  Tablet* tablet = stream == nullptr ? nullptr : stream->FindTablet(id);
  if (tablet == nullptr && role != TenantRole::kPrimary) {
    for (const auto& [other_id, other] : streams) {
      Tablet* moved = other->IsCreationCommitted(id) ? other->FindTablet(id) : nullptr;
      if (moved != nullptr) return std::pair(other.get(), moved);
    }
  }
  if (tablet == nullptr) {
    return Fail(ErrorCode::kErrUnexpected,
                "tablet " + std::to_string(id.value) + " is not on log stream " +
                    std::to_string(ls->value) + ", as the catalog has it");
  }
  return std::pair(stream, tablet);
}

void TenantCore::Break(const Error& error) {
  if (!failure) return;
  env.log.Write(LogLevel::kError, "the tenant stops: " + error.ToString());
  failure = Fail(error);
  commits.Fail(error);
  memory_freed.WakeAll();
  memory_used.WakeAll();
  for (const auto& [id, stream] : streams) stream->decided().WakeAll();
}

io::Task<Status> TenantCore::Close() {
  stop.request_stop();
  memory_used.WakeAll();
  memory_freed.WakeAll();
  co_await background.Join();
  Status result;
  for (const auto& [id, stream] : streams) {
    if (!stream->has_clog()) continue;
    Status status = co_await stream->clog().Close();
    if (result && !status) result = std::move(status);
  }
  co_return result;
}

void TenantCore::AddMemory(LogStream& stream, std::size_t bytes) {
  memtable_bytes += bytes;
  if (stream.AddActiveBytes(bytes) >= engine.freeze_trigger) memory_used.WakeAll();
}

void TenantCore::RecountMemory() {
  memtable_bytes = 0;
  for (const auto& [id, stream] : streams) memtable_bytes += stream->memtable_bytes();
  memory_freed.WakeAll();
}

Status TenantCore::CheckWritable() const {
  if (!failure || role == TenantRole::kPrimary) return failure;
  return Fail(Error(ErrorCode::kOpNotAllow, "the tenant is a standby, it can only be read")
                  .WithPath(dir)
                  .WithAdvice("activate the standby first; it then goes its own way"));
}

Status TenantCore::ReserveIds() {
  if (Status status = CheckWritable(); !status) return status;
  LogStream& sys = *streams.at(format::kSysLsId);
  pb::IdLimit& timestamps = *sys.mutable_record().mutable_timestamp_limit();
  const auto now = static_cast<std::int64_t>(std::max(scns.last().value, env.clock.NowNs()));
  if (NeedsRaise(now, timestamps.limited_id(), kTimestampIncrement)) {
    Status status =
        RaiseLimit(sys, format::LogBaseType::kTimestamp, timestamps, now + kTimestampIncrement);
    if (!status) return status;
  }
  pb::IdLimit& tx_ids = *sys.mutable_record().mutable_transaction_id_limit();
  if (NeedsRaise(next_tx_id, tx_ids.limited_id(), kTxIdIncrement)) {
    return RaiseLimit(sys, format::LogBaseType::kTransId, tx_ids,
                      std::max(next_tx_id, tx_ids.limited_id()) + kTxIdIncrement);
  }
  return {};
}

}  // namespace obbak::engine
