#include "cli/interruption.h"

#include <atomic>
#include <chrono>
#include <csignal>

namespace obbak::cli {
namespace {

constexpr std::chrono::milliseconds kTick{50};

// All that a signal handler can reach.
std::atomic<bool> signalled = false;
static_assert(std::atomic<bool>::is_always_lock_free);

int handlers_wanted = 0;

void SetHandlers(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

void OnSignal(int) {
  signalled = true;
  SetHandlers(SIG_DFL);
}

}  // namespace

InterruptionSignals::InterruptionSignals() {
  if (handlers_wanted++ > 0) return;
  signalled = false;
  SetHandlers(&OnSignal);
}

InterruptionSignals::~InterruptionSignals() {
  if (--handlers_wanted == 0) SetHandlers(SIG_DFL);
}

Interruption::Interruption(io::Loop& loop, std::function<void()> cancel)
    : loop_(loop), cancel_(std::move(cancel)), watching_(loop) {
  watching_.Spawn(Watch());
}

Interruption::~Interruption() = default;

io::Task<void> Interruption::Watch() {
  for (;;) {
    // Not in a loop's condition: g++ 12 never ends the wait there.
    const Status slept = co_await loop_.Sleep(kTick, stop_.get_token());
    if (!slept) co_return;
    if (!signalled) continue;
    cancel_();
    co_return;
  }
}

io::Task<void> Interruption::End() {
  stop_.request_stop();
  co_await watching_.Join();
}

}  // namespace obbak::cli
