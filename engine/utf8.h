// UTF-8 as utf8mb4 has it.
#pragma once

#include <cstddef>
#include <string_view>

namespace obbak::engine {

// Success of the strict definition: shortest forms, no surrogates, up to U+10FFFF.
bool IsUtf8(std::string_view text);
// Characters of a text; precondition for a meaningful number: IsUtf8(text).
std::size_t Utf8Length(std::string_view text);

}  // namespace obbak::engine
