// Which failures are tried again, and how often. docs/spec/procedures.md §3.6.
#pragma once

#include "base/error.h"

namespace obbak::backup {

// Attempts of a META task in one turn.
inline constexpr int kMaxMetaAttempts = 3;
// Of a step of the set task itself.
inline constexpr int kMaxStepRetries = 3;

bool IsRetryable(ErrorCode code);

}  // namespace obbak::backup
