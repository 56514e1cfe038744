#include "backup/checkpoint_wait.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "backup/waiting.h"
#include "engine/ddl_payloads.h"
#include "engine/maintenance.h"
#include "engine/standby.h"

namespace obbak::backup {
namespace {

// A flush or checkpoint that runs by itself: it can wait for transactions as long as it must, while
// who began it gives up.
struct Step {
  bool running = false;
  Status result;
};

io::Task<void> RunFlush(engine::TenantCore& core, engine::LogStream& stream,
                        std::shared_ptr<Step> step) {
  io::Task<Status> flush = core.role == engine::TenantRole::kStandby
                               ? engine::FlushStandby(core)
                               : engine::FlushStream(core, stream);
  step->result = co_await std::move(flush);
  step->running = false;
}

io::Task<void> RunCheckpoint(engine::TenantCore& core, engine::LogStream& stream,
                             std::shared_ptr<Step> step) {
  step->result = co_await engine::Checkpoint(core, stream);
  step->running = false;
}

// Whether some tablet's rows with SCNs up to `target` are not in SSTables.
bool NeedsFlush(const engine::LogStream& stream, format::Scn target) {
  return std::ranges::any_of(
      stream.tablets(), [&](const auto& entry) { return entry.second->checkpoint_scn() < target; });
}

void Begin(const SetContext& context, engine::LogStream& stream, format::Scn target,
           const std::shared_ptr<Step>& step) {
  engine::TenantCore& core = context.core;
  const bool needs_flush = core.role == engine::TenantRole::kStandby || NeedsFlush(stream, target);
  const format::Scn durable = stream.clog().durable_end_scn();
  if (!needs_flush && stream.SafeCheckpoint(durable) < target) return;
  step->running = true;
  core.background.Spawn(needs_flush ? RunFlush(core, stream, step)
                                    : RunCheckpoint(core, stream, step));
}

Error TimedOut(const engine::LogStream& stream, format::Scn target) {
  return Error(ErrorCode::kBackupAdvanceCheckpointTimeout,
               fmt::format("the checkpoint of log stream {} stays at SCN {}, the backup needs {}",
                           stream.id().value, stream.record().clog_checkpoint_scn(), target.value))
      .WithAdvice("end transactions that have been open for long, and back up again");
}

}  // namespace

io::Task<Status> AdvanceCheckpoint(const SetContext& context, engine::LogStream& stream,
                                   format::Scn target) {
  Waiting waiting(context);
  if (context.core.role == engine::TenantRole::kPrimary) {
    if (Status status = engine::AdvanceLogs(context.core, target); !status) co_return status;
  }
  const auto step = std::make_shared<Step>();
  while (stream.record().clog_checkpoint_scn() < target.value || step->running) {
    if (Status status = context.CheckRunning(); !status) co_return status;
    if (!step->result) co_return step->result;
    if (waiting.is_over()) co_return Fail(TimedOut(stream, target));
    if (!step->running) Begin(context, stream, target, step);
    co_await waiting.Pause();
  }
  co_return step->result;
}

}  // namespace obbak::backup
