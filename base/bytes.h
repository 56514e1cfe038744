// Names for runs of bytes, and their hexadecimal text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace obbak {

using ByteView = std::span<const std::byte>;
using Bytes = std::vector<std::byte>;

// The bytes of `text`, which must outlive the view.
ByteView AsByteView(std::string_view text);
// The characters of `bytes`, which must outlive the view.
std::string_view AsText(ByteView bytes);

// Lower-case hexadecimal without separators.
std::string ToHex(ByteView bytes);
// The inverse of ToHex; upper case is accepted too. Fails on an odd length or a character that is
// not a digit.
Result<Bytes> FromHex(std::string_view hex);

}  // namespace obbak
