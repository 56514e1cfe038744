#include "engine/activation.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/checkpoint.h"
#include "engine/clog_cut.h"
#include "engine/clog_reader.h"
#include "engine/manifest.h"
#include "engine/recovery.h"
#include "engine/standby.h"
#include "engine/tenant_core.h"
#include "format/group_rewrite.h"
#include "format/log_group.h"
#include "format/ls_meta_records.h"

namespace obbak::engine {
namespace {

using format::Lsn;
using format::Scn;

// What `group`, which begins where the log is cut, leaves of itself.
pb::LogCut CutAt(const Clog& clog, const format::LogGroup& group, Scn last,
                 std::int64_t accumulated_before) {
  pb::LogCut cut;
  cut.set_lsn(group.lsn.value);
  cut.set_end_lsn(clog.end_lsn().value);
  const Bytes kept = format::TruncateGroup(group, last, accumulated_before);
  if (!kept.empty()) cut.set_group(std::string(AsText(kept)));
  return cut;
}

// Where the log has entries above `last`, the replay having come to `next`; none when it has none.
io::Task<Result<std::optional<pb::LogCut>>> FindCut(Clog& clog, Lsn next, Scn last) {
  if (next == clog.end_lsn()) co_return std::nullopt;
  const Lsn block = format::BlockStart(BlockIdOf(next));
  const Result<format::PalfBaseInfo> base = clog.BaseInfo(block);
  if (!base) co_return Fail(base.error());
  std::int64_t accumulated = base->prev_log_info.accum_checksum;
  ClogReader reader(clog, block);
  for (;;) {
    const auto groups = co_await reader.Read();
    if (!groups) co_return Fail(groups.error());
    if (groups->empty()) {
      co_return Fail(ErrorCode::kErrUnexpected,
                     "no group begins at LSN " + std::to_string(next.value));
    }
    for (const format::LogGroup& group : *groups) {
      if (group.lsn == next) co_return CutAt(clog, group, last, accumulated);
      accumulated = group.header.accumulated_checksum;
    }
  }
}

// The point of no return. What the replay has made of the tablets becomes durable with it: where a
// primary's recovery finds a tablet's move in the log, the tablet's data is in the manifest.
io::Task<Status> Decide(TenantCore& core) {
  const Scn sync = core.replay->applied();
  if (Status status = co_await FlushStandby(core); !status) co_return status;
  pb::Edit edit;
  *edit.mutable_tenant() = core.manifest->state().tenant();
  edit.mutable_tenant()->set_activating(true);
  for (const auto& [ls, stream] : core.streams) {
    auto cut = co_await FindCut(stream->clog(), core.replay->next_lsn(ls), sync);
    if (!cut) co_return Fail(std::move(cut).error());
    pb::LogStream record = stream->record();
    if (cut->has_value()) *record.mutable_cut() = **std::move(cut);
    *edit.add_log_streams() = std::move(record);
  }
  co_return co_await core.manifest->Apply(std::move(edit));
}

io::Task<Status> BecomePrimary(TenantCore& core) {
  pb::Edit edit;
  *edit.mutable_tenant() = core.manifest->state().tenant();
  edit.mutable_tenant()->set_role(pb::Tenant::PRIMARY);
  edit.mutable_tenant()->clear_activating();
  // A copy: the state changes with each co_await.
  const ManifestState::LogStreams streams = core.manifest->state().log_streams();
  for (const auto& [ls, stream] : streams) {
    if (stream.has_cut()) {
      Status status = co_await CutClog(core.env, core.ClogDir(ls), ls, stream.cut());
      if (!status) co_return status;
    }
    pb::LogStream& record = *edit.add_log_streams();
    record = stream;
    record.clear_cut();
    record.clear_synced_lsn();
  }
  co_return co_await core.manifest->Apply(std::move(edit));
}

}  // namespace

io::Task<Status> ActivateStandby(Env env, std::string dir, EngineOptions engine) {
  TenantCore core(std::move(env), std::move(dir), std::move(engine));
  if (Status status = co_await RecoverManifest(core); !status) co_return status;
  if (core.role == TenantRole::kPrimary) co_return Status();
  if (!core.manifest->state().tenant().activating()) {
    Status status = CheckComplete(core);
    if (status) status = co_await RecoverTenant(core);
    if (status) status = co_await Decide(core);
    Status closed = co_await core.Close();
    if (!status) co_return status;
    if (!closed) co_return closed;
  }
  co_return co_await BecomePrimary(core);
}

}  // namespace obbak::engine
