// io::AlignedBytes under the engine's name.
#pragma once

#include "io/aligned_bytes.h"

namespace obbak::engine {

using io::AlignDown;
using io::AlignedBytes;
using io::AlignUp;

}  // namespace obbak::engine
