#include "cli/workload_run.h"

#include <algorithm>
#include <utility>

#include "io/sync.h"

namespace obbak::cli {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kShortestPause = std::chrono::microseconds(50);
constexpr int kLongestPauseShift = 8;
constexpr nanoseconds kTick = std::chrono::milliseconds(50);

struct Run {
  io::Loop& loop;
  const Workload& workload;
  const RunLimits& limits;
  Progress& progress;
  RunReport report;
  nanoseconds begin;
  std::uint64_t started = 0;
  std::uint64_t ended = 0;
  std::optional<Error> failure = {};

  nanoseconds elapsed() const { return loop.SteadyNow() - begin; }
  bool IsOver() const {
    return failure || limits.stop.stop_requested() ||
           (limits.duration && elapsed() >= *limits.duration) ||
           (limits.operations && started >= *limits.operations);
  }
  // 0 to 1.
  double Part() const {
    double part = 0;
    if (limits.duration) part = std::chrono::duration<double>(elapsed()) / *limits.duration;
    if (limits.operations) {
      part = std::max(part, static_cast<double>(ended) / static_cast<double>(*limits.operations));
    }
    return part;
  }
  void FailWith(const Error& error) {
    if (!failure) failure = error;
  }
};

// One operation, until it is decided.
io::Task<void> Operate(Run& run, WorkloadUser& user, io::Random& random) {
  KindReport& report = run.report.kinds[user.Choose(random)];
  const nanoseconds begin = run.loop.SteadyNow();
  for (int tries = 0;; ++tries) {
    const Result<Attempt> attempt = co_await user.Try();
    if (!attempt) {
      run.FailWith(attempt.error());
      co_return;
    }
    if (*attempt != Attempt::kConflict) {
      report.latency.Add(run.loop.SteadyNow() - begin);
      ++(*attempt == Attempt::kDone ? report.done : report.refused);
      ++run.ended;
      co_return;
    }
    ++report.conflicts;
    if (run.failure) co_return;
    // Longer and longer, so that those who wait for the same row don't meet again.
    const nanoseconds longest = kShortestPause * (1 << std::min(tries, kLongestPauseShift));
    const nanoseconds pause(random.Below(static_cast<std::uint64_t>(longest.count())));
    (void)co_await run.loop.Sleep(pause);
  }
}

io::Task<void> RunUser(Run& run, std::uint64_t seed) {
  io::Random random(seed);
  const std::unique_ptr<WorkloadUser> user = run.workload.make_user();
  while (!run.IsOver()) {
    ++run.started;
    co_await Operate(run, *user, random);
    run.progress.Update(run.ended, run.Part());
    // Reads that need no device would keep everybody else waiting.
    co_await run.loop.Yield();
  }
}

io::Task<void> Check(Run& run) {
  if (!run.workload.check || run.failure) co_return;
  const Status status = co_await run.workload.check();
  if (!status) run.FailWith(status.error());
  ++run.report.checks;
}

io::Task<void> RunChecks(Run& run) {
  nanoseconds next = run.loop.SteadyNow() + run.limits.check_interval;
  while (!run.IsOver()) {
    (void)co_await run.loop.Sleep(std::min(kTick, run.limits.check_interval));
    if (run.loop.SteadyNow() < next) continue;
    co_await Check(run);
    next = run.loop.SteadyNow() + run.limits.check_interval;
  }
}

}  // namespace

io::Task<Result<RunReport>> RunWorkload(io::Loop& loop, const Workload& workload, RunLimits limits,
                                        Progress& progress) {
  Run run{.loop = loop,
          .workload = workload,
          .limits = limits,
          .progress = progress,
          .report = {},
          .begin = loop.SteadyNow()};
  for (const std::string& name : workload.kinds) {
    run.report.kinds.emplace_back();
    run.report.kinds.back().name = name;
  }
  io::Random seeds(limits.seed);
  io::TaskGroup tasks(loop);
  for (std::size_t i = 0; i < limits.users; ++i) tasks.Spawn(RunUser(run, seeds.Next()));
  if (workload.check) tasks.Spawn(RunChecks(run));
  co_await tasks.Join();
  run.report.elapsed = run.elapsed();
  co_await Check(run);
  progress.Clear();
  if (run.failure) co_return Fail(*run.failure);
  co_return std::move(run.report);
}

}  // namespace obbak::cli
