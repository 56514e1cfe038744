#include "backup/archive_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "backup/archive_state.h"
#include "engine/maintenance.h"

namespace obbak::backup {
namespace {

using format::Scn;
using std::chrono::milliseconds;

// Between two attempts after a failure.
constexpr milliseconds kRetryPause{1000};
// How long a waiting command lets the others work before it looks again.
constexpr milliseconds kWaitPause{5};
// How often a log stream looks whether something is to be sent.
milliseconds PollInterval(milliseconds lag_target) {
  return std::clamp(lag_target / 4, milliseconds(10), milliseconds(1000));
}

// All that a standby has was sent, and the round needs more.
Error StandbyStandsStill(const RoundStatus& round) {
  return Error(ErrorCode::kStateNotMatch,
               fmt::format("archive round {} is {}, and the standby has no more log for it",
                           round.round.value, ToText(round.state)))
      .WithPath(round.path)
      .WithAdvice("it goes on when the standby has received and applied more");
}

// Says of a failure that repeats itself only once.
class FailureLog {
 public:
  explicit FailureLog(const Logger& log) : log_(log) {}

  void Report(const Status& status) {
    std::string text = status ? std::string() : status.error().ToString();
    if (!text.empty() && text != last_) log_.Write(LogLevel::kWarning, text);
    last_ = std::move(text);
  }

 private:
  const Logger& log_;
  std::string last_;
};

}  // namespace

ArchiveService::ArchiveService(engine::TenantCore& core, io::MediumFactory media,
                               ArchiveOptions options)
    : core_(core),
      media_(std::move(media)),
      options_(options),
      owner_(DestinationOwner::Of(core)),
      rows_(owner_.catalogue),
      scheduler_(core, owner_, archivers_, options.dictionary_interval),
      connecting_(core.env.loop),
      tasks_(core.env.loop) {
  // A round's start SCN is used, though no log has it.
  if (const auto round = rows_.Round(); round && *round) {
    core_.scns.Observe(std::max((*round)->start_scn, (*round)->checkpoint_scn));
  }
  for (const auto& [ls, stream] : core_.streams) {
    archivers_[ls] = std::make_unique<LsArchiver>(
        core_, *stream, owner_,
        LsArchiver::Options{.lag_target = options_.lag_target, .stop = stop_.get_token()});
    archivers_[ls]->KeepLog();
  }
}

Status ArchiveService::CheckCatalogue() const {
  const auto dest = rows_.Dest();
  if (!dest) return Fail(dest.error());
  const auto pieces = rows_.Pieces();
  if (!pieces) return Fail(pieces.error());
  const auto history = rows_.History();
  if (!history) return Fail(history.error());
  const auto round = rows_.Round();
  if (!round) return Fail(round.error());
  if (!*round) return {};
  const auto progress = rows_.ProgressOf(**round);
  if (!progress) return Fail(progress.error());
  return {};
}

bool ArchiveService::IsPrimary() const {
  return core_.manifest->state().tenant().role() == engine::pb::Tenant::PRIMARY;
}

const Error* ArchiveService::last_error() const {
  if (!stream_errors_.empty()) return &stream_errors_.begin()->second;
  return scheduler_error_ ? &*scheduler_error_ : nullptr;
}

// ---- The destination's medium

void ArchiveService::UseMedium(std::shared_ptr<io::Medium> medium) {
  medium_ = std::move(medium);
  medium_is_clean_ = false;
}

io::Task<Status> ArchiveService::Connect() {
  const io::Mutex::Guard lock = co_await connecting_.Lock();
  if (medium_ != nullptr) co_return Status();
  const auto setting = rows_.Dest();
  if (!setting) co_return Fail(setting.error());
  if (!*setting) co_return Status();
  Result<std::unique_ptr<io::Medium>> made = media_((*setting)->dest.location);
  if (!made) co_return Fail(std::move(made).error());
  medium_ = *std::move(made);
  medium_is_clean_ = false;
  co_return Status();
}

io::Task<std::shared_ptr<io::Medium>> ArchiveService::UsableMedium() {
  const io::Mutex::Guard lock = co_await connecting_.Lock();
  const std::shared_ptr<io::Medium> medium = medium_;
  if (medium != nullptr && !medium_is_clean_) {
    // Before anything is written there; what cannot be removed now is removed when a round begins.
    medium_is_clean_ = true;
    const Status removed = co_await medium->RemoveTemporaries();
    if (!removed) core_.env.log.Write(LogLevel::kWarning, removed.error().ToString());
  }
  co_return medium;
}

// ---- Background

void ArchiveService::Start() {
  if (!options_.background) return;
  tasks_.Spawn(RunScheduler(*this));
  for (const auto& [ls, archiver] : archivers_) tasks_.Spawn(RunLogStream(*this, *archiver));
}

io::Task<void> ArchiveService::Stop() {
  stop_.request_stop();
  co_await tasks_.Join();
}

io::Task<void> ArchiveService::RunScheduler(ArchiveService& service) {
  FailureLog log(service.core_.env.log);
  while (!service.stop_.stop_requested() && service.core_.CheckUsable()) {
    log.Report(co_await service.Pass());
    const Status slept = co_await service.core_.env.loop.Sleep(service.options_.checkpoint_interval,
                                                               service.stop_.get_token());
    if (!slept) co_return;
  }
}

io::Task<void> ArchiveService::RunLogStream(ArchiveService& service, LsArchiver& archiver) {
  FailureLog log(service.core_.env.log);
  const milliseconds poll = PollInterval(service.options_.lag_target);
  while (!service.stop_.stop_requested() && service.core_.CheckUsable()) {
    const Status status = co_await service.Work(archiver, SendExtent::kDue);
    log.Report(status);
    const milliseconds pause = status ? poll : std::max(poll, kRetryPause);
    const Status slept = co_await service.core_.env.loop.Sleep(pause, service.stop_.get_token());
    if (!slept) co_return;
  }
}

// ---- Work

io::Task<Status> ArchiveService::Pass() {
  // From here on the destination stays what it is.
  const io::Mutex::Guard lock = co_await LockPasses();
  Status status = co_await Connect();
  if (status) {
    const std::shared_ptr<io::Medium> usable = co_await UsableMedium();
    status = co_await scheduler_.Pass(usable.get());
  }
  scheduler_error_.reset();
  if (!status) scheduler_error_ = status.error();
  co_return status;
}

io::Task<Status> ArchiveService::Work(LsArchiver& archiver, SendExtent extent) {
  Status status = co_await Connect();
  if (status) {
    const std::shared_ptr<io::Medium> usable = co_await UsableMedium();
    if (usable == nullptr) co_return Status();
    status = co_await archiver.Work(*usable, extent);
  }
  stream_errors_.erase(archiver.ls());
  if (!status) stream_errors_.emplace(archiver.ls(), status.error());
  co_return status;
}

io::Task<void> ArchiveService::WorkInto(ArchiveService& service, LsArchiver& archiver,
                                        Status& result) {
  Status status = co_await service.Work(archiver, SendExtent::kEverything);
  if (result && !status) result = std::move(status);
}

io::Task<Status> ArchiveService::WorkAll() {
  Status result;
  io::TaskGroup group(core_.env.loop);
  for (const auto& [ls, archiver] : archivers_) group.Spawn(WorkInto(*this, *archiver, result));
  co_await group.Join();
  co_return result;
}

io::Task<Status> ArchiveService::AdvanceLogs(Scn scn) {
  if (Status status = engine::AdvanceLogs(core_, scn); !status) co_return status;
  for (const auto& [ls, stream] : core_.streams) {
    Status durable = co_await stream->clog().WaitDurable(stream->clog().end_lsn());
    if (!durable) co_return durable;
  }
  co_return Status();
}

io::Task<Status> ArchiveService::SendEverything(Scn scn) {
  Status status;
  if (IsPrimary()) status = co_await AdvanceLogs(std::max(scn, core_.scns.Next()));
  if (status) status = co_await WorkAll();
  if (status) status = co_await Pass();
  co_return status;
}

// ---- What commands wait for

io::Task<Status> ArchiveService::AwaitState() {
  for (bool stood_still = false;;) {
    if (stop_.stop_requested()) co_return Fail(ErrorCode::kCanceled, "archiving is being closed");
    const auto before = rows_.Round();
    const Status passed = co_await Pass();
    const Result<bool> settled = IsSettled(rows_);
    if (!settled) co_return Fail(settled.error());
    if (*settled) co_return Status();
    if (!passed) co_return passed;
    if (Status status = co_await MoveOn(); !status) co_return status;
    const bool stands_still = before && *before == rows_.Round().value_or(std::nullopt);
    if (stands_still && stood_still && !IsPrimary()) co_return Fail(StandbyStandsStill(**before));
    stood_still = stands_still;
    if (stands_still) (void)co_await core_.env.loop.Sleep(kWaitPause, stop_.get_token());
  }
}

io::Task<Status> ArchiveService::MoveOn() {
  const auto round = rows_.Round();
  if (!round) co_return Fail(round.error());
  // It is DOING when every log stream has archived something above its start.
  if (*round && (*round)->state == RoundState::kBeginning && IsPrimary()) {
    Status advanced = co_await AdvanceLogs({(*round)->start_scn.value + 1});
    if (!advanced) co_return advanced;
  }
  co_return co_await WorkAll();
}

io::Task<Status> ArchiveService::CatchUpTo(Scn scn) {
  for (bool has_tried = false;; has_tried = true) {
    if (stop_.stop_requested()) co_return Fail(ErrorCode::kCanceled, "archiving is being closed");
    const auto round = rows_.Round();
    if (!round) co_return Fail(round.error());
    if (!*round) co_return Status();
    if ((*round)->state == RoundState::kInterrupted) co_return Fail(InterruptionOf(rows_, **round));
    const bool goes_on = IsSending((*round)->state) || (*round)->state == RoundState::kPrepare;
    if (!goes_on) co_return Status();
    const Result<Scn> published = PublishedCheckpoint(rows_, **round);
    if (!published) co_return Fail(published.error());
    if (*published >= scn) co_return Status();
    if (has_tried && !IsPrimary()) {
      co_return Fail(
          ErrorCode::kStateNotMatch,
          fmt::format("the standby's logs are archived up to SCN {}, {} is not among them",
                      published->value, scn.value));
    }
    if (Status status = co_await SendEverything(scn); !status) co_return status;
    const auto now = rows_.Round();
    // Somebody else is at work.
    if (now && *now == *round) (void)co_await core_.env.loop.Sleep(kWaitPause, stop_.get_token());
  }
}

io::Task<Status> ArchiveService::CatchUpStandby() {
  if (Status status = co_await SendEverything(format::kMinScn); !status) co_return status;
  // Only whether the round still goes on.
  co_return co_await CatchUpTo(format::kMinScn);
}

}  // namespace obbak::backup
