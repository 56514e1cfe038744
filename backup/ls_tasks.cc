#include "backup/ls_tasks.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "io/sync.h"

namespace obbak::backup {
namespace {

struct Shared {
  std::vector<format::LsId> log_streams;
  std::size_t next = 0;
  LsTask task;
  std::stop_source& halt;
  std::optional<LsFailure> failure;
};

io::Task<void> Work(Shared& shared) {
  while (shared.next < shared.log_streams.size() && !shared.failure) {
    const format::LsId ls = shared.log_streams[shared.next++];
    const Status status = co_await shared.task(ls);
    if (status || shared.failure) continue;
    shared.failure = LsFailure{ls, status.error()};
    shared.halt.request_stop();
  }
}

}  // namespace

io::Task<std::optional<LsFailure>> RunLsTasks(SetContext& context, std::stop_source& halt,
                                              std::vector<format::LsId> log_streams, LsTask task) {
  Shared shared{.log_streams = std::move(log_streams),
                .next = 0,
                .task = std::move(task),
                .halt = halt,
                .failure = {}};
  const std::size_t workers =
      std::max<std::size_t>(1, std::min(shared.log_streams.size(), context.options.concurrency));
  io::TaskGroup group(context.core.env.loop);
  for (std::size_t i = 0; i < workers; ++i) group.Spawn(Work(shared));
  co_await group.Join();
  co_return std::move(shared.failure);
}

}  // namespace obbak::backup
