#include "bench/check.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace obbak::bench {

void Die(const std::string& what) {
  fmt::print(stderr, "bench: {}\n", what);
  std::exit(1);
}

}  // namespace obbak::bench
