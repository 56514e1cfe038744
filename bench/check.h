// Failures of benchmarks: they have nothing to say then.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace obbak::bench {

// Prints `what` and ends the program.
[[noreturn]] void Die(const std::string& what);

inline void Check(const Status& status) {
  if (!status) Die(status.error().ToString());
}
template <class T>
T Check(Result<T> result) {
  if (!result) Die(result.error().ToString());
  return *std::move(result);
}

}  // namespace obbak::bench
